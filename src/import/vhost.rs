//! What is in a vhost, in the order in which it is best read: each exchange, then each queue with its bindings and followed
//! by where its dead letters end.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    derived::{ladder, super_stream},
    entity::{Beside, bind, entity, external},
    node::Node,
};
use crate::{
    kind::{Definition, Identity, KindId},
    topology::Topology,
};

/// Where a vhost's entities are found quickly.
pub(super) struct Vhost<'a> {
    pub(super) name: &'a str,
    definitions: Vec<&'a Definition>,
    queues: BTreeMap<&'a str, &'a Definition>,
    /// By their destination: its type and name.
    bindings: BTreeMap<(&'a str, &'a str), Vec<&'a Definition>>,
    by_source: BTreeMap<&'a str, Vec<&'a Definition>>,
    headers: BTreeSet<&'a str>,
}

/// The exchanges that every vhost has, with their types.
const PREDECLARED: &[(&str, &str)] = &[
    ("amq.direct", "direct"),
    ("amq.fanout", "fanout"),
    ("amq.headers", "headers"),
    ("amq.match", "headers"),
    ("amq.rabbitmq.trace", "topic"),
    ("amq.topic", "topic"),
];

impl<'a> Vhost<'a> {
    pub(super) fn new(name: &'a str, definitions: Vec<&'a Definition>) -> Self {
        let mut found = Self {
            name,
            definitions,
            queues: BTreeMap::new(),
            bindings: BTreeMap::new(),
            by_source: BTreeMap::new(),
            headers: PREDECLARED.iter().filter(|(_, ty)| *ty == "headers").map(|(name, _)| *name).collect(),
        };
        for definition in &found.definitions {
            match definition.kind {
                KindId::Queue => drop(found.queues.insert(definition.name(), definition)),
                KindId::Exchange if definition.text("type") == Some("headers") => {
                    found.headers.insert(definition.name());
                }
                KindId::Binding => {
                    let text = |name| definition.text(name).unwrap_or("");
                    let end = (text("destination-type"), text("destination"));
                    found.bindings.entry(end).or_default().push(definition);
                    found.by_source.entry(text("source")).or_default().push(definition);
                }
                _ => {}
            }
        }
        found
    }

    pub(super) fn queue(&self, name: &str) -> Option<&'a Definition> {
        self.queues.get(name).copied()
    }

    pub(super) fn is_bound_by_nobody(&self, queue: &str) -> bool {
        !self.bindings.contains_key(&("queue", queue))
    }

    pub(super) fn bindings_from(&self, exchange: &str) -> Vec<&'a Definition> {
        self.by_source.get(exchange).cloned().unwrap_or_default()
    }

    fn of(&self, kind: KindId) -> Vec<&'a Definition> {
        let mut found: Vec<&Definition> =
            self.definitions.iter().copied().filter(|definition| definition.kind == kind).collect();
        found.sort_by(|a, b| a.name().cmp(b.name()));
        found
    }

    /// The queues, each followed by the queue that its dead letters go to, if it is theirs alone.
    fn queues(&self) -> Vec<&'a Definition> {
        let mut after: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut led: BTreeMap<&str, usize> = BTreeMap::new();
        for queue in self.queues.values() {
            for dead in self.dead_queues(queue).into_iter().filter(|dead| *dead != queue.name()) {
                after.entry(queue.name()).or_default().push(dead);
                *led.entry(dead).or_default() += 1;
            }
        }
        let mut order = Vec::new();
        let mut seen = BTreeSet::new();
        let firsts = self.queues.keys().filter(|name| led.get(**name) != Some(&1));
        // what is left are circles of dead letters
        for first in firsts.chain(self.queues.keys()) {
            let mut waiting = vec![*first];
            while let Some(name) = waiting.pop() {
                if !seen.insert(name) {
                    continue;
                }
                order.extend(self.queue(name));
                let dead = after.get(name).into_iter().flatten().rev();
                waiting.extend(dead.filter(|dead| led.get(**dead) == Some(&1)));
            }
        }
        order
    }

    fn dead_queues(&self, queue: &Definition) -> Vec<&'a str> {
        let Some(exchange) = queue.text("dead-letter-exchange") else { return Vec::new() };
        let Some(key) = queue.text("dead-letter-routing-key") else { return Vec::new() };
        if exchange.is_empty() {
            return self.queues.get_key_value(key).map(|(name, _)| *name).into_iter().collect();
        }
        let bindings = self.by_source.get(exchange).into_iter().flatten();
        let fits = |binding: &&&Definition| binding.text("routing-key").unwrap_or("") == key;
        let to_queues =
            bindings.filter(|binding| binding.text("destination-type") == Some("queue")).filter(fits);
        to_queues.filter_map(|binding| binding.text("destination")).collect()
    }

    /// The nodes of what is in it. What is in `outside` is named as somebody else's.
    pub(super) fn nodes(&self, outside: &BTreeSet<Identity>, beside: &mut Beside) -> Vec<Node> {
        let mut nodes = Vec::new();
        let mut covered: BTreeSet<Identity> = BTreeSet::new();
        self.plain(KindId::VhostLimits, outside, beside, &mut nodes);
        let mut streams = Vec::new();
        let mut exchanges = Vec::new();
        for exchange in self.of(KindId::Exchange) {
            match super_stream(exchange, self, beside) {
                Some(short) if short.stands_for.is_disjoint(outside) => {
                    covered.extend(short.stands_for);
                    streams.push(short.node.of(exchange));
                }
                _ => exchanges.push(exchange),
            }
        }
        let mut ladders = BTreeMap::new();
        for queue in self.queues.values() {
            if let Some(short) =
                ladder(queue, self, beside).filter(|short| short.stands_for.is_disjoint(outside))
            {
                covered.extend(short.stands_for);
                ladders.insert(queue.name(), short.node);
            }
        }
        let mut others = Vec::new();
        self.strangers(&exchanges, outside, &mut others);
        for exchange in exchanges {
            others.push(self.bound(exchange, entity(exchange, beside), "exchange", outside, &covered));
        }
        section(&mut nodes, others);
        section(&mut nodes, streams);
        let mut queues = Vec::new();
        for queue in self.queues() {
            if covered.contains(&queue.identity()) {
                continue;
            }
            let node = ladders.remove(queue.name()).or_else(|| entity(queue, beside));
            queues.push(self.bound(queue, node, "queue", outside, &covered));
        }
        queues.extend(self.strange_queues(outside));
        section(&mut nodes, queues);
        for kind in [
            KindId::Policy,
            KindId::OperatorPolicy,
            KindId::FederationUpstream,
            KindId::FederationUpstreamSet,
            KindId::Shovel,
            KindId::Parameter,
        ] {
            let mut found = Vec::new();
            self.plain(kind, outside, beside, &mut found);
            section(&mut nodes, found);
        }
        nodes
    }

    fn plain(&self, kind: KindId, outside: &BTreeSet<Identity>, beside: &mut Beside, nodes: &mut Vec<Node>) {
        for definition in self.of(kind) {
            let is_ours = !outside.contains(&definition.identity());
            let node = is_ours.then(|| entity(definition, beside)).flatten();
            nodes.push(node.unwrap_or_else(|| stranger(definition)).of(definition));
        }
    }

    /// Queues that are not described here, and are bound: definitions leave out those that are not durable.
    fn strange_queues(&self, outside: &BTreeSet<Identity>) -> Vec<Node> {
        let bound = self
            .bindings
            .iter()
            .filter(|((ty, name), _)| *ty == "queue" && !name.is_empty() && self.queue(name).is_none());
        let node = |((_, name), bindings): (&(&str, &str), &Vec<&Definition>)| {
            let mut node = external(KindId::Queue, name, None, None);
            node.children.extend(bindings.iter().filter_map(|binding| self.bind(binding, outside)));
            node
        };
        bound.map(node).collect()
    }

    /// Exchanges that are not described here, and hold bindings or are bound.
    fn strangers(&self, exchanges: &[&Definition], outside: &BTreeSet<Identity>, nodes: &mut Vec<Node>) {
        let known: BTreeSet<&str> = exchanges.iter().map(|exchange| exchange.name()).collect();
        let described: BTreeSet<&str> = self.of(KindId::Exchange).into_iter().map(Definition::name).collect();
        let mut missing: BTreeSet<&str> = self.by_source.keys().copied().collect();
        missing.extend(self.bindings.keys().filter(|(ty, _)| *ty == "exchange").map(|(_, name)| *name));
        let is_strange = |name: &&str| !name.is_empty() && !known.contains(name) && !described.contains(name);
        for name in missing.into_iter().filter(is_strange) {
            let predeclared = PREDECLARED.iter().find(|(known, _)| *known == name);
            let bound = self.bindings.get(&("exchange", name)).cloned().unwrap_or_default();
            // who only takes from one that is always there need not name it
            if predeclared.is_some() && bound.is_empty() {
                continue;
            }
            let mut node = external(KindId::Exchange, name, predeclared.map(|(_, ty)| *ty), None);
            node.children.extend(bound.into_iter().filter_map(|binding| self.bind(binding, outside)));
            nodes.push(node);
        }
    }

    /// An exchange or queue with its bindings.
    fn bound(
        &self,
        definition: &'a Definition,
        node: Option<Node>,
        ty: &str,
        outside: &BTreeSet<Identity>,
        covered: &BTreeSet<Identity>,
    ) -> Node {
        let node = node.filter(|_| !outside.contains(&definition.identity()));
        let mut node = node.unwrap_or_else(|| stranger(definition)).of(definition);
        let bindings = self.bindings.get(&(ty, definition.name())).into_iter().flatten();
        let own = bindings.filter(|binding| !covered.contains(&binding.identity()));
        let binds: Vec<Node> = own.filter_map(|binding| self.bind(binding, outside)).collect();
        node.children.splice(0..0, binds);
        node
    }

    fn bind(&self, binding: &Definition, outside: &BTreeSet<Identity>) -> Option<Node> {
        if outside.contains(&binding.identity()) {
            return None;
        }
        // who writes a header says how many must match
        let by_headers = self.headers.contains(binding.text("source")?) && binding.field("match").is_some();
        Some(bind(binding, by_headers)?.of(binding))
    }
}

fn stranger(definition: &Definition) -> Node {
    if definition.kind == KindId::VhostLimits {
        let mut limits = Node::new("limits");
        limits.property("external", "#true".to_owned());
        return limits;
    }
    external(definition.kind, definition.name(), definition.text("type"), definition.text("component"))
}

/// What belongs together, apart from what is before it.
fn section(nodes: &mut Vec<Node>, mut more: Vec<Node>) {
    if let Some(first) = more.first_mut() {
        first.apart = true;
    }
    nodes.append(&mut more);
}

/// The vhosts of a topology, those that are described and those that are only named.
pub(super) fn vhosts(topology: &Topology) -> BTreeSet<&str> {
    let described = topology.of(KindId::Vhost).map(Definition::name);
    described.chain(topology.definitions().iter().filter_map(|found| found.vhost.as_deref())).collect()
}
