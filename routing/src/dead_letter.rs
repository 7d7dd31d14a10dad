//! What becomes of a message that dies in a queue (`rabbit_dead_letter`, `rabbit_fifo_dlx_worker`).

use crate::route::picked;
use crate::{
    Certainty, Delivered, ExchangeId, Matched, Message, QueueId, QueueKind, Share, Strategy, Table, Topology,
    Value,
};

/// Why a message dies. A queue that expires or is deleted takes its messages along without dead-lettering them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A consumer rejects it, or nacks it, without requeueing.
    Rejected,
    /// Its time to live has passed.
    Expired,
    /// The queue is full.
    MaxLength,
    /// It has been returned too often; to the broker that is an automatic death.
    DeliveryLimit,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Rejected, Self::Expired, Self::MaxLength, Self::DeliveryLimit];

    /// As `x-death` names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::MaxLength => "maxlen",
            Self::DeliveryLimit => "delivery_limit",
        }
    }
}

/// An entry of `x-death`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Death {
    /// The queue that the message died in.
    pub queue: QueueId,
    /// Why.
    pub reason: Reason,
}

/// A message that lies in a queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Carried {
    /// The exchange that it was published to last.
    pub exchange: String,
    /// Every key it was published with, those of `CC` and `BCC` too.
    pub keys: Vec<String>,
    /// Its headers, with `CC`, without `BCC`; `None` if they are not known.
    pub headers: Option<Table>,
    /// Its deaths in the order of `x-death`, each queue and reason once: the latest first, and from 3.13 on the others
    /// behind it by recency; before, they change places with every death.
    pub deaths: Vec<Death>,
}

impl Carried {
    /// A message that a client has published to this exchange.
    pub fn new(exchange: &str, message: &Message<'_>) -> Self {
        let mut headers = message.headers.cloned();
        if let Some(headers) = headers.as_mut().filter(|_| !message.cc.is_empty()) {
            headers.insert("CC".to_owned(), Value::string_array(message.cc));
        }
        let keys = message.keys().map(str::to_owned).collect();
        Self { exchange: exchange.to_owned(), keys, headers, deaths: Vec::new() }
    }

    /// Whether the broker drops it instead of putting it into `target` again: it died there before, and every death
    /// from there to the front of the list, that is since then, was automatic (`mc:is_cycle_v2`).
    pub fn is_cycle(&self, target: QueueId) -> bool {
        let died_there = self.deaths.iter().position(|death| death.queue == target);
        died_there.is_some_and(|at| self.deaths[..=at].iter().all(|death| death.reason != Reason::Rejected))
    }

    /// The message after one more death, before it is published again (`mc:record_death`).
    fn after(&self, topology: &Topology, queue: QueueId, reason: Reason) -> Self {
        let death = Death { queue, reason };
        let mut dead = self.clone();
        // before 3.13 the broker turns the list round with every death (`rabbit_dead_letter:group_by_queue_and_reason`)
        if !topology.version().has_message_containers() {
            dead.deaths.reverse();
        }
        dead.deaths.retain(|known| *known != death);
        dead.deaths.insert(0, death);
        let Some(headers) = &mut dead.headers else { return dead };
        let details = [
            ("reason", reason.as_str().to_owned()),
            ("queue", topology.queue(queue).name.clone()),
            ("exchange", self.exchange.clone()),
        ];
        for (what, value) in details {
            if self.deaths.is_empty() {
                headers.insert(format!("x-first-death-{what}"), value.clone().into());
            }
            if topology.version().has_message_containers() {
                headers.insert(format!("x-last-death-{what}"), value.into());
            }
        }
        if !topology.version().has_message_containers() {
            // an array of tables; nothing but its being there is ever compared
            headers.insert("x-death".to_owned(), Value::Opaque(vec![b'A']));
        }
        dead
    }
}

/// What becomes of a message that dies.
#[derive(Debug, Clone, PartialEq)]
pub enum DeadLettered {
    /// The queue has no dead-letter exchange, or is a stream: the message is gone.
    Discarded,
    /// The dead-letter exchange does not exist.
    NoExchange {
        /// Its name.
        name: String,
        /// What then becomes of the message.
        fate: Fate,
    },
    /// It is published to the dead-letter exchange.
    Published {
        /// The dead-letter exchange; it may be internal.
        exchange: ExchangeId,
        /// Where it goes from there. Queues that it may not return to are not among them.
        delivered: Delivered,
        /// Queues that it would reach, but that would close an automatic cycle.
        cycles: Vec<QueueId>,
        /// The message as it arrives there.
        message: Carried,
        /// What becomes of it where it reaches no queue.
        fate: Fate,
    },
}

/// What becomes of a dead letter that no queue takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It is dropped without a word (at-most-once).
    Dropped,
    /// The queue keeps it and tries again (at-least-once); it counts against the queue's length.
    Retained,
}

impl DeadLettered {
    /// How surely the message reaches no further queue.
    pub fn ends(&self) -> Certainty {
        match self {
            Self::Discarded | Self::NoExchange { .. } => Certainty::Always,
            Self::Published { delivered, .. } => delivered.unroutable,
        }
    }
}

impl Topology {
    /// What becomes of `message` when it dies in `queue` for this reason.
    pub fn dead_letter(&self, queue: QueueId, reason: Reason, message: &Carried) -> DeadLettered {
        self.bury(queue, reason, message, |_, matched| matched)
    }

    /// As [`Self::dead_letter`], but an exchange that picks goes by `pick`, as in [`Self::route_picking`].
    pub fn dead_letter_picking(
        &self,
        queue: QueueId,
        reason: Reason,
        message: &Carried,
        pick: impl FnMut(ExchangeId, &[Share]) -> usize,
    ) -> DeadLettered {
        self.bury(queue, reason, message, picked(pick))
    }

    fn bury(
        &self,
        queue: QueueId,
        reason: Reason,
        message: &Carried,
        narrowed: impl FnMut(ExchangeId, Matched) -> Matched,
    ) -> DeadLettered {
        let from = self.queue(queue);
        let name = match &from.dead_letter_exchange {
            Some(name) if from.kind != QueueKind::Stream => name,
            _ => return DeadLettered::Discarded,
        };
        let fate = match from.effective_strategy() {
            Strategy::AtMostOnce => Fate::Dropped,
            Strategy::AtLeastOnce => Fate::Retained,
        };
        let Some(exchange) = self.exchange_id(name) else {
            return DeadLettered::NoExchange { name: name.clone(), fate };
        };
        let mut message = message.after(self, queue, reason);
        message.exchange.clone_from(name);
        if let Some(key) = &from.dead_letter_routing_key {
            message.keys = vec![key.clone()];
            // from 3.13 on `CC` goes only when the message is delivered, so a headers exchange still sees it
            if let Some(headers) =
                message.headers.as_mut().filter(|_| !self.version().has_message_containers())
            {
                headers.remove("CC");
            }
        }
        let (first, others) = match message.keys.split_first() {
            Some((first, others)) => (first.as_str(), others),
            None => ("", &[][..]),
        };
        let headers = message.headers.as_ref();
        let routed = Message { headers, ..Message::new(first).with_bcc(others) };
        let mut cycles = Vec::new();
        let dropped = |target| {
            let cycle = message.is_cycle(target);
            if cycle {
                cycles.push(target);
            }
            cycle
        };
        let delivered = self.follow(exchange, &routed, dropped, narrowed);
        cycles.sort_unstable();
        cycles.dedup();
        DeadLettered::Published { exchange, delivered, cycles, message, fate }
    }
}

#[cfg(test)]
#[path = "dead_letter_tests.rs"]
mod tests;
