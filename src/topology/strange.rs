//! Words that a kind does not have: what they were meant to be, or where they belong.

use super::attributes::BINDING_PLACE;
use crate::{
    diag::{Change, Diagnostic, Report, article, codes, did_you_mean, nearest, surely, with_article},
    kind::{ALLOW, Attribute, Kind, KindId, Place, repeats},
    syntax::{Entry, Node, Word},
};

/// So many attributes are listed where none is like the one that is written.
const FEW: usize = 16;

/// Says that a kind has no such property; the attribute that was surely meant, if there is one.
pub(super) fn property(
    name: &Word,
    entry: &Entry,
    kind: &'static Kind,
    node: &Node,
    report: &mut Report,
) -> Option<&'static Attribute> {
    let value = entry.value.to_kdl();
    let group = kind.all_attributes().any(|a| a.within.is_some_and(|within| within.node == &*name.text));
    if group || kind.nested.iter().any(|form| form.keyword == &*name.text) {
        let keyword = kind.keyword;
        let there = node.children.iter().any(|child| child.is(&name.text))
            || node.properties().filter(|(other, _)| other.text == name.text).count() > 1;
        let apart = !there || repeats(&name.text);
        report.push(
            Diagnostic::new(
                codes::UNKNOWN_ATTRIBUTE,
                format!("`{}` is a child node of {}", name.text, with_article(keyword)),
            )
            .label(name.span, "written as a property")
            .mend(apart.then_some(Change::Child(name.span)))
            .help(format!("write `{{ {} {value} }}` after the {keyword}'s properties", name.text)),
        );
        return None;
    }
    unknown(name, kind, (node, false), report)
}

/// Says that a kind has no such child node; the attribute that was surely meant, if there is one.
pub(super) fn child(
    child: &Node,
    kind: &'static Kind,
    node: &Node,
    report: &mut Report,
) -> Option<&'static Attribute> {
    if child.is("use") {
        let name = child.title().map_or_else(|| "…".to_owned(), |title| title.text.to_string());
        report.push(
            Diagnostic::new(codes::UNKNOWN_ATTRIBUTE, "`use` is a property")
                .label(child.span, "written as a child node")
                .help(format!("write `{} \"name\" use={name:?}`", kind.keyword)),
        );
        return None;
    }
    unknown(&child.name, kind, (node, true), report)
}

/// Says that there is no such word in a node, where a child node or a property has it for its name.
fn unknown(
    word: &Word,
    kind: &'static Kind,
    (node, is_child): (&Node, bool),
    report: &mut Report,
) -> Option<&'static Attribute> {
    let name = &*word.text;
    let renamed = |meant: &str| {
        let said = node.setting(meant).is_some() || node.children.iter().any(|child| child.is(meant));
        let free = !said || (is_child && repeats(meant));
        free.then(|| Change::Name(word.span, meant.to_owned()))
    };
    let argument = |a: &&'static Attribute| matches!(a.place, Place::Argument(wire) if wire == name);
    if let Some(attribute) = kind.all_attributes().find(argument) {
        report.push(
            Diagnostic::new(codes::UNKNOWN_ATTRIBUTE, format!("`{name}` is written without `x-`"))
                .label(word.span, "")
                .help(format!("write `{}`", attribute.example))
                .mend(renamed(attribute.name).filter(|_| attribute.within.is_none() && !attribute.implied)),
        );
        return attribute.within.is_none().then_some(attribute);
    }
    let written = |attribute: &&Attribute| attribute.within.is_none() && !attribute.implied;
    let attributes = || kind.all_attributes().filter(move |attribute| written(attribute));
    let nodes = kind.nested.iter().map(|form| form.keyword);
    let groups = kind.all_attributes().filter_map(|a| a.within.map(|within| within.node));
    let names = attributes().map(|attribute| attribute.name).chain(nodes).chain(groups);
    let names: Vec<&str> = names.chain(is_child.then_some(ALLOW.keyword)).collect();
    // what holds other things has nodes, and what does not has attributes
    let holder = matches!(kind.id, KindId::Vhost | KindId::Service);
    let what = if holder { "" } else { "attribute " };
    let spoken = meant(name, kind.id);
    let certain = match spoken {
        Some(spoken) => Some(spoken),
        None => surely(name, names.iter().copied()),
    };
    let certain = certain.filter(|word| {
        let attribute = attributes().any(|attribute| attribute.name == *word);
        elsewhere(name, kind).is_none()
            && (attribute || (is_child && names.contains(word) && spoken.is_none()))
    });
    let meant = spoken.or_else(|| nearest(name, names.iter().copied()));
    let elsewhere = elsewhere(name, kind);
    let help = match (&elsewhere, meant) {
        (Some(elsewhere), _) => elsewhere.clone(),
        (None, Some(meant)) => format!("did you mean `{meant}`?"),
        (None, None) if name.starts_with("x-") && names.contains(&"argument") => {
            format!("`argument \"{name}\" …` passes on what topoc does not know")
        }
        (None, None) if holder => did_you_mean(name, names, "node"),
        (None, None) if names.len() <= FEW => did_you_mean(name, names, "attribute"),
        (None, None) => format!("`topoc explain {}` shows the attributes that it has", kind.keyword),
    };
    report.push(
        Diagnostic::new(
            codes::UNKNOWN_ATTRIBUTE,
            match kind.id {
                KindId::VhostLimits | KindId::UserLimits => format!("limits have no `{name}`"),
                _ => format!("{} has no {what}`{name}`", with_article(kind.keyword)),
            },
        )
        .label(word.span, "")
        .help(help)
        .mend(certain.and_then(renamed)),
    );
    let meant = meant.filter(|_| elsewhere.is_none())?;
    attributes().find(|attribute| attribute.name == meant)
}

/// What other tools call it.
fn meant(name: &str, kind: KindId) -> Option<&'static str> {
    Some(match (name, kind) {
        ("kind", KindId::Queue | KindId::Exchange) => "type",
        ("bindings" | "binding" | "bound-to", KindId::Queue | KindId::Exchange) => "bind",
        ("args" | "arguments", KindId::Queue | KindId::Exchange | KindId::Binding) => "argument",
        ("dlx" | "dlq", KindId::Queue | KindId::Policy) => "dead-letter",
        ("ae" | "alternate", KindId::Exchange) => "alternate-exchange",
        ("key", KindId::Binding) => "routing-key",
        ("role" | "roles", KindId::User) => "tags",
        ("exchange" | "routing-key" | "publish", KindId::Message) => "publish-to",
        ("fields" | "body", KindId::Message) => "payload",
        ("timeout-ms" | "deadline", KindId::Rpc) => "timeout",
        _ => return None,
    })
}

/// Where a word belongs that stands in a kind which does not have it.
fn elsewhere(name: &str, kind: &Kind) -> Option<String> {
    let keyword = kind.keyword;
    Some(match (name, kind.id) {
        ("binding" | "bind", KindId::Vhost) => BINDING_PLACE.to_owned(),
        ("include", _) => "`include` stands at the top level, or in a `vhost`".to_owned(),
        ("variable" | "environment" | "template" | "topology", _) => {
            format!("`{name}` stands at the top level")
        }
        ("user" | "message" | "rpc" | "service" | "type" | "enum" | "global-parameter", KindId::Vhost) => {
            format!("{} {name} stands in no vhost: write it at the top level", article(name))
        }
        ("permission" | "topic-permission", KindId::Vhost) => {
            format!("write it in its user: `user \"name\" {{ {name} … }}`")
        }
        ("exclusive", KindId::Queue) => {
            "remove it: an exclusive queue is declared by the connection that owns it".to_owned()
        }
        ("lazy", KindId::Queue) => {
            "remove it, or before RabbitMQ 3.12, where it still counts, write `queue-mode \"lazy\"`"
                .to_owned()
        }
        ("consumer" | "consumers" | "consumed-by", KindId::Queue) => {
            "write it in the service: `consumes \"name\"`".to_owned()
        }
        ("vhost", KindId::Queue | KindId::Exchange | KindId::Policy | KindId::Shovel) => {
            format!("write the {keyword} in its vhost: `vhost \"name\" {{ {keyword} … }}`")
        }
        _ => return None,
    })
}
