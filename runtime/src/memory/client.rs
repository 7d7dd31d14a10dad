//! A client that owes nothing to topoc, for tests.

use super::{
    Taken,
    session::{Channel, Consumer, Held, Session},
};
use crate::{
    delivery::{Arrival, Delivery},
    publish::Outgoing,
};
use lapin::BasicProperties;
use std::collections::BTreeMap;

/// Publishes what any client could, and takes messages one at a time.
#[derive(Debug)]
pub struct Client {
    session: Session,
    channel: Channel,
    /// By queue.
    consumers: BTreeMap<String, Consumer>,
}

impl Client {
    pub(super) fn new(session: Session) -> Self {
        let channel = session.channel();
        Self { session, channel, consumers: BTreeMap::new() }
    }

    /// Publishes a mandatory message, with lapin's properties as they are.
    #[must_use = "the message may be refused"]
    pub fn publish(
        &self,
        exchange: &str,
        routing_key: &str,
        properties: BasicProperties,
        payload: impl Into<Vec<u8>>,
    ) -> Taken {
        let outgoing = Outgoing {
            exchange: exchange.to_owned(),
            routing_key: routing_key.to_owned(),
            mandatory: true,
            once: false,
            properties,
            payload: payload.into(),
        };
        let published = self.channel.publish(&outgoing);
        published.unwrap_or_else(|error| Taken::Refused(error.to_string()))
    }

    /// Takes the next message of a queue; none if the queue is empty or missing.
    pub fn get(&mut self, queue: &str) -> Option<Got> {
        if !self.consumers.contains_key(queue) {
            self.consumers.insert(queue.to_owned(), self.channel.getter(queue).ok()?);
        }
        let (arrival, held) = self.consumers.get(queue)?.get()?;
        Some(Got { queue: queue.to_owned(), arrival, held })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.session.disconnect();
    }
}

/// A message that was taken; when its client is gone before it is answered, it goes back to its queue.
pub struct Got {
    queue: String,
    arrival: Arrival,
    held: Held,
}

impl Got {
    /// The properties as they came, with what the broker wrote into the headers.
    #[must_use]
    pub fn properties(&self) -> &BasicProperties {
        &self.arrival.properties
    }

    /// The body.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.arrival.payload
    }

    /// The message is done.
    #[must_use]
    pub fn ack(self) -> Delivery {
        self.held.ack();
        Delivery::new(&self.queue, self.arrival)
    }

    /// The message is not done: back to its queue, or dead-lettered.
    pub fn reject(self, requeue: bool) {
        self.held.reject(requeue);
    }
}

impl std::fmt::Debug for Got {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Got").field("queue", &self.queue).finish_non_exhaustive()
    }
}
