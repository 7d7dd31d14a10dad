//! Where dead letters go, and the circles that they walk.
//!
//! What is known of a dead letter's key is the key that its queue states, else the keys with which messages are
//! known to come to the queue: those of its bindings without wildcards, of declared messages, and of dead letters
//! that lead there. Keys are never guessed, so what is said to be lost is lost.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::{
    algo::kosaraju_scc,
    graph::{DiGraph, NodeIndex},
};
use rustc_hash::{FxHashMap, FxHashSet};
use topoc_routing::{
    BindingId, Certainty, Destination, ExchangeId, ExchangeKind, Message as Letter, QueueId, QueueKind,
    language::{KeyPattern, KeyTemplate, Part, TooComplex},
};

use super::{Flow, Graph, Routes, is_open, key_template};
use crate::{
    kind::{Derived, Provenance},
    topology::Message,
};

/// How many keys of a parameter's values are tried one by one.
const MOST_VALUES: usize = 32;
/// How many keys a queue is taken to have by dead letters; what comes round multiplies them.
const MOST_CARRIED: usize = 16;

/// Where the dead letters of a queue go.
#[derive(Debug)]
pub struct DeadLetters {
    /// The exchange that they are published to.
    pub exchange: ExchangeId,
    /// Where they arrive, by the keys that are known; places in [`DeadLetterMap::landings`].
    pub landings: Vec<usize>,
}

/// Where dead letters with one key arrive, of all the queues that send them there.
#[derive(Debug)]
pub struct Landing {
    /// The exchange.
    pub exchange: ExchangeId,
    /// The key; none where the exchange does not look at it.
    pub key: Option<String>,
    /// The queues that they may come to, in order of declaration.
    pub queues: Vec<QueueId>,
    /// Whether no queue gets them in any case.
    pub is_lost: bool,
}

/// The dead letters of a vhost.
#[derive(Debug, Default)]
pub struct DeadLetterMap {
    /// Every place that dead letters are known to arrive at.
    pub landings: Vec<Landing>,
    /// By queue; none where there is no dead-letter exchange, or none of that name.
    by_queue: Vec<Option<DeadLetters>>,
    /// By queue: a queue whose dead letters come to it.
    sources: BTreeMap<QueueId, QueueId>,
    /// By queue: whether its dead letters are part of a retry ladder, which ends by itself.
    ladders: Vec<bool>,
}

impl DeadLetterMap {
    /// Where the dead letters of a queue go.
    #[must_use]
    pub fn of(&self, queue: QueueId) -> Option<&DeadLetters> {
        self.by_queue.get(queue.index())?.as_ref()
    }

    /// The landings of a queue's dead letters.
    pub fn landings_of(&self, queue: QueueId) -> impl Iterator<Item = &Landing> {
        self.of(queue).into_iter().flat_map(|dead| &dead.landings).map(|landing| &self.landings[*landing])
    }

    /// The queues that a queue's dead letters may come to.
    pub fn targets(&self, queue: QueueId) -> impl Iterator<Item = QueueId> {
        self.landings_of(queue).flat_map(|landing| landing.queues.iter().copied())
    }

    /// The first queue whose dead letters come to this one, if there is one.
    #[must_use]
    pub fn source_of(&self, queue: QueueId) -> Option<QueueId> {
        self.sources.get(&queue).copied()
    }

    /// The groups of those queues that `of` takes in whose dead letters go round among themselves, by landings;
    /// the delay queues of retry ladders are left out. Each in order of declaration.
    pub fn rounds(&self, of: impl Fn(QueueId) -> bool) -> Vec<Vec<QueueId>> {
        let (graph, queues) = self.graph(&of);
        let places: FxHashMap<NodeIndex, QueueId> =
            queues.iter().map(|(queue, node)| (*node, *queue)).collect();
        let mut rounds = Vec::new();
        // not Tarjan's, which recurses along a chain of queues
        for component in kosaraju_scc(&graph) {
            // a queue that leads to itself does so by a landing, so it is two places
            if component.len() > 1 {
                let mut round: Vec<QueueId> =
                    component.iter().filter_map(|node| places.get(node).copied()).collect();
                round.sort_unstable();
                rounds.push(round);
            }
        }
        rounds.sort_unstable();
        rounds
    }

    fn graph(&self, of: impl Fn(QueueId) -> bool) -> (DiGraph<(), ()>, BTreeMap<QueueId, NodeIndex>) {
        let mut graph = DiGraph::new();
        let landings: Vec<NodeIndex> = self.landings.iter().map(|_| graph.add_node(())).collect();
        let queues: BTreeSet<QueueId> = self
            .landings
            .iter()
            .flat_map(|landing| landing.queues.iter().copied())
            .filter(|q| of(*q))
            .collect();
        let queues: BTreeMap<QueueId, NodeIndex> =
            queues.into_iter().map(|queue| (queue, graph.add_node(()))).collect();
        for (landing, node) in self.landings.iter().zip(&landings) {
            for queue in landing.queues.iter().filter_map(|queue| queues.get(queue)) {
                graph.add_edge(*node, *queue, ());
            }
        }
        for (queue, node) in queues.iter().filter(|(queue, _)| !self.ladders[queue.index()]) {
            for landing in self.of(*queue).into_iter().flat_map(|dead| &dead.landings) {
                graph.add_edge(*node, landings[*landing], ());
            }
        }
        (graph, queues)
    }

    /// The shortest way of dead letters from a queue back to itself through queues that `of` takes in, each once,
    /// the queue itself first; none if there is no such way.
    #[must_use]
    pub fn way_round(&self, start: QueueId, of: impl Fn(QueueId) -> bool) -> Option<Vec<QueueId>> {
        let mut before: FxHashMap<QueueId, QueueId> = FxHashMap::default();
        let mut tried = BTreeSet::new();
        let mut waiting = VecDeque::from([start]);
        while let Some(queue) = waiting.pop_front() {
            let dead = self.of(queue).filter(|_| !self.ladders[queue.index()]);
            for landing in dead.into_iter().flat_map(|dead| &dead.landings) {
                if !tried.insert(*landing) {
                    continue;
                }
                for next in self.landings[*landing].queues.iter().copied().filter(|next| of(*next)) {
                    if next == start {
                        let mut way = vec![queue];
                        while let Some(last) = way.last().filter(|last| **last != start)
                            && let Some(earlier) = before.get(last)
                        {
                            way.push(*earlier);
                        }
                        way.reverse();
                        return Some(way);
                    }
                    before.entry(next).or_insert_with(|| {
                        waiting.push_back(next);
                        queue
                    });
                }
            }
        }
        None
    }
}

impl<'a> Graph<'a> {
    /// Where dead letters go, by vhost. `flows` are those of [`Graph::flows`].
    #[must_use]
    pub fn dead_letters<'g>(
        &'g self,
        flows: &[Option<Result<Flow<'g, 'a>, TooComplex>>],
    ) -> BTreeMap<&'a str, DeadLetterMap> {
        let mut maps: BTreeMap<&'a str, Builder<'_, 'a>> =
            self.vhosts().map(|(vhost, routes)| (vhost, Builder::new(routes))).collect();
        for builder in maps.values_mut() {
            builder.stated_keys();
            builder.keys_of_bindings();
        }
        for (message, flow) in self.topology.contract.messages.iter().zip(flows) {
            let vhost = message.exchange.as_ref().and_then(|exchange| exchange.found.as_deref());
            if let (Some(Ok(flow)), Some(builder)) = (flow, vhost.and_then(|vhost| maps.get_mut(vhost))) {
                builder.keys_of_message(message, flow);
            }
        }
        maps.into_iter().map(|(vhost, builder)| (vhost, builder.finish())).collect()
    }
}

/// A vhost's dead letters while they are worked out.
struct Builder<'g, 'a> {
    routes: &'g Routes<'a>,
    map: DeadLetterMap,
    known: FxHashMap<(ExchangeId, Option<String>), usize>,
    /// By exchange: whether it heeds keys, or leads on to others that may.
    heeds_keys: Vec<bool>,
    /// Which queue's dead letters are known to land where.
    seen: FxHashSet<(QueueId, usize)>,
    /// By queue that keeps the keys of its dead letters: how many came with dead letters of others.
    carried: Vec<usize>,
    /// Landings that are to be followed.
    waiting: VecDeque<usize>,
}

impl<'g, 'a> Builder<'g, 'a> {
    fn new(routes: &'g Routes<'a>) -> Self {
        let count = routes.topology.queues().len();
        let mut map = DeadLetterMap::default();
        for (id, queue) in routes.topology.queues() {
            let name = queue.dead_letter_exchange.as_deref().filter(|_| queue.kind != QueueKind::Stream);
            let exchange = name.and_then(|name| routes.topology.exchange_id(name));
            map.by_queue.push(exchange.map(|exchange| DeadLetters { exchange, landings: Vec::new() }));
            map.ladders.push(
                routes
                    .queue(id)
                    .is_some_and(|queue| queue.0.provenance == Provenance::Derived(Derived::RetryLadder)),
            );
        }
        let topology = &routes.topology;
        let heeds_keys = topology.exchanges().map(|(id, _)| heeds_keys(topology, id)).collect();
        Self {
            routes,
            map,
            known: FxHashMap::default(),
            heeds_keys,
            seen: FxHashSet::default(),
            carried: vec![0; count],
            waiting: VecDeque::new(),
        }
    }

    /// Whether the dead letters of a queue keep their keys, and lead somewhere.
    fn keeps_keys(&self, queue: QueueId) -> bool {
        self.map.of(queue).is_some() && self.routes.topology.queue(queue).dead_letter_routing_key.is_none()
    }

    fn stated_keys(&mut self) {
        let routes = self.routes;
        for (id, queue) in routes.topology.queues() {
            if let Some(key) = queue.dead_letter_routing_key.as_deref() {
                self.dies(id, key);
            } else if let Some(dead) = self.map.of(id)
                && !self.heeds_keys[dead.exchange.index()]
            {
                self.dies(id, "");
            }
        }
    }

    fn keys_of_bindings(&mut self) {
        let routes = self.routes;
        for (_, binding) in routes.topology.bindings() {
            let Destination::Queue(queue) = binding.destination else { continue };
            let kind = &routes.topology.exchange(binding.source).kind;
            let literal = match KeyPattern::of(kind, &binding.routing_key) {
                Some(KeyPattern::Exactly(key)) => Some(key),
                Some(KeyPattern::Topic(key)) => {
                    key.split('.').all(|word| word != "*" && word != "#").then_some(key)
                }
                _ => None,
            };
            if let Some(key) = literal.filter(|_| self.keeps_keys(queue)) {
                self.dies(queue, &key);
            }
        }
    }

    fn keys_of_message(&mut self, message: &Message, flow: &Flow<'_, '_>) {
        let keepers: Vec<QueueId> = flow.queues().filter(|queue| self.keeps_keys(*queue)).collect();
        if keepers.is_empty() {
            return;
        }
        match key_template(message).ok().and_then(|template| every_key(&template)) {
            Some(keys) if keys.len() > 1 => {
                for key in keys {
                    let delivered =
                        self.routes.topology.route(flow.exchange, &Letter::new(&key).with_unknown_headers());
                    for queue in &keepers {
                        if delivered.reaches(*queue) != Certainty::Never {
                            self.dies(*queue, &key);
                        }
                    }
                }
            }
            _ => {
                for queue in keepers {
                    self.dies(queue, &flow.reach.queues[&queue].key);
                }
            }
        }
    }

    /// A message with that key may die in a queue: works out where its dead letter lands.
    fn dies(&mut self, queue: QueueId, key: &str) {
        let Some(dead) = self.map.of(queue) else { return };
        let exchange = dead.exchange;
        let landing = self.landing(exchange, key);
        if let Some(dead) = self.map.by_queue[queue.index()].as_mut()
            && self.seen.insert((queue, landing))
        {
            dead.landings.push(landing);
            for target in &self.map.landings[landing].queues {
                self.map.sources.entry(*target).or_insert(queue);
            }
        }
    }

    /// Where dead letters with a key land that are published to an exchange.
    fn landing(&mut self, exchange: ExchangeId, key: &str) -> usize {
        let topology = &self.routes.topology;
        let heeded = self.heeds_keys[exchange.index()].then(|| key.to_owned());
        if let Some(known) = self.known.get(&(exchange, heeded.clone())) {
            return *known;
        }
        let delivered = topology.route(exchange, &Letter::new(key).with_unknown_headers());
        let open = delivered.visits.iter().any(|visit| is_open(self.routes, visit.exchange));
        let index = self.map.landings.len();
        self.map.landings.push(Landing {
            exchange,
            key: heeded.clone(),
            queues: delivered.queues.iter().map(|reached| reached.queue).collect(),
            is_lost: !open && delivered.unroutable == Certainty::Always,
        });
        self.known.insert((exchange, heeded), index);
        self.waiting.push_back(index);
        index
    }

    /// Follows the keys that dead letters take along, and ends.
    fn finish(mut self) -> DeadLetterMap {
        while let Some(landing) = self.waiting.pop_front() {
            let Some(key) = self.map.landings[landing].key.clone() else { continue };
            for queue in self.map.landings[landing].queues.clone() {
                if self.keeps_keys(queue) && self.carried[queue.index()] < MOST_CARRIED {
                    self.carried[queue.index()] += 1;
                    self.dies(queue, &key);
                }
            }
        }
        self.map
    }
}

/// Whether where a message goes from an exchange on depends on its key.
fn heeds_keys(topology: &topoc_routing::Topology, id: ExchangeId) -> bool {
    let exchange = topology.exchange(id);
    let leads_on = |id: &BindingId| matches!(topology.binding(*id).destination, Destination::Exchange(_));
    matches!(exchange.kind.matching(), ExchangeKind::Direct | ExchangeKind::Topic)
        || exchange.alternate_exchange.is_some()
        || topology.bindings_of(id).iter().any(leads_on)
}

/// Every key of a template, if its parameters have values and these are not too many.
fn every_key(template: &KeyTemplate) -> Option<Vec<String>> {
    let mut keys = vec![String::new()];
    for part in template.parts() {
        match part {
            Part::Literal(text) => keys.iter_mut().for_each(|key| key.push_str(text)),
            Part::Parameter { one_of, .. } => {
                let values = one_of.as_ref().filter(|values| keys.len() * values.len() <= MOST_VALUES)?;
                keys = keys
                    .iter()
                    .flat_map(|key| values.iter().map(move |value| format!("{key}{value}")))
                    .collect();
            }
        }
    }
    Some(keys)
}
