//! A topology → the typed Rust of its services, in memory.
//!
//! This room reads the topology and its graph, and gives texts. It may not know brokers; only `build_script`
//! touches the disk. Whatever Rust looks like is in `templates/`; the other files say what to fill in.
//!
//! In a `build.rs`:
//!
//! ```no_run
//! fn main() -> Result<(), topoc::codegen::Error> {
//!     topoc::codegen::configure().compile("topology.kdl")
//! }
//! ```
//!
//! and in the service: `topoc_runtime::include_topology!("order_processing");`

mod build_script;
mod declaration;
mod docs;
mod expressions;
mod handler;
mod items;
mod names;
mod naming;
mod publish;
mod render;
mod schema;
mod service;
mod whole;

pub use build_script::{Configuration, configure};

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;

use crate::{
    Compiled,
    diag::{Diagnostic, Report, Severity, SourceMap, codes, did_you_mean, human},
    graph::Graph,
    syntax::{Sources, Word},
    topology::{Message, Payload, Service, Topology},
};
use docs::{code, list};
use items::Item;
use naming::{Callee, Naming};

/// Files by path, relative to where they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Generated {
    /// The text of each file.
    pub files: BTreeMap<String, String>,
}

/// Why there is no code. `Debug` prints the same as `Display`, because that is what cargo shows when a build
/// script's `main` returns it.
pub enum Error {
    /// The topology has errors.
    Findings {
        /// What was found.
        report: Report,
        /// The errors among it, as text for people.
        text: String,
    },
    /// A file could not be written, or the build script runs outside of cargo.
    Output(String),
    /// A template of topoc gives no Rust: a mistake in topoc.
    Broken(String),
}

impl Error {
    fn findings(report: &Report, sources: &SourceMap) -> Self {
        let mut errors = report.clone();
        errors.retain(|diagnostic| diagnostic.severity == Severity::Error);
        let look = human::Look { color: false, all: false };
        let text = human::report(&errors, sources, look, "topoc check --all");
        Self::Findings { report: report.clone(), text }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Findings { text, .. } => write!(f, "the topology has errors\n\n{}", text.trim_end()),
            Self::Output(reason) => f.write_str(reason),
            Self::Broken(reason) => write!(f, "topoc generates wrong code, please report it: {reason}"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

/// The Rust of a checked topology: one file, `<topology>.rs`, with a module of that name. `services` are those to
/// generate for; none: all.
///
/// # Errors
/// When the topology has errors, or something in it has no Rust: all findings, as text.
pub fn generate(compiled: &Compiled, from: &dyn Sources, services: &[String]) -> Result<Generated, Error> {
    let sources = &compiled.sources;
    if compiled.report.has_errors() {
        return Err(Error::findings(&compiled.report, sources));
    }
    let topology = &compiled.topology;
    let stem = sources.files().first().map_or("topology", |file| stem(&file.name));
    let mut builder = Builder {
        topology,
        sources,
        from,
        naming: Naming::new(topology, stem),
        graph: Graph::new(topology),
        report: Report::default(),
    };
    let chosen = builder.chosen(services);
    let model = builder.model(&chosen);
    if builder.report.has_errors() {
        builder.report.sort();
        return Err(Error::findings(&builder.report, sources));
    }
    let path = format!("{}.rs", names::plain(&builder.naming.module));
    Ok(Generated { files: BTreeMap::from([(path, render::render(&model)?)]) })
}

/// The name of a file without its folder and ending.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or("topology")
}

/// What the parts of the model are made from.
struct Builder<'a> {
    topology: &'a Topology,
    sources: &'a SourceMap,
    from: &'a dyn Sources,
    naming: Naming<'a>,
    graph: Graph<'a>,
    report: Report,
}

/// What `topology.rs.hbs` fills in.
#[derive(Debug, Serialize)]
struct Model {
    module: String,
    doc: String,
    /// Whether anything derives serde's traits.
    serde: bool,
    items: Vec<Item>,
    messages: Vec<MessageConstant>,
    rpcs: Vec<RpcConstant>,
    services: Vec<service::Module>,
    whole: whole::Whole,
}

#[derive(Debug, Serialize)]
struct MessageConstant {
    constant: String,
    name: String,
    exchange: String,
}

#[derive(Debug, Serialize)]
struct RpcConstant {
    constant: String,
    name: String,
    queue: String,
    timeout: String,
}

impl<'a> Builder<'a> {
    fn chosen(&mut self, names: &[String]) -> Vec<&'a Service> {
        let services = &self.topology.contract.services;
        for name in names {
            if !services.iter().any(|service| *service.name.text == **name) {
                let known = services.iter().map(|service| &*service.name.text);
                self.report.push(
                    Diagnostic::new(codes::UNKNOWN_NAME, format!("there is no service `{name}`"))
                        .help(did_you_mean(name, known, "service")),
                );
            }
        }
        let wanted =
            |service: &&Service| names.is_empty() || names.iter().any(|name| **name == *service.name.text);
        services.iter().filter(wanted).collect()
    }

    fn model(&mut self, services: &[&'a Service]) -> Model {
        let contract = &self.topology.contract;
        let all = services.len() == contract.services.len();
        let says = |service: &Service, name: &str| {
            let heard = service.consumes.iter().flat_map(|consumes| &consumes.on);
            service.publishes.iter().chain(heard).any(|word| &*word.text == name)
        };
        let calls = |service: &Service, name: &str| {
            let answered = service.answers.iter().map(|answers| &answers.rpc);
            service.calls.iter().chain(answered).any(|word| &*word.text == name)
        };
        let messages = contract
            .messages
            .iter()
            .filter(|message| all || services.iter().any(|service| says(service, &message.name.text)));
        let messages: Vec<&Message> = messages.collect();
        let rpcs: Vec<_> = contract
            .rpcs
            .iter()
            .filter(|rpc| all || services.iter().any(|service| calls(service, &rpc.name.text)))
            .collect();
        let mut wanted: BTreeSet<&str> = BTreeSet::new();
        if all {
            wanted.extend(contract.types.iter().map(|found| &*found.name.text));
            wanted.extend(contract.enums.iter().map(|found| &*found.name.text));
        }
        for message in &messages {
            let headers = message.headers.iter().filter_map(|header| header.ty.as_ref());
            let types = message.fields().iter().map(|field| &field.ty).chain(headers);
            wanted.extend(types.filter_map(|ty| ty.named()).map(|name| &**name));
        }
        for rpc in &rpcs {
            wanted.extend([&rpc.request, &rpc.response].into_iter().flatten().map(|word| &*word.text));
        }
        let mut items = items::declared(contract, &self.naming, &wanted);
        for message in &messages {
            items.extend(self.payload(message));
        }
        items.extend(items::keys(messages.iter().copied(), &self.naming).into_values());
        let modules = services.iter().map(|service| service::module(self, service)).collect();
        Model {
            module: self.naming.module.clone(),
            doc: match &self.topology.name {
                Some(name) => format!("The topology {}.", code(&name.text)),
                None => "The topology.".to_owned(),
            },
            serde: items.iter().any(|item| item.serde),
            items,
            messages: messages.iter().filter_map(|message| self.message_constant(message)).collect(),
            rpcs: rpcs.iter().map(|rpc| self.rpc_constant(rpc)).collect(),
            services: modules,
            whole: whole::whole(&self.graph),
        }
    }

    fn message_constant(&self, message: &Message) -> Option<MessageConstant> {
        Some(MessageConstant {
            constant: self.naming.constant(Callee::Message, &message.name.text).to_owned(),
            name: message.name.text.to_string(),
            exchange: message.exchange.as_ref()?.name.text.to_string(),
        })
    }

    fn rpc_constant(&self, rpc: &crate::topology::Rpc) -> RpcConstant {
        let timeout = rpc.definition.integer("timeout").unwrap_or(publish::RPC_TIMEOUT);
        RpcConstant {
            constant: self.naming.constant(Callee::Rpc, &rpc.name.text).to_owned(),
            name: rpc.name.text.to_string(),
            queue: rpc.queue.as_ref().map_or(String::new(), |queue| queue.name.text.to_string()),
            timeout: expressions::duration(timeout),
        }
    }

    /// What a message carries.
    fn payload(&mut self, message: &Message) -> Vec<Item> {
        let goes = self.goes(message);
        match &message.payload {
            Payload::Empty | Payload::Fields(_) => vec![items::payload(message, &self.naming, &goes)],
            Payload::RustType(path) => self.rust_type(message, path, &goes).into_iter().collect(),
            Payload::Schema(path) => self.schema(message, path, &goes),
        }
    }

    fn schema(&mut self, message: &Message, path: &Word, goes: &[String]) -> Vec<Item> {
        let Item { name, doc, .. } = items::payload(message, &self.naming, goes);
        schema::payload(path, self.sources, self.from, &name, doc, &mut self.naming.scope, &mut self.report)
    }

    fn rust_type(&mut self, message: &Message, path: &Word, goes: &[String]) -> Option<Item> {
        if let Err(error) = syn::parse_str::<syn::Type>(&path.text) {
            self.report.push(
                Diagnostic::new(codes::NO_RUST, format!("`{}` is no Rust type: {error}", path.text))
                    .label(path.span, "here")
                    .help(
                        "write a path as the service's crate knows it: `rust-type=\"crate::model::Order\"`",
                    ),
            );
            return None;
        }
        let mut item = items::payload(message, &self.naming, goes);
        let name = std::mem::take(&mut item.name);
        Some(Item::alias(name, item.doc, path.text.to_string()))
    }

    /// Where a message comes from and goes to, a paragraph each.
    fn goes(&self, message: &Message) -> Vec<String> {
        let services = &self.topology.contract.services;
        let name = &message.name.text;
        let by: Vec<String> = services
            .iter()
            .filter(|service| service.publishes.iter().any(|word| word.text == *name))
            .map(|service| code(&service.name.text))
            .collect();
        let mut goes = Vec::new();
        if message.exchange.is_some() {
            let by = if by.is_empty() { String::new() } else { format!(" by {}", list(&by)) };
            goes.push(format!("Published to {}{by}.", publish::place(message)));
        }
        goes.extend(self.received_from(message));
        goes
    }

    /// The queues that a message reaches, with the services that hear it there.
    fn received_from(&self, message: &Message) -> Option<String> {
        let flow = self.graph.flow(message)?.ok()?;
        let exchange = message.exchange.as_ref()?;
        let partitions = self.topology.partitions(exchange.found.as_deref()?, &exchange.name.text);
        // one partition takes a message, whichever its key decides for
        let one = partitions.len().max(1);
        let queues: Vec<String> = flow
            .queues()
            .step_by(one)
            .filter_map(|id| flow.routes.queue(id))
            .map(|queue| {
                let services = self.topology.contract.services.iter();
                let by: Vec<String> = services
                    .filter(|service| {
                        service.consumes.iter().any(|consumes| {
                            let mut taken = self.topology.queues_of(&consumes.queue).into_iter();
                            taken.any(|taken| (taken.vhost(), taken.name()) == (queue.vhost(), queue.name()))
                        })
                    })
                    .map(|service| code(&service.name.text))
                    .collect();
                let by = if by.is_empty() { String::new() } else { format!(" ({})", list(&by)) };
                match partitions.as_slice() {
                    [] => format!("{}{by}", code(queue.name())),
                    _ => {
                        format!("the partition of {} that its key decides for{by}", code(&exchange.name.text))
                    }
                }
            })
            .collect();
        (!queues.is_empty()).then(|| format!("It goes to {}.", list(&queues)))
    }
}
