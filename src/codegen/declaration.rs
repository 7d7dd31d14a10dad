//! A service's own part of a vhost → constants that the runtime declares.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value as Json;

use super::expressions::number;
use crate::{
    graph::Graph,
    kind::{Definition, Identity, WireError, to_wire_value},
    topology::{Binding, Exchange, Queue, Service, Topology, delay_queue},
};

/// What `declaration.rs.hbs` fills in.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Declaration {
    /// The constant.
    pub(super) name: String,
    pub(super) doc: String,
    /// The connection that it is declared over, as an expression.
    pub(super) connection: String,
    #[serde(flatten)]
    pub(super) declared: Declared,
}

/// What `declared.rs.hbs` fills in.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Declared {
    exchanges: Vec<Entity>,
    queues: Vec<Entity>,
    bindings: Vec<Bound>,
}

/// An exchange or a queue.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Entity {
    name: String,
    kind: String,
    durable: bool,
    exclusive: bool,
    auto_delete: bool,
    internal: bool,
    external: bool,
    arguments: Vec<Argument>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Bound {
    source: String,
    destination: String,
    to_exchange: bool,
    routing_key: String,
    arguments: Vec<Argument>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Argument {
    name: String,
    /// As an expression.
    value: String,
}

impl Argument {
    /// One with this value; none where the value is neither a scalar nor none at all.
    pub(super) fn new(name: &str, json: &Json) -> Option<Self> {
        let value = match json {
            Json::Bool(bool) => format!("Argument::Bool({bool})"),
            Json::Number(number) => match number.as_i64() {
                Some(integer) => format!("Argument::Int({})", self::number(integer)),
                None => format!("Argument::Float({:?})", number.as_f64()?),
            },
            Json::String(text) => format!("Argument::String({text:?})"),
            Json::Null => "Argument::Void".to_owned(),
            Json::Array(_) | Json::Object(_) => return None,
        };
        Some(Self { name: name.to_owned(), value })
    }
}

impl Declared {
    /// Whether there is nothing to declare.
    pub(super) fn is_empty(&self) -> bool {
        self.exchanges.is_empty() && self.queues.is_empty() && self.bindings.is_empty()
    }

    /// What of `topoc_runtime::declare` it names.
    pub(super) fn names(&self) -> BTreeSet<&'static str> {
        let mut names = BTreeSet::from(["Declaration"]);
        let arguments = self.exchanges.iter().chain(&self.queues).map(|entity| &entity.arguments);
        let mut arguments = arguments.chain(self.bindings.iter().map(|bound| &bound.arguments));
        if arguments.any(|arguments| !arguments.is_empty()) {
            names.insert("Argument");
        }
        names.extend((!self.exchanges.is_empty()).then_some("Exchange"));
        names.extend((!self.queues.is_empty()).then_some("Queue"));
        names.extend((!self.bindings.is_empty()).then_some(["Binding", "Destination"]).into_iter().flatten());
        names
    }
}

/// What of a vhost is a service's own part: what it publishes to, consumes, calls and answers; what its queues
/// and exchanges hand messages on to; and the bindings between. A queue that another service consumes is that
/// service's own part, unless it is where this one's own messages end.
pub(super) struct Part<'b, 'a> {
    graph: &'b Graph<'a>,
    topology: &'a Topology,
    service: &'a Service,
    vhost: &'a str,
    exchanges: BTreeSet<&'a str>,
    queues: BTreeSet<&'a str>,
    bindings: BTreeSet<Identity>,
}

impl<'b, 'a> Part<'b, 'a> {
    /// The part of `service` in `vhost`.
    pub(super) fn of(graph: &'b Graph<'a>, service: &'a Service, vhost: &'a str) -> Self {
        let topology = graph.topology;
        let (exchanges, queues, bindings) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut part = Self { graph, topology, service, vhost, exchanges, queues, bindings };
        let contract = &topology.contract;
        for message in service.publishes.iter().filter_map(|word| contract.message(&word.text)) {
            let here = message.exchange.as_ref().filter(|found| found.found.as_deref() == Some(vhost));
            if let Some(exchange) = here {
                part.onward(&exchange.name.text, &message.routing_key.text);
            }
        }
        let answered = service.answers.iter().map(|answers| &answers.rpc);
        let rpcs = service.calls.iter().chain(answered).filter_map(|word| contract.rpc(&word.text));
        let queues = rpcs.filter_map(|rpc| rpc.queue.as_ref());
        for reference in queues.chain(service.consumes.iter().map(|consumes| &consumes.queue)) {
            for queue in topology.queues_of(reference).iter().filter(|queue| queue.vhost() == vhost) {
                part.queue(queue.name());
            }
        }
        part
    }

    /// An exchange with all that it hands messages on to.
    fn onward(&mut self, exchange: &'a str, key: &str) {
        if exchange.is_empty() {
            if let Some(queue) = self.topology.queue(self.vhost, key)
                && !self.is_anothers(queue)
            {
                self.queue(queue.name());
            }
            return;
        }
        if !self.exchange(exchange) {
            return;
        }
        let topology = self.topology;
        for binding in topology.bindings() {
            if binding.vhost() != self.vhost || binding.source() != exchange {
                continue;
            }
            if binding.to_exchange() {
                self.bindings.insert(binding.0.identity());
                self.onward(binding.destination(), binding.routing_key());
            } else if let Some(queue) = topology.queue(self.vhost, binding.destination())
                && !self.is_anothers(queue)
            {
                self.bindings.insert(binding.0.identity());
                self.queue(queue.name());
            }
        }
    }

    /// The ways and queues that a queue's dead letters go to, by argument or policy.
    fn dead_letters(&mut self, queue: Queue<'a>) {
        let graph = self.graph;
        let Some(routes) = graph.routes(self.vhost) else { return };
        let Some(id) = routes.topology.queue_id(queue.name()) else { return };
        let known = routes.topology.queue(id);
        let Some(exchange) = known.dead_letter_exchange.as_deref() else { return };
        let Some(exchange) = routes.topology.exchange_id(exchange) else { return };
        // without a key of their own they keep the one that they came with
        let Some(key) = known.dead_letter_routing_key.as_deref() else {
            if let Some(exchange) = routes.exchange(exchange) {
                self.onward(exchange.name(), "");
            }
            return;
        };
        let delivered = routes.topology.route(exchange, &topoc_routing::Message::new(key));
        for visit in &delivered.visits {
            if let Some(exchange) = routes.exchange(visit.exchange) {
                self.exchange(exchange.name());
            }
            let taken = visit.matched.bindings().filter_map(|id| routes.binding(id));
            self.bindings.extend(taken.map(|binding| binding.0.identity()));
        }
        for queue in delivered.queues.iter().filter_map(|reached| routes.queue(reached.queue)) {
            self.queue(queue.name());
        }
    }

    /// Adds an exchange with its alternate; false when it is there already.
    fn exchange(&mut self, name: &'a str) -> bool {
        let Some(exchange) = self.topology.exchange(self.vhost, name) else {
            // every broker has it; what is bound to it counts once
            return crate::graph::is_predeclared(name) && self.exchanges.insert(name);
        };
        if !self.exchanges.insert(name) {
            return false;
        }
        if let Some(alternate) = exchange.alternate_exchange() {
            self.onward(alternate, "");
        }
        true
    }

    /// Adds a queue with its retry ladder, where its dead letters go, and all ways that lead to it.
    fn queue(&mut self, name: &'a str) {
        let topology = self.topology;
        let Some(queue) = topology.queue(self.vhost, name) else { return };
        if !self.queues.insert(queue.name()) {
            return;
        }
        for delay in delay_queues(queue) {
            if let Some(delay) = topology.queue(self.vhost, &delay) {
                self.queue(delay.name());
            }
        }
        if let Some(dead) = queue.0.text("retry-then") {
            self.queue(dead);
        }
        self.dead_letters(queue);
        self.upward(name, false);
    }

    /// The bindings that lead to a destination, and where they come from.
    fn upward(&mut self, destination: &str, exchange: bool) {
        let topology = self.topology;
        for binding in topology.bindings() {
            let leads = binding.vhost() == self.vhost
                && binding.to_exchange() == exchange
                && binding.destination() == destination;
            if leads && self.bindings.insert(binding.0.identity()) {
                if let Some(source) = topology.exchange(self.vhost, binding.source()) {
                    self.exchanges.insert(source.name());
                    if let Some(alternate) = source.alternate_exchange() {
                        self.onward(alternate, "");
                    }
                }
                self.upward(binding.source(), true);
            }
        }
    }

    /// Whether another service consumes the queue or answers rpcs from it, and this one does neither.
    fn is_anothers(&self, queue: Queue<'_>) -> bool {
        let contract = &self.topology.contract;
        let uses = |service: &Service| {
            let answered = service.answers.iter().filter_map(|answers| contract.rpc(&answers.rpc.text));
            let queues = answered.filter_map(|rpc| rpc.queue.as_ref());
            queues.chain(service.consumes.iter().map(|consumes| &consumes.queue)).any(|reference| {
                let mut named = self.topology.queues_of(reference).into_iter();
                named.any(|found| found.name() == queue.name() && found.vhost() == self.vhost)
            })
        };
        !uses(self.service) && contract.services.iter().any(uses)
    }

    /// The part as constants.
    ///
    /// # Errors
    /// When an entity has no form on the wire.
    pub(super) fn declaration(
        &self,
        name: String,
        doc: String,
        connection: String,
    ) -> Result<Declaration, WireError> {
        let here = |definition: &&Definition| definition.vhost.as_deref() == Some(self.vhost);
        let exchanges = self.topology.exchanges().map(|Exchange(definition)| definition);
        let queues = self.topology.queues().map(|Queue(definition)| definition);
        let bindings =
            self.topology.bindings().filter(|binding| self.bindings.contains(&binding.0.identity()));
        let declared = Declared {
            exchanges: exchanges
                .filter(|found| here(found) && self.exchanges.contains(found.name()))
                .map(entity)
                .collect::<Result<_, _>>()?,
            queues: queues
                .filter(|found| here(found) && self.queues.contains(found.name()))
                .map(entity)
                .collect::<Result<_, _>>()?,
            bindings: bindings.map(bound).collect::<Result<_, _>>()?,
        };
        Ok(Declaration { name, doc, connection, declared })
    }
}

/// All that stands in a vhost, but for what has no form on the wire.
pub(super) fn all(topology: &Topology, vhost: &str) -> Declared {
    let here = |definition: &&Definition| definition.vhost.as_deref() == Some(vhost);
    let entities = |definitions: &mut dyn Iterator<Item = &Definition>| {
        definitions.filter(here).filter_map(|definition| entity(definition).ok()).collect()
    };
    Declared {
        exchanges: entities(&mut topology.exchanges().map(|Exchange(definition)| definition)),
        queues: entities(&mut topology.queues().map(|Queue(definition)| definition)),
        bindings: topology
            .bindings()
            .filter(|binding| here(&binding.0))
            .filter_map(|binding| bound(binding).ok())
            .collect(),
    }
}

/// The delay queues of a queue's retry ladder, in their order.
pub(super) fn delay_queues(queue: Queue<'_>) -> Vec<String> {
    let steps = match queue.0.field("retry").map(|field| &field.value) {
        Some(crate::kind::Value::List(steps)) => steps.len(),
        _ => 0,
    };
    (1..=steps).map(|step| delay_queue(queue.name(), step)).collect()
}

fn entity(definition: &Definition) -> Result<Entity, WireError> {
    let wire = wire(definition)?;
    let flag = |name: &str| wire.get(name).and_then(Json::as_bool).unwrap_or(false);
    Ok(Entity {
        name: definition.name().to_owned(),
        kind: wire.get("type").and_then(Json::as_str).unwrap_or("direct").to_owned(),
        durable: flag("durable"),
        exclusive: flag("exclusive"),
        auto_delete: flag("auto_delete"),
        internal: flag("internal"),
        external: definition.external,
        arguments: arguments(&wire),
    })
}

fn bound(binding: Binding<'_>) -> Result<Bound, WireError> {
    let wire = wire(binding.0)?;
    Ok(Bound {
        source: binding.source().to_owned(),
        destination: binding.destination().to_owned(),
        to_exchange: binding.to_exchange(),
        routing_key: binding.routing_key().to_owned(),
        arguments: arguments(&wire),
    })
}

fn wire(definition: &Definition) -> Result<serde_json::Map<String, Json>, WireError> {
    to_wire_value(definition, &|_, _| {
        Err(WireError::Secret("queues and exchanges have no secrets".to_owned()))
    })
}

/// The arguments that a topology can hold: each is a scalar, or has no value.
fn arguments(wire: &serde_json::Map<String, Json>) -> Vec<Argument> {
    let arguments = wire.get("arguments").and_then(Json::as_object);
    arguments.into_iter().flatten().filter_map(|(name, json)| Argument::new(name, json)).collect()
}
