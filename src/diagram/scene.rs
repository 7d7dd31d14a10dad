//! All that can be drawn: things, and links between them.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::{graph::NodeIndex, visit::EdgeRef};

use super::marks::Mark;
use crate::{
    graph::{Edge, Node, Ways},
    kind::Definition,
    topology::{Binding, Consumes, Message, Queue, Rpc, Service},
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
    /// Whether the message whose trail is drawn does not come here.
    pub aside: bool,
}

impl<'a> Item<'a> {
    pub(super) fn new(thing: Thing<'a>, vhost: Option<&'a str>) -> Self {
        Self { thing, vhost, marks: Vec::new(), owner: None, dead: false, aside: false }
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
    /// From an upstream.
    Federation(&'a Definition),
}

/// A way from one thing to another.
#[derive(Clone, Debug)]
pub(super) struct Link<'a> {
    pub from: usize,
    pub to: usize,
    pub means: Means<'a>,
    /// What was found in it.
    pub marks: Vec<Mark>,
    /// Whether the message whose trail is drawn does not take it.
    pub aside: bool,
}

impl<'a> Link<'a> {
    pub(super) fn new(from: usize, to: usize, means: Means<'a>) -> Self {
        Self { from, to, means, marks: Vec::new(), aside: false }
    }
}

/// Things and links, in the order of the topology.
#[derive(Debug, Default)]
pub(super) struct Scene<'a> {
    pub items: Vec<Item<'a>>,
    pub links: Vec<Link<'a>>,
    missing: BTreeMap<(bool, Option<&'a str>, &'a str), usize>,
    pub(super) elsewhere: BTreeMap<String, usize>,
}

/// Whether a way of a retry ladder leads to its dead queue.
fn ends_ladder(ways: &Ways<'_, '_>, from: NodeIndex, to: NodeIndex) -> bool {
    let (Node::Queue(from), Node::Queue(to)) = (&ways.places[from], &ways.places[to]) else { return false };
    from.0.text("retry-then") == Some(to.name())
}

impl<'a> Scene<'a> {
    pub(super) fn new(ways: &Ways<'_, 'a>) -> Self {
        let mut scene = Self::default();
        for node in ways.places.node_weights() {
            let item = match *node {
                Node::Exchange { vhost, name, definition } => {
                    Item::new(Thing::Exchange { name, definition }, Some(vhost))
                }
                Node::Queue(queue) => Item::new(Thing::Queue(queue), Some(queue.vhost())),
                Node::Service(service) => Item::new(Thing::Service(service), None),
            };
            scene.items.push(item);
        }
        for edge in ways.places.edge_references() {
            let (from, mut to) = (edge.source().index(), edge.target().index());
            let means = match *edge.weight() {
                Edge::Binding(binding) => Means::Binding(binding),
                Edge::AlternateExchange => Means::AlternateExchange,
                Edge::DeadLetter(key) => Means::DeadLetter(key),
                // after the last step a message is dead, which the dead-letter arrow says where there is one
                Edge::Retry if ends_ladder(ways, edge.source(), edge.target()) => {
                    let dies = |other: petgraph::graph::EdgeReference<'_, Edge<'_>>| {
                        matches!(other.weight(), Edge::DeadLetter(_))
                    };
                    if ways.places.edges_connecting(edge.source(), edge.target()).any(dies) {
                        continue;
                    }
                    Means::DeadLetter(None)
                }
                Edge::Retry => Means::Retry,
                Edge::Consumes(consumes) => Means::Consumes(consumes),
                Edge::Calls(rpc) => Means::Calls(rpc),
                Edge::Answers(rpc) => Means::Answers(rpc),
                Edge::Publishes(message) => {
                    to = scene.by_name(ways, to, message).unwrap_or(to);
                    Means::Publishes(message)
                }
                // drawn as one arrow from who publishes to the queue
                Edge::Direct => continue,
            };
            scene.links.push(Link::new(from, to, means));
        }
        scene.add_missing(ways);
        scene.add_shovels(ways);
        scene.add_federation(ways);
        scene.drop_unused(|item| matches!(item.thing, Thing::Exchange { definition: None, .. }));
        scene
    }

    /// What is published to the default exchange goes to the queue that its key names.
    fn by_name(&mut self, ways: &Ways<'_, 'a>, exchange: usize, message: &'a Message) -> Option<usize> {
        let key = &*message.routing_key.text;
        let Item { thing: Thing::Exchange { name: "", .. }, vhost: Some(vhost), .. } = self.items[exchange]
        else {
            return None;
        };
        if key.is_empty() || key.contains('{') {
            return None;
        }
        Some(self.queue(ways, Some(vhost), key))
    }

    pub(super) fn queue(&mut self, ways: &Ways<'_, 'a>, vhost: Option<&'a str>, name: &'a str) -> usize {
        let known = vhost.and_then(|vhost| ways.queue(vhost, name));
        known.map_or_else(|| self.missing(false, vhost, name), |found| found.index())
    }

    pub(super) fn exchange(&mut self, ways: &Ways<'_, 'a>, vhost: Option<&'a str>, name: &'a str) -> usize {
        let known = vhost.and_then(|vhost| ways.exchange(vhost, name));
        known.map_or_else(|| self.missing(true, vhost, name), |found| found.index())
    }

    pub(super) fn missing(&mut self, exchange: bool, vhost: Option<&'a str>, name: &'a str) -> usize {
        let items = &mut self.items;
        *self.missing.entry((exchange, vhost, name)).or_insert_with(|| {
            let thing = if exchange { Thing::MissingExchange(name) } else { Thing::MissingQueue(name) };
            items.push(Item::new(thing, vhost));
            items.len() - 1
        })
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
