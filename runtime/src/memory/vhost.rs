//! One vhost: what its exchanges and queues do with messages. `topoc-routing` decides where each goes.

use super::{
    Taken,
    consumers::{Consumer, Replies, SessionId},
    line::{ConsumerId, Line, Retained},
    pick::Picks,
    stored::{Died, Incoming, Stored},
};
use crate::{publish::Outgoing, rpc::REPLY_TO};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use topoc_routing::{DeadLettered, Fate, QueueId, QueueKind, Reason, Refused, Topology, Version};

/// The time of the broker's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// Milliseconds since the broker began.
    pub(super) millis: u64,
    /// Seconds since 1970.
    pub(super) seconds: u64,
}

/// A message that dies.
#[derive(Debug)]
pub(super) struct Dying {
    pub(super) queue: QueueId,
    pub(super) reason: Reason,
    pub(super) stored: Stored,
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
    pub(super) consumers: BTreeMap<ConsumerId, Consumer>,
    pub(super) sessions: BTreeSet<SessionId>,
    pub(super) replies: HashMap<String, Replies>,
    pub(super) dying: VecDeque<Dying>,
    /// The queues in which something may have changed.
    pub(super) touched: BTreeSet<QueueId>,
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

    pub(super) fn next_number(&mut self) -> u64 {
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

    /// The queue of this name, or the broker's words.
    pub(super) fn queue(&self, name: &str) -> Result<QueueId, String> {
        let missing = || format!("NOT_FOUND - no queue '{name}' in vhost '{}'", self.name);
        self.net.queue_id(name).ok_or_else(missing)
    }
}
