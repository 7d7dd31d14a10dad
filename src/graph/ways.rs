//! What leads where, and who says and hears it, as a graph to walk: what diagrams draw.

use std::collections::BTreeMap;

use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::FxHashMap;

use super::{Graph, is_predeclared};
use crate::{
    kind::{Definition, KindId, Value},
    topology::{Binding, Consumes, Exchange, Message, Queue, Rpc, Service, delay_queue},
};

/// A place in the graph.
#[derive(Clone, Copy, Debug)]
pub enum Node<'a> {
    /// An exchange; without a definition one that every broker has: `""` or `amq.topic`.
    Exchange {
        /// Its vhost.
        vhost: &'a str,
        /// Its name.
        name: &'a str,
        /// What describes it.
        definition: Option<&'a Definition>,
    },
    /// A queue or stream.
    Queue(Queue<'a>),
    /// A service.
    Service(&'a Service),
}

/// A way from one place to another.
#[derive(Clone, Copy, Debug)]
pub enum Edge<'a> {
    /// From an exchange to what is bound to it.
    Binding(Binding<'a>),
    /// From an exchange to the one that gets what it cannot route.
    AlternateExchange,
    /// From a queue to the exchange of its dead letters; the key, where one is said.
    DeadLetter(Option<&'a str>),
    /// From the default exchange to a queue that something sends to by name.
    Direct,
    /// From a queue to a delay or dead queue of its retry ladder, by way of the runtime.
    Retry,
    /// From a service to the exchange that it publishes to.
    Publishes(&'a Message),
    /// From a queue to the service that consumes it.
    Consumes(&'a Consumes),
    /// From a service to the queue of an rpc that it calls.
    Calls(&'a Rpc),
    /// From the queue of an rpc to the service that answers it.
    Answers(&'a Rpc),
}

/// Places and the ways between them.
#[derive(Debug)]
pub struct Ways<'g, 'a> {
    /// What says where they lead.
    pub graph: &'g Graph<'a>,
    /// Places and ways, in the order of the topology.
    pub places: DiGraph<Node<'a>, Edge<'a>>,
    exchanges: FxHashMap<(&'a str, &'a str), NodeIndex>,
    queues: FxHashMap<(&'a str, &'a str), NodeIndex>,
    services: BTreeMap<&'a str, NodeIndex>,
}

impl<'g, 'a> Ways<'g, 'a> {
    /// The places and ways of a topology.
    #[must_use]
    pub fn new(graph: &'g Graph<'a>) -> Self {
        let mut ways = Self {
            graph,
            places: DiGraph::new(),
            exchanges: FxHashMap::default(),
            queues: FxHashMap::default(),
            services: BTreeMap::new(),
        };
        ways.add_places();
        ways.add_ways();
        ways.add_flows();
        ways
    }

    /// The place of an exchange.
    #[must_use]
    pub fn exchange(&self, vhost: &str, name: &str) -> Option<NodeIndex> {
        self.exchanges.get(&(vhost, name)).copied()
    }

    /// The place of a queue.
    #[must_use]
    pub fn queue(&self, vhost: &str, name: &str) -> Option<NodeIndex> {
        self.queues.get(&(vhost, name)).copied()
    }

    /// The place of a service.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<NodeIndex> {
        self.services.get(name).copied()
    }

    fn add_places(&mut self) {
        for definition in self.graph.topology.definitions() {
            match definition.kind {
                KindId::Exchange => {
                    let exchange = Exchange(definition);
                    let (vhost, name) = (exchange.vhost(), exchange.name());
                    let index =
                        self.places.add_node(Node::Exchange { vhost, name, definition: Some(definition) });
                    self.exchanges.insert((vhost, name), index);
                }
                KindId::Queue => {
                    let queue = Queue(definition);
                    let index = self.places.add_node(Node::Queue(queue));
                    self.queues.insert((queue.vhost(), queue.name()), index);
                }
                _ => {}
            }
        }
        for service in &self.graph.topology.contract.services {
            let index = self.places.add_node(Node::Service(service));
            self.services.insert(&service.name.text, index);
        }
    }

    /// The place of an exchange that is declared or that every broker has.
    fn exchange_or_predeclared(&mut self, vhost: &'a str, name: &'a str) -> Option<NodeIndex> {
        if let Some(index) = self.exchange(vhost, name) {
            return Some(index);
        }
        if !is_predeclared(name) {
            return None;
        }
        let index = self.places.add_node(Node::Exchange { vhost, name, definition: None });
        self.exchanges.insert((vhost, name), index);
        Some(index)
    }

    fn add_ways(&mut self) {
        let topology = self.graph.topology;
        for definition in topology.definitions() {
            match definition.kind {
                KindId::Binding => {
                    let binding = Binding(definition);
                    let vhost = binding.vhost();
                    let source = self.exchange_or_predeclared(vhost, binding.source());
                    let destination = if binding.to_exchange() {
                        self.exchange(vhost, binding.destination())
                    } else {
                        self.queue(vhost, binding.destination())
                    };
                    if let (Some(source), Some(destination)) = (source, destination) {
                        self.places.add_edge(source, destination, Edge::Binding(binding));
                    }
                }
                KindId::Exchange => {
                    let vhost = Exchange(definition).vhost();
                    let Some(alternate) = self.graph.effective.text_of(definition, "alternate-exchange")
                    else {
                        continue;
                    };
                    let from = self.exchange(vhost, definition.name());
                    if let (Some(from), Some(to)) = (from, self.exchange_or_predeclared(vhost, alternate)) {
                        self.places.add_edge(from, to, Edge::AlternateExchange);
                    }
                }
                KindId::Queue => self.add_dead_letters(Queue(definition)),
                _ => {}
            }
        }
    }

    fn add_dead_letters(&mut self, queue: Queue<'a>) {
        let vhost = queue.vhost();
        let Some(from) = self.queue(vhost, queue.name()) else { return };
        let steps = match queue.0.value("retry") {
            Some(Value::List(steps)) => steps.len(),
            _ => 0,
        };
        for step in 1..=steps {
            if let Some(delay) = self.queue(vhost, &delay_queue(queue.name(), step)) {
                self.places.add_edge(from, delay, Edge::Retry);
            }
        }
        if let Some(dead) = queue.0.text("retry-then").and_then(|name| self.queue(vhost, name)) {
            self.places.add_edge(from, dead, Edge::Retry);
        }
        let Some(exchange) = self.graph.effective.text_of(queue.0, "dead-letter-exchange") else { return };
        let key = self.graph.effective.text_of(queue.0, "dead-letter-routing-key");
        if exchange.is_empty() {
            // the default exchange is a way, not a place worth drawing
            if let Some(to) = self.queue(vhost, key.unwrap_or(queue.name())) {
                self.places.add_edge(from, to, Edge::DeadLetter(key));
            }
        } else if let Some(to) = self.exchange_or_predeclared(vhost, exchange) {
            self.places.add_edge(from, to, Edge::DeadLetter(key));
        }
    }

    fn add_flows(&mut self) {
        let contract = &self.graph.topology.contract;
        for service in &contract.services {
            let Some(from) = self.service(&service.name.text) else { continue };
            for message in service.publishes.iter().filter_map(|word| contract.message(&word.text)) {
                let Some((exchange, vhost)) =
                    message.exchange.as_ref().and_then(|e| Some((e, e.found.as_deref()?)))
                else {
                    continue;
                };
                if let Some(to) = self.exchange_or_predeclared(vhost, &exchange.name.text) {
                    self.places.add_edge(from, to, Edge::Publishes(message));
                    let key = &*message.routing_key.text;
                    if let (true, Some(queue)) = (exchange.name.text.is_empty(), self.queue(vhost, key)) {
                        self.places.add_edge(to, queue, Edge::Direct);
                    }
                }
            }
            for consumes in &service.consumes {
                for queue in self.graph.topology.queues_of(&consumes.queue) {
                    if let Some(queue) = self.queue(queue.vhost(), queue.name()) {
                        self.places.add_edge(queue, from, Edge::Consumes(consumes));
                    }
                }
            }
            let rpc_queue = |ways: &Self, rpc: &Rpc| {
                let queue = rpc.queue.as_ref()?;
                ways.queue(queue.found.as_deref()?, &queue.name.text)
            };
            for rpc in service.calls.iter().filter_map(|word| contract.rpc(&word.text)) {
                if let Some(queue) = rpc_queue(self, rpc) {
                    self.places.add_edge(from, queue, Edge::Calls(rpc));
                }
            }
            for rpc in service.answers.iter().filter_map(|answers| contract.rpc(&answers.rpc.text)) {
                if let Some(queue) = rpc_queue(self, rpc) {
                    self.places.add_edge(queue, from, Edge::Answers(rpc));
                }
            }
        }
    }
}
