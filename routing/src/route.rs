//! Where a published message goes (`rabbit_exchange:route`): across exchanges, each once, into queues, one copy each.

use std::collections::{HashMap, VecDeque};
use std::fmt;

use crate::certainty::Flow;
use crate::{
    BindingId, Certainty, Destination, ExchangeId, ExchangeKind, Matched, Message, QueueId, Share, Topology,
    Value,
};

/// The broker's refusal of a publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// No such exchange: 404, which closes the channel.
    NotFound(String),
    /// The exchange is internal: 403, which closes the channel.
    Internal(String),
}

impl Refused {
    /// The AMQP reply code.
    pub fn code(&self) -> u16 {
        match self {
            Self::NotFound(_) => 404,
            Self::Internal(_) => 403,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(name) => write!(f, "there is no exchange `{name}`"),
            Self::Internal(name) => write!(f, "exchange `{name}` is internal: clients may not publish to it"),
        }
    }
}

impl std::error::Error for Refused {}

/// Why a message goes from an exchange to a queue or to another exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum By {
    /// Along this binding.
    Binding(BindingId),
    /// The default exchange: one of the message's keys is the queue's name.
    QueueName,
    /// As the alternate exchange of an exchange that matched nothing.
    Alternate,
}

/// One step of a message's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hop {
    /// The exchange that it leaves.
    pub from: ExchangeId,
    /// Where it arrives.
    pub to: Destination,
    /// Why.
    pub by: By,
}

/// An exchange that the message reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The exchange.
    pub exchange: ExchangeId,
    /// How it is reached first; nothing for the one that was published to.
    pub by: Option<Hop>,
    /// Which of its bindings take the message.
    pub matched: Matched,
    /// Where else the message goes, as that matched nothing.
    pub alternate: Option<Alternate>,
    /// The exchange holds the message for the delay in its header `x-delay` first. A mandatory publish is returned
    /// meanwhile, and the alternate exchange gets a copy at once (`rabbit_exchange_type_delayed_message`).
    pub delayed: bool,
}

/// The alternate exchange of an exchange that matched nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alternate {
    /// It takes the message.
    Exchange(ExchangeId),
    /// It does not exist, and the broker ignores it.
    Missing(String),
}

/// A queue that the message reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The queue; it gets one copy, however many ways lead there.
    pub queue: QueueId,
    /// Whether it gets the message whatever the exchanges on the way pick; never [`Certainty::Never`].
    pub certainty: Certainty,
    /// The last step of each way, in the order in which they are found.
    pub by: Vec<Hop>,
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The queues that get a copy, in order of declaration.
    pub queues: Vec<Reached>,
    /// The exchanges on the way, in the order in which they are reached.
    pub visits: Vec<Visit>,
    /// Whether no queue gets it: the broker then acks it, after `basic.return` 312 if it is mandatory.
    pub unroutable: Certainty,
}

impl Delivered {
    /// The copies that a queue gets: whether, and how surely.
    pub fn reaches(&self, queue: QueueId) -> Certainty {
        match self.queues.binary_search_by_key(&queue, |reached| reached.queue) {
            Ok(at) => self.queues[at].certainty,
            Err(_) => Certainty::Never,
        }
    }

    /// The exchanges on the way of which it is not decided what they do: their type or the headers are not known.
    pub fn undecidable(&self) -> impl Iterator<Item = ExchangeId> + '_ {
        self.visits.iter().filter(|v| matches!(v.matched, Matched::Undecidable { .. })).map(|v| v.exchange)
    }

    /// The shortest way to a queue, from the exchange that was published to; empty if it is not reached.
    pub fn path(&self, queue: QueueId) -> Vec<Hop> {
        let reached = self.queues.iter().find(|reached| reached.queue == queue);
        let mut path: Vec<Hop> =
            reached.and_then(|reached| reached.by.first()).copied().into_iter().collect();
        while let Some(first) = path.last()
            && let Some(before) = self.visits.iter().find(|v| v.exchange == first.from).and_then(|v| v.by)
        {
            path.push(before);
        }
        path.reverse();
        path
    }
}

impl Topology {
    /// Where a message that a client publishes to the exchange named `exchange` goes.
    pub fn publish(&self, exchange: &str, message: &Message<'_>) -> Result<Delivered, Refused> {
        self.open(exchange).map(|id| self.route(id, message))
    }

    /// As [`Self::publish`], but an exchange that picks goes by `pick`, as in [`Self::route_picking`].
    pub fn publish_picking(
        &self,
        exchange: &str,
        message: &Message<'_>,
        pick: impl FnMut(ExchangeId, &[Share]) -> usize,
    ) -> Result<Delivered, Refused> {
        self.open(exchange).map(|id| self.route_picking(id, message, pick))
    }

    /// The exchange of this name, if clients may publish to it.
    fn open(&self, exchange: &str) -> Result<ExchangeId, Refused> {
        match self.exchange_id(exchange) {
            None => Err(Refused::NotFound(exchange.to_owned())),
            Some(id) if self.exchange(id).internal => Err(Refused::Internal(exchange.to_owned())),
            Some(id) => Ok(id),
        }
    }

    /// Where a message goes that the broker itself puts into `exchange`, as it does with dead letters; the exchange
    /// may be internal.
    pub fn route(&self, exchange: ExchangeId, message: &Message<'_>) -> Delivered {
        self.follow(exchange, message, |_| false, |_, matched| matched)
    }

    /// As [`Self::route`], but an exchange that picks goes by `pick`, which gets its shares and answers with a place
    /// among them: what a broker of one's own does with one message.
    pub fn route_picking(
        &self,
        exchange: ExchangeId,
        message: &Message<'_>,
        pick: impl FnMut(ExchangeId, &[Share]) -> usize,
    ) -> Delivered {
        self.follow(exchange, message, |_| false, picked(pick))
    }

    /// As [`Self::route`], but queues that `dropped` names get nothing, though they count as matched all the same, and
    /// what an exchange matches is `narrowed`.
    pub(crate) fn follow(
        &self,
        exchange: ExchangeId,
        message: &Message<'_>,
        mut dropped: impl FnMut(QueueId) -> bool,
        mut narrowed: impl FnMut(ExchangeId, Matched) -> Matched,
    ) -> Delivered {
        let mut seen = vec![false; self.exchanges().len()];
        let mut waiting = VecDeque::from([(exchange, None)]);
        let mut visits = Vec::new();
        let mut queues: HashMap<QueueId, Vec<Hop>> = HashMap::new();
        seen[exchange.index()] = true;
        while let Some((from, by)) = waiting.pop_front() {
            // the default exchange routes by queue names only where a message enters; as an alternate exchange it falls
            // back on its bindings, and it has none
            let matched = match by {
                Some(_) if from == Self::DEFAULT_EXCHANGE => Matched::All(Vec::new()),
                _ => narrowed(from, self.matched(from, message)),
            };
            let visit = self.visit(from, by, matched, message);
            for hop in hops(self, &visit) {
                match hop.to {
                    Destination::Queue(queue) if dropped(queue) => {}
                    Destination::Queue(queue) => queues.entry(queue).or_default().push(hop),
                    Destination::Exchange(next) if !seen[next.index()] => {
                        seen[next.index()] = true;
                        waiting.push_back((next, Some(hop)));
                    }
                    Destination::Exchange(_) => {}
                }
            }
            visits.push(visit);
        }
        let flow = Flow::new(self, &visits);
        let determined = flow.is_determined();
        let unroutable = match determined {
            true if queues.is_empty() => Certainty::Always,
            true => Certainty::Never,
            false => flow.unroutable(|queue| queues.contains_key(&queue), !queues.is_empty()),
        };
        let certainty = |queue| if determined { Certainty::Always } else { flow.reaches(queue) };
        let mut queues: Vec<Reached> = queues
            .into_iter()
            .map(|(queue, by)| Reached { queue, certainty: certainty(queue), by })
            .collect();
        queues.sort_unstable_by_key(|reached| reached.queue);
        Delivered { unroutable, queues, visits }
    }

    fn visit(&self, exchange: ExchangeId, by: Option<Hop>, matched: Matched, message: &Message<'_>) -> Visit {
        let is = self.exchange(exchange);
        let delayed = matches!(is.kind, ExchangeKind::DelayedMessage(_))
            && matches!(
                message.headers.and_then(|headers| headers.get("x-delay")),
                Some(Value::Integer(1..=0xFFFF_FFFF))
            );
        let falls_back = delayed || matched.is_empty() != Certainty::Never;
        let alternate = is.alternate_exchange.as_ref().filter(|_| falls_back);
        let alternate = alternate.map(|name| match self.exchange_id(name) {
            Some(id) => Alternate::Exchange(id),
            None => Alternate::Missing(name.clone()),
        });
        Visit { exchange, by, matched, alternate, delayed }
    }
}

/// Narrows what an exchange picks from to what `pick` picks.
pub(crate) fn picked(
    mut pick: impl FnMut(ExchangeId, &[Share]) -> usize,
) -> impl FnMut(ExchangeId, Matched) -> Matched {
    move |exchange, matched| match matched {
        Matched::OneOf(shares) if !shares.is_empty() => {
            let place = pick(exchange, &shares).min(shares.len() - 1);
            Matched::OneOf(vec![shares[place]])
        }
        matched => matched,
    }
}

/// The steps that leave an exchange.
pub(crate) fn hops<'a>(topology: &'a Topology, visit: &'a Visit) -> impl Iterator<Item = Hop> + 'a {
    let from = visit.exchange;
    let queues: &[QueueId] = match &visit.matched {
        Matched::Queues(queues) => queues,
        _ => &[],
    };
    let alternate = match visit.alternate {
        Some(Alternate::Exchange(id)) => Some(id),
        _ => None,
    };
    let bound = visit.matched.bindings().map(move |binding| Hop {
        from,
        to: topology.binding(binding).destination,
        by: By::Binding(binding),
    });
    let named =
        queues.iter().map(move |&queue| Hop { from, to: Destination::Queue(queue), by: By::QueueName });
    let alternate =
        alternate.into_iter().map(move |id| Hop { from, to: Destination::Exchange(id), by: By::Alternate });
    bound.chain(named).chain(alternate)
}

#[cfg(test)]
#[path = "route_tests.rs"]
mod tests;
