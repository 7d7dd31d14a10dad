//! Which message a returned message was.
//!
//! lapin hands a returned message to whichever confirm it reads next (`Acknowledgements::complete_pending`),
//! and the broker may confirm another message first, or both with one `basic.ack multiple`. Of 200
//! unroutable messages in a window of 2,000 transient ones, 37 were reported on another message and
//! themselves as taken. So a returned message is given to its owner here, and a confirm counts as
//! success only when no return of it can still be under way.
//!
//! What this rests on: the broker sends `basic.return` before the confirm of the same message, returns
//! come in the order of publishing, and lapin keeps them in a queue from which each confirm takes one.
//! Call `R(m)` the return of `m`. When the confirm of `m` is seen, and all that were resolved before it:
//! - it took nothing: the queue was empty, so `R(m)`, had there been one, has been seen;
//! - a return of a message published after `m` was seen: returns are in order, so `R(m)` would have been;
//! - all owners of seen returns are confirmed: had `R(m)` still been queued, the confirm of `m` took a
//!   return whose owner was to take another, so at least one such owner is still without its confirm.

use std::collections::{BTreeMap, BTreeSet};

/// The number of a message on its channel, in the order of publishing.
pub(super) type Number = u64;

/// What a returned message is known by; the same message-id can be used twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Likeness {
    pub(super) message_id: String,
    pub(super) exchange: String,
    pub(super) routing_key: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Taken,
    Nacked,
    Unroutable { reply: String },
}

/// One resolved confirm, with the returned message that it took from lapin's queue.
#[derive(Clone, Debug)]
pub(super) struct Confirmed {
    pub(super) number: Number,
    pub(super) ack: bool,
    pub(super) took: Option<(Likeness, String)>,
}

#[derive(Debug)]
struct Open {
    likeness: Likeness,
    reply: Option<String>,
    acked: bool,
}

/// The messages of one channel whose fate is not settled.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    open: BTreeMap<Number, Open>,
    /// Confirmed, but took the return of another message.
    doubtful: BTreeSet<Number>,
    /// Returned, but without their confirm.
    returned: BTreeSet<Number>,
    newest_returned: Option<Number>,
}

impl Ledger {
    pub(super) fn published(&mut self, number: Number, likeness: Likeness) {
        self.open.insert(number, Open { likeness, reply: None, acked: false });
    }

    /// Takes in confirms, which must be all that have been resolved so far, and gives what they settle.
    pub(super) fn confirmed(&mut self, batch: Vec<Confirmed>) -> Vec<(Number, Fate)> {
        let mut settled = Vec::new();
        let mut clear = Vec::new();
        // returns in the order of publishing, so that equal likenesses go to the older message first
        for confirmed in &batch {
            if let Some((likeness, reply)) = &confirmed.took {
                self.returned(likeness, reply.clone());
            }
        }
        for Confirmed { number, ack, took } in batch {
            let Some(open) = self.open.get_mut(&number) else { continue };
            open.acked = true;
            self.returned.remove(&number);
            if !ack {
                settled.push((number, Fate::Nacked));
                self.open.remove(&number);
            } else if took.is_none() {
                clear.push(number);
            } else {
                self.doubtful.insert(number);
            }
        }
        for number in std::mem::take(&mut self.doubtful) {
            let known = self.open.get(&number).is_some_and(|open| open.reply.is_some());
            let later = self.newest_returned.is_some_and(|newest| newest > number);
            if known || later || self.returned.is_empty() {
                clear.push(number);
            } else {
                self.doubtful.insert(number);
            }
        }
        settled.extend(clear.into_iter().filter_map(|number| {
            let fate = match self.open.remove(&number)?.reply {
                Some(reply) => Fate::Unroutable { reply },
                None => Fate::Taken,
            };
            Some((number, fate))
        }));
        settled.sort_by_key(|(number, _)| *number);
        settled
    }

    fn returned(&mut self, likeness: &Likeness, reply: String) {
        let owner = self.open.iter_mut().find(|(_, open)| open.reply.is_none() && open.likeness == *likeness);
        let Some((number, open)) = owner else {
            tracing::error!(
                message_id = likeness.message_id,
                "the broker returned a message that is not outstanding"
            );
            return;
        };
        open.reply = Some(reply);
        if !open.acked {
            self.returned.insert(*number);
        }
        self.newest_returned = self.newest_returned.max(Some(*number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    fn likeness(name: u64) -> Likeness {
        Likeness { message_id: name.to_string(), exchange: "x".into(), routing_key: "k".into() }
    }

    /// A broker that confirms in any order after returning, and lapin's queue of returns, by the seed.
    fn run(seed: u64, same_names: bool) {
        let mut dice = fastrand::Rng::with_seed(seed);
        let total = dice.u64(1..60);
        let name = |number: u64| if same_names { number % 3 } else { number };
        // messages that look the same are routed the same
        let by_name: Vec<Fate> = (0..total)
            .map(|_| match dice.u8(0..5) {
                0 | 1 => Fate::Unroutable { reply: "NO_ROUTE".into() },
                2 => Fate::Nacked,
                _ => Fate::Taken,
            })
            .collect();
        let truth: Vec<Fate> = (0..total).map(|number| by_name[name(number) as usize].clone()).collect();
        let mut ledger = Ledger::default();
        let mut queue = VecDeque::new();
        let (mut published, mut unconfirmed, mut batch) = (0, Vec::new(), Vec::new());
        let mut settled = BTreeMap::new();
        while settled.len() < truth.len() {
            if published < total && dice.bool() {
                let number = published;
                published += 1;
                ledger.published(number, likeness(name(number)));
                unconfirmed.push(number);
                if matches!(truth[number as usize], Fate::Unroutable { .. }) {
                    queue.push_back((likeness(name(number)), String::from("NO_ROUTE")));
                }
            } else if !unconfirmed.is_empty() && dice.bool() {
                let number = unconfirmed.swap_remove(dice.usize(0..unconfirmed.len()));
                let ack = truth[number as usize] != Fate::Nacked;
                batch.push(Confirmed { number, ack, took: queue.pop_front() });
            } else if dice.bool() || unconfirmed.is_empty() {
                dice.shuffle(&mut batch);
                for (number, fate) in ledger.confirmed(std::mem::take(&mut batch)) {
                    assert_eq!(settled.insert(number, fate), None, "settled twice, seed {seed}");
                }
            }
            let all_confirmed = published == total && unconfirmed.is_empty() && batch.is_empty();
            assert!(!all_confirmed || settled.len() == truth.len(), "left open: {ledger:?}, seed {seed}");
        }
        assert_eq!(settled.into_values().collect::<Vec<_>>(), truth, "seed {seed}");
    }

    #[test]
    fn every_message_gets_its_own_fate_in_any_order_of_confirms() {
        for seed in 0..5_000 {
            run(seed, false);
            run(seed, true);
        }
    }

    #[test]
    fn a_message_does_not_wait_for_the_confirm_of_a_slow_queue() {
        let mut ledger = Ledger::default();
        ledger.published(0, likeness(0));
        ledger.published(1, likeness(1));
        let confirmed = Confirmed { number: 1, ack: true, took: None };
        assert_eq!(ledger.confirmed(vec![confirmed]), [(1, Fate::Taken)]);
    }
}
