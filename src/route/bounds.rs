//! How long a message can live, how often it can be tried, and where it ends.

use std::collections::BTreeMap;

use topoc_routing::{Certainty, DeadLettered, Fate, Life, Overflow, QueueId, Reason, Strategy};

use super::Route;

/// What holds for every copy of a message, whichever way it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The most times that consumers are given one copy, by first deliveries and retries; none: without end. What
    /// a consumer returns to its queue comes again besides, up to the queue's delivery limit.
    pub attempts: Option<u64>,
    /// The longest time that one copy waits by times to live and retry steps, in milliseconds; none: without end.
    /// Time that it waits for a consumer in a queue without a time to live is not in it.
    pub delay: Option<u64>,
    /// Queues in which it waits for a consumer as long as that takes, in order of declaration.
    pub waits_in: Vec<QueueId>,
    /// Queues whose dead letters go on at most once: a node that dies meanwhile takes them along. In order of
    /// declaration.
    pub at_most_once: Vec<QueueId>,
    /// Where copies end, in the order in which the ways come to it.
    pub ends: Vec<End>,
}

/// Where a copy ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// A consumer takes it there.
    Consumed(QueueId),
    /// It stays in a queue that nobody is known to consume.
    Rests(QueueId),
    /// The queue drops it when it dies of this.
    Dropped(QueueId, Reason),
    /// The queue keeps it for ever, as its dead letters reach no queue.
    Stuck(QueueId, Reason),
}

#[derive(Clone, Copy, Default)]
struct Most {
    attempts: Option<u64>,
    delay: Option<u64>,
}

/// What holds for every copy of a message; none where its ways are too many to follow, or it was refused.
#[must_use]
pub fn bounds(route: &Route<'_, '_>) -> Option<Bounds> {
    let life = route.life.as_ref()?;
    let first = route.delivered.as_ref().ok()?.queues.len();
    let mut walk = Walk { route, life, known: BTreeMap::new(), open: vec![false; life.stays.len()] };
    let mut most = Most { attempts: Some(0), delay: Some(0) };
    for stay in 0..first.min(life.stays.len()) {
        most = most.or(walk.most(stay));
    }
    let mut waits_in = Vec::new();
    let mut at_most_once = Vec::new();
    let mut ends = Vec::new();
    for stay in walk.known.keys().copied() {
        let queue = life.stays[stay].queue;
        let consumed = !route.consumers(queue).is_empty();
        let expires = walk.ends_of(stay).any(|(reason, ..)| *reason == Reason::Expired);
        if consumed && !expires && !waits_in.contains(&queue) {
            waits_in.push(queue);
        }
        let mut end = |end: End| {
            if !ends.contains(&end) {
                ends.push(end);
            }
        };
        if consumed {
            end(End::Consumed(queue));
        } else if !expires {
            end(End::Rests(queue));
        }
        for (reason, dead, next) in walk.ends_of(stay) {
            let strategy = route.routes.topology.queue(queue).effective_strategy();
            if !next.is_empty() && strategy == Strategy::AtMostOnce {
                if !at_most_once.contains(&queue) {
                    at_most_once.push(queue);
                }
                // who hands over without confirms does not hear of a full queue's refusal
                for target in next.iter().map(|stay| life.stays[*stay].queue) {
                    let known = route.routes.topology.queue(target);
                    let bounded = known.max_length.is_some() || known.max_length_bytes.is_some();
                    if bounded && known.effective_overflow() == Overflow::RejectPublish {
                        end(End::Dropped(target, Reason::MaxLength));
                    }
                }
            }
            match (dead.ends(), fate(dead)) {
                (Certainty::Never, _) => {}
                (_, Fate::Dropped) => end(End::Dropped(queue, *reason)),
                (_, Fate::Retained) => end(End::Stuck(queue, *reason)),
            }
        }
    }
    waits_in.sort_unstable();
    at_most_once.sort_unstable();
    Some(Bounds { attempts: most.attempts, delay: most.delay, waits_in, at_most_once, ends })
}

fn fate(dead: &DeadLettered) -> Fate {
    match dead {
        DeadLettered::Discarded => Fate::Dropped,
        DeadLettered::NoExchange { fate, .. } | DeadLettered::Published { fate, .. } => *fate,
    }
}

struct Walk<'r, 'g, 'a> {
    route: &'r Route<'g, 'a>,
    life: &'r Life,
    known: BTreeMap<usize, Most>,
    open: Vec<bool>,
}

impl Walk<'_, '_, '_> {
    /// What may become of a stay. A message's own time to live goes with its first death.
    fn ends_of(&self, stay: usize) -> impl Iterator<Item = &(Reason, DeadLettered, Vec<usize>)> {
        let stay = &self.life.stays[stay];
        let known = self.route.routes.topology.queue(stay.queue);
        let outlived = !stay.message.deaths.is_empty() && known.message_ttl.is_none();
        stay.ends.iter().filter(move |(reason, ..)| *reason != Reason::Expired || !outlived)
    }

    /// The most from a stay on. A way that comes back to a stay on it has no end.
    fn most(&mut self, stay: usize) -> Most {
        if let Some(known) = self.known.get(&stay) {
            return *known;
        }
        if std::mem::replace(&mut self.open[stay], true) {
            return Most { attempts: None, delay: None };
        }
        let next: Vec<usize> = self.ends_of(stay).flat_map(|(.., next)| next.iter().copied()).collect();
        let mut after = Most { attempts: Some(0), delay: Some(0) };
        for stay in next {
            after = after.or(self.most(stay));
        }
        self.open[stay] = false;
        let here = self.here(stay);
        let most = here.then(after);
        self.known.insert(stay, most);
        most
    }

    /// What a stay adds: deliveries to consumers, a retry ladder, a time to live.
    fn here(&self, stay: usize) -> Most {
        let queue = self.life.stays[stay].queue;
        let (steps, _) = self.route.ladder(queue).unwrap_or_default();
        let consumed = !self.route.consumers(queue).is_empty();
        let tries = if consumed { 1 + steps.len() as u64 } else { 0 };
        let retries: i64 = if consumed { steps.iter().sum() } else { 0 };
        let own = if self.life.stays[stay].message.deaths.is_empty() {
            self.route.publish.expiration
        } else {
            None
        };
        let ttl = self.route.routes.topology.queue(queue).expires_after(own).unwrap_or(0);
        // with a ladder it comes into the queue again after each step
        let passes = tries.max(1);
        let delay = ttl.saturating_mul(passes).saturating_add(u64::try_from(retries).unwrap_or(0));
        Most { attempts: Some(tries), delay: Some(delay) }
    }
}

impl Most {
    fn or(self, other: Self) -> Self {
        let greater = |a: Option<u64>, b: Option<u64>| Some(a?.max(b?));
        Self { attempts: greater(self.attempts, other.attempts), delay: greater(self.delay, other.delay) }
    }

    fn then(self, after: Self) -> Self {
        let sum = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
        Self { attempts: sum(self.attempts, after.attempts), delay: sum(self.delay, after.delay) }
    }
}
