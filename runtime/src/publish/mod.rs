//! Publishing with confirms.
//!
//! A [`Publisher`] hands each message to a task of its own (`channel`), which alone writes to
//! the publisher's channel and keeps many messages outstanding. Confirms and returned messages are
//! brought together in `returns`; `size` knows what does not fit into a frame. A publish is at-least-once: when the connection is lost before
//! the confirm, the message is published again with the same message-id within its timeout.

pub(crate) mod channel;
mod draft;
#[cfg(feature = "memory")]
mod memory;
mod returns;
mod size;

pub use draft::Publish;
pub(crate) use draft::{encode, properties};
#[cfg(test)]
pub(crate) use size::header_frame;

use crate::connection::Connection;
use channel::{Job, NoSetup, Sent};
use lapin::BasicProperties;
use serde::Serialize;
use std::{borrow::Cow, fmt, sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument;

/// Why a message was not taken by the broker.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// No queue receives the message: the exchange has no binding for it.
    #[error("no queue receives messages of exchange `{exchange}` with routing key `{routing_key}` ({reply})")]
    Unroutable {
        /// The exchange published to; empty for the default exchange.
        exchange: String,
        /// The routing key published with.
        routing_key: String,
        /// The broker's words.
        reply: String,
    },
    /// A queue refuses the message, usually because it is full and has `overflow "reject-publish"`. Other queues that it
    /// is routed to have their copy.
    #[error(
        "a queue behind exchange `{exchange}` refuses the message with routing key `{routing_key}`: it is full or not available"
    )]
    Nacked {
        /// The exchange published to.
        exchange: String,
        /// The routing key published with.
        routing_key: String,
    },
    /// The broker closed the channel because of this message: the exchange is missing, the user may
    /// not write to it, or a property is refused.
    #[error("the broker refuses to publish to exchange `{exchange}`: {reason}")]
    Refused {
        /// The exchange published to.
        exchange: String,
        /// The broker's words.
        reason: String,
    },
    /// No confirm came in time. The message may have been taken nevertheless.
    #[error("no confirm from the broker within {} ms{}", after.as_millis(), if *connected { "" } else { ": not connected" })]
    Timeout {
        /// How long it was waited for.
        after: Duration,
        /// Whether there was a connection when the time was over.
        connected: bool,
    },
    /// The connection was lost before the confirm, and the message must not be sent twice.
    #[error("the connection was lost before the broker confirmed the message")]
    Lost,
    /// The connection was closed by this program.
    #[error("the connection was closed by this program")]
    Closed,
    /// The message cannot be written as JSON, a name is too long for AMQP, or the headers are too large for it.
    #[error("{0}")]
    Encode(String),
}

/// The kind of a message: what its `type` property says and where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// The message's name; the `type` property.
    pub name: &'static str,
    /// The exchange it is published to; empty for the default exchange.
    pub exchange: &'static str,
}

/// Publishes a service's messages over one channel. Clones share the channel.
#[derive(Clone)]
pub struct Publisher {
    connection: Connection,
    service: Cow<'static, str>,
    jobs: mpsc::Sender<Job>,
}

impl Publisher {
    /// A publisher whose messages carry `service` as their `app-id`.
    ///
    /// Its channel is opened with the first message.
    #[must_use]
    pub fn new(connection: &Connection, service: impl Into<Cow<'static, str>>) -> Self {
        let jobs = channel::start(connection.clone(), NoSetup);
        Self { connection: connection.clone(), service: service.into(), jobs }
    }

    /// A message to publish as JSON; nothing happens before it is awaited.
    ///
    /// ```no_run
    /// # use topoc_runtime::{Message, PublishError, Publisher};
    /// # async fn example(publisher: Publisher) -> Result<(), PublishError> {
    /// const ORDER_PAID: Message = Message { name: "OrderPaid", exchange: "order.exchange" };
    /// publisher.publish(&ORDER_PAID, "order.paid", &"order 7").priority(3).await
    /// # }
    /// ```
    pub fn publish<T: Serialize + ?Sized>(
        &self,
        message: &Message,
        routing_key: impl Into<Cow<'static, str>>,
        payload: &T,
    ) -> Publish<'_> {
        Publish::new(self, message, routing_key.into(), payload)
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.connection.options().publish_timeout
    }

    pub(crate) fn service(&self) -> &str {
        &self.service
    }

    /// Publishes raw bytes with the properties given, mandatory, through the default exchange or another.
    pub(crate) async fn send(&self, outgoing: Outgoing, within: Duration) -> Result<(), PublishError> {
        send(&self.connection, &self.jobs, outgoing, within).await
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("service", &self.service).finish_non_exhaustive()
    }
}

/// A message as it goes over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) exchange: String,
    pub(crate) routing_key: String,
    pub(crate) mandatory: bool,
    /// Must not be published again when its fate is not known.
    pub(crate) once: bool,
    pub(crate) properties: BasicProperties,
    pub(crate) payload: Vec<u8>,
}

/// Hands a message to a publishing task and waits for its fate.
pub(crate) async fn send(
    connection: &Connection,
    jobs: &mpsc::Sender<Job>,
    outgoing: Outgoing,
    within: Duration,
) -> Result<(), PublishError> {
    let span = tracing::debug_span!(
        "publish",
        messaging.destination = outgoing.exchange,
        messaging.routing_key = outgoing.routing_key,
        messaging.message_id = outgoing.properties.message_id().as_ref().map(tracing::field::display),
    );
    let work = async {
        short(&outgoing.exchange, "the exchange's name")?;
        short(&outgoing.routing_key, "the routing key")?;
        let (reply, fate) = oneshot::channel::<Sent>();
        let job = Job { outgoing: Arc::new(outgoing), reply };
        jobs.send(job).await.map_err(|_| PublishError::Closed)?;
        fate.await.unwrap_or(Err(PublishError::Closed))
    };
    async {
        let result = match tokio::time::timeout(within, work).await {
            Ok(result) => result,
            Err(_) => Err(PublishError::Timeout { after: within, connected: connection.is_connected() }),
        };
        match &result {
            Ok(()) => tracing::debug!("confirmed"),
            Err(error) => tracing::warn!(%error, "not published"),
        }
        result
    }
    .instrument(span)
    .await
}

/// So many bytes AMQP's short strings hold: names, routing keys, most properties.
pub(crate) const SHORT: usize = 255;

fn short(text: &str, what: &str) -> Result<(), PublishError> {
    if text.len() > SHORT {
        return Err(PublishError::Encode(format!("{what} has {} bytes, AMQP allows {SHORT}", text.len())));
    }
    Ok(())
}
