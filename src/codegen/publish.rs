//! What a service publishes and calls → the methods of its publisher.

use serde::Serialize;

use super::{
    Builder,
    docs::{code, list},
    expressions::{Header, argument, header_setting, key, settings},
    names::{COMMON, Scope, joined, plain, snake, stem},
    naming::{Callee, arguments},
    service::Vhosts,
};
use crate::{
    diag::{Diagnostic, codes},
    syntax::Word,
    topology::{Message, Rpc, Service},
};

/// How long a call waits where the rpc does not say, in milliseconds.
pub(super) const RPC_TIMEOUT: i64 = 30_000;

/// What `publisher.rs.hbs` fills in.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Publisher {
    pub(super) doc: String,
    /// The service, as the `app-id` of its messages.
    pub(super) service: String,
    pub(super) fields: Vec<Field>,
    pub(super) methods: Vec<Method>,
    pub(super) calls: Vec<Call>,
}

/// The runtime's publisher or rpc client for a vhost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) ty: &'static str,
    /// The connection, as an expression.
    pub(super) connection: String,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Method {
    pub(super) name: String,
    pub(super) doc: Vec<String>,
    pub(super) arguments: Vec<Argument>,
    /// Whether clippy would count too many.
    pub(super) many: bool,
    pub(super) payload: String,
    /// The runtime's publisher.
    pub(super) field: String,
    pub(super) constant: String,
    /// The routing key, as an expression.
    pub(super) key: String,
    /// Whether the key is worth a line of its own.
    pub(super) key_line: bool,
    /// Calls on the message before it is sent: `.priority(3)`.
    pub(super) settings: Vec<String>,
    /// Headers that are there only if their argument is.
    pub(super) optional: Vec<OptionalHeader>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Argument {
    pub(super) name: String,
    pub(super) ty: String,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct OptionalHeader {
    pub(super) argument: String,
    /// `.header("tier", tier)`.
    pub(super) setting: String,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) doc: Vec<String>,
    pub(super) field: String,
    pub(super) constant: String,
    pub(super) request: String,
    pub(super) response: String,
}

/// The publisher of a service; none when it says nothing.
pub(super) fn publisher(
    builder: &mut Builder<'_>,
    service: &Service,
    vhosts: &Vhosts<'_>,
) -> Option<Publisher> {
    let contract = &builder.topology.contract;
    let mut names = Scope::new(COMMON);
    let mut fields: Vec<Field> = Vec::new();
    let mut field = |name: String, ty, connection: String| {
        if !fields.iter().any(|field| field.name == name) {
            fields.push(Field { name: name.clone(), ty, connection });
        }
        name
    };
    let mut methods = Vec::new();
    for word in once(&service.publishes) {
        let Some(message) = contract.message(&word.text) else { continue };
        let Some(vhost) = message.exchange.as_ref().and_then(|exchange| exchange.found.as_deref()) else {
            builder.report.push(unpublished(word, message));
            continue;
        };
        let inner = field(vhosts.publisher(vhost), "topoc_runtime::Publisher", vhosts.connection(vhost));
        methods.extend(method(builder, message, inner, &mut names));
    }
    let mut calls = Vec::new();
    for word in once(&service.calls) {
        let Some(rpc) = contract.rpc(&word.text) else { continue };
        let Some(vhost) = rpc.queue.as_ref().and_then(|queue| queue.found.as_deref()) else { continue };
        let client = field(vhosts.client(vhost), "topoc_runtime::rpc::Client", vhosts.connection(vhost));
        calls.push(call(builder, rpc, client, &mut names));
    }
    let does = match (methods.is_empty(), calls.is_empty()) {
        (true, true) => return None,
        (false, true) => "Publishes what {} publishes.",
        (true, false) => "Calls what {} calls.",
        (false, false) => "Publishes what {} publishes, and calls what it calls.",
    };
    let doc = does.replace("{}", &code(&service.name.text));
    Some(Publisher { doc, service: service.name.text.to_string(), fields, methods, calls })
}

/// Each name once: saying it twice changes nothing.
pub(super) fn once(words: &[Word]) -> impl Iterator<Item = &Word> {
    words
        .iter()
        .enumerate()
        .filter(|(at, word)| !words[..*at].iter().any(|w| w.text == word.text))
        .map(|w| w.1)
}

fn unpublished(word: &Word, message: &Message) -> Diagnostic {
    let name = &message.name.text;
    let (trouble, help) = match &message.exchange {
        None => (
            "has no exchange to be published to",
            "write `publish-to \"exchange\" routing-key=\"key\"` in the message",
        ),
        Some(_) => (
            "is published to an exchange that more than one vhost has",
            "write `vhost=\"name\"` beside the exchange",
        ),
    };
    let at = message.exchange.as_ref().map_or(message.name.span, |exchange| exchange.name.span);
    Diagnostic::new(codes::NO_RUST, format!("the message `{name}` {trouble}"))
        .label(at, "here")
        .label(word.span, "published here")
        .help(help)
}

fn method(builder: &mut Builder<'_>, message: &Message, field: String, names: &mut Scope) -> Option<Method> {
    let mut scope = Scope::new(&["self", "message", "routing_key", "publish"]);
    let mut parameters = Vec::new();
    for parameter in arguments(message) {
        let name = scope.take(&[plain(&snake(parameter)), &joined(&snake(parameter), "_key")]);
        let chosen = builder.naming.key(&message.name.text, parameter);
        let ty = chosen.map_or("&str".to_owned(), |rust| format!("super::{rust}"));
        parameters.push((parameter, Argument { name: argument(name), ty }, chosen.is_some()));
    }
    let (mut key, key_line) = key(message, &parameters);
    let exchange = message.exchange.as_ref();
    let partitions = exchange.and_then(|exchange| {
        Some(builder.topology.partitions(exchange.found.as_deref()?, &exchange.name.text).len())
    });
    if let Some(partitions) = partitions.filter(|partitions| *partitions > 0) {
        let borrowed = match (key.strip_suffix(".to_owned()"), key.strip_suffix(".clone()")) {
            (Some(text), _) => text.to_owned(),
            (_, Some(field)) => format!("&{field}"),
            _ if key.starts_with('"') || key.ends_with(".as_str()") => key,
            _ => format!("&{key}"),
        };
        key = format!("topoc_runtime::codegen::partition({borrowed}, {partitions})");
    }
    let mut arguments: Vec<Argument> = parameters.into_iter().map(|(_, argument, _)| argument).collect();
    let mut settings = settings(message);
    let mut optional = Vec::new();
    for header in &message.headers {
        match header_setting(builder, message, header, &mut scope)? {
            Header::Constant(setting) => settings.push(setting),
            Header::Given(argument, setting) => {
                arguments.push(argument);
                settings.push(setting);
            }
            Header::Perhaps(argument, setting) => {
                optional.push(OptionalHeader { argument: argument.name.clone(), setting });
                arguments.push(argument);
            }
        }
    }
    Some(Method {
        name: {
            let wish = snake(&message.name.text);
            names.take(&[&wish, &format!("publish_{}", stem(&wish))])
        },
        doc: doc(builder, message),
        many: arguments.len() > 5,
        arguments,
        payload: builder.naming.message(message).to_owned(),
        field,
        constant: builder.naming.constant(Callee::Message, &message.name.text).to_owned(),
        key,
        key_line,
        settings,
        optional,
    })
}

/// Where the message goes, a paragraph each.
fn doc(builder: &Builder<'_>, message: &Message) -> Vec<String> {
    let mut doc = vec![format!("Publishes {} to {}.", code(&message.name.text), place(message))];
    if let Some(received) = builder.received_from(message) {
        doc.extend([String::new(), received]);
    }
    doc
}

/// `` `order.exchange` with routing key `order.created` ``.
pub(super) fn place(message: &Message) -> String {
    let exchange = message.exchange.as_ref().map_or("", |exchange| &*exchange.name.text);
    let exchange = if exchange.is_empty() { "the default exchange".to_owned() } else { code(exchange) };
    match &*message.routing_key.text {
        "" => exchange,
        key => format!("{exchange} with routing key {}", code(key)),
    }
}

fn call(builder: &Builder<'_>, rpc: &Rpc, field: String, names: &mut Scope) -> Call {
    let name = snake(&rpc.name.text);
    let type_of = |word: &Option<Word>| {
        word.as_ref().map_or(String::new(), |word| builder.naming.declared(&word.text).to_owned())
    };
    let timeout = rpc.definition.integer("timeout").unwrap_or(RPC_TIMEOUT);
    let mut doc = vec![format!(
        "Calls {} and waits for the answer up to {}.",
        code(&rpc.name.text),
        crate::kind::show_duration(timeout)
    )];
    let answering = builder
        .topology
        .contract
        .services
        .iter()
        .filter(|service| service.answers.iter().any(|answers| answers.rpc.text == rpc.name.text));
    let by: Vec<String> = answering.map(|service| code(&service.name.text)).collect();
    if !by.is_empty() {
        doc.extend([String::new(), format!("Answered by {}.", list(&by))]);
    }
    Call {
        name: names.take(&[&name, &format!("call_{}", stem(&name))]),
        doc,
        field,
        constant: builder.naming.constant(Callee::Rpc, &rpc.name.text).to_owned(),
        request: type_of(&rpc.request),
        response: type_of(&rpc.response),
    }
}
