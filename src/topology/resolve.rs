//! Names → what they name: flows find their exchanges and queues, and everything else its declaration.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    DEFAULT_VHOST, Topology,
    contract::{FieldDecl, FieldType, KeyPart, Message, Payload, Reference},
    types,
};
use crate::{
    diag::{Change, Diagnostic, Report, Span, codes, counted, did_you_mean, nearest, surely},
    kind::{Definition, KindId, Provenance, exchange::is_predeclared},
    syntax::{Word, quote},
};

/// Finds the vhost of every exchange and queue that a flow names.
pub(super) fn references(topology: &mut Topology, report: &mut Report) {
    let mut contract = std::mem::take(&mut topology.contract);
    for message in &mut contract.messages {
        if let Some(exchange) = &mut message.exchange {
            if is_predeclared(&exchange.name.text) {
                predeclared(topology, &message.routing_key.text, exchange, report);
            } else {
                find(topology, KindId::Exchange, exchange, report);
            }
        }
    }
    for rpc in &mut contract.rpcs {
        if let Some(queue) = &mut rpc.queue {
            find(topology, KindId::Queue, queue, report);
        }
    }
    for service in &mut contract.services {
        for consumes in &mut service.consumes {
            consumed(topology, &mut consumes.queue, report);
        }
    }
    topology.contract = contract;
}

fn find(topology: &Topology, kind: KindId, reference: &mut Reference, report: &mut Report) {
    let vhosts = topology.vhosts_of(kind, &reference.name.text);
    among(vhosts, reference, report);
}

/// A service takes messages from a queue, or from all partitions of a super stream.
fn consumed(topology: &Topology, reference: &mut Reference, report: &mut Report) {
    let name = &reference.name.text;
    let mut vhosts = topology.vhosts_of(KindId::Queue, name);
    let exchanges = topology.vhosts_of(KindId::Exchange, name).into_iter();
    let others: Vec<Arc<str>> = exchanges
        .filter(|vhost| !vhosts.contains(vhost))
        .filter(|vhost| !topology.partitions(vhost, name).is_empty())
        .collect();
    vhosts.extend(others);
    among(vhosts, reference, report);
}

fn among(mut vhosts: Vec<Arc<str>>, reference: &mut Reference, report: &mut Report) {
    if let Some(vhost) = &reference.vhost {
        vhosts.retain(|found| *found == vhost.text);
    }
    choose(vhosts, reference, report);
}

/// Every vhost has these: the queue that is meant decides, or the only vhost there is.
fn predeclared(topology: &Topology, key: &str, reference: &mut Reference, report: &mut Report) {
    if let Some(vhost) = &reference.vhost {
        reference.found = Some(vhost.text.clone());
        return;
    }
    let mut vhosts = Vec::new();
    if reference.name.text.is_empty() {
        vhosts = topology.vhosts_of(KindId::Queue, key);
    }
    if vhosts.is_empty() {
        let standing = topology.exchanges().map(|exchange| exchange.0.vhost.clone());
        let all: BTreeSet<Arc<str>> =
            standing.chain(topology.queues().map(|queue| queue.0.vhost.clone())).flatten().collect();
        vhosts = all.into_iter().collect();
    }
    choose(vhosts, reference, report);
}

fn choose(vhosts: Vec<Arc<str>>, reference: &mut Reference, report: &mut Report) {
    let name = &reference.name;
    match vhosts.as_slice() {
        [] => {}
        [vhost] => reference.found = Some(vhost.clone()),
        several => {
            let choices: Vec<String> = several.iter().map(|vhost| format!("vhost={vhost:?}")).collect();
            report.push(
                Diagnostic::new(
                    codes::AMBIGUOUS_NAME,
                    format!("`{}` stands in {} vhosts", name.text, several.len()),
                )
                .label(name.span, "which one is meant?")
                .help(format!("write one of {} beside the name", choices.join(", "))),
            );
        }
    }
}

/// Users may do something in vhosts that are declared.
fn vhosts(topology: &Topology, report: &mut Report) {
    let declared = || topology.of(KindId::Vhost).map(Definition::name).chain([DEFAULT_VHOST]);
    for kind in [KindId::Permission, KindId::TopicPermission] {
        for grant in topology.of(kind).filter(|grant| grant.provenance == Provenance::Written) {
            let Some(name) = grant.vhost.as_deref() else { continue };
            if declared().any(|vhost| vhost == name) {
                continue;
            }
            let meant = surely(name, declared()).filter(|_| grant.span_of("vhost") != grant.span);
            let place = |meant: Option<&str>| {
                let mut vhosts = topology.of(KindId::Vhost);
                vhosts
                    .find(|vhost| Some(vhost.name()) == meant)
                    .map_or(Span::NONE, |vhost| vhost.span_of("name"))
            };
            let help = match nearest(name, declared()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "declare `vhost {0}`, or `vhost {0} external=#true` where somebody else makes it",
                    quote(name)
                ),
            };
            report.push(
                Diagnostic::new(codes::UNKNOWN_NAME, format!("there is no vhost `{name}`"))
                    .label(grant.span_of("vhost"), "named here")
                    .mend(meant.map(|near| Change::Value(grant.span_of("vhost"), quote(near))))
                    .given(place(meant))
                    .given_all()
                    .note("the broker refuses a permission in a vhost that it does not have: 400 vhost_or_user_not_found")
                    .help(help),
            );
        }
    }
}

/// Checks that every other name is declared.
pub(super) fn names(topology: &Topology, report: &mut Report) {
    vhosts(topology, report);
    let contract = &topology.contract;
    let mut messages = Missing::new("message", contract.messages.iter().map(|found| &found.name));
    let mut rpcs = Missing::new("rpc", contract.rpcs.iter().map(|found| &found.name));
    for service in &contract.services {
        let on = service.consumes.iter().flat_map(|consumes| &consumes.on);
        service.publishes.iter().chain(on).for_each(|word| messages.look_up(word));
        let answered = service.answers.iter().map(|answers| &answers.rpc);
        service.calls.iter().chain(answered).for_each(|word| rpcs.look_up(word));
    }
    let types = || {
        let structures = contract.types.iter().map(|found| &found.name);
        structures.chain(contract.enums.iter().map(|found| &found.name))
    };
    let mut payloads = Missing::new("type", types());
    let asked = contract.rpcs.iter().flat_map(|rpc| [&rpc.request, &rpc.response]).flatten();
    asked.for_each(|word| payloads.look_up(word));
    [messages, rpcs, payloads].into_iter().for_each(|missing| missing.tell(report));
    let structures = contract.types.iter().flat_map(|structure| &structure.fields);
    for field in structures.chain(contract.messages.iter().flat_map(|message| message.fields())) {
        field_type(field, types, report);
    }
    for message in &contract.messages {
        if !braces(message, report) {
            continue;
        }
        let mut strange = false;
        for part in message.key_parts() {
            let KeyPart::Parameter(name) = part else { continue };
            let keys = message.keys.iter().map(|key| &key.name.text);
            let fields = message.fields().iter().map(|field| &field.name.text);
            if let Some(field) = message.fields().iter().find(|field| &*field.name.text == name) {
                one_word(topology, message, field, report);
            }
            // a payload described elsewhere may have any field, but no type for it is known here
            let known: Vec<&Arc<str>> = keys.chain(fields).collect();
            if !known.iter().any(|known| &***known == name) {
                strange = true;
                let help = if matches!(message.payload, Payload::Fields(_)) {
                    did_you_mean(name, known.iter().map(|name| &***name), "parameter")
                } else {
                    format!("declare it: `key {name:?}`")
                };
                report.push(
                    Diagnostic::new(
                        codes::UNKNOWN_NAME,
                        format!(
                            "the key of `{}` has `{{{name}}}`, which is no payload field and no `key`",
                            message.name.text
                        ),
                    )
                    .label(message.routing_key.span, "")
                    .help(help),
                );
            }
        }
        // a `key` that is left over is likely the one that is meant
        if !strange {
            unused_keys(message, report);
        }
    }
}

/// The braces of a routing key stand around names; says whether they do.
fn braces(message: &Message, report: &mut Report) -> bool {
    let mut rest = &*message.routing_key.text;
    let trouble = loop {
        match rest.find(['{', '}']) {
            None => return true,
            Some(at) if rest[at..].starts_with('}') => break "a `}` closes nothing",
            Some(at) => {
                let inner = &rest[at + 1..];
                match inner.find(['{', '}']) {
                    Some(0) if inner.starts_with('}') => break "`{}` names nothing",
                    Some(end) if inner[end..].starts_with('}') => rest = &inner[end + 1..],
                    _ => break "a `{` is never closed",
                }
            }
        }
    };
    report.push(
        Diagnostic::new(codes::BAD_VALUE, format!("{trouble} in the routing key of `{}`", message.name.text))
            .label(message.routing_key.span, "")
            .help("write `{name}` with the name of a payload field, or of a `key`"),
    );
    false
}

/// A `key` is for a parameter of the routing key.
fn unused_keys(message: &Message, report: &mut Report) {
    let parts = message.key_parts();
    for (at, key) in message.keys.iter().enumerate() {
        let name = &*key.name.text;
        if let Some(first) = message.keys[..at].iter().find(|first| *first.name.text == *name) {
            report.push(
                Diagnostic::new(codes::DUPLICATE, format!("the key `{name}` is described twice"))
                    .label(key.name.span, "again here")
                    .label(first.name.span, "first here")
                    .help("remove one of the two"),
            );
        } else if !parts.contains(&KeyPart::Parameter(name)) {
            report.push(
                Diagnostic::new(
                    codes::UNKNOWN_NAME,
                    format!("the routing key of `{}` has no `{{{name}}}`", message.name.text),
                )
                .label(key.name.span, "described here")
                .label(message.routing_key.span, "")
                .help(format!("write `{{{name}}}` in the routing key, or remove the `key`")),
            );
        }
    }
}

/// A field in a routing key is one word of it: its text has no dots, and is there.
fn one_word(topology: &Topology, message: &Message, field: &FieldDecl, report: &mut Report) {
    let why = match &field.ty {
        FieldType::Optional(_) => "may be absent",
        FieldType::List(_) | FieldType::Map(_) => "is not one word",
        FieldType::Named(name) if topology.contract.structure(name).is_some() => "is not one word",
        FieldType::Bytes => "is no text",
        FieldType::F64 | FieldType::Decimal | FieldType::Timestamp | FieldType::Duration => {
            "may have dots in it, which end a word of the key"
        }
        _ => return,
    };
    let (name, message) = (&field.name.text, &message);
    report.push(
        Diagnostic::new(
            codes::BAD_VALUE,
            format!("the routing key of `{}` takes `{{{name}}}` from a field that {why}", message.name.text),
        )
        .label(message.routing_key.span, "used here")
        .label(field.span, "of this type")
        .help(format!("name the parameter differently and give it to the publisher: `key \"{name}-key\"`")),
    );
}

fn field_type<'a, I: Iterator<Item = &'a Word>>(
    field: &FieldDecl,
    types: impl Fn() -> I,
    report: &mut Report,
) {
    let Some(name) = field.ty.named() else { return };
    if types().any(|declared| declared.text == *name) {
        return;
    }
    // within `list<…>` the name has no place of its own
    let whole = matches!(field.ty, FieldType::Named(_));
    let meant = types::certain(name, types().map(|declared| &*declared.text)).filter(|_| whole);
    let declared = meant.and_then(|near| types().find(|declared| *declared.text == *near));
    report.push(
        Diagnostic::new(codes::UNKNOWN_NAME, format!("there is no type `{name}`"))
            .label(field.span, "named here")
            .mend(meant.map(|near| Change::Value(field.span, quote(near))))
            .given(declared.map_or(Span::NONE, |declared| declared.span))
            .given_all()
            .help(types::help(name, types().map(|declared| &*declared.text))),
    );
}

/// Names that nothing has, each with the places that it stands in: one declaration mends them all.
struct Missing<'a> {
    what: &'static str,
    known: BTreeMap<&'a str, Span>,
    found: BTreeMap<&'a str, Vec<Span>>,
}

impl<'a> Missing<'a> {
    fn new(what: &'static str, known: impl Iterator<Item = &'a Word>) -> Self {
        Self { what, known: known.map(|word| (&*word.text, word.span)).collect(), found: BTreeMap::new() }
    }

    fn look_up(&mut self, word: &'a Word) {
        if !self.known.contains_key(&*word.text) {
            self.found.entry(&word.text).or_default().push(word.span);
        }
    }

    fn tell(self, report: &mut Report) {
        const SHOWN: usize = 3;
        let Self { what, known, found } = self;
        for (name, places) in found {
            let mut diagnostic = Diagnostic::new(codes::UNKNOWN_NAME, format!("there is no {what} `{name}`"));
            let more = places.len().saturating_sub(SHOWN);
            for (at, span) in places.iter().take(SHOWN).enumerate() {
                let text = match at {
                    0 => "named here".to_owned(),
                    2 if more > 0 => format!("here, and in {}", counted(more, "more place")),
                    _ => "and here".to_owned(),
                };
                diagnostic = diagnostic.label(*span, text);
            }
            if let Some(near) = surely(name, known.keys().copied()) {
                diagnostic = diagnostic.given(known[near]).given_all();
                for span in places {
                    diagnostic = diagnostic.mend(Change::Value(span, quote(near)));
                }
            }
            report.push(diagnostic.help(if known.is_empty() {
                format!("declare it: `{what} {name:?} …`")
            } else {
                did_you_mean(name, known.keys().copied(), what)
            }));
        }
    }
}
