//! Notification: tells customers what has become of their orders, by mail and by SMS. Both get a copy of every
//! order event from a fanout exchange.

use topoc_runtime::{Connection, Outcome, types::Uuid};

use crate::{
    Done,
    order_processing::{
        OrderCancelled, OrderCompleted, OrderCreated, OrderPaid, OrderShipped,
        notification::{NotificationMail, NotificationSms, serve},
    },
    short, story,
};

/// Runs the service until SIGTERM.
pub(crate) async fn run(connection: Connection) -> Done {
    Ok(serve(&connection, Notification).await?)
}

struct Notification;

/// A stand-in for a mail server.
fn mail(customer: &str, order: Uuid, text: &str) -> Outcome {
    story!("notification", "{}: mail to {customer}: {text}", short(order));
    Outcome::ack()
}

/// A stand-in for an SMS gateway; a message is short, and sent only for what cannot wait.
fn sms(customer: &str, order: Uuid, text: &str) -> Outcome {
    story!("notification", "{}: SMS to {customer}: {text}", short(order));
    Outcome::ack()
}

impl NotificationMail for Notification {
    async fn order_created(&self, order: OrderCreated) -> Outcome {
        mail(&order.customer, order.order_id, "we have your order")
    }

    async fn order_paid(&self, order: OrderPaid) -> Outcome {
        mail(&order.customer, order.order_id, "your payment has arrived")
    }

    async fn order_shipped(&self, order: OrderShipped) -> Outcome {
        mail(&order.customer, order.order_id, &format!("{} is on its way", order.parcel))
    }

    async fn order_completed(&self, order: OrderCompleted) -> Outcome {
        mail(&order.customer, order.order_id, "delivered, thank you")
    }

    async fn order_cancelled(&self, order: OrderCancelled) -> Outcome {
        mail(&order.customer, order.order_id, "we are sorry, your order is cancelled")
    }
}

impl NotificationSms for Notification {
    async fn order_created(&self, _: OrderCreated) -> Outcome {
        Outcome::ack()
    }

    async fn order_paid(&self, _: OrderPaid) -> Outcome {
        Outcome::ack()
    }

    async fn order_shipped(&self, order: OrderShipped) -> Outcome {
        sms(&order.customer, order.order_id, &format!("{} is on its way", order.parcel))
    }

    async fn order_completed(&self, _: OrderCompleted) -> Outcome {
        Outcome::ack()
    }

    async fn order_cancelled(&self, order: OrderCancelled) -> Outcome {
        sms(&order.customer, order.order_id, "order cancelled")
    }
}
