//! Which of its bindings an exchange sends a message along.

use std::collections::HashMap;

use crate::topic::TopicTrie;
use crate::{
    Binding, BindingId, Certainty, Destination, ExchangeId, ExchangeKind, Message, QueueId, Topology, headers,
};

/// What an exchange does with a message, before any alternate exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matched {
    /// A copy along each of these bindings, in order of declaration; none is the cue for the alternate exchange.
    All(Vec<BindingId>),
    /// The default exchange: a copy to each of these queues, whose names are the message's keys.
    Queues(Vec<QueueId>),
    /// One copy, along one of these bindings.
    OneOf(Vec<Share>),
    /// The exchange's type is unknown, or the message's headers are: that is not enough to tell.
    Undecidable {
        /// Along each of these bindings in any case.
        surely: Vec<BindingId>,
        /// Along some of these or none; where the type is unknown perhaps elsewhere, too.
        perhaps: Vec<BindingId>,
    },
}

/// One of the bindings that an exchange picks from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// The binding.
    pub binding: BindingId,
    /// Its weight: of the sum of weights, this part of evenly spread keys goes here.
    pub weight: u64,
}

impl Matched {
    /// Every binding that the message may take.
    pub fn bindings(&self) -> impl Iterator<Item = BindingId> + '_ {
        let (all, perhaps, shares): (&[BindingId], &[BindingId], &[Share]) = match self {
            Self::All(all) => (all, &[], &[]),
            Self::Queues(_) => (&[], &[], &[]),
            Self::OneOf(shares) => (&[], &[], shares),
            Self::Undecidable { surely, perhaps } => (surely, perhaps, &[]),
        };
        all.iter().chain(perhaps).copied().chain(shares.iter().map(|share| share.binding))
    }

    /// How surely the broker finds nothing, so that the alternate exchange takes the message.
    pub fn is_empty(&self) -> Certainty {
        let empty = match self {
            Self::All(all) => all.is_empty(),
            Self::Queues(queues) => queues.is_empty(),
            Self::OneOf(shares) => shares.is_empty(),
            Self::Undecidable { surely, .. } if surely.is_empty() => return Certainty::Possible,
            Self::Undecidable { .. } => false,
        };
        if empty { Certainty::Always } else { Certainty::Never }
    }
}

/// An exchange's bindings as its kind looks them up.
#[derive(Debug, Clone)]
pub(crate) enum Index {
    /// By key.
    Keys(HashMap<String, Vec<BindingId>>),
    /// By topic pattern.
    Patterns(TopicTrie<BindingId>),
    /// All are looked at.
    Whole,
    /// By destination: a consistent-hash exchange keeps only the first binding to each.
    Destinations(HashMap<Destination, BindingId>),
}

impl Index {
    pub(crate) fn new(kind: &ExchangeKind) -> Self {
        match kind {
            ExchangeKind::Direct => Self::Keys(HashMap::new()),
            ExchangeKind::Topic => Self::Patterns(TopicTrie::default()),
            ExchangeKind::ConsistentHash => Self::Destinations(HashMap::new()),
            _ => Self::Whole,
        }
    }

    pub(crate) fn insert(&mut self, id: BindingId, binding: &Binding) {
        match self {
            Self::Keys(keys) => keys.entry(binding.routing_key.clone()).or_default().push(id),
            Self::Patterns(trie) => trie.insert(&binding.routing_key, id),
            Self::Whole => {}
            Self::Destinations(first) => {
                first.entry(binding.destination).or_insert(id);
            }
        }
    }
}

impl Topology {
    /// Which bindings of `exchange` this message takes, without its alternate exchange.
    pub fn matched(&self, exchange: ExchangeId, message: &Message<'_>) -> Matched {
        if exchange == Self::DEFAULT_EXCHANGE {
            let mut queues: Vec<QueueId> = message.keys().filter_map(|key| self.queue_id(key)).collect();
            queues.sort_unstable();
            queues.dedup();
            return Matched::Queues(queues);
        }
        let bound = self.bindings_of(exchange);
        let each = |ids: &[BindingId]| ids.iter().map(|&binding| Share { binding, weight: 1 }).collect();
        match (self.exchange(exchange).kind.matching(), &self.indices[exchange.index()]) {
            (_, Index::Keys(keys)) => {
                let mut found = Vec::new();
                for key in message.keys() {
                    found.extend(keys.get(key).into_iter().flatten());
                }
                Matched::All(sorted(found))
            }
            (_, Index::Patterns(trie)) => {
                let mut found = Vec::new();
                for key in message.keys() {
                    trie.find(key, &mut found);
                }
                Matched::All(sorted(found))
            }
            (_, Index::Destinations(first)) => {
                let shares = bound.iter().filter(|id| first.get(&self.binding(**id).destination) == Some(id));
                let weight = |id: BindingId| self.binding(id).routing_key.parse().unwrap_or(1);
                Matched::OneOf(shares.map(|&binding| Share { binding, weight: weight(binding) }).collect())
            }
            (ExchangeKind::Fanout | ExchangeKind::RecentHistory, Index::Whole) => {
                Matched::All(bound.to_vec())
            }
            (ExchangeKind::Headers, Index::Whole) => {
                let fits =
                    |id: &BindingId| headers::matches(&self.binding(*id).arguments, message, self.version());
                let (mut surely, mut perhaps) = (Vec::new(), Vec::new());
                for id in bound {
                    match fits(id) {
                        Some(true) => surely.push(*id),
                        Some(false) => {}
                        None => perhaps.push(*id),
                    }
                }
                if perhaps.is_empty() {
                    Matched::All(surely)
                } else {
                    Matched::Undecidable { surely, perhaps }
                }
            }
            (ExchangeKind::ModulusHash | ExchangeKind::Random | ExchangeKind::LocalRandom, Index::Whole) => {
                Matched::OneOf(each(bound))
            }
            (_, Index::Whole) => Matched::Undecidable { surely: Vec::new(), perhaps: bound.to_vec() },
        }
    }
}

fn sorted(mut ids: Vec<BindingId>) -> Vec<BindingId> {
    ids.sort_unstable();
    ids.dedup();
    ids
}
