//! Every way that a message can take through queues and dead-letter exchanges, as a graph.

use std::collections::{BTreeSet, HashMap, VecDeque};

use crate::language::TooComplex;
use crate::{Carried, DeadLettered, QueueId, Reason, Topology, Version};

/// The stays of a message in queues, the first ones first.
#[derive(Debug, Clone, PartialEq)]
pub struct Life {
    /// Each stay once: the same message in the same queue, with the same deaths to mind, dies the same way.
    pub stays: Vec<Stay>,
}

/// A message in a queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Stay {
    /// The queue.
    pub queue: QueueId,
    /// The message as it lies there.
    pub message: Carried,
    /// What becomes of it for each reason it can die for, and the stays that follow, as places in [`Life::stays`].
    /// A stay that follows itself, at once or later, is a loop: broken only by consumers, since automatic ones end.
    pub ends: Vec<(Reason, DeadLettered, Vec<usize>)>,
}

impl Topology {
    /// Follows a message that lies in these queues; `reasons` says what it can die of in each. More than `most` stays
    /// are too complex.
    pub fn life(
        &self,
        queues: impl IntoIterator<Item = QueueId>,
        message: &Carried,
        mut reasons: impl FnMut(QueueId) -> Vec<Reason>,
        most: usize,
    ) -> Result<Life, TooComplex> {
        let mut stays = Vec::new();
        let mut waiting = VecDeque::new();
        let mut known: HashMap<QueueId, Vec<usize>> = HashMap::new();
        let mut stay = |queue: QueueId, message: &Carried, waiting: &mut VecDeque<_>| {
            let known = known.entry(queue).or_default();
            if let Some(at) = known.iter().find(|at| same(&stays[**at], message, self.version())) {
                return Ok(*at);
            }
            if stays.len() == most {
                return Err(TooComplex);
            }
            known.push(stays.len());
            waiting.push_back((queue, message.clone()));
            stays.push(message.clone());
            Ok(stays.len() - 1)
        };
        for queue in queues {
            stay(queue, message, &mut waiting)?;
        }
        // stays are worked off in the order in which they are found, so their places are right
        let mut done = Vec::new();
        while let Some((queue, message)) = waiting.pop_front() {
            let mut ends = Vec::new();
            for reason in reasons(queue) {
                let dead = self.dead_letter(queue, reason, &message);
                let mut next = Vec::new();
                if let DeadLettered::Published { delivered, message, .. } = &dead {
                    for reached in &delivered.queues {
                        next.push(stay(reached.queue, message, &mut waiting)?);
                    }
                }
                ends.push((reason, dead, next));
            }
            done.push(Stay { queue, message, ends });
        }
        Ok(Life { stays: done })
    }
}

/// Whether two messages in one queue have the same future.
fn same(a: &Carried, b: &Carried, version: Version) -> bool {
    // of deaths by recency only the automatic ones since the last rejection forbid a queue, in whatever order
    let minded = |carried: &Carried| -> BTreeSet<QueueId> {
        let since = carried.deaths.iter().take_while(|death| death.reason != Reason::Rejected);
        since.map(|death| death.queue).collect()
    };
    let deaths = if version.has_message_containers() { minded(a) == minded(b) } else { a.deaths == b.deaths };
    deaths && a.keys == b.keys && a.exchange == b.exchange && a.headers == b.headers
}
