//! What the integration tests share: a vhost each, and looks at the broker past the runtime.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]
#![expect(clippy::unwrap_used, reason = "a panic is the test's failure")]

use lapin::{
    Channel, ConnectionProperties,
    message::Delivery,
    options::{BasicGetOptions, QueueDeclareOptions},
    types::FieldTable,
};
use std::{
    sync::Mutex,
    time::{Duration, Instant},
};
use topoc_runtime::{
    Dispatch, Outcome,
    declare::{Argument, Declaration, Exchange, Queue},
};
use topoc_test_support::{Shared, Vhost};

/// How long a test waits for what must happen, on a slow machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A virtual host of its own on the shared node.
pub fn broker() -> Vhost {
    Shared::get().vhost()
}

/// What handlers saw.
#[derive(Debug)]
pub struct Seen<T>(Mutex<Vec<T>>);

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone + Ord> Seen<T> {
    pub fn push(&self, one: T) {
        self.0.lock().unwrap().push(one);
    }

    pub fn all(&self) -> Vec<T> {
        self.0.lock().unwrap().clone()
    }

    pub fn sorted(&self) -> Vec<T> {
        let mut all = self.all();
        all.sort();
        all
    }

    pub fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub async fn until(&self, len: usize) {
        eventually(&format!("{len} messages seen"), async || self.len() >= len).await;
    }
}

/// Waits until `done`, and panics if it never is.
pub async fn eventually(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !done().await {
        assert!(start.elapsed() < PATIENCE, "did not happen: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A channel that owes nothing to the runtime.
pub async fn raw(url: &str) -> (lapin::Connection, Channel) {
    let connection = lapin::Connection::connect(url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    (connection, channel)
}

/// Takes the next message out of `queue`.
pub async fn next(vhost: &Vhost, queue: &str) -> Delivery {
    next_at(&vhost.amqp_url(), queue).await
}

pub async fn next_at(url: &str, queue: &str) -> Delivery {
    let (_connection, channel) = raw(url).await;
    let mut found = None;
    eventually(&format!("a message in {queue}"), async || {
        found = channel.basic_get(queue.into(), BasicGetOptions { no_ack: true }).await.unwrap();
        found.is_some()
    })
    .await;
    found.unwrap().delivery
}

/// All messages that lie ready in `queue` now.
pub async fn take_all(url: &str, queue: &str) -> Vec<Delivery> {
    let (_connection, channel) = raw(url).await;
    let mut all = Vec::new();
    while let Some(one) = channel.basic_get(queue.into(), BasicGetOptions { no_ack: true }).await.unwrap() {
        all.push(one.delivery);
    }
    all
}

/// How many messages lie ready in `queue`.
pub async fn ready(url: &str, queue: &str) -> u32 {
    let (_connection, channel) = raw(url).await;
    let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.into(), options, FieldTable::default()).await.unwrap().message_count()
}

/// A header as text, empty where it is absent.
pub fn header(delivery: &Delivery, name: &str) -> String {
    use lapin::types::AMQPValue;
    let table = delivery.properties.headers().clone().unwrap_or_default();
    match table.inner().get(name) {
        Some(AMQPValue::LongString(text)) => text.to_string(),
        Some(AMQPValue::LongLongInt(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}

pub const QUORUM: (&str, Argument) = ("x-queue-type", Argument::String("quorum"));

pub const fn queue(name: &'static str, arguments: &'static [(&'static str, Argument)]) -> Queue {
    Queue { name, durable: true, exclusive: false, auto_delete: false, external: false, arguments }
}

pub const fn exchange(name: &'static str, kind: &'static str) -> Exchange {
    Exchange {
        name,
        kind,
        durable: true,
        auto_delete: false,
        internal: false,
        external: false,
        arguments: &[],
    }
}

pub fn queues(queues: Vec<Queue>) -> Declaration {
    Declaration { exchanges: &[], queues: queues.leak(), bindings: &[] }
}

/// A dispatcher that is a closure.
pub struct By<F>(pub F);

impl<F, R> Dispatch for By<F>
where
    F: Fn(topoc_runtime::Delivery) -> R + Send + Sync + 'static,
    R: Future<Output = Outcome> + Send,
{
    fn dispatch(&self, delivery: topoc_runtime::Delivery) -> impl Future<Output = Outcome> + Send {
        (self.0)(delivery)
    }
}
