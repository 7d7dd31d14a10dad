//! A vhost as `topoc-routing` knows it, and the way back to what was written.

use std::collections::BTreeMap;

use topoc_routing::{self as routing, BindingId, Destination, ExchangeId, ExchangeKind, QueueId};

use super::{Effective, is_predeclared, predeclared_type};
use crate::{
    kind::{Definition, Value},
    topology::{Binding, Queue, QueueType, Topology},
};

/// How a vhost routes.
#[derive(Debug)]
pub struct Routes<'a> {
    /// What answers.
    pub topology: routing::Topology,
    exchanges: Vec<Option<&'a Definition>>,
    queues: Vec<Queue<'a>>,
    bindings: Vec<Binding<'a>>,
}

impl<'a> Routes<'a> {
    /// What describes an exchange; none for those that every broker has.
    #[must_use]
    pub fn exchange(&self, id: ExchangeId) -> Option<&'a Definition> {
        self.exchanges.get(id.index()).copied().flatten()
    }

    /// What describes a queue.
    #[must_use]
    pub fn queue(&self, id: QueueId) -> Option<Queue<'a>> {
        self.queues.get(id.index()).copied()
    }

    /// What describes a binding.
    #[must_use]
    pub fn binding(&self, id: BindingId) -> Option<Binding<'a>> {
        self.bindings.get(id.index()).copied()
    }

    fn add_exchange(&mut self, exchange: routing::Exchange, definition: Option<&'a Definition>) {
        // names are unique, so an exchange can only be refused when it is there already
        if let Ok(id) = self.topology.add_exchange(exchange) {
            self.exchanges.resize(self.exchanges.len().max(id.index() + 1), None);
            self.exchanges[id.index()] = definition;
        }
    }

    fn bind(&mut self, binding: Binding<'a>) {
        let source = self.topology.exchange_id(binding.source());
        let destination = if binding.to_exchange() {
            self.topology.exchange_id(binding.destination()).map(Destination::Exchange)
        } else {
            self.topology.queue_id(binding.destination()).map(Destination::Queue)
        };
        let (Some(source), Some(destination)) = (source, destination) else { return };
        let mut arguments: routing::Table =
            binding.arguments().map(|(name, field)| (name.to_string(), value(&field.value))).collect();
        if let Some(how) = binding.0.text("match") {
            arguments.insert("x-match".to_owned(), routing::Value::String(how.as_bytes().to_vec()));
        }
        // what the broker refuses is a lint's to say; here it routes nothing
        if let Ok(id) = self.topology.bind(source, destination, binding.routing_key(), arguments)
            && id.index() == self.bindings.len()
        {
            self.bindings.push(binding);
        }
    }
}

/// A value as the broker compares it.
#[must_use]
pub fn value(value: &Value) -> routing::Value {
    match value {
        Value::Bool(bool) => routing::Value::Bool(*bool),
        Value::Integer(integer) => routing::Value::Integer(*integer),
        Value::Float(float) => routing::Value::Float(*float),
        Value::Text(text) => routing::Value::String(text.as_bytes().to_vec()),
        Value::Null => routing::Value::Void,
        other @ (Value::List(_) | Value::Table(_) | Value::Secret(_)) => {
            routing::Value::Opaque(format!("{other:?}").into_bytes())
        }
    }
}

/// Every vhost in which something stands.
pub(super) fn all<'a>(topology: &'a Topology, effective: &Effective<'a>) -> BTreeMap<&'a str, Routes<'a>> {
    let version = topology.target_version();
    let version = routing::Version::new(version.major, version.minor);
    let mut all: BTreeMap<&'a str, Routes<'a>> = BTreeMap::new();
    let fresh = || {
        let topology = routing::Topology::new(version);
        let mut routes = Routes { topology, exchanges: vec![None], queues: Vec::new(), bindings: Vec::new() };
        for name in
            ["amq.direct", "amq.fanout", "amq.topic", "amq.headers", "amq.match", "amq.rabbitmq.trace"]
        {
            let kind = ExchangeKind::of(predeclared_type(name).unwrap_or("direct"), None);
            routes.add_exchange(routing::Exchange::new(name, kind), None);
        }
        routes
    };
    for view in topology.exchanges().filter(|exchange| !is_predeclared(exchange.name())) {
        let definition = view.0;
        let mut exchange = routing::Exchange::new(
            view.name(),
            ExchangeKind::of(view.exchange_type(), definition.text("delayed-type")),
        );
        exchange.alternate_exchange = effective.text_of(definition, "alternate-exchange").map(str::to_owned);
        exchange.internal = definition.flag("internal");
        all.entry(view.vhost()).or_insert_with(fresh).add_exchange(exchange, Some(definition));
    }
    let mut sizes: BTreeMap<&'a str, (usize, usize)> = BTreeMap::new();
    for view in topology.queues() {
        sizes.entry(view.vhost()).or_default().0 += 1;
    }
    for view in topology.bindings() {
        sizes.entry(view.vhost()).or_default().1 += 1;
    }
    for (vhost, (queues, bindings)) in sizes {
        if queues > 0 {
            all.entry(vhost).or_insert_with(fresh);
        }
        if let Some(routes) = all.get_mut(vhost) {
            routes.topology.reserve(queues, bindings);
        }
    }
    for view in topology.queues() {
        let Some(routes) = all.get_mut(view.vhost()) else { continue };
        if routes.topology.add_queue(queue(view, topology, effective)).is_ok() {
            routes.queues.push(view);
        }
    }
    for binding in topology.bindings() {
        if let Some(routes) = all.get_mut(binding.vhost()) {
            routes.bind(binding);
        }
    }
    all
}

fn queue<'a>(view: Queue<'a>, topology: &'a Topology, effective: &Effective<'a>) -> routing::Queue {
    let kind = match view.queue_type(topology) {
        QueueType::Classic => routing::QueueKind::Classic,
        QueueType::Quorum => routing::QueueKind::Quorum,
        QueueType::Stream => routing::QueueKind::Stream,
    };
    let text = |name: &str| effective.text_of(view.0, name).map(str::to_owned);
    let number = |name: &str| effective.integer(view.0, name);
    let unsigned = |name: &str| number(name).and_then(|number| u64::try_from(number).ok());
    let mut queue = routing::Queue::new(view.name(), kind);
    queue.dead_letter_exchange = text("dead-letter-exchange");
    queue.dead_letter_routing_key = text("dead-letter-routing-key");
    if text("dead-letter-strategy").as_deref() == Some("at-least-once") {
        queue.dead_letter_strategy = routing::Strategy::AtLeastOnce;
    }
    queue.message_ttl = unsigned("message-ttl");
    queue.max_length = unsigned("max-length");
    queue.max_length_bytes = unsigned("max-length-bytes");
    queue.overflow = match text("overflow").as_deref() {
        Some("reject-publish") => routing::Overflow::RejectPublish,
        Some("reject-publish-dlx") => routing::Overflow::RejectPublishDlx,
        _ => routing::Overflow::DropHead,
    };
    queue.delivery_limit = number("delivery-limit");
    queue
}
