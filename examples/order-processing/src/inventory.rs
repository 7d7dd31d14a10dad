//! Inventory: keeps the stock. `order.created` → `inventory.reserved` or `inventory.out_of_stock`;
//! `payment.success` → `inventory.committed`.

use std::{collections::HashMap, sync::Mutex};

use topoc_runtime::{Connection, Outcome, types::Uuid};

use crate::{
    Done,
    order_processing::{
        InventoryCommitted, InventoryOutOfStock, InventoryReserved, OrderCreated, PaymentSucceeded,
        inventory::{Handler, Publisher, serve},
    },
    short, story,
};

/// Runs the service until SIGTERM.
pub(crate) async fn run(connection: Connection) -> Done {
    Ok(serve(&connection, Inventory::default()).await?)
}

/// What there is, and for whom it is kept.
#[derive(Default)]
struct Inventory {
    reserved: Mutex<HashMap<Uuid, bool>>,
}

impl Inventory {
    /// Keeps an order's items; false where there are none. The same order asked again gets the same answer.
    fn reserve(&self, order: &OrderCreated) -> bool {
        let there = order.items.iter().all(|item| item.sku != "unicorn");
        let mut reserved = self.reserved.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *reserved.entry(order.order_id).or_insert(there)
    }
}

impl Handler for Inventory {
    async fn order_created(&self, order: OrderCreated, publish: &Publisher) -> Outcome {
        let id = short(order.order_id);
        if order.items.iter().any(|item| item.sku == "cursed-doll") {
            story!("inventory", "{id}: cannot make sense of a cursed doll, gives the message up");
            return Outcome::dead_letter("nobody can count cursed dolls");
        }
        if self.reserve(&order) {
            let items: Vec<_> =
                order.items.iter().map(|item| format!("{} × {}", item.quantity, item.sku)).collect();
            story!("inventory", "{id}: reserved {}", items.join(", "));
            let reserved = InventoryReserved {
                order_id: order.order_id,
                customer: order.customer,
                items: order.items,
                total: order.total,
                urgent: order.urgent,
            };
            publish.inventory_reserved(&reserved).await.into()
        } else {
            story!("inventory", "{id}: out of stock");
            let sku = order.items.first().map_or_else(String::new, |item| item.sku.clone());
            publish
                .inventory_out_of_stock(&InventoryOutOfStock { order_id: order.order_id, sku })
                .await
                .into()
        }
    }

    async fn payment_succeeded(&self, payment: PaymentSucceeded, publish: &Publisher) -> Outcome {
        story!("inventory", "{}: committed", short(payment.order_id));
        publish.inventory_committed(&InventoryCommitted { order_id: payment.order_id }).await.into()
    }
}
