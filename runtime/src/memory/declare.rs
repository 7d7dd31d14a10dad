//! What is declared → exchanges, queues and bindings of a vhost, or the broker's refusal.

use super::{fields, line::Line, vhost::Vhost};
use crate::{
    declare::{Argument, Binding, Declaration, Destination, Exchange, Policies, Queue},
    error::DeclareRefused,
};
use std::{collections::BTreeMap, fmt::Debug};
use topoc_routing::{
    self as routing, ExchangeKind, QueueKind, Table, Value, Version,
    policy::{self, Effective, Object},
};

/// What the exchanges and queues of a vhost were declared as.
#[derive(Debug, Default)]
pub(super) struct Declared {
    exchanges: BTreeMap<String, Exchange>,
    queues: BTreeMap<String, Queue>,
    /// The type of queues that state none.
    pub(super) default_queue_type: Option<&'static str>,
    pub(super) policies: BTreeMap<Destination, Policies>,
}

/// How a declaration is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// All of it is made, also what somebody else makes on a real broker.
    All,
    /// A service's part: what is external must be there.
    Part,
    /// All must be there; nothing is made.
    Check,
}

/// The broker's words.
type Refusal = String;

impl Vhost {
    /// Declares; gives what is refused.
    pub(super) fn declare(&mut self, declaration: &Declaration, mode: Mode) -> Vec<DeclareRefused> {
        let mut refused = Vec::new();
        let mut took = |what: String, result: Result<(), Refusal>| {
            refused.extend(result.err().map(|reason| DeclareRefused { what, reason }));
        };
        for exchange in declaration.exchanges {
            took(format!("exchange `{}`", exchange.name), self.exchange(exchange, mode));
        }
        for queue in declaration.queues {
            took(format!("queue `{}`", queue.name), self.declare_queue(queue, mode));
        }
        // AMQP has no passive binding
        let bindings = if mode == Mode::Check { &[] } else { declaration.bindings };
        for binding in bindings {
            let (Destination::Queue(to) | Destination::Exchange(to)) = binding.destination;
            let (from, key) = (binding.source, binding.routing_key);
            took(format!("binding of `{to}` to `{from}` with routing key `{key}`"), self.bind(binding));
        }
        refused
    }

    fn exchange(&mut self, exchange: &Exchange, mode: Mode) -> Result<(), Refusal> {
        let (name, vhost) = (exchange.name, &self.name);
        let passive = mode == Mode::Check || exchange.external && mode == Mode::Part;
        let arguments = fields::arguments(exchange.arguments);
        let kind = kind(exchange, &arguments);
        if let Some(id) = self.net.exchange_id(name) {
            let there = self.net.exchange(id);
            let known = self.declared.exchanges.get(name);
            return match known {
                _ if passive => Ok(()),
                _ if there.kind != kind => Err(differs("type", "exchange", name, vhost, &kind, &there.kind)),
                Some(known) => same_exchange(known, exchange, vhost),
                None => Ok(()),
            };
        }
        if passive {
            return Err(format!("NOT_FOUND - no exchange '{name}' in vhost '{vhost}'"));
        }
        if !kind.is_known() || matches!(kind, ExchangeKind::DelayedMessage(_)) {
            return Err(format!("exchanges of type '{}' are not available in memory", exchange.kind));
        }
        let values = self.effective(Destination::Exchange(name), Object::Exchange, &arguments);
        let made = routing::Exchange {
            alternate_exchange: values.get("alternate-exchange").and_then(|value| text(&value.value)),
            internal: exchange.internal,
            ..routing::Exchange::new(name, kind)
        };
        let id = self.net.add_exchange(made).map_err(|error| error.to_string())?;
        self.picks.add(&self.net, id, &arguments);
        self.declared.exchanges.insert(name.to_owned(), *exchange);
        Ok(())
    }

    fn declare_queue(&mut self, queue: &Queue, mode: Mode) -> Result<(), Refusal> {
        let name = queue.name;
        let passive = mode == Mode::Check || queue.external && mode == Mode::Part;
        if self.net.queue_id(name).is_some() {
            let known = self.declared.queues.get(name);
            return match known.filter(|_| !passive) {
                Some(known) => same_queue(known, queue, &self.name),
                None => Ok(()),
            };
        }
        if passive {
            return Err(format!("NOT_FOUND - no queue '{name}' in vhost '{}'", self.name));
        }
        let arguments = fields::arguments(queue.arguments);
        let stated = arguments.get("x-queue-type").and_then(text);
        // older brokers do not heed it when a queue is declared
        let default = self.declared.default_queue_type.filter(|_| self.net.version() >= Version::V3_12);
        let kind = match stated.as_deref().or(default) {
            None | Some("classic") => QueueKind::Classic,
            Some("quorum") => QueueKind::Quorum,
            Some("stream") => QueueKind::Stream,
            Some(other) => return Err(format!("queues of type '{other}' are not available in memory")),
        };
        let values = self.effective(Destination::Queue(name), Object::Queue(kind), &arguments);
        let made = routing::Queue::with_values(name, kind, &values);
        self.net.add_queue(made).map_err(|error| error.to_string())?;
        let max_priority = match arguments.get("x-max-priority") {
            Some(Value::Integer(most)) => Some(u8::try_from(*most).unwrap_or(u8::MAX)),
            _ => None,
        };
        let single = arguments.get("x-single-active-consumer") == Some(&Value::Bool(true));
        self.lines.push(Line::new(kind, self.net.version(), max_priority, single));
        self.declared.queues.insert(name.to_owned(), *queue);
        Ok(())
    }

    fn bind(&mut self, binding: &Binding) -> Result<(), Refusal> {
        let vhost = &self.name;
        let exchange = |name: &str| {
            let missing = || format!("NOT_FOUND - no exchange '{name}' in vhost '{vhost}'");
            self.net.exchange_id(name).ok_or_else(missing)
        };
        let source = exchange(binding.source)?;
        let destination = match binding.destination {
            Destination::Queue(name) => routing::Destination::Queue(self.queue(name)?),
            Destination::Exchange(name) => routing::Destination::Exchange(exchange(name)?),
        };
        let arguments = fields::arguments(binding.arguments);
        let bound = self.net.bind(source, destination, binding.routing_key, arguments);
        bound.map(drop).map_err(|error| error.to_string())
    }

    /// What counts for a queue or an exchange, out of its arguments and the policies that apply.
    fn effective(&self, what: Destination, object: Object, arguments: &Table) -> BTreeMap<String, Effective> {
        let applied = self.declared.policies.get(&what);
        let said = |by: fn(&Policies) -> &'static [(&'static str, Argument)]| {
            applied.map(|policies| fields::arguments(by(policies)))
        };
        let (policy, operator) =
            (said(|policies| policies.policy), said(|policies| policies.operator_policy));
        policy::effective(object, self.net.version(), arguments, policy.as_ref(), operator.as_ref())
    }
}

fn kind(exchange: &Exchange, arguments: &Table) -> ExchangeKind {
    let delayed = arguments.get("x-delayed-type").and_then(text);
    ExchangeKind::of(exchange.kind, delayed.as_deref())
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(bytes) => String::from_utf8(bytes.clone()).ok(),
        _ => None,
    }
}

/// `rabbit_exchange:assert_equivalence`; of the arguments it compares the alternate exchange alone.
fn same_exchange(known: &Exchange, now: &Exchange, vhost: &str) -> Result<(), Refusal> {
    let name = now.name;
    let alternate = |exchange: &Exchange| fields::arguments(exchange.arguments).remove("alternate-exchange");
    same("durable", "exchange", name, vhost, now.durable, known.durable)?;
    same("auto_delete", "exchange", name, vhost, now.auto_delete, known.auto_delete)?;
    same("internal", "exchange", name, vhost, now.internal, known.internal)?;
    same("alternate-exchange", "exchange", name, vhost, alternate(now), alternate(known))
}

/// `rabbit_amqqueue:assert_equivalence`.
fn same_queue(known: &Queue, now: &Queue, vhost: &str) -> Result<(), Refusal> {
    let name = now.name;
    same("durable", "queue", name, vhost, now.durable, known.durable)?;
    same("auto_delete", "queue", name, vhost, now.auto_delete, known.auto_delete)?;
    same("exclusive", "queue", name, vhost, now.exclusive, known.exclusive)?;
    let (mut there, wanted) = (fields::arguments(known.arguments), fields::arguments(now.arguments));
    for (argument, value) in wanted {
        same(&argument, "queue", name, vhost, Some(&value), there.remove(&argument).as_ref())?;
    }
    match there.first_key_value() {
        Some((argument, value)) => same(argument, "queue", name, vhost, None, Some(value)),
        None => Ok(()),
    }
}

fn same<T: PartialEq + Debug>(
    argument: &str,
    what: &str,
    name: &str,
    vhost: &str,
    received: T,
    current: T,
) -> Result<(), Refusal> {
    if received == current {
        return Ok(());
    }
    Err(differs(argument, what, name, vhost, &received, &current))
}

fn differs(
    argument: &str,
    what: &str,
    name: &str,
    vhost: &str,
    received: &impl Debug,
    current: &impl Debug,
) -> Refusal {
    format!(
        "PRECONDITION_FAILED - inequivalent arg '{argument}' for {what} '{name}' in vhost '{vhost}': \
         received {received:?} but current is {current:?}"
    )
}
