//! What messages can come to: the queues and bindings that something declared leads to.
//!
//! It errs towards "may come": a dead letter whose key is not stated, an alternate exchange, a federated exchange or
//! one that is somebody else's may take every binding behind it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use topoc_routing::{BindingId, Destination, ExchangeId, Message, QueueId};

use super::{Flow, Graph, Routes, is_open};
use crate::{
    kind::{Definition, KindId, Value},
    topology::{DEFAULT_VHOST, delay_queue},
};

/// What messages can come to in a vhost.
#[derive(Debug, Default)]
pub struct Arrivals {
    /// Queues that some message may come to.
    pub queues: BTreeSet<QueueId>,
    /// Bindings that some message may take.
    pub bindings: BTreeSet<BindingId>,
    /// Exchanges behind which anything may arrive.
    pub open: BTreeSet<ExchangeId>,
}

/// The closure over one vhost, while it grows.
struct Closure<'g, 'a> {
    graph: &'g Graph<'a>,
    routes: &'g Routes<'a>,
    found: Arrivals,
    waiting: VecDeque<QueueId>,
}

impl<'a> Graph<'a> {
    /// What messages can come to, by vhost, from the messages and rpcs of the contract, shovels and federation.
    /// `flows` are those of [`Graph::flows`].
    pub fn arrivals<'g>(
        &'g self,
        flows: &[Option<Result<Flow<'g, 'a>, topoc_routing::language::TooComplex>>],
    ) -> BTreeMap<&'a str, Arrivals> {
        let vhosts = self.vhosts();
        vhosts.map(|(vhost, routes)| (vhost, self.arrivals_in(vhost, routes, flows))).collect()
    }

    fn arrivals_in<'g>(
        &'g self,
        vhost: &'a str,
        routes: &'g Routes<'a>,
        flows: &[Option<Result<Flow<'g, 'a>, topoc_routing::language::TooComplex>>],
    ) -> Arrivals {
        let mut closure =
            Closure { graph: self, routes, found: Arrivals::default(), waiting: VecDeque::new() };
        for (message, flow) in self.topology.contract.messages.iter().zip(flows) {
            let Some(exchange) = message.exchange.as_ref().filter(|e| e.found.as_deref() == Some(vhost))
            else {
                continue;
            };
            match flow {
                Some(Ok(flow)) => {
                    closure.found.bindings.extend(flow.reach.bindings.keys());
                    flow.queues().for_each(|queue| closure.arrive(queue));
                }
                _ => closure.anything_at(&exchange.name.text),
            }
        }
        for rpc in &self.topology.contract.rpcs {
            if let Some(queue) = rpc.queue.as_ref().filter(|q| q.found.as_deref() == Some(vhost)) {
                closure.arrive_named(&queue.name.text);
            }
        }
        closure.outside(vhost);
        closure.follow();
        closure.found
    }
}

impl Closure<'_, '_> {
    fn arrive(&mut self, queue: QueueId) {
        if self.found.queues.insert(queue) {
            self.waiting.push_back(queue);
        }
    }

    fn arrive_named(&mut self, name: &str) {
        if let Some(queue) = self.routes.topology.queue_id(name) {
            self.arrive(queue);
        }
    }

    /// What shovels, federation and other teams bring.
    fn outside(&mut self, vhost: &str) {
        let topology = &self.routes.topology;
        for (id, exchange) in topology.exchanges() {
            // a safety net is there for what nobody has declared
            if let Some(alternate) = exchange.alternate_exchange.as_deref() {
                self.anything_at(alternate);
            }
            let federated =
                self.routes.exchange(id).is_some_and(|exchange| is_federated(self.graph, exchange));
            if federated || is_open(self.routes, id) {
                self.anything_from(id);
            }
        }
        for (id, _) in topology.queues() {
            let Some(queue) = self.routes.queue(id) else { continue };
            if queue.0.external || is_federated(self.graph, queue.0) {
                self.arrive(id);
            }
        }
        let here = |shovel: &&Definition| shovel.vhost.as_deref().unwrap_or(DEFAULT_VHOST) == vhost;
        for shovel in self.graph.topology.of(KindId::Shovel).filter(here) {
            // a destination with an address may be this broker all the same
            if let Some(queue) = shovel.text("dest-queue") {
                self.arrive_named(queue);
            }
            match (shovel.text("dest-exchange"), shovel.text("dest-exchange-key")) {
                (Some(exchange), Some(key)) => self.publish(exchange, key),
                (Some(exchange), None) => self.anything_at(exchange),
                (None, _) => {}
            }
        }
    }

    /// Follows dead letters and retry ladders from queue to queue.
    fn follow(&mut self) {
        while let Some(id) = self.waiting.pop_front() {
            let Some(queue) = self.routes.queue(id) else { continue };
            if let Some(Value::List(steps)) = queue.0.value("retry") {
                for step in 1..=steps.len() {
                    self.arrive_named(&delay_queue(queue.name(), step));
                }
            }
            if let Some(dead) = queue.0.text("retry-then") {
                self.arrive_named(dead);
            }
            let known = self.routes.topology.queue(id);
            match (known.dead_letter_exchange.as_deref(), known.dead_letter_routing_key.as_deref()) {
                (Some(exchange), Some(key)) => self.publish(exchange, key),
                (Some(exchange), None) => self.anything_at(exchange),
                (None, _) => {}
            }
        }
    }

    fn publish(&mut self, exchange: &str, key: &str) {
        let Some(exchange) = self.routes.topology.exchange_id(exchange) else { return };
        let delivered = self.routes.topology.route(exchange, &Message::new(key));
        for visit in &delivered.visits {
            self.found.bindings.extend(visit.matched.bindings());
        }
        delivered.queues.iter().for_each(|reached| self.arrive(reached.queue));
    }

    fn anything_at(&mut self, exchange: &str) {
        if let Some(exchange) = self.routes.topology.exchange_id(exchange) {
            self.anything_from(exchange);
        }
    }

    /// Any message may be published there.
    fn anything_from(&mut self, exchange: ExchangeId) {
        let routes = self.routes;
        if exchange == topoc_routing::Topology::DEFAULT_EXCHANGE {
            routes.topology.queues().for_each(|(id, _)| self.arrive(id));
        }
        let mut waiting = vec![exchange];
        while let Some(from) = waiting.pop() {
            if !self.found.open.insert(from) {
                continue;
            }
            for id in routes.topology.bindings_of(from) {
                self.found.bindings.insert(*id);
                match routes.topology.binding(*id).destination {
                    Destination::Queue(queue) => self.arrive(queue),
                    Destination::Exchange(next) => waiting.push(next),
                }
            }
            let alternate = routes.topology.exchange(from).alternate_exchange.as_deref();
            waiting.extend(alternate.and_then(|name| routes.topology.exchange_id(name)));
        }
    }
}

/// Whether a policy makes an exchange or queue take messages from another broker.
#[must_use]
pub fn is_federated(graph: &Graph<'_>, entity: &Definition) -> bool {
    graph.effective.applied(entity).policy.is_some_and(|policy| federates(policy.0))
}

/// Whether a policy federates what it applies to.
#[must_use]
pub fn federates(policy: &Definition) -> bool {
    FEDERATES.iter().any(|key| policy.field(key).is_some())
}

/// The keys by which a policy federates (`rabbit_federation_upstream`).
pub const FEDERATES: [&str; 3] =
    ["federation-upstream", "federation-upstream-set", "federation-upstream-pattern"];
