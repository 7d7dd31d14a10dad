//! Which of many policies applies (`rabbit_policy:match`).

use super::{Object, unsupported};
use crate::{QueueKind, Table, Version};

/// The `apply-to` of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ApplyTo {
    /// Exchanges and queues of every type.
    All,
    /// Exchanges.
    Exchanges,
    /// Queues of every type, streams too.
    Queues,
    /// Classic queues (3.12 and newer).
    ClassicQueues,
    /// Quorum queues (3.12 and newer).
    QuorumQueues,
    /// Streams (3.12 and newer).
    Streams,
}

impl ApplyTo {
    /// Reads the broker's word.
    pub fn of(word: &str) -> Option<Self> {
        Some(match word {
            "all" => Self::All,
            "exchanges" => Self::Exchanges,
            "queues" => Self::Queues,
            "classic_queues" => Self::ClassicQueues,
            "quorum_queues" => Self::QuorumQueues,
            "streams" => Self::Streams,
            _ => return None,
        })
    }

    /// Whether it takes in such an object.
    pub fn includes(self, object: Object) -> bool {
        match self {
            Self::All => true,
            Self::Exchanges => object == Object::Exchange,
            Self::Queues => object != Object::Exchange,
            Self::ClassicQueues => object == Object::Queue(QueueKind::Classic),
            Self::QuorumQueues => object == Object::Queue(QueueKind::Quorum),
            Self::Streams => object == Object::Queue(QueueKind::Stream),
        }
    }
}

/// A policy or an operator policy of the virtual host in question.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// What it applies to.
    pub apply_to: ApplyTo,
    /// The highest one applies.
    pub priority: i64,
    /// Its keys and values.
    pub definition: Table,
}

/// Which policy applies to an object, and why the others do not. All are places in the list given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selected {
    /// The one that applies; with a tie, the first of those that may.
    pub applies: Option<usize>,
    /// Others of the same priority: which of them applies is not specified.
    pub tied: Vec<usize>,
    /// Those that match, too, and are of lower priority.
    pub hidden: Vec<usize>,
    /// Those that match, but hold a key that the queue's type does not support, and so are skipped whole; with that
    /// key.
    pub skipped: Vec<(usize, String)>,
}

/// Which of these policies applies to an object; `matches` says whether the pattern of the policy at a place finds the
/// object's name, searched unanchored.
pub fn select(
    policies: &[Policy],
    object: Object,
    version: Version,
    mut matches: impl FnMut(usize) -> bool,
) -> Selected {
    let mut selected = Selected::default();
    let mut candidates = Vec::new();
    for (place, policy) in policies.iter().enumerate() {
        if !policy.apply_to.includes(object) || !matches(place) {
            continue;
        }
        match policy.definition.keys().find(|key| unsupported(key, object, version)) {
            Some(key) => selected.skipped.push((place, key.clone())),
            None => candidates.push(place),
        }
    }
    let highest = candidates.iter().map(|place| policies[*place].priority).max();
    let (mut first, hidden): (Vec<usize>, Vec<usize>) =
        candidates.into_iter().partition(|place| Some(policies[*place].priority) == highest);
    selected.hidden = hidden;
    if !first.is_empty() {
        selected.applies = Some(first.remove(0));
        selected.tied = first;
    }
    selected
}
