//! What a step takes along or makes wait, in figures, as it is now.

use std::collections::BTreeMap;

use super::{Action, Live, Messages, Plan, Step};
use crate::{
    kind::{Definition, KindId},
    topology::Binding,
};

/// What a queue, exchange or vhost holds and is bound to that is deleted, made anew or moved. What is not known is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// What its queues hold.
    pub messages: Option<Messages>,
    /// The size of that, bodies alone; the broker counts it some seconds late, and not of streams.
    pub bytes: Option<u64>,
    /// How many consumers are cancelled.
    pub consumers: Option<u64>,
    /// How many bindings are taken away, whoever made them; of what is made anew or moved, they come back.
    pub bindings: u64,
}

/// Of so many bindings it is said how long they take.
const MANY_BINDINGS: u64 = 1_000;

/// So many are taken away in a second: one takes about a millisecond on two cores, eight at a time (docs/performance.md).
const BINDINGS_PER_SECOND: u64 = 1_000;

impl Cost {
    /// About how many seconds taking its bindings away takes; none where it is not worth saying.
    #[must_use]
    pub const fn seconds(&self) -> Option<u64> {
        if self.bindings < MANY_BINDINGS { None } else { Some(self.bindings.div_ceil(BINDINGS_PER_SECOND)) }
    }
}

/// How many bindings end at each queue and exchange, and how many there are in each vhost.
pub(super) struct Ends<'a>(BTreeMap<(KindId, &'a str, &'a str), u64>);

impl<'a> Ends<'a> {
    /// Counts, where a step is about one of them.
    pub(super) fn of(live: &'a Live, steps: &[Step]) -> Self {
        let mut ends = BTreeMap::new();
        if !steps.iter().any(takes_along) {
            return Self(ends);
        }
        for binding in live.topology.of(KindId::Binding).map(Binding) {
            let kind = if binding.to_exchange() { KindId::Exchange } else { KindId::Queue };
            let source = (KindId::Exchange, binding.vhost(), binding.source());
            let destination = (kind, binding.vhost(), binding.destination());
            *ends.entry(source).or_default() += 1;
            if source != destination {
                *ends.entry(destination).or_default() += 1;
            }
            *ends.entry((KindId::Vhost, binding.vhost(), "")).or_default() += 1;
        }
        Self(ends)
    }

    /// How many bindings an entity has.
    pub(super) fn count(&self, entity: &Definition) -> u64 {
        let end = match entity.kind {
            KindId::Vhost => (KindId::Vhost, entity.name(), ""),
            kind => (kind, entity.vhost.as_deref().unwrap_or(""), entity.name()),
        };
        self.0.get(&end).copied().unwrap_or(0)
    }
}

/// Whether a step ends or makes anew what may hold or be bound to something.
fn takes_along(step: &Step) -> bool {
    matches!(step.kind, KindId::Queue | KindId::Exchange | KindId::Vhost)
        && matches!(step.action, Action::Delete | Action::Replace | Action::Move)
}

/// Says of each such step what it costs.
pub(super) fn count(live: &Live, plan: &mut Plan, ends: &Ends<'_>) {
    for step in plan.steps.iter_mut().filter(|step| takes_along(step)) {
        let Some(was) = &step.live else { continue };
        let mut cost = Cost { bindings: ends.count(was), ..Cost::default() };
        let vhost = was.vhost.as_deref().unwrap_or("");
        match (was.kind, &live.held) {
            (KindId::Queue, Some(held)) => {
                cost.messages = held.of(vhost, was.name());
                cost.bytes = held.bytes_of(vhost, was.name());
                cost.consumers = held.consumers.is_some().then(|| held.consumers_of(vhost, was.name()));
            }
            (KindId::Vhost, Some(held)) => {
                let queues = live.topology.of(KindId::Queue);
                let queues: Vec<&str> = queues
                    .filter(|queue| queue.vhost.as_deref() == Some(was.name()))
                    .map(Definition::name)
                    .collect();
                let held_by = |queue: &&str| held.of(was.name(), queue);
                let consumers = || queues.iter().map(|queue| held.consumers_of(was.name(), queue)).sum();
                cost.messages = queues.iter().map(held_by).sum();
                let bytes = queues.iter().map(|queue| held.bytes_of(was.name(), queue));
                cost.bytes = bytes.reduce(|a, b| Some(a?.saturating_add(b?))).unwrap_or(Some(0));
                cost.consumers = held.consumers.is_some().then(consumers);
            }
            _ => {}
        }
        step.cost = Some(cost);
    }
}

impl std::iter::Sum for Messages {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, held| Self {
            ready: sum.ready.saturating_add(held.ready),
            unacked: sum.unacked.saturating_add(held.unacked),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_bindings_take_their_time() {
        let seconds = |bindings| Cost { bindings, ..Cost::default() }.seconds();
        assert_eq!([0, 999, 1_000, 10_001].map(seconds), [None, None, Some(1), Some(11)]);
    }
}
