//! All that can be drawn: what the graph has, and what is named but stands nowhere.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::visit::EdgeRef;

use super::marks::Mark;
use crate::{
    graph::{Edge, Graph, Node, is_predeclared},
    kind::{Definition, KindId, Secret, Value},
    topology::{Binding, Consumes, Exchange, Message, Queue, Rpc, Service},
};

/// Something that messages come from, pass or end in.
#[derive(Clone, Debug)]
pub(super) enum Thing<'a> {
    /// An exchange; without a definition one that every broker has.
    Exchange { name: &'a str, definition: Option<&'a Definition> },
    /// A queue or stream.
    Queue(Queue<'a>),
    /// A service.
    Service(&'a Service),
    /// An exchange that is named and that nobody declares.
    MissingExchange(&'a str),
    /// A queue that is named and that nobody declares.
    MissingQueue(&'a str),
    /// Another broker.
    Elsewhere(String),
}

impl<'a> Thing<'a> {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Exchange { name, .. } | Self::MissingExchange(name) | Self::MissingQueue(name) => name,
            Self::Queue(queue) => queue.name(),
            Self::Service(service) => &service.name.text,
            Self::Elsewhere(name) => name,
        }
    }

    pub(super) fn definition(&self) -> Option<&'a Definition> {
        match self {
            Self::Exchange { definition, .. } => *definition,
            Self::Queue(queue) => Some(queue.0),
            Self::Service(service) => Some(&service.definition),
            Self::MissingExchange(_) | Self::MissingQueue(_) | Self::Elsewhere(_) => None,
        }
    }

    /// Whether messages only pass it.
    pub(super) fn is_exchange(&self) -> bool {
        matches!(self, Self::Exchange { .. } | Self::MissingExchange(_))
    }

    pub(super) fn is_service(&self) -> bool {
        matches!(self, Self::Service(_))
    }
}

/// A thing and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Item<'a> {
    pub thing: Thing<'a>,
    /// None for services and other brokers.
    pub vhost: Option<&'a str>,
    /// What was found in it.
    pub marks: Vec<Mark>,
    /// The service that it belongs to.
    pub owner: Option<&'a str>,
    /// Whether dead letters alone come to it.
    pub dead: bool,
}

impl<'a> Item<'a> {
    fn new(thing: Thing<'a>, vhost: Option<&'a str>) -> Self {
        Self { thing, vhost, marks: Vec::new(), owner: None, dead: false }
    }
}

/// Why messages go from one thing to another.
#[derive(Clone, Copy, Debug)]
pub(super) enum Means<'a> {
    Binding(Binding<'a>),
    AlternateExchange,
    DeadLetter(Option<&'a str>),
    Retry,
    Publishes(&'a Message),
    Consumes(&'a Consumes),
    Calls(&'a Rpc),
    Answers(&'a Rpc),
    Shovel(&'a Definition),
}

/// A way from one thing to another.
#[derive(Clone, Debug)]
pub(super) struct Link<'a> {
    pub from: usize,
    pub to: usize,
    pub means: Means<'a>,
    /// What was found in it.
    pub marks: Vec<Mark>,
}

impl<'a> Link<'a> {
    fn new(from: usize, to: usize, means: Means<'a>) -> Self {
        Self { from, to, means, marks: Vec::new() }
    }
}

/// Things and links, in the order of the topology.
#[derive(Debug, Default)]
pub(super) struct Scene<'a> {
    pub items: Vec<Item<'a>>,
    pub links: Vec<Link<'a>>,
    missing: BTreeMap<(bool, Option<&'a str>, &'a str), usize>,
    elsewhere: BTreeMap<String, usize>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(graph: &Graph<'a>) -> Self {
        let mut scene = Self::default();
        for node in graph.places.node_weights() {
            let item = match *node {
                Node::Exchange { vhost, name, definition } => {
                    Item::new(Thing::Exchange { name, definition }, Some(vhost))
                }
                Node::Queue(queue) => Item::new(Thing::Queue(queue), Some(queue.vhost())),
                Node::Service(service) => Item::new(Thing::Service(service), None),
            };
            scene.items.push(item);
        }
        for edge in graph.places.edge_references() {
            let (from, mut to) = (edge.source().index(), edge.target().index());
            let means = match *edge.weight() {
                Edge::Binding(binding) => Means::Binding(binding),
                Edge::AlternateExchange => Means::AlternateExchange,
                Edge::DeadLetter(key) => Means::DeadLetter(key),
                Edge::Retry => Means::Retry,
                Edge::Consumes(consumes) => Means::Consumes(consumes),
                Edge::Calls(rpc) => Means::Calls(rpc),
                Edge::Answers(rpc) => Means::Answers(rpc),
                Edge::Publishes(message) => {
                    to = scene.by_name(graph, to, message).unwrap_or(to);
                    Means::Publishes(message)
                }
                // drawn as one arrow from who publishes to the queue
                Edge::Direct => continue,
            };
            scene.links.push(Link::new(from, to, means));
        }
        scene.add_missing(graph);
        scene.add_shovels(graph);
        scene.drop_unused(|item| matches!(item.thing, Thing::Exchange { definition: None, .. }));
        scene
    }

    /// What is published to the default exchange goes to the queue that its key names.
    fn by_name(&mut self, graph: &Graph<'a>, exchange: usize, message: &'a Message) -> Option<usize> {
        let key = &*message.routing_key.text;
        let Item { thing: Thing::Exchange { name: "", .. }, vhost: Some(vhost), .. } = self.items[exchange]
        else {
            return None;
        };
        if key.is_empty() || key.contains('{') {
            return None;
        }
        Some(self.queue(graph, Some(vhost), key))
    }

    fn queue(&mut self, graph: &Graph<'a>, vhost: Option<&'a str>, name: &'a str) -> usize {
        let known = vhost.and_then(|vhost| graph.queue(vhost, name));
        known.map_or_else(|| self.missing(false, vhost, name), |found| found.index())
    }

    fn exchange(&mut self, graph: &Graph<'a>, vhost: Option<&'a str>, name: &'a str) -> usize {
        let known = vhost.and_then(|vhost| graph.exchange(vhost, name));
        known.map_or_else(|| self.missing(true, vhost, name), |found| found.index())
    }

    fn missing(&mut self, exchange: bool, vhost: Option<&'a str>, name: &'a str) -> usize {
        let items = &mut self.items;
        *self.missing.entry((exchange, vhost, name)).or_insert_with(|| {
            let thing = if exchange { Thing::MissingExchange(name) } else { Thing::MissingQueue(name) };
            items.push(Item::new(thing, vhost));
            items.len() - 1
        })
    }

    /// Links that the graph leaves out because one of their ends stands nowhere.
    fn add_missing(&mut self, graph: &Graph<'a>) {
        let topology = graph.topology;
        for definition in topology.definitions() {
            let vhost = definition.vhost.as_deref();
            let Some(known_vhost) = vhost else { continue };
            let unknown_exchange =
                |name: &str| !is_predeclared(name) && graph.exchange(known_vhost, name).is_none();
            match definition.kind {
                KindId::Binding => {
                    let binding = Binding(definition);
                    let lost_end = if binding.to_exchange() {
                        unknown_exchange(binding.destination())
                    } else {
                        graph.queue(known_vhost, binding.destination()).is_none()
                    };
                    if unknown_exchange(binding.source()) || lost_end {
                        let from = self.exchange(graph, vhost, binding.source());
                        let to = if binding.to_exchange() {
                            self.exchange(graph, vhost, binding.destination())
                        } else {
                            self.queue(graph, vhost, binding.destination())
                        };
                        self.links.push(Link::new(from, to, Means::Binding(binding)));
                    }
                }
                KindId::Exchange => {
                    let from = graph.exchange(known_vhost, Exchange(definition).name());
                    let alternate = graph.effective.text_of(definition, "alternate-exchange");
                    if let (Some(from), Some(name)) = (from, alternate.filter(|name| unknown_exchange(name)))
                    {
                        let to = self.missing(true, vhost, name);
                        self.links.push(Link::new(from.index(), to, Means::AlternateExchange));
                    }
                }
                KindId::Queue => {
                    let Some(from) = graph.queue(known_vhost, definition.name()) else { continue };
                    let key = graph.effective.text_of(definition, "dead-letter-routing-key");
                    let to = match graph.effective.text_of(definition, "dead-letter-exchange") {
                        Some("") => {
                            let name = key.unwrap_or(definition.name());
                            graph.queue(known_vhost, name).is_none().then(|| self.missing(false, vhost, name))
                        }
                        Some(name) => unknown_exchange(name).then(|| self.missing(true, vhost, name)),
                        None => None,
                    };
                    if let Some(to) = to {
                        self.links.push(Link::new(from.index(), to, Means::DeadLetter(key)));
                    }
                }
                _ => {}
            }
        }
        self.add_missing_of_flows(graph);
    }

    fn add_missing_of_flows(&mut self, graph: &Graph<'a>) {
        let contract = &graph.topology.contract;
        for service in &contract.services {
            let Some(index) = graph.service(&service.name.text).map(|found| found.index()) else { continue };
            for message in service.publishes.iter().filter_map(|word| contract.message(&word.text)) {
                let Some(reference) = message.exchange.as_ref().filter(|found| found.found.is_none()) else {
                    continue;
                };
                let vhost = reference.vhost.as_ref().map(|word| &*word.text);
                let to = self.missing(true, vhost, &reference.name.text);
                self.links.push(Link::new(index, to, Means::Publishes(message)));
            }
            for consumes in service.consumes.iter().filter(|consumes| consumes.queue.found.is_none()) {
                let vhost = consumes.queue.vhost.as_ref().map(|word| &*word.text);
                let from = self.missing(false, vhost, &consumes.queue.name.text);
                self.links.push(Link::new(from, index, Means::Consumes(consumes)));
            }
            let lost = |rpc: &&'a Rpc| rpc.queue.as_ref().is_some_and(|queue| queue.found.is_none());
            let mut queue_of = |rpc: &'a Rpc| {
                let queue = rpc.queue.as_ref()?;
                let vhost = queue.vhost.as_ref().map(|word| &*word.text);
                Some(self.missing(false, vhost, &queue.name.text))
            };
            let calls = service.calls.iter().filter_map(|word| contract.rpc(&word.text)).filter(lost);
            let mut links: Vec<Link<'a>> =
                calls.filter_map(|rpc| Some(Link::new(index, queue_of(rpc)?, Means::Calls(rpc)))).collect();
            let answers = service.answers.iter().filter_map(|word| contract.rpc(&word.rpc.text)).filter(lost);
            links.extend(
                answers.filter_map(|rpc| Some(Link::new(queue_of(rpc)?, index, Means::Answers(rpc)))),
            );
            self.links.extend(links);
        }
    }

    fn add_shovels(&mut self, graph: &Graph<'a>) {
        for shovel in graph.topology.of(KindId::Shovel) {
            let from = self.shovel_end(graph, shovel, ["src-uri", "src-queue", "src-exchange"]);
            let to = self.shovel_end(graph, shovel, ["dest-uri", "dest-queue", "dest-exchange"]);
            if let (Some(from), Some(to)) = (from, to) {
                self.links.push(Link::new(from, to, Means::Shovel(shovel)));
            }
        }
    }

    fn shovel_end(
        &mut self,
        graph: &Graph<'a>,
        shovel: &'a Definition,
        [uri, queue, exchange]: [&str; 3],
    ) -> Option<usize> {
        let local = match shovel.field(uri).map(|field| &field.value) {
            None => true,
            // what a shovel without an address is given: this broker, this vhost
            Some(Value::Secret(Secret::Literal(address))) => address.starts_with("amqp:///"),
            Some(_) => false,
        };
        let (queue, exchange) = (shovel.text(queue), shovel.text(exchange));
        let vhost = shovel.vhost.as_deref();
        if local {
            return match (queue, exchange) {
                (Some(name), _) => Some(self.queue(graph, vhost, name)),
                (None, Some(name)) if is_predeclared(name) => None,
                (None, Some(name)) => Some(self.exchange(graph, vhost, name)),
                (None, None) => None,
            };
        }
        // an address holds a password: only where it is found is shown
        let broker = match shovel.field(uri).map(|field| &field.value) {
            Some(Value::Secret(Secret::Env(name))) => format!("broker of {name}"),
            Some(Value::Secret(Secret::File(path))) => format!("broker of {path}"),
            _ => "another broker".to_owned(),
        };
        let name = match queue.or(exchange) {
            Some(place) => format!("{place} at {broker}"),
            None => broker,
        };
        let items = &mut self.items;
        let index = *self.elsewhere.entry(name.clone()).or_insert_with(|| {
            items.push(Item::new(Thing::Elsewhere(name), None));
            items.len() - 1
        });
        Some(index)
    }

    /// The vhosts in which something stands, in order.
    pub(super) fn vhosts(&self) -> Vec<&'a str> {
        let vhosts: BTreeSet<&str> = self.items.iter().filter_map(|item| item.vhost).collect();
        vhosts.into_iter().collect()
    }

    /// Keeps what stands in a vhost, and the services and brokers that have to do with it.
    pub(super) fn keep_vhost(&mut self, vhost: &str) {
        let inside: Vec<bool> = self.items.iter().map(|item| item.vhost == Some(vhost)).collect();
        let mut kept = inside.clone();
        let links: Vec<bool> = self.links.iter().map(|link| inside[link.from] || inside[link.to]).collect();
        for (link, _) in self.links.iter().zip(&links).filter(|(_, keep)| **keep) {
            kept[link.from] = true;
            kept[link.to] = true;
        }
        self.keep(&kept, &links);
    }

    /// Keeps some things and the links between them that are kept.
    pub(super) fn keep(&mut self, items: &[bool], links: &[bool]) {
        let mut index = 0;
        let new: Vec<Option<usize>> = items
            .iter()
            .map(|keep| {
                index += usize::from(*keep);
                keep.then(|| index - 1)
            })
            .collect();
        let mut position = 0;
        self.items.retain(|_| {
            position += 1;
            items[position - 1]
        });
        let kept = self.links.iter().zip(links).filter(|(_, keep)| **keep);
        self.links = kept
            .filter_map(|(link, _)| Some(Link { from: new[link.from]?, to: new[link.to]?, ..link.clone() }))
            .collect();
    }

    fn drop_unused(&mut self, droppable: impl Fn(&Item<'a>) -> bool) {
        let mut used = vec![false; self.items.len()];
        for link in &self.links {
            used[link.from] = true;
            used[link.to] = true;
        }
        let kept: Vec<bool> =
            self.items.iter().zip(used).map(|(item, used)| used || !droppable(item)).collect();
        let links = vec![true; self.links.len()];
        self.keep(&kept, &links);
    }
}
