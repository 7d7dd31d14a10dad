//! The services without a broker, or on the RabbitMQ that TOPOC_AMQP names.

use super::*;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use topoc_runtime::{Options, memory::Broker};

/// Bills, and tells what came of it.
struct Told(UnboundedSender<Outcome>);

impl billing::Handler for Told {
    async fn order_created(&self, order: OrderCreated) -> Outcome {
        let outcome = Billing.order_created(order).await;
        let _ = self.0.send(outcome.clone());
        outcome
    }
}

#[tokio::test]
async fn an_order_is_billed() -> Done {
    let connection = Connection::open(Options::from_env_or_memory(&shop::TOPOLOGY)?).await?;
    // on an empty RabbitMQ it makes them; in memory they are there
    billing::declare(&connection).await?;
    let (tell, mut told) = unbounded_channel();
    let server = connection.clone();
    let serving = tokio::spawn(async move { billing::serve(&server, Told(tell)).await });
    take_order(&connection).await?;
    assert_eq!(told.recv().await, Some(Outcome::Ack));
    connection.shutdown().trigger();
    Ok(serving.await??)
}

/// A handler whose printer is out of paper.
struct OutOfPaper;

impl billing::Handler for OutOfPaper {
    async fn order_created(&self, _: OrderCreated) -> Outcome {
        Outcome::retry_because("out of paper")
    }
}

#[tokio::test]
async fn what_cannot_be_billed_is_tried_four_times_and_kept() -> Done {
    let broker = Broker::new(&shop::TOPOLOGY)?;
    let connection = broker.connect().await?;
    let server = connection.clone();
    tokio::spawn(async move { billing::serve(&server, OutOfPaper).await });
    broker.consumed("shop", "billing").await?;
    take_order(&connection).await?;
    // the ladder is 5 s, 30 s and 5 min: no time passes but the broker's own
    broker.advance(Duration::from_secs(334)).await;
    assert_eq!(broker.messages("shop", "billing.retry.3")?.len(), 1);
    broker.advance(Duration::from_secs(1)).await;
    let dead = broker.messages("shop", "billing.dead")?;
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].header("x-topoc-reason"), Some("out of paper".into()));
    Ok(())
}
