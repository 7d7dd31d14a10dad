//! The top level of a topology, and its vhosts.

use std::sync::Arc;

use super::{
    DEFAULT_VHOST, LintLevel, Topology,
    attributes::{BINDING_PLACE, Reader},
    derive, entities, messages, privilege, resolve, services,
};
use crate::{
    diag::{Change, Diagnostic, Report, Severity, codes, did_you_mean, surely},
    kind::{Definition, KINDS, KindId, Provenance, Scope, TOPOLOGY, VERSIONS, Version},
    syntax::{Expansion, Node, Word, quote},
};

/// Makes the topology that plain nodes describe, with all that follows from them.
pub fn decode(expansion: Expansion, report: &mut Report) -> Topology {
    let mut topology = Topology { environment: expansion.environment, ..Topology::default() };
    topology.reserve(expansion.nodes.len());
    for node in &expansion.nodes {
        top(&mut topology, node, report);
    }
    for queue in std::mem::take(&mut topology.ladders) {
        derive::add_ladder_queue(&mut topology, queue, report);
    }
    services::undescribed_users(&mut topology);
    resolve::references(&mut topology, report);
    resolve::names(&topology, report);
    privilege::derive(&mut topology);
    topology
}

fn top(topology: &mut Topology, node: &Node, report: &mut Report) {
    let keyword = &*node.name.text;
    match keyword {
        "topology" => header(topology, node, report),
        "vhost" => vhost(topology, node, report),
        "user" => entities::user(topology, node, report),
        "global-parameter" => entities::plain(KindId::GlobalParameter, topology, None, node, report),
        "type" | "enum" | "message" | "rpc" => messages::decode(topology, node, report),
        "service" => services::decode(topology, node, report),
        _ if entities::in_vhost(topology, &Arc::from(DEFAULT_VHOST), node, report) => {}
        _ => unknown(node, report, "a topology", top_words()),
    }
}

fn top_words() -> Vec<&'static str> {
    let kinds = KINDS.iter().filter(|kind| {
        !matches!(
            kind.id,
            KindId::Binding | KindId::Permission | KindId::TopicPermission | KindId::UserLimits
        )
    });
    kinds
        .map(|kind| kind.keyword)
        .chain([
            "topology",
            "include",
            "variable",
            "environment",
            "template",
            "for",
            "stream",
            "super-stream",
        ])
        .collect()
}

pub(super) fn unknown(node: &Node, report: &mut Report, place: &str, words: Vec<&'static str>) {
    let name = &*node.name.text;
    let help = match name {
        "binding" | "bind" => BINDING_PLACE.to_owned(),
        "permission" | "topic-permission" => {
            format!("write the `{name}` in its user: `user \"name\" {{ {name} … }}`")
        }
        _ => did_you_mean(name, words.iter().copied(), "node"),
    };
    let meant = surely(name, words).filter(|_| help.starts_with("did you mean"));
    report.push(
        Diagnostic::new(codes::UNKNOWN_NODE, format!("{place} has no `{name}`"))
            .label(node.name.span, "")
            .help(help)
            .mend(meant.map(|word| Change::Name(node.name.span, word.to_owned()))),
    );
}

/// `topology "name" { rabbitmq "3.10"; lint "name" level="error" }`.
fn header(topology: &mut Topology, node: &Node, report: &mut Report) {
    let name = node.title();
    if let (Some(first), Some(name)) = (&topology.name, &name) {
        report.push(
            Diagnostic::new(codes::DUPLICATE, "the topology is named twice")
                .label(name.span, "again here")
                .label(first.span, "first here")
                .help("keep one `topology` node: its name is the owner of all that is applied"),
        );
        return;
    }
    TOPOLOGY.check(node, report);
    topology.name = name.filter(|name| !name.text.is_empty());
    for child in &node.children {
        match &*child.name.text {
            "rabbitmq" if topology.target.is_none() => target(topology, child, report),
            "lint" => topology.levels.extend(level(child)),
            _ => {}
        }
    }
}

fn target(topology: &mut Topology, node: &Node, report: &mut Report) {
    let Some(word) = node.title().filter(|word| !word.text.is_empty()) else { return };
    match Version::parse(&word.text).filter(|version| VERSIONS.contains(version)) {
        Some(version) => topology.target = Some((version, node.span)),
        None => {
            let known: Vec<String> = VERSIONS.iter().map(ToString::to_string).collect();
            let trouble = format!("topoc knows no RabbitMQ {:?}", &*word.text);
            report.push(
                Diagnostic::new(codes::BAD_VALUE, trouble)
                    .label(word.span, "")
                    .help(format!("write one of the release series {}", known.join(", "))),
            );
        }
    }
}

fn level(node: &Node) -> Option<LintLevel> {
    let level = match &**node.setting("level")?.value.text()? {
        "off" => None,
        word => Some(Severity::from_word(word)?),
    };
    Some(LintLevel { lint: node.title()?, level })
}

fn vhost(topology: &mut Topology, node: &Node, report: &mut Report) {
    let kind = KindId::Vhost.kind();
    let mut reader = Reader { kind, node, report };
    let Some(title) = reader.title() else { return };
    let mut definition = Definition::new(KindId::Vhost, None, node.span, Provenance::Written);
    set_name(&mut definition, &title);
    let nested = reader.attributes(&mut definition, 1);
    add(topology, definition, report);
    topology.reserve(nested.len());
    for child in nested {
        entities::in_vhost(topology, &title.text, child, report);
    }
}

pub(super) fn set_name(definition: &mut Definition, title: &Word) {
    definition.set("name", crate::kind::Value::Text(title.text.clone()), title.span);
}

/// Adds an entity, or what is said of it to what has been said of it elsewhere: each team's file may have a node for
/// the vhost that they share.
pub(super) fn add(topology: &mut Topology, definition: Definition, report: &mut Report) {
    let Some(first) = topology.same_as(&definition) else { return insert(topology, definition, report) };
    let whose = match definition.kind {
        KindId::VhostLimits => format!("the limits of vhost `{}` have", definition.title()),
        kind => format!("the {} `{}` has", kind.word(), definition.title()),
    };
    first.external |= definition.external;
    first.allows.extend(definition.allows.iter().cloned());
    for (name, field) in definition.fields() {
        match first.field(name) {
            None => first.set(name, field.value.clone(), field.span),
            Some(said) if said.value == field.value => {}
            Some(said) => report.push(
                Diagnostic::new(codes::DUPLICATE, format!("{whose} two values of `{name}`"))
                    .label(field.span, "another here")
                    .label(said.span, "first here")
                    .note("the nodes of a vhost add up to one vhost, whichever files they stand in")
                    .help("keep one of the two"),
            ),
        }
    }
}

/// Adds an entity, or says that it is there already.
pub(super) fn insert(topology: &mut Topology, definition: Definition, report: &mut Report) {
    if let Some((again, first)) = topology.insert(definition) {
        let (kind, title) = (again.kind.kind(), again.title());
        let place = again.vhost.as_ref().filter(|_| kind.scope == Scope::Vhost);
        let place = place.map_or_else(String::new, |vhost| format!(" in vhost `{vhost}`"));
        report.push(
            Diagnostic::new(
                codes::DUPLICATE,
                format!("the {} `{title}` is described twice{place}", again.kind.word()),
            )
            .label(again.span, "again here")
            .label(first.span, "first here")
            .help(match again.kind {
                KindId::User => format!(
                    "describe it once: in a service, `user {}` alone is the user that is described elsewhere",
                    quote(&title)
                ),
                _ => "remove or rename one of the two".to_owned(),
            }),
        );
    }
}
