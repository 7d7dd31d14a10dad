//! Who gets a vhost's messages, and what they say of them: connections, consumers and callers that wait for answers.

use super::{
    Taken,
    line::ConsumerId,
    stored::{Incoming, Stored},
    vhost::{Dying, Now, Vhost},
};
use crate::{
    delivery::Arrival,
    rpc::{Generation, REPLY_TO, Waiting},
};
use std::collections::BTreeMap;
use tokio::sync::mpsc;
use topoc_routing::{QueueId, QueueKind, Reason, Version};

/// The number of a connection.
pub(super) type SessionId = u64;

/// The number of a delivery.
pub(super) type Tag = u64;

/// What a consumer says of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Ack,
    Reject,
    Requeue,
}

pub(super) type Sent = (Arrival, Tag);

/// Whoever gets messages of a queue.
#[derive(Debug)]
pub(super) struct Consumer {
    session: SessionId,
    queue: QueueId,
    /// How many it may have without an answer; 0 is no limit.
    prefetch: u16,
    auto_ack: bool,
    /// None takes one message at a time, when it asks.
    sender: Option<mpsc::UnboundedSender<Sent>>,
    /// What it was sent and has not answered; nothing where the queue keeps no copy.
    in_hand: BTreeMap<Tag, Option<Stored>>,
    /// The next message of a stream.
    offset: usize,
}

#[derive(Debug)]
pub(super) struct Replies {
    session: SessionId,
    waiting: Waiting,
    generation: Generation,
}

impl Vhost {
    /// Hands an answer to its caller.
    pub(super) fn reply(&self, incoming: Incoming, mandatory: bool) -> Taken {
        match self.replies.get(&incoming.routing_key) {
            Some(replies) => {
                replies.waiting.answered(incoming.into_reply());
                Taken::Acked
            }
            None if mandatory => Taken::Returned,
            None => Taken::Acked,
        }
    }

    /// Gives a stream's consumers what they have not read.
    pub(super) fn read_on(&mut self, queue: QueueId) {
        for consumer in self.lines[queue.index()].consumers.clone() {
            while let Some(reader) = self.consumers.get_mut(&consumer)
                && reader.is_ready()
                && let Some(stored) = self.lines[queue.index()].log.get(reader.offset)
            {
                reader.offset += 1;
                let stored = stored.clone();
                self.deliver(consumer, stored);
            }
        }
    }

    /// Whose turn it is to get a message.
    pub(super) fn next_consumer(&mut self, queue: QueueId) -> Option<ConsumerId> {
        let line = self.lines.get_mut(queue.index())?;
        let consumers = &self.consumers;
        let ready = |id: &ConsumerId| consumers.get(id).is_some_and(Consumer::is_ready);
        if line.single {
            return line.consumers.front().copied().filter(ready);
        }
        let at = line.consumers.iter().position(ready)?;
        let id = line.consumers.remove(at)?;
        line.consumers.push_back(id);
        Some(id)
    }

    pub(super) fn deliver(&mut self, id: ConsumerId, stored: Stored) {
        let tag = self.next_number();
        let Some(consumer) = self.consumers.get_mut(&id) else { return };
        let kind = self.lines[consumer.queue.index()].kind;
        let deliveries = stored.deliveries();
        let counted = (kind == QueueKind::Quorum && deliveries > 0).then_some(deliveries);
        let arrival = stored.arrival(counted);
        let kept = !consumer.auto_ack && kind != QueueKind::Stream;
        consumer.in_hand.insert(tag, kept.then_some(stored));
        if let Some(sender) = &consumer.sender {
            // without a receiver the channel is being closed, which gives the message back
            let _ = sender.send((arrival, tag));
        }
    }

    /// A new connection.
    pub(super) fn connect(&mut self) -> SessionId {
        let session = self.next_number();
        self.sessions.insert(session);
        session
    }

    pub(super) fn is_connected(&self, session: SessionId) -> bool {
        self.sessions.contains(&session)
    }

    /// Ends a connection: what its consumers have in hand goes back to its queues.
    pub(super) fn disconnect(&mut self, now: Now, session: SessionId) {
        self.sessions.remove(&session);
        let of_session = self.consumers.iter().filter(|(_, consumer)| consumer.session == session);
        for id in of_session.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.close(now, id);
        }
        self.replies.retain(|_, replies| {
            let ends = replies.session == session;
            if ends {
                replies.waiting.ended(replies.generation);
            }
            !ends
        });
    }

    /// Opens an address for answers.
    pub(super) fn reply_to(&mut self, session: SessionId, waiting: Waiting) -> String {
        let address = format!("{REPLY_TO}.{}", self.next_number());
        let generation = waiting.channel();
        self.replies.insert(address.clone(), Replies { session, waiting, generation });
        address
    }

    pub(super) fn end_replies(&mut self, address: &str) {
        if let Some(replies) = self.replies.remove(address) {
            replies.waiting.ended(replies.generation);
        }
    }

    /// Subscribes to a queue; without a sender the consumer takes one message at a time.
    pub(super) fn consume(
        &mut self,
        now: Now,
        session: SessionId,
        queue: &str,
        prefetch: u16,
        auto_ack: bool,
        sender: Option<mpsc::UnboundedSender<Sent>>,
    ) -> Result<ConsumerId, String> {
        let queue = self.queue(queue)?;
        let id = self.next_number();
        let line = &mut self.lines[queue.index()];
        if sender.is_some() {
            line.consumers.push_back(id);
        }
        let offset = line.log.len();
        let in_hand = BTreeMap::new();
        let consumer = Consumer { session, queue, prefetch, auto_ack, sender, in_hand, offset };
        self.consumers.insert(id, consumer);
        self.touched.insert(queue);
        self.work(now);
        Ok(id)
    }

    /// Takes one message out of the queue of a consumer that gets none by itself.
    pub(super) fn get(&mut self, now: Now, id: ConsumerId) -> Option<Sent> {
        let queue = self.consumers.get(&id)?.queue;
        self.touched.insert(queue);
        self.work(now);
        let line = &mut self.lines[queue.index()];
        let stored = line.take()?;
        // before 3.13 `basic.get` tells even that it is the first time (`rabbit_quorum_queue:dequeue`)
        let tells = stored.deliveries() > 0 || self.net.version() < Version::V3_13;
        let counted = (line.kind == QueueKind::Quorum && tells).then(|| stored.deliveries());
        let arrival = stored.arrival(counted);
        let tag = self.next_number();
        self.consumers.get_mut(&id)?.in_hand.insert(tag, Some(stored));
        self.touched.insert(queue);
        self.work(now);
        Some((arrival, tag))
    }

    /// Takes a consumer out of its queue's turn; what it has in hand stays with it.
    pub(super) fn cancel(&mut self, now: Now, id: ConsumerId) {
        let Some(consumer) = self.consumers.get_mut(&id) else { return };
        consumer.sender = None;
        let queue = consumer.queue;
        self.lines[queue.index()].consumers.retain(|other| *other != id);
        self.touched.insert(queue);
        self.work(now);
    }

    /// Ends a consumer's channel: what it has in hand goes back to its queue.
    pub(super) fn close(&mut self, now: Now, id: ConsumerId) {
        let Some(consumer) = self.consumers.remove(&id) else { return };
        self.lines[consumer.queue.index()].consumers.retain(|other| *other != id);
        for stored in consumer.in_hand.into_values().flatten() {
            self.take_back(consumer.queue, stored);
        }
        self.touched.insert(consumer.queue);
        self.work(now);
    }

    /// Whether a consumer's answer for a message still counts.
    pub(super) fn holds(&self, id: ConsumerId, tag: Tag) -> bool {
        self.consumers.get(&id).is_some_and(|consumer| consumer.in_hand.contains_key(&tag))
    }

    /// Answers for a message; false where that does not count any more.
    pub(super) fn settle(&mut self, now: Now, id: ConsumerId, tag: Tag, verdict: Verdict) -> bool {
        let Some(consumer) = self.consumers.get_mut(&id) else { return false };
        let queue = consumer.queue;
        let Some(kept) = consumer.in_hand.remove(&tag) else { return false };
        match (kept, verdict) {
            (Some(stored), Verdict::Reject) => {
                self.dying.push_back(Dying { queue, reason: Reason::Rejected, stored });
            }
            (Some(stored), Verdict::Requeue) => self.take_back(queue, stored),
            (Some(_), Verdict::Ack) | (None, _) => {}
        }
        self.touched.insert(queue);
        self.work(now);
        true
    }

    fn take_back(&mut self, queue: QueueId, mut stored: Stored) {
        stored.redelivered = true;
        stored.returned += 1;
        let limit = self.net.queue(queue).effective_delivery_limit(self.net.version());
        if limit.is_some_and(|limit| stored.returned > limit) {
            self.dying.push_back(Dying { queue, reason: Reason::DeliveryLimit, stored });
        } else {
            self.lines[queue.index()].put(stored);
        }
    }

    /// Whether nobody has a message in hand.
    pub(super) fn is_idle(&self) -> bool {
        self.consumers.values().all(|consumer| consumer.in_hand.is_empty())
    }

    /// How many consumers a queue has.
    pub(super) fn consumers(&self, queue: QueueId) -> usize {
        self.lines[queue.index()].consumers.len()
    }
}

impl Consumer {
    fn is_ready(&self) -> bool {
        let free = self.auto_ack || self.prefetch == 0 || self.in_hand.len() < self.prefetch.into();
        free && self.sender.is_some()
    }
}
