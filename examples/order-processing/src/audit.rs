//! Audit: writes every event down, one JSON line each, in the file that `AUDIT_LOG` names.

use std::env;

use serde::Serialize;
use tokio::{fs::OpenOptions, io::AsyncWriteExt, sync::Mutex};
use topoc_runtime::{Connection, Outcome};

use crate::{
    Done,
    order_processing::{
        InventoryCommitted, InventoryOutOfStock, InventoryReserved, OrderCancelled, OrderCompleted,
        OrderCreated, OrderPaid, OrderShipped, PaymentFailed, PaymentSucceeded, ShippingDelivered,
        ShippingPrepared,
        audit::{Handler, serve},
    },
    story,
};

/// Runs the service until SIGTERM.
pub(crate) async fn run(connection: Connection) -> Done {
    let path = env::var("AUDIT_LOG").unwrap_or_else(|_| "audit.log".to_owned());
    let file = OpenOptions::new().create(true).append(true).open(&path).await?;
    let log = Log { file: Mutex::new((file, 0)) };
    let served = serve(&connection, log).await;
    story!("audit", "every event is in {path}");
    Ok(served?)
}

struct Log {
    file: Mutex<(tokio::fs::File, usize)>,
}

impl Log {
    /// An event is acknowledged once it is on the disk.
    async fn write(&self, event: &str, payload: impl Serialize) -> Outcome {
        let line = serde_json::json!({ "event": event, "payload": payload });
        let (file, written) = &mut *self.file.lock().await;
        let done = async {
            file.write_all(format!("{line}\n").as_bytes()).await?;
            file.sync_data().await
        };
        match done.await {
            Ok(()) => {
                *written += 1;
                if written.is_multiple_of(25) {
                    story!("audit", "{written} events written down");
                }
                Outcome::ack()
            }
            Err(error) => Outcome::retry_because(error),
        }
    }
}

impl Handler for Log {
    async fn order_created(&self, event: OrderCreated) -> Outcome {
        self.write("order.created", event).await
    }

    async fn order_paid(&self, event: OrderPaid) -> Outcome {
        self.write("order.paid", event).await
    }

    async fn order_shipped(&self, event: OrderShipped) -> Outcome {
        self.write("order.shipped", event).await
    }

    async fn order_completed(&self, event: OrderCompleted) -> Outcome {
        self.write("order.completed", event).await
    }

    async fn order_cancelled(&self, event: OrderCancelled) -> Outcome {
        self.write("order.cancelled", event).await
    }

    async fn inventory_reserved(&self, event: InventoryReserved) -> Outcome {
        self.write("inventory.reserved", event).await
    }

    async fn inventory_out_of_stock(&self, event: InventoryOutOfStock) -> Outcome {
        self.write("inventory.out_of_stock", event).await
    }

    async fn inventory_committed(&self, event: InventoryCommitted) -> Outcome {
        self.write("inventory.committed", event).await
    }

    async fn payment_succeeded(&self, event: PaymentSucceeded) -> Outcome {
        self.write("payment.success", event).await
    }

    async fn payment_failed(&self, event: PaymentFailed) -> Outcome {
        self.write("payment.failed", event).await
    }

    async fn shipping_prepared(&self, event: ShippingPrepared) -> Outcome {
        self.write("shipping.prepared", event).await
    }

    async fn shipping_delivered(&self, event: ShippingDelivered) -> Outcome {
        self.write("shipping.delivered", event).await
    }
}
