//! What lints ask for again and again, worked out once.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use topoc_routing::{ExchangeKind, language::TooComplex};

use super::dying::Dying;
use crate::{
    diag::Span,
    graph::{Arrivals, Flow, Graph},
    kind::{Attribute, Definition, Field, Identity, KindId},
    syntax::Word,
    topology::{Answers, Binding, Consumes, Message, Queue, Reference, Service, Topology},
};

/// A topology with its graph, ready for the lints.
#[derive(Debug)]
pub struct Context<'g, 'a> {
    /// The graph.
    pub graph: &'g Graph<'a>,
    /// What it is the graph of.
    pub topology: &'a Topology,
    /// Where each message of the contract goes, in the order written.
    flows: Vec<Option<Result<Flow<'g, 'a>, TooComplex>>>,
    /// What messages can come to, by vhost.
    arrivals: BTreeMap<&'a str, Arrivals>,
    hearers: FxHashMap<(&'a str, &'a str), Vec<Hearer<'a>>>,
    inbound: FxHashMap<(&'a str, &'a str), Vec<Binding<'a>>>,
    permissions: FxHashMap<&'a str, Vec<&'a Definition>>,
    /// What becomes of messages that die, and which queues hold what nobody may lose.
    pub(super) dying: Dying<'a>,
}

/// Who takes messages from a queue.
#[derive(Clone, Copy, Debug)]
pub struct Hearer<'a> {
    /// The service.
    pub service: &'a Service,
    /// How.
    pub how: Hears<'a>,
}

/// How a service takes messages from a queue.
#[derive(Clone, Copy, Debug)]
pub enum Hears<'a> {
    /// It consumes it.
    Consumes(&'a Consumes),
    /// It answers the rpc whose queue it is.
    Answers(&'a Answers),
}

impl<'a> Hearer<'a> {
    /// Where that is written.
    #[must_use]
    pub fn span(self) -> Span {
        match self.how {
            Hears::Consumes(consumes) => consumes.span,
            Hears::Answers(answers) => answers.span,
        }
    }

    /// Whether it says that it handles a message: a `consumes` without `on` takes whatever comes.
    #[must_use]
    pub fn handles(self, message: &str) -> bool {
        match self.how {
            Hears::Consumes(consumes) => {
                consumes.on.is_empty() || consumes.on.iter().any(|word| *word.text == *message)
            }
            Hears::Answers(_) => false,
        }
    }

    /// The messages that it names.
    #[must_use]
    pub fn on(self) -> &'a [Word] {
        match self.how {
            Hears::Consumes(consumes) => &consumes.on,
            Hears::Answers(_) => &[],
        }
    }
}

impl<'g, 'a> Context<'g, 'a> {
    pub(super) fn new(graph: &'g Graph<'a>) -> Self {
        let topology = graph.topology;
        let flows = graph.flows();
        let arrivals = graph.arrivals(&flows);
        let mut inbound: FxHashMap<_, Vec<_>> = FxHashMap::default();
        for binding in topology.bindings().filter(|binding| !binding.to_exchange()) {
            inbound.entry((binding.vhost(), binding.destination())).or_default().push(binding);
        }
        let mut permissions: FxHashMap<_, Vec<_>> = FxHashMap::default();
        for permission in topology.of(KindId::Permission) {
            permissions.entry(permission.text("user").unwrap_or("")).or_default().push(permission);
        }
        let hearers = hearers(topology);
        let dying = Dying::new(graph, &flows, |queue: Queue<'a>| {
            hearers.contains_key(&(queue.vhost(), queue.name()))
        });
        Self { graph, topology, flows, arrivals, hearers, inbound, permissions, dying }
    }

    /// The messages of which it can be decided where they go, and where that is.
    pub fn flows(&self) -> impl Iterator<Item = (&'a Message, &Flow<'g, 'a>)> {
        let messages = self.topology.contract.messages.iter();
        messages.zip(&self.flows).filter_map(|(message, flow)| Some((message, flow.as_ref()?.as_ref().ok()?)))
    }

    /// The messages of which that cannot be decided.
    pub fn undecided(&self) -> impl Iterator<Item = &'a Message> {
        let messages = self.topology.contract.messages.iter();
        messages.zip(&self.flows).filter(|(_, flow)| matches!(flow, Some(Err(_)))).map(|(message, _)| message)
    }

    /// What messages can come to in a vhost; none where nothing stands.
    #[must_use]
    pub fn arrivals(&self, vhost: &str) -> Option<&Arrivals> {
        self.arrivals.get(vhost)
    }

    /// The services that take messages from a queue, in the order written.
    #[must_use]
    pub fn hearers(&self, queue: Queue<'a>) -> &[Hearer<'a>] {
        self.hearers.get(&(queue.vhost(), queue.name())).map_or(&[], Vec::as_slice)
    }

    /// The bindings of a queue, in the order written.
    #[must_use]
    pub fn inbound(&self, queue: Queue<'a>) -> &[Binding<'a>] {
        self.inbound.get(&(queue.vhost(), queue.name())).map_or(&[], Vec::as_slice)
    }

    /// By what a binding's source chooses among its bindings; none for an exchange that is not declared.
    #[must_use]
    pub fn routes_as(&self, binding: Binding<'_>) -> Option<&ExchangeKind> {
        let routes = &self.graph.routes(binding.vhost())?.topology;
        Some(routes.exchange(routes.exchange_id(binding.source())?).kind.matching())
    }

    /// The services that connect as a user of this topology, each with the user.
    pub fn service_users(&self) -> impl Iterator<Item = (&'a Service, &'a Definition)> {
        let services = self.topology.contract.services.iter();
        services.filter_map(|service| {
            let name = service.user.as_ref()?.text.clone();
            let user = Identity { kind: KindId::User, vhost: None, parts: vec![name] };
            Some((service, self.topology.get(&user)?))
        })
    }

    /// Whether a vhost is somebody else's, so that things may stand in it that nobody here has declared.
    #[must_use]
    pub fn is_foreign(&self, vhost: &str) -> bool {
        let vhost = Identity { kind: KindId::Vhost, vhost: None, parts: vec![vhost.into()] };
        self.topology.get(&vhost).is_some_and(|vhost| vhost.external)
    }

    /// Where an exchange or queue stands that is not in the vhost where it is looked for, as a help line.
    #[must_use]
    pub fn in_another_vhost(&self, kind: KindId, vhost: &str, name: &str) -> Option<String> {
        let others = self.topology.vhosts_of(kind, name);
        let other = others.iter().find(|other| ***other != *vhost)?;
        let word = kind.word();
        Some(format!(
            "`{name}` is in vhost `{other}`, and what is bound together is in one: declare the {word} in vhost \
             `{vhost}` too, or move one of them"
        ))
    }

    /// Every permission, in the order of the topology.
    pub fn permissions(&self) -> impl Iterator<Item = &'a Definition> {
        self.topology.of(KindId::Permission)
    }

    /// The permissions of a user.
    #[must_use]
    pub fn permissions_of(&self, user: &str) -> &[&'a Definition] {
        self.permissions.get(user).map_or(&[], Vec::as_slice)
    }

    /// Whether the topology says who publishes what: without a single message it cannot be asked for more.
    #[must_use]
    pub fn says_what_is_published(&self) -> bool {
        self.topology.contract.messages.iter().any(|message| message.exchange.is_some())
    }

    /// Whether the topology says which services take messages from queues.
    #[must_use]
    pub fn says_who_consumes(&self) -> bool {
        self.topology.contract.says_who_consumes()
    }
}

/// Every attribute that is said of anything, in the order of the topology.
pub(super) fn described(
    topology: &Topology,
) -> impl Iterator<Item = (&Definition, &'static Attribute, &Field)> {
    let contract = &topology.contract;
    let messages = contract.messages.iter().map(|message| &message.definition);
    let rpcs = contract.rpcs.iter().map(|rpc| &rpc.definition);
    let all = topology.definitions().iter().chain(messages).chain(rpcs);
    all.flat_map(|definition| {
        let kind = definition.kind.kind();
        definition.fields().filter_map(move |(name, field)| Some((definition, kind.attribute(name)?, field)))
    })
}

fn hearers(topology: &Topology) -> FxHashMap<(&str, &str), Vec<Hearer<'_>>> {
    fn place(queue: &Reference) -> Option<(&str, &str)> {
        Some((queue.found.as_deref()?, &queue.name.text))
    }
    let mut all: FxHashMap<_, Vec<_>> = FxHashMap::default();
    for service in &topology.contract.services {
        for consumes in &service.consumes {
            for queue in topology.queues_of(&consumes.queue) {
                let hearer = Hearer { service, how: Hears::Consumes(consumes) };
                all.entry((queue.vhost(), queue.name())).or_default().push(hearer);
            }
        }
        for answers in &service.answers {
            let rpc = topology.contract.rpc(&answers.rpc.text);
            if let Some(place) = rpc.and_then(|rpc| place(rpc.queue.as_ref()?)) {
                all.entry(place).or_default().push(Hearer { service, how: Hears::Answers(answers) });
            }
        }
    }
    all
}
