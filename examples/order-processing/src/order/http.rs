//! `POST /orders` and `GET /orders/{id}`.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State as With},
    http::StatusCode,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use topoc_runtime::{
    PublishError,
    types::{Decimal, Timestamp, Uuid},
};

use super::book::Book;
use crate::{
    order_processing::{Item, OrderCreated, order::Publisher},
    short, story,
};

/// What a customer posts.
#[derive(Deserialize)]
struct Order {
    customer: String,
    items: Vec<Item>,
    #[serde(default)]
    urgent: bool,
}

struct Shop {
    book: Arc<Book>,
    publish: Publisher,
}

/// Answers customers.
pub(super) fn serve(
    listener: TcpListener,
    book: Arc<Book>,
    publish: Publisher,
) -> std::io::Result<JoinHandle<()>> {
    story!("order", "listens on http://{}", listener.local_addr()?);
    let shop = Arc::new(Shop { book, publish });
    let routes =
        Router::new().route("/orders", post(place)).route("/orders/{id}", get(look)).with_state(shop);
    Ok(tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, routes).await {
            tracing::error!("HTTP has ended: {error}");
        }
    }))
}

type Answer = (StatusCode, Json<Value>);

/// An order is taken for sure once the broker has confirmed it, and not before.
async fn place(With(shop): With<Arc<Shop>>, Json(order): Json<Order>) -> Answer {
    let order_id = Uuid::new_v4();
    let total = order.items.iter().map(|item| price(&item.sku) * Decimal::from(item.quantity)).sum();
    let created = OrderCreated {
        order_id,
        customer: order.customer,
        items: order.items,
        total,
        urgent: order.urgent,
        placed_at: Timestamp::from(std::time::SystemTime::now()),
    };
    // events may come back before the confirm does
    shop.book.place(order_id, created.customer.clone());
    story!("order", "{}: placed by {}, {total} in all", short(order_id), created.customer);
    match shop.publish.order_created(&created).await {
        Ok(()) => (StatusCode::ACCEPTED, Json(json!({ "order-id": order_id }))),
        Err(error) if never_was(&error) => {
            shop.book.forget(order_id);
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "error": error.to_string() })))
        }
        // the customer may be charged for it, so it stays where it can be looked up
        Err(error) => (
            StatusCode::GATEWAY_TIMEOUT,
            Json(json!({ "order-id": order_id, "error": format!("it may be placed nevertheless: {error}") })),
        ),
    }
}

/// Whether no queue has the message. After a timeout it may have been taken; of a message that one full queue has
/// refused, other queues have their copy.
fn never_was(error: &PublishError) -> bool {
    matches!(error, PublishError::Unroutable { .. } | PublishError::Refused { .. } | PublishError::Encode(_))
}

async fn look(With(shop): With<Arc<Shop>>, Path(id): Path<Uuid>) -> Answer {
    match shop.book.get(id) {
        Some(entry) => (
            StatusCode::OK,
            Json(json!({ "order-id": id, "state": entry.state.word(), "reason": entry.reason })),
        ),
        None => (StatusCode::NOT_FOUND, Json(json!({ "error": "there is no such order" }))),
    }
}

/// What a thing costs.
fn price(sku: &str) -> Decimal {
    match sku {
        "diamond" => Decimal::from(5000),
        "spoon" => Decimal::new(350, 2),
        _ => Decimal::new(2490, 2),
    }
}
