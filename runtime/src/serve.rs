//! Running all of a service's consumers and RPC servers until the order to stop.

use crate::{
    connection::Connection,
    consume::{Consume, Dispatch, Handling, consume},
    error::{Error, Result},
    publish::Publisher,
    rpc::{Answer, Answering},
};
use futures_util::future::{BoxFuture, join_all};
use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, atomic::Ordering},
};
use tracing::Instrument;

/// A service being put together. Generated code does so in its `serve`.
pub struct Server {
    connection: Connection,
    service: Cow<'static, str>,
    publisher: Publisher,
    parts: Vec<BoxFuture<'static, ()>>,
}

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
        self.parts.push(Box::pin(consume(self.connection.clone(), how, Arc::new(handling))));
        self
    }

    /// Adds an RPC server: [`Procedure::requests`](crate::rpc::Procedure::requests) says how the procedure's
    /// queue is consumed.
    #[must_use]
    pub fn answer(mut self, how: Consume, answer: impl Answer) -> Self {
        let answering = Answering { answer, publisher: self.publisher.clone() };
        self.parts.push(Box::pin(consume(self.connection.clone(), how, Arc::new(answering))));
        self
    }

    /// Serves until SIGTERM, SIGINT or [`Connection::shutdown`]; then takes no more messages, lets
    /// handlers finish within [`Options::grace`](crate::Options::grace), and closes the connection if
    /// no other server runs on it.
    ///
    /// # Errors
    /// [`Error::Closed`] if the program closed the connection, [`Error::Signals`].
    pub async fn run(self) -> Result<()> {
        let Self { connection, service, publisher, parts } = self;
        let shutdown = connection.shutdown().clone();
        connection.servers().fetch_add(1, Ordering::AcqRel);
        let running = Running { connection: &connection };
        shutdown.on_signals().map_err(Error::Signals)?;
        tracing::info!(service = &*service, "serving");
        // a task each, so that a busy part does not hold up the others
        let parts = parts.into_iter().map(|part| tokio::spawn(part.in_current_span()));
        let mut parts = Parts(parts.collect());
        let idle = parts.0.is_empty();
        join_all(parts.0.iter_mut()).await;
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
        Ok(())
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("service", &self.service).field("parts", &self.parts.len()).finish()
    }
}

/// Ends the tasks when `run` itself is dropped.
struct Parts(Vec<tokio::task::JoinHandle<()>>);

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
