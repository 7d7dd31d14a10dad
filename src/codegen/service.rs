//! A service → its module.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{
    Builder,
    declaration::{Declaration, Part, delay_queues},
    docs::{code, words},
    expressions::number,
    handler::{self, Consumer, Responder, Trait},
    names::{Scope, joined, screaming, snake, stem},
    publish::{Publisher, publisher},
};
use crate::topology::Service;

/// What `service.rs.hbs` fills in.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Module {
    pub(super) name: String,
    pub(super) doc: Vec<String>,
    /// The service.
    pub(super) service: String,
    /// The vhost, where it works in one alone.
    pub(super) vhost: Option<String>,
    /// Where it works in several: a connection to each.
    pub(super) connections: Vec<Connected>,
    pub(super) connection: ConnectionArgument,
    /// What it imports of `topoc_runtime::codegen` and `topoc_runtime::declare`.
    pub(super) imports: Vec<&'static str>,
    pub(super) declare_imports: Vec<&'static str>,
    pub(super) declarations: Vec<Declaration>,
    pub(super) publisher: Option<Publisher>,
    /// What it hears; `Handler` is the last.
    pub(super) traits: Vec<Trait>,
    pub(super) consumers: Vec<Consumer>,
    pub(super) responders: Vec<Responder>,
    pub(super) servers: Vec<Server>,
    /// Whether there is one server.
    pub(super) one_server: bool,
}

/// How the service's functions take their connection.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ConnectionArgument {
    pub(super) name: &'static str,
    pub(super) ty: &'static str,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Connected {
    pub(super) name: String,
    pub(super) vhost: String,
}

/// The consumers and responders on one connection.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Server {
    pub(super) connection: String,
    pub(super) consumes: Vec<Consume>,
    pub(super) answers: Vec<Answer>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Consume {
    pub(super) queue: String,
    /// Calls on the runtime's `Consume`.
    pub(super) settings: Vec<String>,
    pub(super) structure: String,
    pub(super) publishes: bool,
    /// Whether nothing after it needs the handler.
    pub(super) last: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Answer {
    pub(super) constant: String,
    /// Calls on the runtime's `Consume`.
    pub(super) settings: Vec<String>,
    pub(super) structure: String,
    pub(super) publishes: bool,
    pub(super) last: bool,
}

/// The vhosts that a service works in, in the order that it names them.
pub(super) struct Vhosts<'a> {
    names: Vec<&'a str>,
    fields: Vec<String>,
}

impl<'a> Vhosts<'a> {
    fn of(builder: &Builder<'a>, service: &'a Service) -> Self {
        let contract = &builder.topology.contract;
        let published = service.publishes.iter().filter_map(|word| contract.message(&word.text));
        let answered = service.answers.iter().map(|answers| &answers.rpc);
        let rpcs = service.calls.iter().chain(answered).filter_map(|word| contract.rpc(&word.text));
        let references = service
            .consumes
            .iter()
            .map(|consumes| &consumes.queue)
            .chain(published.filter_map(|message| message.exchange.as_ref()))
            .chain(rpcs.filter_map(|rpc| rpc.queue.as_ref()));
        let mut names: Vec<&str> = Vec::new();
        for vhost in references.filter_map(|reference| reference.found.as_deref()) {
            if !names.contains(&vhost) {
                names.push(vhost);
            }
        }
        let mut scope = Scope::default();
        let field = |name: &&str| if **name == *"/" { "default_vhost".to_owned() } else { snake(name) };
        let fields = names.iter().map(|name| scope.take(&[&field(name)])).collect();
        Self { names, fields }
    }

    fn one(&self) -> bool {
        self.names.len() <= 1
    }

    fn field(&self, vhost: &str) -> &str {
        let at = self.names.iter().position(|name| *name == vhost).unwrap_or(0);
        self.fields.get(at).map_or("", String::as_str)
    }

    /// The connection to a vhost, as an expression.
    pub(super) fn connection(&self, vhost: &str) -> String {
        if self.one() { "connection".to_owned() } else { format!("&connections.{}", self.field(vhost)) }
    }

    /// The publisher's field for a vhost.
    pub(super) fn publisher(&self, vhost: &str) -> String {
        if self.one() { "inner".to_owned() } else { self.field(vhost).to_owned() }
    }

    /// The rpc client's field for a vhost.
    pub(super) fn client(&self, vhost: &str) -> String {
        if self.one() { "client".to_owned() } else { joined(self.field(vhost), "_client") }
    }
}

/// The module of a service.
pub(super) fn module(builder: &mut Builder<'_>, service: &Service) -> Module {
    let name = &*service.name.text;
    let vhosts = Vhosts::of(builder, service);
    let publisher = publisher(builder, service, &vhosts);
    let handlers = handler::handlers(builder, service, publisher.is_some());
    let mut constants = Scope::default();
    let declarations: Vec<Declaration> = vhosts
        .names
        .iter()
        .filter_map(|vhost| {
            let (constant, of) = if vhosts.one() {
                ("DECLARATION".to_owned(), String::new())
            } else {
                let constant = joined(&screaming(stem(vhosts.field(vhost))), "_DECLARATION");
                (constants.take(&[&constant]), format!(" in vhost {}", code(vhost)))
            };
            let doc = format!("The exchanges, queues and bindings that {} needs{of}.", code(name));
            let part = Part::of(&builder.graph, service, vhost);
            let connection = vhosts.connection(vhost).trim_start_matches('&').to_owned();
            part.declaration(constant, doc, connection).ok()
        })
        .filter(|declaration| !declaration.declared.is_empty())
        .collect();
    let declare_imports: BTreeSet<&str> =
        declarations.iter().flat_map(|declaration| declaration.declared.names()).collect();
    let serves = !handlers.traits.is_empty();
    let servers = servers(builder, service, &vhosts, &handlers, publisher.is_some());
    let (argument, ty) = if vhosts.one() {
        ("connection", "topoc_runtime::Connection")
    } else {
        ("connections", "Connections")
    };
    let mut doc = vec![format!("The service {}.", code(name))];
    if let Some(description) = service.definition.text("description") {
        doc.extend([String::new(), format!("{}.", words(description).trim_end_matches('.'))]);
    }
    Module {
        name: builder.naming.service(name).to_owned(),
        doc,
        service: name.to_owned(),
        vhost: vhosts.names.first().filter(|_| vhosts.one()).map(|vhost| (*vhost).to_owned()),
        connections: if vhosts.one() {
            Vec::new()
        } else {
            let pairs = vhosts.fields.iter().zip(&vhosts.names);
            pairs
                .map(|(field, vhost)| Connected { name: field.clone(), vhost: (*vhost).to_owned() })
                .collect()
        },
        connection: ConnectionArgument { name: argument, ty },
        imports: if serves { vec!["Arc", "Future"] } else { Vec::new() },
        declare_imports: declare_imports.into_iter().collect(),
        declarations,
        publisher,
        traits: handlers.traits,
        consumers: handlers.consumers,
        responders: handlers.responders,
        one_server: servers.len() == 1,
        servers,
    }
}

fn prefetch(count: i64) -> String {
    format!(".prefetch({})", number(count))
}

fn concurrency(count: i64) -> String {
    format!(".concurrency({})", number(count))
}

fn servers(
    builder: &Builder<'_>,
    service: &Service,
    vhosts: &Vhosts<'_>,
    handlers: &handler::Handlers,
    publishes: bool,
) -> Vec<Server> {
    let queues = service.consumes.iter().map(|consumes| builder.topology.queues_of(&consumes.queue).len());
    let mut left = queues.sum::<usize>() + handlers.responders.len();
    let mut last = || {
        left = left.saturating_sub(1);
        left == 0
    };
    let mut servers = Vec::new();
    for vhost in &vhosts.names {
        let here = |found: Option<&str>| found == Some(vhost);
        let consumes = service.consumes.iter().zip(&handlers.consumers);
        let consumes: Vec<Consume> = consumes
            .filter(|(consumes, _)| here(consumes.queue.found.as_deref()))
            // all partitions of a super stream have one handler
            .flat_map(|(consumes, consumer)| {
                let queues = builder.topology.queues_of(&consumes.queue).into_iter();
                queues.map(move |queue| (queue, consumes, consumer))
            })
            .map(|(queue, consumes, consumer)| {
                let mut settings = Vec::new();
                settings.extend(consumes.prefetch.map(prefetch));
                settings.extend(consumes.concurrency.map(concurrency));
                settings.extend(consumes.auto_ack.then(|| ".auto_ack()".to_owned()));
                if let Some(dead) = queue.0.text("retry-then") {
                    let delays = delay_queues(queue);
                    settings.push(format!(".ladder(topoc_runtime::Ladder::new(&{delays:?}, {dead:?}))"));
                }
                let structure = consumer.structure.clone();
                Consume { queue: queue.name().to_owned(), settings, structure, publishes, last: last() }
            })
            .collect();
        let answers: Vec<Answer> = handlers
            .responders
            .iter()
            .filter(|responder| here(Some(&responder.vhost)))
            .map(|responder| Answer {
                constant: responder.constant.clone(),
                settings: responder
                    .prefetch
                    .map(prefetch)
                    .into_iter()
                    .chain(responder.concurrency.map(concurrency))
                    .collect(),
                structure: responder.structure.clone(),
                publishes,
                last: last(),
            })
            .collect();
        if !consumes.is_empty() || !answers.is_empty() {
            servers.push(Server { connection: vhosts.connection(vhost), consumes, answers });
        }
    }
    servers
}
