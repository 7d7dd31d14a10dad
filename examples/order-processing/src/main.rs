//! An e-commerce backend of six services, all on code generated from `topology.kdl`.
//!
//! `order-processing SERVICE` runs one of them until SIGTERM; `order-processing customer` places orders over HTTP.
//! `TOPOC_AMQP` says where the broker is.

mod audit;
mod customer;
mod inventory;
mod notification;
mod order;
mod payment;
mod shipping;

use std::process::ExitCode;

topoc_runtime::include_topology!("order_processing");

const USAGE: &str = "usage: order-processing order|inventory|payment|shipping|notification|audit
       order-processing customer [ORDERS]";

#[tokio::main]
async fn main() -> ExitCode {
    let log =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn,story=info".into());
    tracing_subscriber::fmt().with_env_filter(log).with_target(false).with_level(false).init();
    let mut arguments = std::env::args().skip(1);
    let done = match arguments.next().as_deref() {
        Some("order") => order::run().await,
        Some("inventory") => inventory::run().await,
        Some("payment") => payment::run().await,
        Some("shipping") => shipping::run().await,
        Some("notification") => notification::run().await,
        Some("audit") => audit::run().await,
        Some("customer") => customer::run(arguments.next()),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
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
