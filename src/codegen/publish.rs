//! What a service publishes and calls → the methods of its publisher.

use serde::Serialize;

use super::{
    Builder,
    docs::{code, list},
    items::field_names,
    names::{COMMON, Scope, is_identifier, joined, plain, snake, stem},
    naming::{Callee, arguments},
    service::Vhosts,
};
use crate::{
    diag::{Diagnostic, codes},
    kind::Value,
    syntax::Word,
    topology::{FieldType, KeyPart, Message, MessageHeader, Rpc, Service},
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
    let (mut key, key_line) = key(builder, message, &parameters)?;
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

/// A raw identifier cannot stand in a format string.
fn argument(name: String) -> String {
    if is_identifier(&name) { name } else { format!("{name}_") }
}

/// The routing key as an expression, and whether it is a long one.
fn key(
    builder: &mut Builder<'_>,
    message: &Message,
    parameters: &[(&str, Argument, bool)],
) -> Option<(String, bool)> {
    let parts = message.key_parts();
    let fields = message.fields();
    let names = field_names(fields.iter().map(|field| &*field.name.text));
    let (mut format, mut values, mut alone) = (String::new(), String::new(), None);
    for part in &parts {
        let name = match part {
            KeyPart::Text(text) => {
                format.push_str(&text.replace('{', "{{").replace('}', "}}"));
                continue;
            }
            KeyPart::Parameter(name) => *name,
        };
        if let Some((_, argument, chosen)) = parameters.iter().find(|(of, ..)| *of == name) {
            let name = &argument.name;
            if *chosen {
                format.push_str("{}");
                values.push_str(&format!(", {name}.as_str()"));
                alone = Some(format!("{name}.as_str()"));
            } else {
                format.push_str(&format!("{{{name}}}"));
                alone = Some(format!("{name}.to_owned()"));
            }
            continue;
        }
        let Some((field, rust)) = fields.iter().zip(&names).find(|(field, _)| &*field.name.text == name)
        else {
            continue;
        };
        let Some(text) = as_key_word(builder, &field.ty) else {
            builder.report.push(no_key_word(message, name, &field.ty, field.span));
            return None;
        };
        format.push_str("{}");
        values.push_str(&format!(", message.{rust}{text}"));
        alone = Some(match text {
            "" if field.ty == FieldType::String => format!("message.{rust}.clone()"),
            "" => format!("message.{rust}.to_string()"),
            text => format!("message.{rust}{text}"),
        });
    }
    Some(match (parts.as_slice(), alone) {
        ([KeyPart::Parameter(_)], Some(alone)) => (alone, false),
        (_, Some(_)) => (format!("format!({format:?}{values})"), true),
        (_, None) => (format!("{:?}", &*message.routing_key.text), false),
    })
}

/// What makes a word of a routing key of a field, after the field's expression; none where the text of such a
/// value may have dots, is not one text, or may not be there.
fn as_key_word(builder: &Builder<'_>, ty: &FieldType) -> Option<&'static str> {
    match ty {
        FieldType::String
        | FieldType::Bool
        | FieldType::I32
        | FieldType::I64
        | FieldType::U32
        | FieldType::U64
        | FieldType::Uuid
        | FieldType::Date => Some(""),
        FieldType::Named(name) => {
            builder.topology.contract.enumeration(name).is_some().then_some(".as_str()")
        }
        FieldType::F64
        | FieldType::Decimal
        | FieldType::Bytes
        | FieldType::Timestamp
        | FieldType::Duration
        | FieldType::List(_)
        | FieldType::Map(_)
        | FieldType::Optional(_) => None,
    }
}

fn no_key_word(message: &Message, name: &str, ty: &FieldType, span: crate::diag::Span) -> Diagnostic {
    let why = match ty {
        FieldType::Optional(_) => "may be absent",
        FieldType::List(_) | FieldType::Map(_) | FieldType::Named(_) => "is not one word",
        FieldType::Bytes => "is no text",
        _ => "may have dots in it, which end a word of the key",
    };
    Diagnostic::new(
        codes::NO_RUST,
        format!("the routing key of `{}` takes `{{{name}}}` from a field that {why}", message.name.text),
    )
    .label(message.routing_key.span, "used here")
    .label(span, "of this type")
    .help(format!("name the parameter differently and give it to the publisher: `key \"{name}-key\"`"))
}

/// What the message says of itself, as calls.
fn settings(message: &Message) -> Vec<String> {
    let definition = &message.definition;
    let mut settings = Vec::new();
    if let Some(priority) = definition.integer("priority") {
        settings.push(format!(".priority({priority})"));
    }
    if let Some(millis) = definition.integer("expiration") {
        settings.push(format!(".expiration({})", duration(millis)));
    }
    if !definition.flag("persistent") {
        settings.push(".transient()".to_owned());
    }
    if !definition.flag("mandatory") {
        settings.push(".optional()".to_owned());
    }
    settings
}

/// Digits in groups of three, as clippy wants them.
pub(super) fn number(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = if number < 0 { "-".to_owned() } else { String::new() };
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('_');
        }
        out.push(digit);
    }
    out
}

/// A duration of milliseconds in the largest unit that holds it whole.
pub(super) fn duration(millis: i64) -> String {
    let units = [(3_600_000, "hours"), (60_000, "mins"), (1000, "secs")];
    let unit = units.into_iter().find(|(factor, _)| millis != 0 && millis % factor == 0);
    let (factor, unit) = unit.unwrap_or((1, "millis"));
    format!("topoc_runtime::codegen::Duration::from_{unit}({})", number(millis / factor))
}

enum Header {
    Constant(String),
    Given(Argument, String),
    Perhaps(Argument, String),
}

fn header_setting(
    builder: &mut Builder<'_>,
    message: &Message,
    header: &MessageHeader,
    scope: &mut Scope,
) -> Option<Header> {
    let name = &*header.name.text;
    let constant = match &header.value {
        Some(Value::Bool(bool)) => Some(bool.to_string()),
        Some(Value::Integer(integer)) => Some(format!("{}_i64", number(*integer))),
        Some(Value::Float(float)) if float.is_finite() => Some(format!("{float:?}_f64")),
        Some(Value::Text(text)) => Some(format!("{text:?}")),
        _ => None,
    };
    if let Some(constant) = constant {
        return Some(Header::Constant(format!(".header({name:?}, {constant})")));
    }
    let (ty, optional) = match &header.ty {
        Some(FieldType::Optional(inner)) => (Some(&**inner), true),
        ty => (ty.as_ref(), false),
    };
    let Some((rust, text)) = ty.and_then(|ty| header_type(builder, ty)) else {
        builder.report.push(
            Diagnostic::new(
                codes::NO_RUST,
                format!(
                    "the header `{name}` of `{}` is of a type that headers do not have",
                    message.name.text
                ),
            )
            .label(header.name.span, "here")
            .note("a header is a text, a truth value, a whole number of 64 bits with sign, or a fraction")
            .help("give it a type such as `string` or `i64`, or put the value into the payload"),
        );
        return None;
    };
    let wish = snake(name);
    let argument = argument(scope.take(&[plain(&wish), &joined(&wish, "_header")]));
    let setting = format!(".header({name:?}, {argument}{text})");
    if optional {
        return Some(Header::Perhaps(Argument { name: argument, ty: format!("Option<{rust}>") }, setting));
    }
    Some(Header::Given(Argument { name: argument, ty: rust }, setting))
}

/// The Rust type of a header's argument, and what makes a header's value of it.
fn header_type(builder: &Builder<'_>, ty: &FieldType) -> Option<(String, &'static str)> {
    let rust = builder.naming.rust(ty);
    match ty {
        FieldType::String => Some(("&str".to_owned(), "")),
        FieldType::Bool | FieldType::I32 | FieldType::I64 | FieldType::U32 | FieldType::F64 => {
            Some((rust, ""))
        }
        FieldType::Uuid | FieldType::Decimal | FieldType::Date | FieldType::Duration => {
            Some((rust, ".to_string()"))
        }
        FieldType::Timestamp => Some((rust, ".to_rfc3339()")),
        FieldType::Named(name) => {
            builder.topology.contract.enumeration(name).map(|_| (format!("super::{rust}"), ".as_str()"))
        }
        FieldType::U64
        | FieldType::Bytes
        | FieldType::List(_)
        | FieldType::Map(_)
        | FieldType::Optional(_) => None,
    }
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
