//! Where a message's keys go.

use std::{collections::BTreeSet, ops::ControlFlow};

use topoc_routing::{
    self as routing, BindingId, Certainty, Destination, ExchangeId, KeyReach, QueueId,
    language::{KeyTemplate, Language, Limits, TemplateError, TooComplex},
};

use super::{Graph, Routes, routes::value};
use crate::topology::Message;

/// Where everything goes that a message may be published with.
#[derive(Debug)]
pub struct Flow<'g, 'a> {
    /// The vhost that it is published in.
    pub routes: &'g Routes<'a>,
    /// The exchange that it is published to.
    pub exchange: ExchangeId,
    /// Its keys.
    pub keys: Language,
    /// What its keys reach, and which are lost.
    pub reach: KeyReach,
    /// Whether an exchange on the way is somebody else's, who may have bound more to it.
    pub through_external: bool,
}

/// The routing keys that a message may be published with.
///
/// # Errors
/// When its braces do not pair or a parameter has no values.
pub fn key_template(message: &Message) -> Result<KeyTemplate, TemplateError> {
    KeyTemplate::parse(&message.routing_key.text, |name| {
        let key = message.keys.iter().find(|key| &*key.name.text == name)?;
        (!key.one_of.is_empty()).then(|| key.one_of.iter().map(|word| word.text.to_string()).collect())
    })
}

/// The headers that a message is known to have; none when some of them are the publisher's.
#[must_use]
pub fn constant_headers(message: &Message) -> Option<routing::Table> {
    message
        .headers
        .iter()
        .map(|header| Some((header.name.text.to_string(), value(header.value.as_ref()?))))
        .collect()
}

impl<'a> Graph<'a> {
    /// Where a message goes; none when it is published nowhere, to an unknown exchange, or with a key that is
    /// none.
    ///
    /// # Errors
    /// When its keys and the bindings are too many to decide.
    pub fn flow(&self, message: &Message) -> Option<Result<Flow<'_, 'a>, TooComplex>> {
        let reference = message.exchange.as_ref()?;
        let routes = self.routes(reference.found.as_deref()?)?;
        let exchange = routes.topology.exchange_id(&reference.name.text)?;
        let keys = Language::of_template(&self.key_template(message).ok()?);
        let table = constant_headers(message);
        let reached = keys.and_then(|keys| {
            let reach = routes.topology.reach(exchange, &keys, table.as_ref(), Limits::default())?;
            Ok(Flow {
                routes,
                exchange,
                through_external: meets_external(routes, exchange, &reach),
                keys,
                reach,
            })
        });
        Some(reached)
    }

    /// The routing keys that a message comes to its exchange with; see [`key_template`]. To a super stream it is sent
    /// with the number of a partition, which its publisher makes of the key that is stated.
    fn key_template(&self, message: &Message) -> Result<KeyTemplate, TemplateError> {
        let stated = key_template(message)?;
        let Some((exchange, vhost)) = message.exchange.as_ref().and_then(|e| Some((e, e.found.as_deref()?)))
        else {
            return Ok(stated);
        };
        let partitions = self.topology.partitions(vhost, &exchange.name.text).len();
        if partitions == 0 {
            return Ok(stated);
        }
        let keys: Vec<String> = (0..partitions).map(|partition| partition.to_string()).collect();
        KeyTemplate::parse("{partition}", |_| Some(keys.clone()))
    }

    /// Where every message of the contract goes, in the order written; see [`Graph::flow`].
    #[must_use]
    pub fn flows(&self) -> Vec<Option<Result<Flow<'_, 'a>, TooComplex>>> {
        self.topology.contract.messages.iter().map(|message| self.flow(message)).collect()
    }
}

/// Whether an exchange is bound to, or published to, by others than this topology: it is somebody else's, or it is
/// `amq.topic`, at which MQTT and STOMP clients come and go.
#[must_use]
pub fn is_open(routes: &Routes<'_>, exchange: ExchangeId) -> bool {
    routes.exchange(exchange).is_some_and(|definition| definition.external)
        || matches!(&*routes.topology.exchange(exchange).name, "amq.topic" | "amq.rabbitmq.trace")
}

/// Whether some key comes to an exchange that others bind to, by bindings or as an alternate exchange's.
fn meets_external(routes: &Routes<'_>, start: ExchangeId, reach: &KeyReach) -> bool {
    let next = |id: &BindingId| match routes.topology.binding(*id).destination {
        Destination::Exchange(to) => Some(to),
        Destination::Queue(_) => None,
    };
    let mut waiting: Vec<ExchangeId> = reach.bindings.keys().filter_map(next).collect();
    waiting.push(start);
    let mut seen: BTreeSet<ExchangeId> = waiting.iter().copied().collect();
    while let Some(exchange) = waiting.pop() {
        if is_open(routes, exchange) {
            return true;
        }
        let alternate = routes.topology.exchange(exchange).alternate_exchange.as_deref();
        waiting.extend(
            alternate.and_then(|name| routes.topology.exchange_id(name)).filter(|next| seen.insert(*next)),
        );
    }
    false
}

impl Flow<'_, '_> {
    /// A key with which one publish surely comes to both queues, if there is one.
    #[must_use]
    pub fn key_to_both(&self, message: &Message, first: QueueId, second: QueueId) -> Option<String> {
        if !(self.reach.queues.contains_key(&first) && self.reach.queues.contains_key(&second)) {
            return None;
        }
        let mut found = None;
        let table = constant_headers(message);
        let decided = self.routes.topology.deliveries(
            self.exchange,
            &self.keys,
            table.as_ref(),
            Limits::default(),
            |key, delivered| {
                if [first, second].iter().all(|queue| delivered.reaches(*queue) == Certainty::Always) {
                    found = Some(key.to_owned());
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            },
        );
        decided.ok().and(found)
    }

    /// The exchanges that it may pass by bindings, the one that it is published to among them.
    #[must_use]
    pub fn exchanges(&self) -> BTreeSet<ExchangeId> {
        let topology = &self.routes.topology;
        let taken = self.reach.bindings.keys().map(|id| topology.binding(*id));
        let ends = taken.flat_map(|binding| {
            let to = match binding.destination {
                Destination::Exchange(exchange) => Some(exchange),
                Destination::Queue(_) => None,
            };
            [Some(binding.source), to].into_iter().flatten()
        });
        ends.chain([self.exchange]).collect()
    }

    /// The queues that some key may reach, in the order of the topology.
    pub fn queues(&self) -> impl Iterator<Item = QueueId> + '_ {
        self.reach.queues.keys().copied()
    }
}
