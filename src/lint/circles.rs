//! The circles that dead letters walk, each with what becomes of a message in it.
//!
//! A message is dropped when it comes back to a queue that it died in, unless it was rejected since
//! (`rabbit_dead_letter:detect_cycles/3`); deaths by delivery limit count as automatic.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use topoc_routing::{QueueId, QueueKind, Reason, Strategy};

use crate::{
    graph::{DeadLetterMap, Routes},
    topology::Queue,
};

/// What becomes of a message in a circle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Every queue keeps its dead letters until the next one confirms them, so the circle can come to a stop.
    AtLeastOnce,
    /// It comes round by automatic deaths alone, and is not taken back.
    Automatic,
    /// The same, when a delivery limit is reached.
    DeliveryLimit,
    /// It comes round by rejections, for ever.
    Rejection,
}

/// A circle of dead letters.
#[derive(Debug)]
pub(crate) struct Circle<'a> {
    /// What becomes of a message in it.
    pub(crate) trouble: Trouble,
    /// Its queues in the order of the way, the one that the trouble begins at first.
    pub(crate) queues: Vec<Queue<'a>>,
}

/// Every group of queues whose dead letters go round, once, with the shortest circle that shows its worst trouble.
/// `limit` is a queue's delivery limit as stated, `is_consumed` says whether its messages can be rejected.
pub(super) fn all<'m, 'a: 'm>(
    vhosts: impl Iterator<Item = (&'m Routes<'a>, &'m DeadLetterMap)>,
    limit: impl Fn(Queue<'a>) -> Option<i64>,
    is_consumed: impl Fn(Queue<'a>) -> bool,
) -> Vec<Circle<'a>> {
    let mut circles = Vec::new();
    for (routes, dead) in vhosts {
        Finder { routes, dead }.find(&limit, &is_consumed, &mut circles);
    }
    circles
}

/// In which of several rounds a queue stands.
pub(super) fn groups(rounds: &[Vec<QueueId>]) -> FxHashMap<QueueId, usize> {
    let groups = rounds.iter().enumerate();
    groups.flat_map(|(group, round)| round.iter().map(move |queue| (*queue, group))).collect()
}

struct Finder<'m, 'a> {
    routes: &'m Routes<'a>,
    dead: &'m DeadLetterMap,
}

impl<'a> Finder<'_, 'a> {
    fn find(
        &self,
        limit: &impl Fn(Queue<'a>) -> Option<i64>,
        is_consumed: &impl Fn(Queue<'a>) -> bool,
        circles: &mut Vec<Circle<'a>>,
    ) {
        let rounds = self.dead.rounds(|_| true);
        if rounds.is_empty() {
            return;
        }
        let group = groups(&rounds);
        let automatic = |queue: QueueId| group.contains_key(&queue) && self.dies_by_itself(queue);
        let limited = |queue: QueueId| {
            group.contains_key(&queue)
                && self.routes.topology.queue(queue).kind == QueueKind::Quorum
                && self.routes.queue(queue).and_then(limit).is_some_and(|limit| limit >= 0)
        };
        let by_group = |rounds: Vec<Vec<QueueId>>| -> BTreeMap<usize, Vec<QueueId>> {
            rounds.into_iter().filter_map(|round| Some((*group.get(round.first()?)?, round))).collect()
        };
        let automatic_rounds = by_group(self.dead.rounds(automatic));
        let limited_rounds = by_group(self.dead.rounds(|queue| automatic(queue) || limited(queue)));
        let waiting_rounds = by_group(self.dead.rounds(|queue| {
            group.contains_key(&queue)
                && self.routes.topology.queue(queue).effective_strategy() == Strategy::AtLeastOnce
        }));
        for (index, round) in rounds.iter().enumerate() {
            let found = waiting_rounds
                .get(&index)
                .and_then(|round| self.circle(Trouble::AtLeastOnce, round, |_| true));
            let found =
                found.or_else(|| self.circle(Trouble::Automatic, automatic_rounds.get(&index)?, |_| true));
            let found = found.or_else(|| {
                let rejected = |queue: QueueId| !automatic(queue);
                self.circle(Trouble::DeliveryLimit, limited_rounds.get(&index)?, rejected)
            });
            let found = found.or_else(|| {
                let rejected =
                    |queue: QueueId| !automatic(queue) && self.routes.queue(queue).is_some_and(is_consumed);
                self.circle(Trouble::Rejection, round, rejected)
            });
            circles.extend(found);
        }
    }

    /// The shortest circle among some queues, through the first by name at which it may begin.
    fn circle(
        &self,
        trouble: Trouble,
        round: &[QueueId],
        begins: impl Fn(QueueId) -> bool,
    ) -> Option<Circle<'a>> {
        let mut starts: Vec<QueueId> = round.iter().copied().filter(|queue| begins(*queue)).collect();
        starts.sort_by_key(|queue| self.routes.queue(*queue).map_or("", Queue::name));
        let inside: BTreeSet<QueueId> = round.iter().copied().collect();
        let way = self.dead.way_round(*starts.first()?, |queue| inside.contains(&queue))?;
        Some(Circle {
            trouble,
            queues: way.into_iter().filter_map(|queue| self.routes.queue(queue)).collect(),
        })
    }

    fn dies_by_itself(&self, queue: QueueId) -> bool {
        let known = self.routes.topology.queue(queue);
        let version = self.routes.topology.version();
        known.can_die(Reason::Expired, version) || known.can_die(Reason::MaxLength, version)
    }
}

impl Circle<'_> {
    /// The circle as `orders → orders.delay → orders`.
    pub(crate) fn way(&self) -> String {
        let names = self.queues.iter().chain(self.queues.first()).map(|queue| format!("`{}`", queue.name()));
        names.collect::<Vec<_>>().join(" → ")
    }
}
