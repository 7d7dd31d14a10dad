//! An e-commerce backend of six services, all on code generated from `topology.kdl`.
//!
//! `order-processing SERVICE` runs one of them until SIGTERM; `order-processing customer` places orders over HTTP.
//! `TOPOC_AMQP` says where the broker is. `order-processing --in-memory` needs none: it runs all six and their
//! customers in one process.

mod audit;
mod customer;
mod in_memory;
mod inventory;
mod notification;
mod order;
mod payment;
mod shipping;

use std::process::ExitCode;

use tokio::net::TcpListener;
use topoc_runtime::Connection;

topoc_runtime::include_topology!("order_processing");

const USAGE: &str = "usage: order-processing order|inventory|payment|shipping|notification|audit
       order-processing customer [ORDERS]
       order-processing --in-memory [ORDERS]";

#[tokio::main]
async fn main() -> ExitCode {
    let log =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn,story=info".into());
    tracing_subscriber::fmt().with_env_filter(log).with_target(false).with_level(false).init();
    let mut arguments = std::env::args().skip(1);
    let service = arguments.next().unwrap_or_default();
    match run(&service, arguments.next()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(service: &str, orders: Option<String>) -> Done {
    let shop = std::env::var("ORDER_HTTP").unwrap_or_else(|_| order::HTTP.to_owned());
    let connect = Connection::from_env;
    match service {
        "order" => order::run(connect().await?, TcpListener::bind(shop).await?).await,
        "inventory" => inventory::run(connect().await?).await,
        "payment" => payment::run(connect().await?).await,
        "shipping" => shipping::run(connect().await?).await,
        "notification" => notification::run(connect().await?).await,
        "audit" => audit::run(connect().await?).await,
        "customer" => customer::run(orders, &shop),
        "--in-memory" => in_memory::run(orders).await,
        _ => Err(USAGE.into()),
    }
}

/// What a service's run ends with.
type Done = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Tells what a service did, in one line that a person can follow.
macro_rules! story {
    ($service:literal, $($arguments:tt)*) => {
        tracing::info!(target: "story", "{:<13}{}", $service, format_args!($($arguments)*))
    };
}
pub(crate) use story;

/// The first characters of an order's id: enough to follow it.
fn short(id: topoc_runtime::types::Uuid) -> String {
    id.simple().to_string().chars().take(6).collect()
}
