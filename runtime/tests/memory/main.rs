//! Services on a broker in this process: the same code as on RabbitMQ, in no time.
#![expect(clippy::unwrap_used, reason = "a panic is the test's failure")]

mod queues;
mod services;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use topoc_runtime::{
    Connection, Consume, Delivery, Dispatch, Message, Outcome, Result, Server,
    declare::{Argument, Binding, Declaration, Destination, Exchange, Queue, Topology, Vhost},
};

const TO_QUEUE: Message = Message { name: "Thing", exchange: "" };

type Arguments = &'static [(&'static str, Argument)];

const QUORUM: (&str, Argument) = ("x-queue-type", Argument::String("quorum"));

const fn queue(name: &'static str, arguments: Arguments) -> Queue {
    Queue { name, durable: true, exclusive: false, auto_delete: false, external: false, arguments }
}

const fn exchange(name: &'static str, kind: &'static str, arguments: Arguments) -> Exchange {
    Exchange { name, kind, durable: true, auto_delete: false, internal: false, external: false, arguments }
}

const fn bind(source: &'static str, queue: &'static str, routing_key: &'static str) -> Binding {
    Binding { source, destination: Destination::Queue(queue), routing_key, arguments: &[] }
}

/// A topology of one vhost, `shop`.
fn topology(rabbitmq: (u16, u16), declaration: Declaration) -> Topology {
    let vhost = Vhost { name: "shop", default_queue_type: "classic", declaration, policies: &[] };
    Topology { rabbitmq, vhosts: vec![vhost].leak() }
}

/// A topology of queues alone.
fn of_queues(queues: Vec<Queue>) -> Topology {
    topology((4, 0), Declaration { exchanges: &[], queues: queues.leak(), bindings: &[] })
}

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn push(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// A dispatcher that is a closure.
struct By<F>(F);

impl<F, R> Dispatch for By<F>
where
    F: Fn(Delivery) -> R + Send + Sync + 'static,
    R: Future<Output = Outcome> + Send + 'static,
{
    async fn dispatch(&self, delivery: Delivery) -> Outcome {
        (self.0)(delivery).await
    }
}

fn serve<F, R>(connection: &Connection, consume: Consume, handler: F) -> tokio::task::JoinHandle<Result<()>>
where
    F: Fn(Delivery) -> R + Send + Sync + 'static,
    R: Future<Output = Outcome> + Send + 'static,
{
    tokio::spawn(Server::new(connection, "worker").consume(consume, By(handler)).run())
}

fn text(delivery: &Delivery) -> String {
    String::from_utf8(delivery.payload().to_vec()).unwrap()
}

const SECOND: Duration = Duration::from_secs(1);
