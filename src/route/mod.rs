//! Where one message goes, and what may become of it: what `topoc route` and `topoc why-not` answer.
//!
//! [`ask`] has `topoc-routing` route a [`Publish`] and follow its dead letters; [`Route`] is its answer with the way
//! back to what was written. [`human`], [`json`] and [`why_not`] show it; [`Route::trail`] is what a picture of it
//! shows.
//!
//! This room knows topologies and their graph. It may not know plans or brokers.

mod bounds;
mod human;
mod json;
mod said;
mod trail;
mod tree;
mod why_not;

pub use bounds::{Bounds, End, bounds};
pub use human::{human, summary};
pub use json::json;
pub use why_not::{Reason, WhyNot, why_not};

use topoc_routing::{self as routing, ExchangeId, Life, Refused, language::TooComplex};

use crate::{
    diag::{did_you_mean, nearest},
    graph::{Graph, Routes},
    kind::KindId,
    topology::{Answers, Consumes, Message, Queue, Service},
};

/// More stays of one message and its dead letters than this are not followed.
const MOST_STAYS: usize = 2_000;

/// A message as it is published.
#[derive(Clone, Debug, Default)]
pub struct Publish {
    /// The vhost; none where the exchange's name says which.
    pub vhost: Option<String>,
    /// The exchange; `""` is the default exchange.
    pub exchange: String,
    /// The routing key.
    pub key: String,
    /// The headers; none where they are not known.
    pub headers: Option<routing::Table>,
    /// More keys, in the header `CC`.
    pub cc: Vec<String>,
    /// More keys, in the header `BCC`.
    pub bcc: Vec<String>,
    /// Its own time to live, in milliseconds.
    pub expiration: Option<u64>,
    /// The message of the contract that it is, where it is one.
    pub message: Option<String>,
}

impl Publish {
    fn letter(&self) -> routing::Message<'_> {
        let message = routing::Message::new(&self.key).with_cc(&self.cc).with_bcc(&self.bcc);
        match &self.headers {
            Some(headers) => message.with_headers(headers),
            None => message.with_unknown_headers(),
        }
    }
}

/// Why a question has no answer: it names what is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// What is not there.
    pub message: String,
    /// The nearest name, or the names there are.
    pub help: String,
}

/// Where a message goes.
#[derive(Debug)]
pub struct Route<'g, 'a> {
    graph: &'g Graph<'a>,
    routes: &'g Routes<'a>,
    /// The vhost.
    pub vhost: &'a str,
    /// What was asked.
    pub publish: Publish,
    /// The exchange that it is published to.
    pub exchange: ExchangeId,
    /// Where it goes from there; or the broker's refusal.
    pub delivered: Result<routing::Delivered, Refused>,
    /// Its stays in queues, and where it goes when it dies; none where those are too many.
    pub life: Option<Life>,
}

/// Who takes messages from a queue.
#[derive(Clone, Copy, Debug)]
pub enum Consumer<'a> {
    /// By `consumes`.
    Consumes(&'a Service, &'a Consumes),
    /// By `answers`.
    Answers(&'a Service, &'a Answers),
}

/// Where a message goes in a topology.
///
/// # Errors
/// When the exchange or vhost is not there, or the exchange is in several vhosts and none is named.
pub fn ask<'g, 'a>(graph: &'g Graph<'a>, publish: Publish) -> Result<Route<'g, 'a>, Unknown> {
    let (vhost, routes) = place(graph, publish.vhost.as_deref(), KindId::Exchange, &publish.exchange)?;
    let known = routes.topology.exchange_id(&publish.exchange);
    let exchange = known.ok_or_else(|| unknown_exchange(routes, &publish.exchange))?;
    let message = publish.letter();
    let delivered = routes.topology.publish(&publish.exchange, &message);
    let mut route = Route { graph, routes, vhost, exchange, delivered, life: None, publish };
    route.life = route.follow().ok();
    Ok(route)
}

/// The vhost of a name, and how it routes.
fn place<'g, 'a>(
    graph: &'g Graph<'a>,
    vhost: Option<&str>,
    kind: KindId,
    name: &str,
) -> Result<(&'a str, &'g Routes<'a>), Unknown> {
    let all: Vec<_> = graph.vhosts().collect();
    if let Some(vhost) = vhost {
        let found = all.iter().find(|(known, _)| *known == vhost).copied();
        return found.ok_or_else(|| Unknown {
            message: format!("nothing stands in a vhost `{vhost}`"),
            help: did_you_mean(vhost, all.iter().map(|(name, _)| *name), "vhost"),
        });
    }
    let holds = |routes: &Routes<'_>| match kind {
        KindId::Queue => routes.topology.queue_id(name).is_some(),
        _ => routes.topology.exchange_id(name).is_some(),
    };
    match all.iter().filter(|(_, routes)| holds(routes)).copied().collect::<Vec<_>>()[..] {
        [one] => Ok(one),
        [] => {
            let names: Vec<&str> = all.iter().flat_map(|(_, routes)| names(routes, kind)).collect();
            Err(Unknown {
                message: format!("no {} is called `{name}`", kind.word()),
                help: did_you_mean(name, names, kind.word()),
            })
        }
        [..] => {
            let vhosts: Vec<&str> = all.iter().map(|(vhost, _)| *vhost).collect();
            Err(Unknown {
                message: format!("{} `{name}` is in several vhosts", kind.word()),
                help: format!("name one: `--vhost` {}", vhosts.join(", ")),
            })
        }
    }
}

fn names<'g>(routes: &'g Routes<'_>, kind: KindId) -> Vec<&'g str> {
    match kind {
        KindId::Queue => routes.topology.queues().map(|(_, queue)| &*queue.name).collect(),
        _ => {
            let names = routes.topology.exchanges().map(|(_, exchange)| &*exchange.name);
            names.filter(|name| !name.is_empty()).collect()
        }
    }
}

fn unknown_exchange(routes: &Routes<'_>, name: &str) -> Unknown {
    Unknown {
        message: format!("no exchange is called `{name}`"),
        help: did_you_mean(name, names(routes, KindId::Exchange), "exchange"),
    }
}

impl<'g, 'a> Route<'g, 'a> {
    fn follow(&self) -> Result<Life, TooComplex> {
        let Ok(delivered) = &self.delivered else { return Err(TooComplex) };
        let message = self.publish.letter();
        let carried = routing::Carried::new(&self.publish.exchange, &message);
        let first = delivered.queues.iter().map(|reached| reached.queue);
        let at_first = |queue| delivered.queues.iter().any(|reached| reached.queue == queue);
        let topology = &self.routes.topology;
        topology.life(
            first,
            &carried,
            |queue| {
                let known = topology.queue(queue);
                let own = if at_first(queue) { self.publish.expiration } else { None };
                routing::Reason::ALL
                    .into_iter()
                    .filter(|reason| match reason {
                        // who is known to take nothing returns nothing
                        routing::Reason::Rejected | routing::Reason::DeliveryLimit => {
                            self.may_be_consumed(queue) && known.can_die(*reason, topology.version())
                        }
                        routing::Reason::Expired => known.expires_after(own).is_some(),
                        routing::Reason::MaxLength => known.can_die(*reason, topology.version()),
                    })
                    .collect()
            },
            MOST_STAYS,
        )
    }

    fn queue(&self, queue: routing::QueueId) -> Option<Queue<'a>> {
        self.routes.queue(queue)
    }

    /// The steps of a queue's retry ladder in milliseconds, and the queue that it ends in.
    fn ladder(&self, queue: routing::QueueId) -> Option<(Vec<i64>, &'a str)> {
        let written = self.queue(queue)?;
        let steps = match written.0.field("retry").map(|field| &field.value) {
            Some(crate::kind::Value::List(steps)) => {
                steps.iter().filter_map(|step| step.as_integer()).collect()
            }
            _ => return None,
        };
        Some((steps, written.0.text("retry-then").unwrap_or_default()))
    }

    /// Who takes messages from a queue, in the order written.
    fn consumers(&self, queue: routing::QueueId) -> Vec<Consumer<'a>> {
        let contract = &self.graph.topology.contract;
        let name = &*self.routes.topology.queue(queue).name;
        let is_it = |reference: &crate::topology::Reference| {
            &*reference.name.text == name && reference.found.as_deref() == Some(self.vhost)
        };
        let mut found = Vec::new();
        for service in &contract.services {
            let consumes = service.consumes.iter().filter(|consumes| is_it(&consumes.queue));
            found.extend(consumes.map(|consumes| Consumer::Consumes(service, consumes)));
            let answers = service.answers.iter().filter(|answers| {
                let queue = contract.rpc(&answers.rpc.text).and_then(|rpc| rpc.queue.as_ref());
                queue.is_some_and(is_it)
            });
            found.extend(answers.map(|answers| Consumer::Answers(service, answers)));
        }
        found
    }

    /// Whether a topology that says who consumes leaves a queue to nobody.
    fn may_be_consumed(&self, queue: routing::QueueId) -> bool {
        !self.graph.topology.contract.says_who_consumes() || !self.consumers(queue).is_empty()
    }
}

/// What a message of the contract is published with. `values` are those of its key's parameters.
///
/// # Errors
/// When it is published nowhere, or a parameter has no value or one that it may not have.
pub fn publish_of(message: &Message, values: &[(String, String)]) -> Result<Publish, Unknown> {
    let name = &message.name.text;
    let Some(exchange) = &message.exchange else {
        return Err(Unknown {
            message: format!("message `{name}` is published nowhere"),
            help: format!("in `message \"{name}\"`, write `publish-to \"EXCHANGE\" routing-key=\"…\"`"),
        });
    };
    // a slip of the pen is told before what is missing for it
    let parameters: Vec<&str> = message
        .key_parts()
        .into_iter()
        .filter_map(|part| match part {
            crate::topology::KeyPart::Parameter(parameter) => Some(parameter),
            crate::topology::KeyPart::Text(_) => None,
        })
        .collect();
    let unknown = |given: &str| !parameters.contains(&given);
    let slip = values
        .iter()
        .find(|(given, _)| unknown(given) && nearest(given, parameters.iter().copied()).is_some());
    if let Some((given, _)) = slip {
        return Err(Unknown {
            message: format!("the routing key of message `{name}` has no parameter `{given}`"),
            help: did_you_mean(given, parameters, "parameter"),
        });
    }
    let mut key = String::new();
    let mut wanted = Vec::new();
    for part in message.key_parts() {
        let parameter = match part {
            crate::topology::KeyPart::Text(text) => {
                key.push_str(text);
                continue;
            }
            crate::topology::KeyPart::Parameter(parameter) => parameter,
        };
        wanted.push(parameter);
        let known = message.keys.iter().find(|key| &*key.name.text == parameter);
        let words: Vec<&str> =
            known.into_iter().flat_map(|key| &key.one_of).map(|word| &*word.text).collect();
        match values.iter().find(|(name, _)| name == parameter) {
            Some((_, value)) if words.is_empty() || words.contains(&&**value) => key.push_str(value),
            Some((_, value)) => {
                return Err(Unknown {
                    message: format!("`{parameter}` of message `{name}` is never `{value}`"),
                    help: format!("it is one of {}", words.join(", ")),
                });
            }
            None => {
                let value = words.first().copied().unwrap_or("VALUE");
                let one_of =
                    if words.is_empty() { String::new() } else { format!("; one of {}", words.join(", ")) };
                return Err(Unknown {
                    message: format!("the routing key of message `{name}` has a parameter `{parameter}`"),
                    help: format!("give it a value: `{parameter}={value}`{one_of}"),
                });
            }
        }
    }
    if let Some((unknown, _)) = values.iter().find(|(name, _)| !wanted.contains(&&**name)) {
        return Err(Unknown {
            message: format!("the routing key of message `{name}` has no parameter `{unknown}`"),
            help: did_you_mean(unknown, wanted, "parameter"),
        });
    }
    let expiration = message.definition.integer("expiration");
    Ok(Publish {
        vhost: exchange.found.as_deref().map(str::to_owned),
        exchange: exchange.name.text.to_string(),
        key,
        headers: crate::graph::constant_headers(message),
        expiration: expiration.and_then(|ms| u64::try_from(ms).ok()),
        message: Some(name.to_string()),
        ..Publish::default()
    })
}
