//! The broker in memory as a third party: what it does with the same topologies and messages.

use std::collections::BTreeMap;

use lapin::BasicProperties;
use topoc_routing::{Destination, Overflow, Queue, QueueId, QueueKind, Strategy, Table, Topology, Value};
use topoc_runtime::{
    declare::{self, Argument, Binding, Declaration, Exchange},
    memory::{Broker, Client, Got, Taken},
};

use crate::broker::is_predeclared;
use crate::made::Published;

const VHOST: &str = "made";

/// A broker in memory and a client of it.
pub(crate) struct Memory {
    pub(crate) broker: Broker,
    pub(crate) client: Client,
}

impl Memory {
    /// With this topology in it: declared as a service would, where its constants can say all of it.
    pub(crate) fn with(net: &Topology) -> Self {
        let broker = match declaration(net) {
            Some(declaration) => {
                let vhost =
                    declare::Vhost { name: VHOST, default_queue_type: "classic", declaration, policies: &[] };
                let rabbitmq = (net.version().major, net.version().minor);
                let topology = declare::Topology { rabbitmq, vhosts: vec![vhost].leak() };
                Broker::new(&topology).expect("what the broker takes")
            }
            None => Broker::of_routing(VHOST, net.clone()),
        };
        let client = broker.client(VHOST).expect("the vhost");
        Self { broker, client }
    }

    /// Publishes a mandatory message: whether it came back, or the code of a refusal.
    pub(crate) fn publish(
        &self,
        published: &Published,
        properties: BasicProperties,
        body: &[u8],
    ) -> Result<bool, u16> {
        match self.client.publish(&published.exchange, &published.routing_key, properties, body) {
            Taken::Acked => Ok(false),
            Taken::Returned => Ok(true),
            Taken::Nacked => panic!("no queue of these refuses a message"),
            Taken::Refused(reason) if reason.starts_with("NOT_FOUND") => Err(404),
            Taken::Refused(reason) if reason.starts_with("ACCESS_REFUSED") => Err(403),
            Taken::Refused(reason) => panic!("the broker in memory answers {reason}"),
        }
    }

    /// Takes all messages out of all queues, as [`crate::broker::Node`] does.
    pub(crate) fn drain(&mut self, net: &Topology) -> BTreeMap<Vec<u8>, Vec<QueueId>> {
        let mut copies: BTreeMap<Vec<u8>, Vec<QueueId>> = BTreeMap::new();
        for (id, queue) in net.queues() {
            while let Some(got) = self.client.get(&queue.name) {
                copies.entry(got.payload().to_vec()).or_default().push(id);
                let _ = got.ack();
            }
        }
        copies
    }

    /// Takes all messages with the name of their queue, and keeps them unanswered.
    pub(crate) fn take(&mut self, net: &Topology) -> Vec<(String, Got)> {
        let mut taken = Vec::new();
        for (_, queue) in net.queues() {
            while let Some(got) = self.client.get(&queue.name) {
                taken.push((queue.name.clone(), got));
            }
        }
        taken
    }
}

/// The topology as generated code would hold it; none where a binding has an argument that no topology can state.
fn declaration(net: &Topology) -> Option<Declaration> {
    let exchanges = net.exchanges().filter(|(_, exchange)| !is_predeclared(&exchange.name));
    let exchanges = exchanges.map(|(_, exchange)| Exchange {
        name: kept(&exchange.name),
        kind: kept(exchange.kind.type_name()),
        durable: true,
        auto_delete: false,
        internal: exchange.internal,
        external: false,
        arguments: match &exchange.alternate_exchange {
            Some(name) => vec![("alternate-exchange", Argument::String(kept(name)))].leak(),
            None => &[],
        },
    });
    let exchanges: Vec<Exchange> = exchanges.collect();
    let queues: Vec<declare::Queue> = net.queues().map(|(_, queue)| of_queue(queue)).collect();
    let mut bindings = Vec::new();
    for (_, binding) in net.bindings() {
        bindings.push(Binding {
            source: kept(&net.exchange(binding.source).name),
            destination: match binding.destination {
                Destination::Queue(id) => declare::Destination::Queue(kept(&net.queue(id).name)),
                Destination::Exchange(id) => declare::Destination::Exchange(kept(&net.exchange(id).name)),
            },
            routing_key: kept(&binding.routing_key),
            arguments: arguments(&binding.arguments)?,
        });
    }
    Some(Declaration { exchanges: exchanges.leak(), queues: queues.leak(), bindings: bindings.leak() })
}

fn of_queue(queue: &Queue) -> declare::Queue {
    let kind = match queue.kind {
        QueueKind::Classic => "classic",
        QueueKind::Quorum => "quorum",
        QueueKind::Stream => "stream",
    };
    let overflow = match queue.overflow {
        Overflow::DropHead => None,
        Overflow::RejectPublish => Some("reject-publish"),
        Overflow::RejectPublishDlx => Some("reject-publish-dlx"),
    };
    let strategy = (queue.dead_letter_strategy == Strategy::AtLeastOnce).then_some("at-least-once");
    let texts = [
        ("x-queue-type", Some(kind)),
        ("x-overflow", overflow),
        ("x-dead-letter-strategy", strategy),
        ("x-dead-letter-exchange", queue.dead_letter_exchange.as_deref()),
        ("x-dead-letter-routing-key", queue.dead_letter_routing_key.as_deref()),
    ];
    let numbers = [
        ("x-message-ttl", queue.message_ttl.map(|n| n as i64)),
        ("x-max-length", queue.max_length.map(|n| n as i64)),
        ("x-max-length-bytes", queue.max_length_bytes.map(|n| n as i64)),
        ("x-delivery-limit", queue.delivery_limit),
    ];
    let texts = texts.into_iter().filter_map(|(name, text)| Some((name, Argument::String(kept(text?)))));
    let numbers = numbers.into_iter().filter_map(|(name, number)| Some((name, Argument::Int(number?))));
    declare::Queue {
        name: kept(&queue.name),
        durable: true,
        exclusive: false,
        auto_delete: false,
        external: false,
        arguments: texts.chain(numbers).collect::<Vec<_>>().leak(),
    }
}

fn arguments(table: &Table) -> Option<&'static [(&'static str, Argument)]> {
    let argument = |value: &Value| match value {
        Value::Void => Some(Argument::Void),
        Value::Bool(value) => Some(Argument::Bool(*value)),
        Value::Integer(value) => Some(Argument::Int(*value)),
        Value::Float(value) => Some(Argument::Float(*value)),
        Value::String(bytes) => Some(Argument::String(kept(std::str::from_utf8(bytes).ok()?))),
        Value::Timestamp(_) | Value::Opaque(_) => None,
    };
    let arguments: Option<Vec<_>> =
        table.iter().map(|(name, value)| Some((kept(name), argument(value)?))).collect();
    Some(arguments?.leak())
}

/// A text for as long as the tests run: constants borrow theirs for good.
fn kept(text: &str) -> &'static str {
    text.to_owned().leak()
}
