//! Order: takes orders over HTTP and follows them to their end.

mod book;
mod http;

use std::sync::Arc;

use tokio::net::TcpListener;
use topoc_runtime::{Connection, Outcome, types::Uuid};

use crate::{
    Done,
    order_processing::{
        InventoryOutOfStock, InventoryReserved, OrderCancelled, OrderCompleted, OrderCreated, OrderPaid,
        OrderShipped, PaymentFailed, PaymentQuestion, PaymentSucceeded, Reason, ShippingDelivered,
        ShippingPrepared,
        order::{InventoryDead, OrderQueue, PaymentDead, Publisher, serve},
    },
    short, story,
};
use book::{Book, State};

/// Where customers find the shop, unless `ORDER_HTTP` says another place.
pub(crate) const HTTP: &str = "127.0.0.1:8080";

/// Runs the service until SIGTERM, with its HTTP on the listener.
pub(crate) async fn run(connection: Connection, listener: TcpListener) -> Done {
    let book = Arc::new(Book::default());
    let http = http::serve(listener, Arc::clone(&book), Publisher::new(&connection))?;
    let served = serve(&connection, Orders { book }).await;
    http.abort();
    Ok(served?)
}

struct Orders {
    book: Arc<Book>,
}

impl Orders {
    async fn cancel(&self, id: Uuid, reason: Reason, why: &str, publish: &Publisher) -> Outcome {
        let Some(customer) = self.book.customer(id) else { return unknown(id) };
        if self.book.state(id).is_some_and(State::is_final) {
            return Outcome::ack();
        }
        if let Err(error) = publish.order_cancelled(&OrderCancelled { order_id: id, customer, reason }).await
        {
            return Outcome::retry_because(error);
        }
        story!("order", "{}: cancelled, {why}", short(id));
        self.book.cancel(id, why);
        Outcome::ack()
    }
}

/// An order that this process does not know, from before it started: there is nothing to do for it.
fn unknown(id: Uuid) -> Outcome {
    tracing::warn!("order {id} is not known here");
    Outcome::ack()
}

impl OrderQueue for Orders {
    async fn inventory_out_of_stock(&self, stock: InventoryOutOfStock, publish: &Publisher) -> Outcome {
        self.cancel(stock.order_id, Reason::OutOfStock, "out of stock", publish).await
    }

    async fn payment_succeeded(&self, payment: PaymentSucceeded, publish: &Publisher) -> Outcome {
        let id = payment.order_id;
        let Some(customer) = self.book.customer(id) else { return unknown(id) };
        // the event alone is not believed: payment itself is asked
        let question = PaymentQuestion { order_id: id, reference: payment.reference.clone() };
        match publish.confirm_payment(&question).await {
            Ok(answer) if answer.genuine => {}
            Ok(_) => return Outcome::dead_letter("payment does not know this payment"),
            Err(error) => return Outcome::retry_because(error),
        }
        if let Err(error) = publish.order_paid(&OrderPaid { order_id: id, customer }).await {
            return Outcome::retry_because(error);
        }
        story!("order", "{}: paid ({}, confirmed by payment)", short(id), payment.reference);
        self.book.advance(id, State::Paid);
        Outcome::ack()
    }

    async fn payment_failed(&self, payment: PaymentFailed, publish: &Publisher) -> Outcome {
        self.cancel(payment.order_id, Reason::PaymentRefused, &payment.why, publish).await
    }

    async fn shipping_prepared(&self, shipping: ShippingPrepared, publish: &Publisher) -> Outcome {
        let id = shipping.order_id;
        let Some(customer) = self.book.customer(id) else { return unknown(id) };
        let shipped = OrderShipped { order_id: id, customer, parcel: shipping.parcel };
        if let Err(error) = publish.order_shipped(&shipped).await {
            return Outcome::retry_because(error);
        }
        story!("order", "{}: shipped as {}", short(id), shipped.parcel);
        self.book.advance(id, State::Shipped);
        Outcome::ack()
    }

    async fn shipping_delivered(&self, shipping: ShippingDelivered, publish: &Publisher) -> Outcome {
        let id = shipping.order_id;
        let Some(customer) = self.book.customer(id) else { return unknown(id) };
        if let Err(error) = publish.order_completed(&OrderCompleted { order_id: id, customer }).await {
            return Outcome::retry_because(error);
        }
        story!("order", "{}: completed", short(id));
        self.book.advance(id, State::Completed);
        Outcome::ack()
    }
}

impl InventoryDead for Orders {
    async fn order_created(&self, order: OrderCreated, publish: &Publisher) -> Outcome {
        self.cancel(order.order_id, Reason::BrokenOrder, "inventory gave it up", publish).await
    }

    async fn payment_succeeded(&self, payment: PaymentSucceeded, _: &Publisher) -> Outcome {
        // the order is paid and goes on; only the stock's book has to be looked at
        tracing::warn!("inventory could not commit order {}", payment.order_id);
        Outcome::ack()
    }
}

impl PaymentDead for Orders {
    async fn inventory_reserved(&self, reserved: InventoryReserved, publish: &Publisher) -> Outcome {
        self.cancel(reserved.order_id, Reason::PaymentRefused, "the payment gateway stays busy", publish)
            .await
    }
}
