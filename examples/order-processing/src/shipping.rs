//! Shipping: sends parcels. `payment.success` → `shipping.prepared`; once a parcel's time in the transit queue is
//! over, `shipping.delivered`.

use topoc_runtime::{Connection, Outcome};

use crate::{
    Done,
    order_processing::{
        ParcelSent, PaymentSucceeded, ShippingDelivered, ShippingPrepared,
        shipping::{Publisher, ShippingArrivals, ShippingQueue, serve},
    },
    short, story,
};

/// Runs the service until SIGTERM.
pub(crate) async fn run(connection: Connection) -> Done {
    Ok(serve(&connection, Shipping).await?)
}

struct Shipping;

impl ShippingQueue for Shipping {
    async fn payment_succeeded(&self, payment: PaymentSucceeded, publish: &Publisher) -> Outcome {
        let id = short(payment.order_id);
        let parcel = format!("PARCEL-{id}");
        story!("shipping", "{id}: packed {parcel}{}", if payment.urgent { ", urgent" } else { "" });
        let prepared = ShippingPrepared { order_id: payment.order_id, parcel: parcel.clone() };
        if let Err(error) = publish.shipping_prepared(&prepared).await {
            return Outcome::retry_because(error);
        }
        // it waits in `shipping.transit` until its time to live is over, and comes back as an arrival
        publish.parcel_sent(&ParcelSent { order_id: payment.order_id, parcel }).await.into()
    }
}

impl ShippingArrivals for Shipping {
    async fn parcel_sent(&self, parcel: ParcelSent, publish: &Publisher) -> Outcome {
        story!("shipping", "{}: {} has arrived", short(parcel.order_id), parcel.parcel);
        let delivered = ShippingDelivered { order_id: parcel.order_id, parcel: parcel.parcel };
        publish.shipping_delivered(&delivered).await.into()
    }
}
