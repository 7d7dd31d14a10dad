//! A message being prepared: its properties, then `await`.

use super::{Message, Outgoing, PublishError, Publisher};
use crate::headers::Value;
use lapin::{
    BasicProperties,
    types::{FieldTable, ShortString},
};
use serde::Serialize;
use std::{borrow::Cow, pin::Pin, time::Duration};

const TRANSIENT: u8 = 1;
const PERSISTENT: u8 = 2;

/// A message to publish: `await` sends it and returns once the broker has taken it.
///
/// It is persistent, mandatory, with the message's name as `type`, the service as `app-id`,
/// a fresh UUID as `message-id`, `application/json` as `content-type` and the present time.
#[must_use = "nothing is published before it is awaited"]
#[derive(Debug)]
pub struct Publish<'p> {
    publisher: &'p Publisher,
    outgoing: Result<Outgoing, PublishError>,
    timeout: Duration,
}

impl<'p> Publish<'p> {
    pub(super) fn new<T: Serialize + ?Sized>(
        publisher: &'p Publisher,
        message: &Message,
        routing_key: Cow<'static, str>,
        payload: &T,
    ) -> Self {
        let outgoing = encode(message.name, payload).map(|payload| Outgoing {
            exchange: message.exchange.to_owned(),
            routing_key: routing_key.into_owned(),
            mandatory: true,
            once: false,
            properties: properties(message.name, &publisher.service),
            payload,
        });
        let timeout = publisher.connection.options().publish_timeout;
        Self { publisher, outgoing, timeout }
    }

    /// Sets the priority, for queues with `max-priority` and quorum queues of RabbitMQ 4.
    pub fn priority(self, priority: u8) -> Self {
        self.with(|outgoing| outgoing.properties = outgoing.properties.clone().with_priority(priority))
    }

    /// Lets the message expire in a queue after this long, to the millisecond.
    pub fn expiration(self, after: Duration) -> Self {
        let millis = after.as_millis().to_string();
        self.with(|outgoing| outgoing.properties = outgoing.properties.clone().with_expiration(millis.into()))
    }

    /// Adds a header. Names beginning with `x-topoc-` are topoc's own.
    pub fn header(self, name: &str, value: impl Into<Value>) -> Self {
        self.short(name, "the header's name").with(|outgoing| {
            let mut headers = outgoing.properties.headers().clone().unwrap_or_default();
            headers.insert(name.into(), value.into().into());
            outgoing.properties = outgoing.properties.clone().with_headers(headers);
        })
    }

    /// Replaces the message-id, which is a fresh UUID otherwise, for instance by one that
    /// consumers know a repeated message by.
    pub fn message_id(self, id: &str) -> Self {
        self.short(id, "the message-id")
            .with(|outgoing| outgoing.properties = outgoing.properties.clone().with_message_id(id.into()))
    }

    /// Sets the correlation-id.
    pub fn correlation_id(self, id: &str) -> Self {
        self.short(id, "the correlation-id")
            .with(|outgoing| outgoing.properties = outgoing.properties.clone().with_correlation_id(id.into()))
    }

    /// Waits this long for the confirm, instead of [`Options::publish_timeout`](crate::Options::publish_timeout).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Lets the broker drop the message without an error if no queue receives it.
    pub fn optional(self) -> Self {
        self.with(|outgoing| outgoing.mandatory = false)
    }

    /// Lets the broker keep the message in memory alone, where a restart loses it. A quorum queue or a stream
    /// writes it to disk all the same.
    pub fn transient(self) -> Self {
        self.with(|outgoing| outgoing.properties = outgoing.properties.clone().with_delivery_mode(TRANSIENT))
    }

    /// Publishes it; the same as `await`.
    ///
    /// # Errors
    /// [`PublishError`] says which of the ways it went.
    pub async fn send(self) -> Result<(), PublishError> {
        self.publisher.send(self.outgoing?, self.timeout).await
    }

    fn with(mut self, change: impl FnOnce(&mut Outgoing)) -> Self {
        if let Ok(outgoing) = &mut self.outgoing {
            change(outgoing);
        }
        self
    }

    fn short(mut self, text: &str, what: &str) -> Self {
        if let Err(error) = super::short(text, what) {
            self.outgoing = Err(error);
        }
        self
    }
}

impl<'p> IntoFuture for Publish<'p> {
    type Output = Result<(), PublishError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'p>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

pub(crate) fn encode<T: Serialize + ?Sized>(name: &str, payload: &T) -> Result<Vec<u8>, PublishError> {
    serde_json::to_vec(payload)
        .map_err(|error| PublishError::Encode(format!("`{name}` cannot be written as JSON: {error}")))
}

/// What every message of a service has.
pub(crate) fn properties(name: &str, service: &str) -> BasicProperties {
    BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type("application/json".into())
        .with_type(cut(name))
        .with_app_id(cut(service))
        .with_message_id(uuid::Uuid::new_v4().to_string().into())
        .with_timestamp(u64::try_from(chrono::Utc::now().timestamp()).unwrap_or(0))
        .with_headers(FieldTable::default())
}

/// Descriptive properties are cut rather than refused at AMQP's 255 bytes.
fn cut(text: &str) -> ShortString {
    let mut end = text.len().min(255);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].into()
}
