//! How surely a message reaches a queue when exchanges on its way pick one binding out of many.

use std::collections::BTreeSet;

use crate::{Alternate, Destination, ExchangeId, Matched, QueueId, Topology, Visit};

/// Whether something happens, over all picks of the exchanges that pick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// Whatever they pick, it does not.
    Never,
    /// That depends on what they pick, on headers that are not known, or on an exchange of unknown type.
    Possible,
    /// Whatever they pick, it does.
    Always,
}

/// The exchanges that a message reaches, asked what happens in every case.
///
/// An exchange routes a message once, so it picks once. That makes "in every case" a least fixed point: an exchange
/// that sends along all its steps leads there if one of them does, one that picks if all of them do.
pub(crate) struct Flow<'a> {
    topology: &'a Topology,
    visits: &'a [Visit],
}

impl<'a> Flow<'a> {
    /// Of the visits of one message, the entry first.
    pub(crate) fn new(topology: &'a Topology, visits: &'a [Visit]) -> Self {
        Self { topology, visits }
    }

    /// Whether nothing on the way is left to chance.
    pub(crate) fn is_determined(&self) -> bool {
        self.visits.iter().all(|visit| matches!(visit.matched, Matched::All(_) | Matched::Queues(_)))
    }

    /// How surely a queue gets the message, given that some way leads there.
    pub(crate) fn reaches(&self, queue: QueueId) -> Certainty {
        if self.surely(|reached| reached == queue) { Certainty::Always } else { Certainty::Possible }
    }

    /// How surely no queue gets it, of those that take it at all.
    pub(crate) fn unroutable(
        &self,
        takes: impl Fn(QueueId) -> bool,
        some_way_leads_to_a_queue: bool,
    ) -> Certainty {
        let known = self.visits.iter().all(|visit| self.topology.exchange(visit.exchange).kind.is_known());
        match some_way_leads_to_a_queue {
            false if known => Certainty::Always,
            true if self.surely(takes) => Certainty::Never,
            _ => Certainty::Possible,
        }
    }

    fn surely(&self, wanted: impl Fn(QueueId) -> bool) -> bool {
        let mut sure: BTreeSet<ExchangeId> = BTreeSet::new();
        loop {
            let before = sure.len();
            for visit in self.visits {
                if self.leads(visit, &wanted, &sure) {
                    sure.insert(visit.exchange);
                }
            }
            if self.visits.first().is_some_and(|entry| sure.contains(&entry.exchange)) {
                return true;
            }
            if sure.len() == before {
                return false;
            }
        }
    }

    fn leads(&self, visit: &Visit, wanted: &impl Fn(QueueId) -> bool, sure: &BTreeSet<ExchangeId>) -> bool {
        let there = |destination| match destination {
            Destination::Queue(queue) => wanted(queue),
            Destination::Exchange(next) => sure.contains(&next),
        };
        let bound = |id| there(self.topology.binding(id).destination);
        let matched = match &visit.matched {
            Matched::All(all) => all.iter().any(|id| bound(*id)),
            Matched::Queues(queues) => queues.iter().any(|queue| wanted(*queue)),
            Matched::OneOf(shares) => !shares.is_empty() && shares.iter().all(|share| bound(share.binding)),
            Matched::Undecidable { surely, .. } => surely.iter().any(|id| bound(*id)),
        };
        let alternate = match visit.alternate {
            Some(Alternate::Exchange(id)) => there(Destination::Exchange(id)),
            _ => false,
        };
        matched || (alternate && visit.matched.is_empty() != Certainty::Possible)
    }
}
