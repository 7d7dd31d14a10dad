//! Where a message's keys go.

use topoc_routing::{
    self as routing, KeyReach, QueueId,
    language::{KeyTemplate, Language, Limits, TemplateError, TooComplex},
};

use super::{Graph, Routes, routes::value};
use crate::topology::Message;

/// Where everything goes that a message may be published with.
#[derive(Debug)]
pub struct Flow<'g, 'a> {
    /// The vhost that it is published in.
    pub routes: &'g Routes<'a>,
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
fn headers(message: &Message) -> Option<routing::Table> {
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
        let template = key_template(message).ok()?;
        let table = headers(message);
        let reached = Language::of_template(&template)
            .and_then(|keys| routes.topology.reach(exchange, &keys, table.as_ref(), Limits::default()));
        Some(reached.map(|reach| {
            let start = routes.exchange(exchange).is_some_and(|definition| definition.external);
            let passes = |id: &routing::BindingId| {
                let binding = routes.topology.binding(*id);
                let to = match binding.destination {
                    routing::Destination::Exchange(to) => routes.exchange(to),
                    routing::Destination::Queue(_) => None,
                };
                to.is_some_and(|definition| definition.external)
            };
            let through_external = start || reach.bindings.keys().any(passes);
            Flow { routes, reach, through_external }
        }))
    }
}

impl Flow<'_, '_> {
    /// The queues that some key may reach, in the order of the topology.
    pub fn queues(&self) -> impl Iterator<Item = QueueId> + '_ {
        self.reach.queues.keys().copied()
    }
}
