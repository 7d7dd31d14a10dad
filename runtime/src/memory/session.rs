//! What the runtime's publishers, consumers and declarations do with a broker in this process.

use super::{
    Broker, Taken,
    consumers::{Sent, SessionId, Tag, Verdict},
    declare::Mode,
    line::ConsumerId,
    vhost::{Now, Vhost},
};
use crate::{
    declare::Declaration,
    delivery::Arrival,
    error::{DeclareRefused, Error, Result},
    publish::{Outgoing, PublishError},
    rpc::Waiting,
};
use std::sync::OnceLock;
use tokio::sync::mpsc;

/// A connection to one vhost.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    broker: Broker,
    vhost: String,
    id: SessionId,
}

impl Session {
    pub(super) fn new(broker: Broker, vhost: &str, id: SessionId) -> Self {
        Self { broker, vhost: vhost.to_owned(), id }
    }

    pub(super) fn with<R>(&self, ask: impl FnOnce(&mut Vhost, Now) -> R) -> Option<R> {
        self.broker.with(&self.vhost, ask)
    }

    /// What publishers, consumers and declarations work on.
    pub(crate) fn channel(&self) -> Channel {
        Channel { session: self.clone(), replies: OnceLock::new() }
    }

    /// Lets messages expire for as long as time runs by itself; returns only if the broker is gone.
    pub(crate) async fn keep_time(&self) {
        self.broker.keep_time().await;
    }

    /// Ends the connection: what its consumers have in hand goes back to its queues.
    pub(crate) fn disconnect(&self) {
        self.with(|vhost, now| vhost.disconnect(now, self.id));
    }

    pub(super) fn is_connected(&self) -> bool {
        self.with(|vhost, _| vhost.is_connected(self.id)).unwrap_or(false)
    }
}

/// A channel: what a publisher, a consumer or a declaration works on.
#[derive(Debug)]
pub(crate) struct Channel {
    session: Session,
    replies: OnceLock<Replies>,
}

/// Where answers to what a channel publishes arrive, until it is dropped.
#[derive(Debug)]
struct Replies {
    session: Session,
    address: String,
}

impl Drop for Replies {
    fn drop(&mut self) {
        self.session.with(|vhost, _| vhost.end_replies(&self.address));
    }
}

impl Channel {
    /// Declares a part of the topology, or checks that it is there; gives what is refused.
    pub(crate) fn declare(&self, declaration: &Declaration, check: bool) -> Result<Vec<DeclareRefused>> {
        if !self.session.is_connected() {
            return Err(Error::Closed);
        }
        let mode = if check { Mode::Check } else { Mode::Part };
        let declared = self.session.with(|vhost, now| {
            let refused = vhost.declare(declaration, mode);
            // a kept dead letter may have a target now
            vhost.work(now);
            refused
        });
        declared.ok_or(Error::Closed)
    }

    /// Has answers arrive here: direct reply-to.
    pub(crate) fn reply_to(&self, waiting: Waiting) {
        let session = &self.session;
        if let Some(address) = session.with(|vhost, _| vhost.reply_to(session.id, waiting)) {
            // a channel is set up once
            let _ = self.replies.set(Replies { session: session.clone(), address });
        }
    }

    pub(crate) fn publish(&self, outgoing: &Outgoing) -> Result<Taken, PublishError> {
        if !self.session.is_connected() {
            return Err(PublishError::Closed);
        }
        let named = self.replies.get().filter(|_| {
            let reply_to = outgoing.properties.reply_to().as_ref();
            reply_to.is_some_and(|to| to.as_str() == crate::rpc::REPLY_TO)
        });
        let taken = match named {
            Some(Replies { address, .. }) => {
                let mut outgoing = outgoing.clone();
                outgoing.properties = outgoing.properties.with_reply_to(address.as_str().into());
                self.session.with(|vhost, now| vhost.publish(now, &outgoing))
            }
            None => self.session.with(|vhost, now| vhost.publish(now, outgoing)),
        };
        taken.ok_or(PublishError::Closed)
    }

    /// Subscribes to a queue; fails with the broker's words.
    pub(crate) fn consume(&self, queue: &str, prefetch: u16, auto_ack: bool) -> Result<Subscription, String> {
        let (sender, deliveries) = mpsc::unbounded_channel();
        let id = self.subscribe(queue, prefetch, auto_ack, Some(sender))?;
        Ok(Subscription { consumer: Consumer { session: self.session.clone(), id }, deliveries, auto_ack })
    }

    /// A consumer that takes one message at a time, when it asks.
    pub(super) fn getter(&self, queue: &str) -> Result<Consumer, String> {
        let id = self.subscribe(queue, 0, false, None)?;
        Ok(Consumer { session: self.session.clone(), id })
    }

    fn subscribe(
        &self,
        queue: &str,
        prefetch: u16,
        auto_ack: bool,
        sender: Option<mpsc::UnboundedSender<Sent>>,
    ) -> Result<ConsumerId, String> {
        let id = self.session.id;
        let subscribed = self.session.with(|vhost, now| {
            vhost.is_connected(id).then(|| vhost.consume(now, id, queue, prefetch, auto_ack, sender))
        });
        subscribed.flatten().unwrap_or_else(|| Err(String::from("the connection was closed")))
    }
}

/// A consumer; when it is dropped its channel is closed.
#[derive(Debug)]
pub(super) struct Consumer {
    session: Session,
    id: ConsumerId,
}

impl Consumer {
    /// Takes one message.
    pub(super) fn get(&self) -> Option<(Arrival, Held)> {
        let (arrival, tag) = self.session.with(|vhost, now| vhost.get(now, self.id))??;
        Some((arrival, self.held(tag, true)))
    }

    fn held(&self, tag: Tag, kept: bool) -> Held {
        Held { session: self.session.clone(), consumer: self.id, tag, kept }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.session.with(|vhost, now| vhost.close(now, self.id));
    }
}

/// A consumer that messages come to.
#[derive(Debug)]
pub(crate) struct Subscription {
    consumer: Consumer,
    deliveries: mpsc::UnboundedReceiver<Sent>,
    auto_ack: bool,
}

impl Subscription {
    /// The next message; none after the end of the consumer or of the connection.
    pub(crate) async fn next(&mut self) -> Option<(Arrival, Held)> {
        let (arrival, tag) = self.deliveries.recv().await?;
        Some((arrival, self.consumer.held(tag, !self.auto_ack)))
    }

    /// Takes no more messages; those that were sent still come.
    pub(crate) fn cancel(&self) {
        let Consumer { session, id } = &self.consumer;
        session.with(|vhost, now| vhost.cancel(now, *id));
    }
}

/// A message in hand.
#[derive(Debug)]
pub(crate) struct Held {
    session: Session,
    consumer: ConsumerId,
    tag: Tag,
    kept: bool,
}

impl Held {
    /// Whether its queue keeps it until it is answered.
    pub(crate) fn is_kept(&self) -> bool {
        self.kept
    }

    /// Whether an answer still counts; one that waits for none can always be handled.
    pub(crate) fn usable(&self) -> bool {
        !self.kept || self.session.with(|vhost, _| vhost.holds(self.consumer, self.tag)).unwrap_or(false)
    }

    /// The message is done; false where that does not count any more.
    pub(crate) fn ack(&self) -> bool {
        self.settle(Verdict::Ack) || !self.kept
    }

    /// The message is not done: back to its queue, or dead-lettered.
    pub(crate) fn reject(&self, requeue: bool) -> bool {
        self.settle(if requeue { Verdict::Requeue } else { Verdict::Reject })
    }

    fn settle(&self, verdict: Verdict) -> bool {
        let settled = self.session.with(|vhost, now| vhost.settle(now, self.consumer, self.tag, verdict));
        settled.unwrap_or(false)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // one that waits for no answer is in hand only as long as it is handled
        if !self.kept {
            self.settle(Verdict::Ack);
        }
    }
}
