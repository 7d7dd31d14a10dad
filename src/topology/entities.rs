//! What stands in a vhost, and users: nodes → entities of the broker.

use std::sync::Arc;

use super::{
    DEFAULT_VHOST, Topology,
    attributes::Reader,
    decode::{add, insert, set_name},
    derive,
    values::{argument, json, named_value, overrides},
};
use crate::{
    diag::{Diagnostic, Report, Span, codes},
    kind::{Definition, Field, KINDS, Kind, KindId, Provenance, Secret, Value},
    syntax::{Node, Scalar, quote},
    uri,
};

/// Reads an entity of a vhost; says whether the node is one.
pub(super) fn in_vhost(topology: &mut Topology, vhost: &Arc<str>, node: &Node, report: &mut Report) -> bool {
    let place = Some(vhost);
    match &*node.name.text {
        "exchange" => exchange(topology, vhost, node, report),
        "queue" => queue(topology, vhost, node, None, report),
        "stream" => queue(topology, vhost, node, Some("stream"), report),
        "super-stream" => derive::super_stream(topology, vhost, node, report),
        "policy" => plain(KindId::Policy, topology, place, node, report),
        "operator-policy" => plain(KindId::OperatorPolicy, topology, place, node, report),
        "federation-upstream" => plain(KindId::FederationUpstream, topology, place, node, report),
        "federation-upstream-set" => plain(KindId::FederationUpstreamSet, topology, place, node, report),
        "shovel" => plain(KindId::Shovel, topology, place, node, report),
        "parameter" => plain(KindId::Parameter, topology, place, node, report),
        "limits" => {
            let mut limits =
                Definition::new(KindId::VhostLimits, place.cloned(), node.span, Provenance::Written);
            Reader { kind: KindId::VhostLimits.kind(), node, report }.attributes(&mut limits, 0);
            add(topology, limits, report);
        }
        _ => return false,
    }
    true
}

/// Reads an entity that is no more than its name, attributes and settings.
pub(super) fn plain(
    kind: KindId,
    topology: &mut Topology,
    vhost: Option<&Arc<str>>,
    node: &Node,
    report: &mut Report,
) {
    let mut reader = Reader { kind: kind.kind(), node, report };
    let Some(title) = reader.title() else { return };
    let mut definition = Definition::new(kind, vhost.cloned(), node.span, Provenance::Written);
    set_name(&mut definition, &title);
    // `value` is an attribute with a block of its own
    let nested = reader.attributes(&mut definition, 1);
    let mut upstreams = Vec::new();
    for child in nested {
        match &*child.name.text {
            "value" => {
                let value = json(child, report);
                definition.set("value", value, child.span);
            }
            "upstream" => upstreams.extend(upstream(child, report)),
            _ => argument(kind.kind(), &mut definition, child, report),
        }
    }
    match kind {
        KindId::Policy | KindId::OperatorPolicy => sets_something(&definition, report),
        KindId::Parameter => component(&definition, report),
        KindId::FederationUpstreamSet => definition.set("upstreams", Value::List(upstreams), node.span),
        KindId::Shovel => {
            source(&definition, node, report);
            local_ends(&mut definition, node.span);
        }
        _ => {}
    }
    insert(topology, definition, report);
}

/// A policy holds at least one key.
fn sets_something(policy: &Definition, report: &mut Report) {
    let own = |name: &str| policy.kind.kind().attributes.iter().any(|attribute| attribute.name == name);
    let keys = policy.fields().any(|(name, _)| !own(name)) || !policy.arguments.is_empty();
    if keys || policy.garbled || policy.external {
        return;
    }
    let word = policy.kind.word();
    report.push(
        Diagnostic::new(codes::MISSING, format!("the {word} `{}` sets nothing", policy.name()))
            .label(policy.span, "no key is in it")
            .note("the broker refuses a policy without keys: 400, no policy provided")
            .help(format!("write a key: `{word} {} … {{ max-length 10_000 }}`", quote(policy.name()))),
    );
}

/// A runtime parameter is for what has no kind of its own: topoc would not know the others again.
fn component(parameter: &Definition, report: &mut Report) {
    let Some(component) = parameter.text("component") else { return };
    let of = |kind: &&&Kind| kind.wire.is_some_and(|wire| wire.component == Some(component));
    let kind = KINDS.iter().find(of).map(|kind| kind.keyword);
    let Some(keyword) = kind.or((component == "policy").then_some("policy")) else { return };
    report.push(
        Diagnostic::new(codes::BAD_VALUE, format!("the component `{component}` has a kind of its own"))
            .label(parameter.span_of("component"), "")
            .note("as a parameter it would be applied each time anew, with its passwords in the open")
            .help(match keyword {
                "limits" => "write `limits max-queues=5000` in the vhost".to_owned(),
                keyword => format!("write `{keyword} {} …`", quote(parameter.name())),
            }),
    );
}

/// A shovel takes from a queue, or from an exchange.
fn source(shovel: &Definition, node: &Node, report: &mut Report) {
    let from = (shovel.field("src-queue"), shovel.field("src-exchange"));
    let (code, trouble, span) = match from {
        (None, None) if !shovel.external => (codes::MISSING, "takes from nowhere", node.span),
        (Some(_), Some(exchange)) => {
            (codes::DUPLICATE, "takes from a queue and from an exchange", exchange.span)
        }
        _ => return,
    };
    report.push(
        Diagnostic::new(code, format!("the shovel `{}` {trouble}", shovel.name()))
            .label(span, "")
            .note("it takes from one queue, or binds a queue of its own to one exchange")
            .help("write `source queue=\"…\"`, or `source exchange=\"…\" exchange-key=\"…\"`"),
    );
}

/// The address of the broker itself, for a shovel within it.
#[must_use]
pub fn local_uri(vhost: &str) -> String {
    format!("amqp:///{}", uri::part(vhost))
}

/// An end of a shovel without an address is the broker itself, in the shovel's vhost.
fn local_ends(shovel: &mut Definition, span: Span) {
    let vhost = shovel.vhost.as_deref().unwrap_or(DEFAULT_VHOST);
    let here = Value::Secret(Secret::Literal(local_uri(vhost).into()));
    for end in ["src-uri", "dest-uri"] {
        if shovel.field(end).is_none() {
            shovel.set(end, here.clone(), span);
        }
    }
}

/// An upstream of a set, with what differs for it.
fn upstream(node: &Node, report: &mut Report) -> Option<Value> {
    let name = node.title()?;
    let mut table = overrides(KindId::FederationUpstream, node, report);
    table.insert(Arc::from("upstream"), Value::Text(name.text));
    Some(Value::Table(table))
}

fn exchange(topology: &mut Topology, vhost: &Arc<str>, node: &Node, report: &mut Report) {
    let kind = KindId::Exchange.kind();
    let mut reader = Reader { kind, node, report };
    let Some(title) = reader.title() else { return };
    let mut definition =
        Definition::new(KindId::Exchange, Some(vhost.clone()), node.span, Provenance::Written);
    set_name(&mut definition, &title);
    let nested = reader.attributes(&mut definition, 1);
    let mut bindings = Vec::new();
    for child in nested {
        match &*child.name.text {
            "bind" => bindings.extend(bind("exchange", &definition, child, report)),
            _ => argument(kind, &mut definition, child, report),
        }
    }
    insert(topology, definition, report);
    bindings.into_iter().for_each(|binding| insert(topology, binding, report));
}

fn queue(
    topology: &mut Topology,
    vhost: &Arc<str>,
    node: &Node,
    queue_type: Option<&str>,
    report: &mut Report,
) {
    let kind = KindId::Queue.kind();
    let mut reader = Reader { kind, node, report };
    let Some(title) = reader.title() else { return };
    let mut definition = Definition::new(KindId::Queue, Some(vhost.clone()), node.span, Provenance::Written);
    set_name(&mut definition, &title);
    if let Some(queue_type) = queue_type {
        definition.set("type", Value::text(queue_type), node.name.span);
    }
    let nested = reader.attributes(&mut definition, 1);
    let mut bindings = Vec::new();
    let mut retry = None;
    for child in nested {
        match &*child.name.text {
            "bind" => bindings.extend(bind("queue", &definition, child, report)),
            "retry" => retry = Some(child),
            _ => argument(kind, &mut definition, child, report),
        }
    }
    let ladder = retry.map(|retry| derive::retry_ladder(topology, &mut definition, retry, report));
    topology.ladders.extend(ladder.into_iter().flatten());
    insert(topology, definition, report);
    bindings.into_iter().for_each(|binding| insert(topology, binding, report));
}

/// Reads a `bind` in its destination.
fn bind(
    destination_type: &str,
    destination: &Definition,
    node: &Node,
    report: &mut Report,
) -> Option<Definition> {
    let kind = KindId::Binding.kind();
    let mut reader = Reader { kind, node, report };
    let source = reader.title()?;
    let mut binding =
        Definition::new(KindId::Binding, destination.vhost.clone(), node.span, Provenance::Written);
    binding.set("source", Value::Text(source.text), source.span);
    binding.set("destination-type", Value::text(destination_type), node.span);
    binding.set("destination", Value::text(destination.name()), node.span);
    for child in reader.attributes(&mut binding, 1) {
        match &*child.name.text {
            "header" => {
                let Some((name, field)) = header(child, report) else { continue };
                if binding.arguments.insert(name.clone(), field).is_some() {
                    report.push(
                        Diagnostic::new(codes::DUPLICATE, format!("the header `{name}` is said twice"))
                            .label(child.span, "again here")
                            .help("remove one of the two: a binding compares a header with one value"),
                    );
                }
            }
            _ => argument(kind, &mut binding, child, report),
        }
    }
    if binding.field("routing-key").is_none() {
        binding.set("routing-key", Value::text(""), node.span);
    }
    // the broker routes by headers only where the binding says how
    let compares = node.children.iter().any(|child| child.is("header"));
    if compares && binding.field("match").is_none() {
        binding.set("match", Value::text("all"), node.span);
    }
    Some(binding)
}

/// A header that is compared; without a value it only has to be there (`rabbit_exchange_type_headers`: void).
fn header(node: &Node, report: &mut Report) -> Option<(Arc<str>, Field)> {
    let is_void = node.arguments().nth(1).is_none_or(|entry| entry.value == Scalar::Null);
    if is_void && node.children.is_empty() {
        return Some((node.title()?.text, Field { value: Value::Null, span: node.span }));
    }
    named_value(node, report)
}

/// Reads a user, in a service too.
pub(super) fn user(topology: &mut Topology, node: &Node, report: &mut Report) {
    let mut reader = Reader { kind: KindId::User.kind(), node, report };
    let Some(title) = reader.title() else { return };
    let mut definition = Definition::new(KindId::User, None, node.span, Provenance::Written);
    set_name(&mut definition, &title);
    let nested = reader.attributes(&mut definition, 1);
    insert(topology, definition, report);
    for child in nested {
        let owner = (Value::Text(title.text.clone()), title.span);
        match &*child.name.text {
            "limits" => {
                let mut limits = Definition::new(KindId::UserLimits, None, child.span, Provenance::Written);
                limits.set("user", owner.0, owner.1);
                Reader { kind: KindId::UserLimits.kind(), node: child, report }.attributes(&mut limits, 0);
                insert(topology, limits, report);
            }
            "permission" => grant(KindId::Permission, topology, owner, child, report),
            _ => grant(KindId::TopicPermission, topology, owner, child, report),
        }
    }
}

/// Reads a `permission` or `topic-permission` in its user.
fn grant(kind: KindId, topology: &mut Topology, owner: (Value, Span), node: &Node, report: &mut Report) {
    let vhost = node.setting("vhost").and_then(|entry| entry.value.text().cloned());
    let vhost = vhost.unwrap_or_else(|| Arc::from(DEFAULT_VHOST));
    let mut definition = Definition::new(kind, Some(vhost), node.span, Provenance::Written);
    definition.set("user", owner.0, owner.1);
    let mut reader = Reader { kind: kind.kind(), node, report };
    let mut arguments = 0;
    if kind == KindId::TopicPermission {
        let Some(exchange) = reader.title() else { return };
        definition.set("exchange", Value::Text(exchange.text), exchange.span);
        arguments = 1;
    }
    reader.attributes(&mut definition, arguments);
    insert(topology, definition, report);
}
