//! Payment: charges customers. `inventory.reserved` → `payment.success` or `payment.failed`; answers whether a
//! payment is genuine.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use topoc_runtime::{
    Connection, Outcome,
    rpc::Failure,
    types::{Decimal, Uuid},
};

use crate::{
    Done,
    order_processing::{
        InventoryReserved, PaymentAnswer, PaymentFailed, PaymentQuestion, PaymentSucceeded,
        payment::{Handler, Publisher, serve},
    },
    short, story,
};

/// Runs the service until SIGTERM.
pub(crate) async fn run(connection: Connection) -> Done {
    Ok(serve(&connection, Payment::default()).await?)
}

/// The most that a card holds.
const LIMIT: i64 = 1000;

/// A stand-in for a payment gateway: remembers what it charged, and is busy now and then.
#[derive(Clone, Default)]
struct Payment {
    book: Arc<Mutex<Book>>,
}

#[derive(Default)]
struct Book {
    charged: HashMap<Uuid, String>,
    tries: HashMap<Uuid, u32>,
}

enum Charge {
    Done(String),
    Refused,
    Busy,
}

impl Payment {
    /// Charges an order once, however often it is asked.
    fn charge(&self, order: &InventoryReserved) -> Charge {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reference) = book.charged.get(&order.order_id) {
            return Charge::Done(reference.clone());
        }
        if order.total > Decimal::from(LIMIT) {
            return Charge::Refused;
        }
        let tries = book.tries.entry(order.order_id).or_default();
        *tries += 1;
        if *tries <= 2 && order.items.iter().any(|item| item.sku == "flaky-lamp") {
            return Charge::Busy;
        }
        let reference = format!("PAY-{}", short(order.order_id));
        book.charged.insert(order.order_id, reference.clone());
        Charge::Done(reference)
    }
}

impl Handler for Payment {
    async fn inventory_reserved(&self, order: InventoryReserved, publish: &Publisher) -> Outcome {
        let id = short(order.order_id);
        match self.charge(&order) {
            Charge::Done(reference) => {
                story!("payment", "{id}: charged {} as {reference}", order.total);
                let paid = PaymentSucceeded { order_id: order.order_id, reference, urgent: order.urgent };
                // urgent parcels overtake others in shipping's priority queue
                publish.payment_succeeded(&paid).priority(if order.urgent { 4 } else { 0 }).await.into()
            }
            Charge::Refused => {
                story!("payment", "{id}: the card does not hold {}", order.total);
                let why = "the card is refused".to_owned();
                publish.payment_failed(&PaymentFailed { order_id: order.order_id, why }).await.into()
            }
            Charge::Busy => {
                story!("payment", "{id}: the gateway is busy, tries again later");
                Outcome::retry_because("the gateway is busy")
            }
        }
    }

    async fn confirm_payment(
        &self,
        question: PaymentQuestion,
        _: &Publisher,
    ) -> Result<PaymentAnswer, Failure> {
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let genuine = book.charged.get(&question.order_id).is_some_and(|known| *known == question.reference);
        Ok(PaymentAnswer { genuine })
    }
}
