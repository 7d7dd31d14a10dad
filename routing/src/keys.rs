//! Where every key of a language goes: which queues it may reach, which it always reaches, which keys are lost.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use crate::language::{KeyPattern, Language, Limits, TooComplex};
use crate::matching::Index;
use crate::{BindingId, Certainty, Delivered, Destination, ExchangeId, Message, QueueId, Table, Topology};

/// What routing a key costs, in steps of a walk.
const STEPS_OF_A_ROUTE: usize = 100;

/// So many keys are routed one by one.
const FEW: usize = 256;

/// Where the keys of a language go when they are published to an exchange.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyReach {
    /// The queues that some key may reach.
    pub queues: BTreeMap<QueueId, Reach>,
    /// The bindings that some key may take, each with a shortest key that does.
    pub bindings: BTreeMap<BindingId, String>,
    /// The keys that reach no queue, if there are any.
    pub lost: Option<LostKeys>,
    /// Exchanges of which it is not decided what they do: their type or the message's headers are not known.
    pub undecidable: BTreeSet<ExchangeId>,
}

/// How a queue is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// Always: every key reaches it, whatever exchanges pick.
    pub certainty: Certainty,
    /// A shortest key that may reach it.
    pub key: String,
    /// A shortest key that does not reach it in every case.
    pub missed: Option<String>,
}

/// Keys that reach no queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostKeys {
    /// A shortest of them: one that is lost in any case, if there is such a key.
    pub key: String,
    /// Whether it is lost in any case, or only as exchanges pick or headers are.
    pub certainty: Certainty,
}

impl Topology {
    /// Where the keys go that are published to `exchange` with these headers, `None` if they are not known.
    ///
    /// Keys that the same bindings match go the same way; one of each such class is routed. So this costs as much as
    /// routing as many messages as there are classes: about one for each binding with a key of its own.
    pub fn reach(
        &self,
        exchange: ExchangeId,
        keys: &Language,
        headers: Option<&Table>,
        limits: Limits,
    ) -> Result<KeyReach, TooComplex> {
        let mut reach = KeyReach::default();
        let mut classes: Vec<String> = Vec::new();
        // by queue: so many classes from the first on reach it in every case
        let mut run: BTreeMap<QueueId, usize> = BTreeMap::new();
        self.deliveries(exchange, keys, headers, limits, |class, delivered| {
            let key = || class.to_owned();
            for visit in &delivered.visits {
                for binding in visit.matched.bindings() {
                    reach.bindings.entry(binding).or_insert_with(key);
                }
            }
            reach.undecidable.extend(delivered.undecidable());
            for reached in &delivered.queues {
                let new = || Reach { certainty: reached.certainty, key: key(), missed: None };
                reach.queues.entry(reached.queue).or_insert_with(new);
                let run = run.entry(reached.queue).or_default();
                if reached.certainty == Certainty::Always && *run == classes.len() {
                    *run += 1;
                }
            }
            let lost = reach.lost.as_ref().map_or(Certainty::Never, |lost| lost.certainty);
            if delivered.unroutable > lost {
                reach.lost = Some(LostKeys { key: key(), certainty: delivered.unroutable });
            }
            classes.push(key());
            ControlFlow::Continue(())
        })?;
        for (queue, reach) in &mut reach.queues {
            reach.missed = classes.get(run.get(queue).copied().unwrap_or(0)).cloned();
            if reach.missed.is_some() {
                reach.certainty = Certainty::Possible;
            }
        }
        Ok(reach)
    }

    /// How the keys are delivered that are published to `exchange`: each way once, with a shortest key that goes it,
    /// shortest first. A `Break` ends it early.
    pub fn deliveries(
        &self,
        exchange: ExchangeId,
        keys: &Language,
        headers: Option<&Table>,
        limits: Limits,
        mut each: impl FnMut(&str, &Delivered) -> ControlFlow<()>,
    ) -> Result<(), TooComplex> {
        let mut deliver =
            |key: &str| each(key, &self.route(exchange, &Message { headers, ..Message::new(key) }));
        match keys.listed(FEW) {
            // these need no automata, however much is bound
            Some(listed) => {
                let _ = listed.iter().try_for_each(|key| deliver(key));
                Ok(())
            }
            None => {
                let patterns = self.patterns_from(exchange, keys, limits)?;
                let mut routes = limits.steps / STEPS_OF_A_ROUTE;
                let mut exhausted = false;
                keys.classes(&patterns, limits, |class| {
                    exhausted = routes == 0;
                    routes = routes.saturating_sub(1);
                    if exhausted { ControlFlow::Break(()) } else { deliver(&class.key) }
                })?;
                if exhausted { Err(TooComplex) } else { Ok(()) }
            }
        }
    }

    /// The key patterns that tell apart where the keys go: of the bindings that one of them may come to and match.
    fn patterns_from(
        &self,
        exchange: ExchangeId,
        keys: &Language,
        limits: Limits,
    ) -> Result<Vec<KeyPattern>, TooComplex> {
        let mut patterns = BTreeSet::new();
        if exchange == Self::DEFAULT_EXCHANGE {
            let named = self.queues().map(|(_, queue)| &queue.name).filter(|name| keys.may_hold(name));
            patterns.extend(named.map(|name| KeyPattern::Exactly(name.clone())));
        }
        let mut seen = BTreeSet::from([exchange]);
        let mut waiting = vec![exchange];
        while let Some(from) = waiting.pop() {
            let is = self.exchange(from);
            let bound = match &self.indices[from.index()] {
                Index::Patterns(trie) => keys.may_meet(trie, limits)?,
                Index::Keys(bound) => {
                    let held = bound.iter().filter(|(key, _)| keys.may_hold(key));
                    held.flat_map(|(_, bindings)| bindings.iter().copied()).collect()
                }
                Index::Whole | Index::Destinations(_) => self.bindings_of(from).to_vec(),
            };
            for binding in bound.into_iter().map(|id| self.binding(id)) {
                patterns.extend(KeyPattern::of(&is.kind, &binding.routing_key));
                if let Destination::Exchange(next) = binding.destination
                    && seen.insert(next)
                {
                    waiting.push(next);
                }
            }
            let alternate = is.alternate_exchange.as_ref().and_then(|name| self.exchange_id(name));
            waiting.extend(alternate.filter(|next| seen.insert(*next)));
        }
        // what takes every key tells no two keys apart
        patterns.remove(&KeyPattern::Any);
        Ok(patterns.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::KeyTemplate;
    use crate::{Exchange, ExchangeKind, Queue, QueueKind, Version};

    fn net(exchanges: &[&str], bindings: &[(&str, &str, &str)]) -> Topology {
        let mut net = Topology::new(Version::V4_0);
        for line in exchanges {
            let mut parts = line.split(' ');
            let name = parts.next().unwrap();
            let kind = ExchangeKind::of(parts.next().unwrap(), None);
            let alternate_exchange = parts.next().map(str::to_owned);
            net.add_exchange(Exchange { alternate_exchange, ..Exchange::new(name, kind) }).unwrap();
        }
        for (source, key, to) in bindings {
            let to = match net.exchange_id(to) {
                Some(exchange) => Destination::Exchange(exchange),
                None => Destination::Queue(net.add_queue(Queue::new(*to, QueueKind::Classic)).unwrap()),
            };
            net.bind(net.exchange_id(source).unwrap(), to, *key, Table::new()).unwrap();
        }
        net
    }

    fn reach(net: &Topology, exchange: &str, template: &str) -> KeyReach {
        let values = |name: &str| name.contains('|').then(|| name.split('|').map(str::to_owned).collect());
        let keys = Language::of_template(&KeyTemplate::parse(template, values).unwrap()).unwrap();
        net.reach(net.exchange_id(exchange).unwrap(), &keys, None, Limits::default()).unwrap()
    }

    fn queue(net: &Topology, reach: &KeyReach, name: &str) -> Option<(Certainty, String, Option<String>)> {
        let reach = reach.queues.get(&net.queue_id(name).unwrap())?;
        Some((reach.certainty, reach.key.clone(), reach.missed.clone()))
    }

    #[test]
    fn the_shortest_lost_key_is_found_through_exchanges() {
        let net = net(
            &["orders topic", "eu topic", "all fanout"],
            &[
                ("orders", "*.eu.#", "eu"),
                ("eu", "new.eu", "q"),
                ("eu", "old.*.paid", "q"),
                ("orders", "old.us", "all"),
                ("all", "", "r"),
            ],
        );
        let found = reach(&net, "orders", "{new|old}.{eu|us}");
        // old.eu comes to an exchange that does not match it
        assert_eq!(found.lost, Some(LostKeys { key: "new.us".into(), certainty: Certainty::Always }));
        let found = reach(&net, "orders", "{new|old}.eu");
        assert_eq!(found.lost.unwrap().key, "old.eu");
        assert_eq!(reach(&net, "orders", "new.{eu}").lost.unwrap().key, "new.x");
        assert_eq!(reach(&net, "orders", "new.eu").lost, None);
    }

    #[test]
    fn an_alternate_exchange_catches_what_is_not_matched_where_it_stands() {
        let net = net(
            &["t topic ae", "ae fanout", "inner topic"],
            &[("t", "a.*", "q"), ("t", "b.*", "inner"), ("inner", "b.x", "q"), ("ae", "", "rest")],
        );
        let found = reach(&net, "t", "{k}.{v}");
        assert_eq!(found.lost.as_ref().unwrap().key, "b.y");
        assert_eq!(
            queue(&net, &found, "rest"),
            Some((Certainty::Possible, "x.x".into(), Some("a.x".into())))
        );
        assert_eq!(queue(&net, &found, "q").unwrap().0, Certainty::Possible);
    }

    #[test]
    fn always_is_every_key_and_every_pick() {
        let net = net(
            &["t topic", "h x-consistent-hash"],
            &[("t", "a.#", "audit"), ("t", "*.b", "b"), ("t", "#", "h"), ("h", "1", "p0"), ("h", "1", "p1")],
        );
        let found = reach(&net, "t", "a.{v}");
        assert_eq!(queue(&net, &found, "audit"), Some((Certainty::Always, "a.b".into(), None)));
        assert_eq!(queue(&net, &found, "b"), Some((Certainty::Possible, "a.b".into(), Some("a.x".into()))));
        assert_eq!(queue(&net, &found, "p1").unwrap().0, Certainty::Possible);
        assert_eq!(found.lost, None);
    }

    #[test]
    fn a_binding_that_matches_no_key_is_not_listed() {
        let net = net(&["t topic"], &[("t", "a.*", "q"), ("t", "b.*", "q"), ("t", "a.b.c", "q")]);
        let found = reach(&net, "t", "a.{v}");
        assert_eq!(found.bindings.len(), 1);
        assert_eq!(found.bindings.values().next().unwrap(), "a.x");
    }

    #[test]
    fn headers_that_are_not_known_leave_it_open() {
        let mut net = net(&["h headers ae", "ae fanout"], &[("ae", "", "rest")]);
        let headers = net.exchange_id("h").unwrap();
        let gold = net.add_queue(Queue::new("gold", QueueKind::Classic)).unwrap();
        let arguments = Table::from([("tier".to_owned(), "gold".into())]);
        net.bind(headers, Destination::Queue(gold), "", arguments.clone()).unwrap();
        let found = reach(&net, "h", "k");
        assert_eq!(queue(&net, &found, "gold").unwrap().0, Certainty::Possible);
        assert_eq!(queue(&net, &found, "rest").unwrap().0, Certainty::Possible);
        assert_eq!(found.undecidable.len(), 1);
        let keys = Language::of_template(&KeyTemplate::literal("k")).unwrap();
        let found = net.reach(headers, &keys, Some(&arguments), Limits::default()).unwrap();
        assert_eq!(queue(&net, &found, "gold").unwrap().0, Certainty::Always);
        assert_eq!(queue(&net, &found, "rest"), None);
    }

    #[test]
    fn the_default_exchange_reaches_queues_by_name() {
        let net = net(&["f fanout"], &[("f", "", "work.de"), ("f", "", "work.fr")]);
        let found = reach(&net, "", "work.{de|us}");
        assert_eq!(queue(&net, &found, "work.de").unwrap().0, Certainty::Possible);
        assert_eq!(queue(&net, &found, "work.fr"), None);
        assert_eq!(found.lost.unwrap().key, "work.us");
    }
}
