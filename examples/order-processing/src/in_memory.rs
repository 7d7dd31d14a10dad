//! The whole shop in one process, on a broker in memory: six services and their customers, with nothing installed.

use tokio::{net::TcpListener, task::JoinSet};
use topoc_runtime::memory::Broker;

use crate::{Done, audit, customer, inventory, notification, order, order_processing, payment, shipping};

/// Runs until every order has reached its end.
pub(crate) async fn run(orders: Option<String>) -> Done {
    // parcels travel, and a busy gateway is tried again, in real time
    let broker = Broker::new(&order_processing::TOPOLOGY)?.with_running_clock();
    // a port that nobody uses
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let shop = listener.local_addr()?.to_string();
    let connection = broker.connect().await?;
    let mut services = JoinSet::new();
    services.spawn(order::run(connection.clone(), listener));
    services.spawn(inventory::run(connection.clone()));
    services.spawn(payment::run(connection.clone()));
    services.spawn(shipping::run(connection.clone()));
    services.spawn(notification::run(connection.clone()));
    services.spawn(audit::run(connection.clone()));
    let served = tokio::task::spawn_blocking(move || customer::run(orders, &shop)).await?;
    // the last events are still on their way to the audit log
    broker.settled().await;
    connection.shutdown().trigger();
    while let Some(ended) = services.join_next().await {
        ended??;
    }
    served
}
