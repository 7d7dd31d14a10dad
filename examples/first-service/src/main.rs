//! Two services on the code generated from `topology.kdl`: `checkout` takes an order, `billing` bills it.

use topoc_runtime::{
    Connection, Outcome,
    types::{Decimal, Uuid},
};
use tracing_subscriber::filter::LevelFilter;

topoc_runtime::include_topology!("shop");
use shop::{OrderCreated, billing, checkout};

#[cfg(test)]
mod tests;

type Done = Result<(), Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Done {
    // what the runtime warns of: a broker that does not answer, a message that cannot be read
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(std::io::stderr).init();
    // the broker that TOPOC_AMQP names
    let connection = Connection::from_env().await?;
    match std::env::args().nth(1).as_deref() {
        Some("checkout") => take_order(&connection).await,
        Some("billing") => Ok(billing::serve(&connection, Billing).await?),
        _ => Err("usage: first-service checkout|billing".into()),
    }
}

/// Publishes one order, and returns when the broker has it safely in a queue.
async fn take_order(connection: &Connection) -> Done {
    let order = OrderCreated {
        order_id: Uuid::new_v4(),
        country: "de".to_owned(),
        total: Decimal::new(2490, 2),
        note: None,
    };
    checkout::Publisher::new(connection).order_created(&order).await?;
    println!("published order {}", order.order_id);
    Ok(())
}

struct Billing;

impl billing::Handler for Billing {
    async fn order_created(&self, order: OrderCreated) -> Outcome {
        if order.total <= Decimal::ZERO {
            return Outcome::dead_letter("there is nothing to bill");
        }
        println!("billed {} for order {}", order.total, order.order_id);
        Outcome::ack()
    }
}
