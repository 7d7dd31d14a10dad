//! One vhost: what its exchanges and queues do with messages. `topoc-routing` decides where each goes.

use super::{
    Taken,
    line::{ConsumerId, Line, Retained},
    pick::Picks,
    stored::{Died, Incoming, Stored},
};
use crate::{
    delivery::Arrival,
    publish::Outgoing,
    rpc::{Generation, REPLY_TO, Waiting},
};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use tokio::sync::mpsc;
use topoc_routing::{DeadLettered, Fate, QueueId, QueueKind, Reason, Refused, Topology, Version};

/// The number of a connection.
pub(super) type SessionId = u64;

/// The number of a delivery.
pub(super) type Tag = u64;

/// The time of the broker's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// Milliseconds since the broker began.
    pub(super) millis: u64,
    /// Seconds since 1970.
    pub(super) seconds: u64,
}

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
struct Consumer {
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
struct Replies {
    session: SessionId,
    waiting: Waiting,
    generation: Generation,
}

/// A message that dies.
#[derive(Debug)]
struct Dying {
    queue: QueueId,
    reason: Reason,
    stored: Stored,
}

#[derive(Debug)]
pub(super) struct Vhost {
    pub(super) name: String,
    pub(super) net: Topology,
    pub(super) picks: Picks,
    /// By [`QueueId`].
    pub(super) lines: Vec<Line>,
    /// What was declared, to be compared with what is declared again.
    pub(super) declared: super::declare::Declared,
    consumers: BTreeMap<ConsumerId, Consumer>,
    sessions: BTreeSet<SessionId>,
    replies: HashMap<String, Replies>,
    dying: VecDeque<Dying>,
    /// The queues in which something may have changed.
    touched: BTreeSet<QueueId>,
    /// The last number given to a session, consumer, delivery or message.
    number: u64,
}

/// The largest message that a broker takes by default (`max_message_size`), in bytes.
fn most_bytes(version: Version) -> usize {
    if version >= Version::V4_0 { 16_777_216 } else { 134_217_728 }
}

impl Vhost {
    pub(super) fn new(name: &str, net: Topology) -> Self {
        let mut vhost = Self {
            name: name.to_owned(),
            net,
            picks: Picks::default(),
            lines: Vec::new(),
            declared: super::declare::Declared::default(),
            consumers: BTreeMap::new(),
            sessions: BTreeSet::new(),
            replies: HashMap::new(),
            dying: VecDeque::new(),
            touched: BTreeSet::new(),
            number: 0,
        };
        let version = vhost.net.version();
        vhost.lines =
            vhost.net.queues().map(|(_, queue)| Line::new(queue.kind, version, None, false)).collect();
        vhost
    }

    fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// Publishes a message for a client.
    pub(super) fn publish(&mut self, now: Now, outgoing: &Outgoing) -> Taken {
        let incoming = match Incoming::read(outgoing) {
            Ok(incoming) => incoming,
            Err(reason) => return Taken::Refused(reason),
        };
        let (bytes, most) = (incoming.bytes(), most_bytes(self.net.version()));
        if bytes > most {
            return Taken::Refused(format!(
                "PRECONDITION_FAILED - message size {bytes} is larger than configured max size {most}"
            ));
        }
        // an answer goes to its caller's channel past all queues (`rabbit_channel:deliver_reply`)
        if incoming.exchange.is_empty() && incoming.routing_key.starts_with(REPLY_TO) {
            return self.reply(incoming, outgoing.mandatory);
        }
        let picks = self.picks.of(&incoming.routing_key, &incoming.properties);
        let delivered = match self.net.publish_picking(&incoming.exchange, &incoming.message(), picks) {
            Ok(delivered) => delivered,
            Err(refused) => return Taken::Refused(self.refusal(&refused)),
        };
        if delivered.queues.is_empty() {
            return if outgoing.mandatory { Taken::Returned } else { Taken::Acked };
        }
        let stored = incoming.into_stored();
        let mut taken = Taken::Acked;
        for reached in &delivered.queues {
            if !self.enqueue(now, reached.queue, stored.clone()) {
                taken = Taken::Nacked;
            }
        }
        self.work(now);
        taken
    }

    fn refusal(&self, refused: &Refused) -> String {
        let vhost = &self.name;
        match refused {
            Refused::NotFound(name) => format!("NOT_FOUND - no exchange '{name}' in vhost '{vhost}'"),
            Refused::Internal(name) => {
                format!("ACCESS_REFUSED - cannot publish to internal exchange '{name}' in vhost '{vhost}'")
            }
        }
    }

    fn reply(&self, incoming: Incoming, mandatory: bool) -> Taken {
        match self.replies.get(&incoming.routing_key) {
            Some(replies) => {
                replies.waiting.answered(incoming.into_reply());
                Taken::Acked
            }
            None if mandatory => Taken::Returned,
            None => Taken::Acked,
        }
    }

    /// Puts a message into a queue, or hands it on; false where the queue refuses it.
    fn enqueue(&mut self, now: Now, queue: QueueId, stored: Stored) -> bool {
        let position = self.next_number();
        let settings = self.net.queue(queue);
        let Some(line) = self.lines.get_mut(queue.index()) else { return false };
        let mut stored = stored.arriving(settings, now.millis);
        stored.position = position;
        if line.refuses(settings, stored.bytes()) {
            if settings.effective_overflow() == topoc_routing::Overflow::RejectPublishDlx {
                self.dying.push_back(Dying { queue, reason: Reason::MaxLength, stored });
            }
            return false;
        }
        self.touched.insert(queue);
        let empty = line.ready() == 0;
        match line.kind {
            QueueKind::Stream => line.log.push(stored),
            QueueKind::Quorum => line.put(stored),
            // what a consumer waits for is not stored, so not even a time to live of 0 ends it
            // (`rabbit_amqqueue_process:deliver_or_enqueue`)
            QueueKind::Classic => {
                match empty.then(|| self.next_consumer(queue)).flatten() {
                    Some(consumer) => self.deliver(consumer, stored),
                    None => self.lines[queue.index()].put(stored),
                }
                // it makes room before it looks what has expired
                self.make_room(queue);
            }
        }
        true
    }

    /// Does all that is to be done at this time.
    pub(super) fn work(&mut self, now: Now) {
        loop {
            if let Some(dying) = self.dying.pop_front() {
                self.bury(now, dying);
            } else if let Some(queue) = self.touched.pop_first() {
                self.turn(now, queue);
            } else if !self.hand_over_retained(now) {
                return;
            }
        }
    }

    /// What has expired by this time dies.
    pub(super) fn expire(&mut self, now: Now) {
        self.touched.extend(self.net.queues().map(|(id, _)| id));
        self.work(now);
    }

    /// When the next message expires, in milliseconds of the broker's clock.
    pub(super) fn next_due(&self) -> Option<u64> {
        self.lines.iter().filter_map(|line| line.head()?.expires).min()
    }

    /// One queue: expires, delivers, and keeps to its limits.
    fn turn(&mut self, now: Now, queue: QueueId) {
        if self.lines[queue.index()].kind == QueueKind::Stream {
            return self.read_on(queue);
        }
        loop {
            let line = &mut self.lines[queue.index()];
            let Some(head) = line.head() else { break };
            if head.expires.is_some_and(|at| at <= now.millis) {
                let stored = line.take();
                self.dying.extend(stored.map(|stored| Dying { queue, reason: Reason::Expired, stored }));
                continue;
            }
            let Some(consumer) = self.next_consumer(queue) else { break };
            if let Some(stored) = self.lines[queue.index()].take() {
                self.deliver(consumer, stored);
            }
        }
        self.make_room(queue);
        self.lines[queue.index()].watch_limit(self.net.queue(queue));
    }

    /// Drops the first messages of a queue that is over its limit.
    fn make_room(&mut self, queue: QueueId) {
        let line = &mut self.lines[queue.index()];
        while line.drops(self.net.queue(queue)) {
            let stored = line.take();
            self.dying.extend(stored.map(|stored| Dying { queue, reason: Reason::MaxLength, stored }));
        }
    }

    /// Gives a stream's consumers what they have not read.
    fn read_on(&mut self, queue: QueueId) {
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
    fn next_consumer(&mut self, queue: QueueId) -> Option<ConsumerId> {
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

    fn deliver(&mut self, id: ConsumerId, stored: Stored) {
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

    /// A message dies: it is published to the queue's dead-letter exchange.
    fn bury(&mut self, now: Now, Dying { queue, reason, stored }: Dying) {
        let refused = self.dead_letter(now, queue, reason, &stored, None);
        if let Some(refused) = refused {
            self.lines[queue.index()].retained.push(Retained { stored, reason, refused });
            self.touched.insert(queue);
        }
    }

    /// Publishes a dead letter, to `only` these targets if it says so. Where the queue has to keep it: the targets that
    /// refuse it, or none if there is no target.
    fn dead_letter(
        &mut self,
        now: Now,
        queue: QueueId,
        reason: Reason,
        stored: &Stored,
        only: Option<&[QueueId]>,
    ) -> Option<Vec<QueueId>> {
        let key = stored.carried.keys.first().map_or("", String::as_str).to_owned();
        let picks = self.picks.of(&key, stored.properties());
        let (targets, message, fate) =
            match self.net.dead_letter_picking(queue, reason, &stored.carried, picks) {
                DeadLettered::Discarded => return None,
                DeadLettered::NoExchange { fate, .. } => return (fate == Fate::Retained).then(Vec::new),
                DeadLettered::Published { delivered, message, fate, .. } => {
                    let targets: Vec<QueueId> =
                        delivered.queues.iter().map(|reached| reached.queue).collect();
                    (targets, message, fate)
                }
            };
        let (version, seconds) = (self.net.version(), now.seconds);
        let dead = stored.dead(Died { queue: self.net.queue(queue), reason, version, seconds }, message);
        let mut refused = Vec::new();
        let none = targets.is_empty();
        for target in targets {
            if only.is_none_or(|only| only.contains(&target)) && !self.enqueue(now, target, dead.clone()) {
                refused.push(target);
            }
        }
        (fate == Fate::Retained && (none || !refused.is_empty())).then_some(refused)
    }

    /// Tries once more with what queues keep for want of a target; false where nothing is changed by it.
    fn hand_over_retained(&mut self, now: Now) -> bool {
        let mut changed = false;
        for queue in self.net.queues().map(|(id, _)| id).collect::<Vec<_>>() {
            if self.lines[queue.index()].retained.is_empty() {
                continue;
            }
            for kept in std::mem::take(&mut self.lines[queue.index()].retained) {
                let Retained { stored, reason, refused } = kept;
                let only = (!refused.is_empty()).then_some(refused.as_slice());
                let still = self.dead_letter(now, queue, reason, &stored, only);
                changed |= still.as_ref() != Some(&refused);
                if let Some(refused) = still {
                    self.lines[queue.index()].retained.push(Retained { stored, reason, refused });
                }
            }
            if changed {
                self.touched.insert(queue);
            }
        }
        changed
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

    /// The queue of this name, or the broker's words.
    pub(super) fn queue(&self, name: &str) -> Result<QueueId, String> {
        let missing = || format!("NOT_FOUND - no queue '{name}' in vhost '{}'", self.name);
        self.net.queue_id(name).ok_or_else(missing)
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
