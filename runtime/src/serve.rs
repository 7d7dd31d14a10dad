//! Running all of a service's consumers and RPC servers until the order to stop.

use crate::{
    connection::Connection,
    consume::{Consume, Dispatch, Handling, Work, consume, panic_message},
    error::{Error, Result},
    publish::Publisher,
    rpc::{Answer, Answering},
    shutdown::Shutdown,
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use std::{
    borrow::Cow,
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::Ordering},
};
use tracing::Instrument;

/// A service being put together. Generated code does so in its `serve`.
pub struct Server {
    connection: Connection,
    service: Cow<'static, str>,
    publisher: Publisher,
    parts: Vec<Part>,
}

/// A consumer or RPC server: its queue, and what it does until it stops.
type Part = (&'static str, BoxFuture<'static, Result<()>>);

impl Server {
    /// A service that does nothing yet.
    #[must_use]
    pub fn new(connection: &Connection, service: impl Into<Cow<'static, str>>) -> Self {
        let service = service.into();
        let publisher = Publisher::new(connection, service.clone());
        Self { connection: connection.clone(), service, publisher, parts: Vec::new() }
    }

    /// Adds a consumer.
    #[must_use]
    pub fn consume(mut self, how: Consume, dispatch: impl Dispatch) -> Self {
        let handling = Handling { dispatch, ladder: how.ladder, publisher: self.publisher.clone() };
        self.work(how, handling);
        self
    }

    /// Adds an RPC server: [`Procedure::requests`](crate::rpc::Procedure::requests) says how the procedure's
    /// queue is consumed.
    #[must_use]
    pub fn answer(mut self, how: Consume, answer: impl Answer) -> Self {
        let answering = Answering { answer, publisher: self.publisher.clone() };
        self.work(how, answering);
        self
    }

    fn work(&mut self, how: Consume, work: impl Work) {
        self.parts.push((how.queue, Box::pin(consume(self.connection.clone(), how, Arc::new(work)))));
    }

    /// Serves until SIGTERM, SIGINT or [`Connection::shutdown`]; then takes no more messages, lets
    /// handlers finish within [`Options::grace`](crate::Options::grace), and closes the connection if
    /// no other server runs on it.
    ///
    /// # Errors
    /// [`Error::Closed`] if the program closed the connection, [`Error::Signals`], and [`Error::Panicked`]
    /// if a consumer itself panics, which is also the order to stop.
    pub async fn run(self) -> Result<()> {
        let Self { connection, service, publisher, parts } = self;
        let shutdown = connection.shutdown().clone();
        connection.servers().fetch_add(1, Ordering::AcqRel);
        let running = Running { connection: &connection };
        shutdown.on_signals().map_err(Error::Signals)?;
        tracing::info!(service = &*service, "serving");
        // a task each, so that a busy part does not hold up the others
        let parts = parts
            .into_iter()
            .map(|(queue, part)| tokio::spawn(watched(queue, part, shutdown.clone()).in_current_span()));
        let mut parts = Parts(parts.collect());
        let idle = parts.0.is_empty();
        let ended = join_all(parts.0.iter_mut()).await;
        if idle {
            tokio::select! {
                () = shutdown.triggered() => {}
                () = connection.closed() => {}
            }
        }
        drop(publisher);
        let last = running.stop();
        if !shutdown.is_triggered() {
            return Err(Error::Closed);
        }
        if last {
            connection.close().await;
        }
        tracing::info!(service = &*service, "stopped");
        // a task that was cancelled goes with the program
        ended.into_iter().flatten().collect()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("service", &self.service).field("parts", &self.parts.len()).finish()
    }
}

/// Gives the order to stop when a part fails: the service would go on without it, and nobody know.
async fn watched(queue: &str, part: BoxFuture<'static, Result<()>>, shutdown: Shutdown) -> Result<()> {
    let ended = AssertUnwindSafe(part).catch_unwind().await.unwrap_or_else(|panic| {
        Err(Error::Panicked { queue: queue.to_owned(), reason: panic_message(&*panic).to_owned() })
    });
    if let Err(error) = &ended {
        tracing::error!(%error, "stopping");
        shutdown.trigger();
    }
    ended
}

/// Ends the tasks when `run` itself is dropped.
struct Parts(Vec<tokio::task::JoinHandle<Result<()>>>);

impl Drop for Parts {
    fn drop(&mut self) {
        for part in &self.0 {
            part.abort();
        }
    }
}

/// Counts a server on its connection while it runs.
struct Running<'c> {
    connection: &'c Connection,
}

impl Running<'_> {
    /// Whether it was the last one.
    fn stop(self) -> bool {
        let before = self.connection.servers().fetch_sub(1, Ordering::AcqRel);
        std::mem::forget(self);
        before == 1
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.connection.servers().fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        consume::Hold,
        declare::{Declaration, Queue},
        delivery::Delivery,
        publish::Message,
    };
    use std::time::Duration;

    const fn queue(name: &'static str) -> Queue {
        Queue { name, durable: true, exclusive: false, auto_delete: false, external: false, arguments: &[] }
    }

    const QUEUES: Declaration =
        Declaration { exchanges: &[], queues: &[queue("work"), queue("idle")], bindings: &[] };

    /// Panics where no handler is.
    struct Broken;

    impl Work for Broken {
        async fn run(&self, _: Delivery, _: Hold) {
            panic!("out of order");
        }
    }

    async fn failed(server: Server) -> String {
        let ended = tokio::time::timeout(Duration::from_secs(120), server.run()).await;
        ended.unwrap().unwrap_err().to_string()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_consumer_that_panics_ends_the_service_and_gives_its_message_back() {
        let vhost = topoc_test_support::Shared::get().vhost();
        for own_task in [true, false] {
            let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
            connection.declare(&QUEUES).await.unwrap();
            let publisher = Publisher::new(&connection, "shop");
            publisher.publish(&Message { name: "Thing", exchange: "" }, "work", "x").await.unwrap();
            let mut server = Server::new(&connection, "worker");
            server.work(Consume::new("idle"), Broken);
            if own_task {
                server.parts.push(("work", Box::pin(async { panic!("out of order") })));
            } else {
                server.work(Consume::new("work"), Broken);
            }
            assert_eq!(failed(server).await, "the consumer of queue `work` panicked: out of order");
            assert!(matches!(connection.declare(&QUEUES).await, Err(Error::Closed)));
        }
        let properties = lapin::ConnectionProperties::default();
        let connection = lapin::Connection::connect(&vhost.amqp_url(), properties).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let purged = channel.queue_purge("work".into(), lapin::options::QueuePurgeOptions::default());
        assert_eq!(purged.await.unwrap(), 2);
    }
}
