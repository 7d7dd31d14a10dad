//! A message as a handler's dispatcher sees it.

use crate::{
    headers::{self, Value},
    publish::SHORT,
};
use lapin::{BasicProperties, types::ShortString};
use serde::de::DeserializeOwned;
use std::{fmt, time::Duration};

/// A message that was delivered.
///
/// [`exchange`](Self::exchange) and [`routing_key`](Self::routing_key) are the ones it was first
/// published with, also when it comes back from a retry ladder.
#[derive(Clone)]
pub struct Delivery {
    queue: String,
    exchange: String,
    routing_key: String,
    redelivered: bool,
    properties: BasicProperties,
    payload: Vec<u8>,
}

/// A message as it comes out of a queue, by whatever transport.
pub(crate) struct Arrival {
    pub(crate) exchange: ShortString,
    pub(crate) routing_key: ShortString,
    pub(crate) redelivered: bool,
    pub(crate) properties: BasicProperties,
    pub(crate) payload: Vec<u8>,
}

impl Delivery {
    pub(crate) fn new(queue: &str, arrival: Arrival) -> Self {
        let Arrival { exchange, routing_key, redelivered, properties, payload } = arrival;
        let table = properties.headers().as_ref();
        // anyone can write these headers: what is longer than AMQP's names is none
        let original = |name: &str, now: &str| {
            let kept = headers::get_string(table, name).filter(|kept| kept.len() <= SHORT);
            kept.unwrap_or_else(|| now.to_owned())
        };
        Self {
            queue: queue.to_owned(),
            exchange: original(headers::EXCHANGE, exchange.as_str()),
            routing_key: original(headers::ROUTING_KEY, routing_key.as_str()),
            redelivered,
            properties,
            payload,
        }
    }

    /// The queue it came from.
    #[must_use]
    pub fn queue(&self) -> &str {
        &self.queue
    }

    /// The exchange it was first published to; empty for the default exchange.
    #[must_use]
    pub fn exchange(&self) -> &str {
        &self.exchange
    }

    /// The routing key it was first published with.
    #[must_use]
    pub fn routing_key(&self) -> &str {
        &self.routing_key
    }

    /// The message's name: its `type` property, if the publisher set one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.properties.kind().as_ref().map(|name| name.as_str())
    }

    /// Whether it is the message `name`: by its `type` property, or where it has none because
    /// another client published it, by a topic pattern that its routing key matches.
    #[must_use]
    pub fn is(&self, name: &str, routing_keys: &[&str]) -> bool {
        match self.name() {
            Some(own) => own == name,
            None => {
                routing_keys.iter().any(|pattern| topoc_routing::topic::matches(pattern, &self.routing_key))
            }
        }
    }

    /// The message-id.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.properties.message_id().as_ref().map(|id| id.as_str())
    }

    /// The correlation-id.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.properties.correlation_id().as_ref().map(|id| id.as_str())
    }

    /// Where an answer is expected.
    #[must_use]
    pub fn reply_to(&self) -> Option<&str> {
        self.properties.reply_to().as_ref().map(|queue| queue.as_str())
    }

    /// The service that published it: the `app-id`.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        self.properties.app_id().as_ref().map(|service| service.as_str())
    }

    /// When it was published, as the publisher says, to the second.
    #[must_use]
    pub fn timestamp(&self) -> Option<chrono::DateTime<chrono::Utc>> {
        let seconds = i64::try_from((*self.properties.timestamp())?).ok()?;
        chrono::DateTime::from_timestamp(seconds, 0)
    }

    /// The priority.
    #[must_use]
    pub fn priority(&self) -> Option<u8> {
        *self.properties.priority()
    }

    /// How long it may lie in a queue.
    #[must_use]
    pub fn expiration(&self) -> Option<Duration> {
        let millis = self.properties.expiration().as_ref()?.as_str().parse().ok()?;
        Some(Duration::from_millis(millis))
    }

    /// A header, unless it is absent or neither a boolean, a number nor a string.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<Value> {
        headers::get(self.properties.headers().as_ref(), name)
    }

    /// How often it went through the retry ladder of its queue: 0 for a message that comes to it for the first time.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        headers::attempt(self.properties.headers().as_ref(), &self.queue)
    }

    /// Whether the broker delivered it before, perhaps without this service having seen it.
    #[must_use]
    pub fn redelivered(&self) -> bool {
        self.redelivered
    }

    /// The body as it came.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The body read as JSON.
    ///
    /// # Errors
    /// [`Undecodable`], which turns into an [`Outcome`](crate::Outcome) that dead-letters the message.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Undecodable> {
        serde_json::from_slice(&self.payload).map_err(|error| {
            let name = self.name().unwrap_or("without a type property");
            Undecodable(format!("the payload of message `{name}` cannot be read: {error}"))
        })
    }

    /// What a dispatcher answers to a message that it has no handler for.
    #[must_use]
    pub fn unknown(&self) -> Undecodable {
        Undecodable(format!(
            "queue `{}` has no handler for message `{}` with routing key `{}`",
            self.queue,
            self.name().unwrap_or_default(),
            self.routing_key
        ))
    }

    pub(crate) fn properties(&self) -> &BasicProperties {
        &self.properties
    }

    pub(crate) fn into_payload(self) -> Vec<u8> {
        self.payload
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("queue", &self.queue)
            .field("name", &self.name())
            .field("exchange", &self.exchange)
            .field("routing_key", &self.routing_key)
            .field("message_id", &self.message_id())
            .field("attempt", &self.attempt())
            .field("bytes", &self.payload.len())
            .finish_non_exhaustive()
    }
}

/// A message that this service cannot make sense of, now or later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Undecodable(pub(crate) String);
