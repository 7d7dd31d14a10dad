//! Names → what they name: flows find their exchanges and queues, and everything else its declaration.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    DEFAULT_VHOST, Topology,
    contract::{FIELD_TYPES, FieldDecl, KeyPart, Payload, Reference},
};
use crate::{
    diag::{Diagnostic, Report, codes, did_you_mean, nearest},
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
    for service in &contract.services {
        let on = service.consumes.iter().flat_map(|consumes| &consumes.on);
        for word in service.publishes.iter().chain(on) {
            declared(word, "message", || contract.messages.iter().map(|found| &found.name.text), report);
        }
        for word in service.calls.iter().chain(service.answers.iter().map(|answers| &answers.rpc)) {
            declared(word, "rpc", || contract.rpcs.iter().map(|found| &found.name.text), report);
        }
    }
    let types = || {
        let structures = contract.types.iter().map(|found| &found.name.text);
        structures.chain(contract.enums.iter().map(|found| &found.name.text))
    };
    for rpc in &contract.rpcs {
        for word in [&rpc.request, &rpc.response].into_iter().flatten() {
            declared(word, "type", types, report);
        }
    }
    let structures = contract.types.iter().flat_map(|structure| &structure.fields);
    for field in structures.chain(contract.messages.iter().flat_map(|message| message.fields())) {
        field_type(field, types, report);
    }
    for message in &contract.messages {
        for part in message.key_parts() {
            let KeyPart::Parameter(name) = part else { continue };
            let keys = message.keys.iter().map(|key| &key.name.text);
            let fields = message.fields().iter().map(|field| &field.name.text);
            // a payload described elsewhere may have any field, but no type for it is known here
            let known: Vec<&Arc<str>> = keys.chain(fields).collect();
            if !known.iter().any(|known| &***known == name) {
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
    }
}

fn field_type<'a, I: Iterator<Item = &'a Arc<str>>>(
    field: &FieldDecl,
    types: impl Fn() -> I,
    report: &mut Report,
) {
    let Some(name) = field.ty.named() else { return };
    if types().any(|declared| declared == name) {
        return;
    }
    let built_in = FIELD_TYPES.iter().map(|(word, _)| *word);
    report.push(
        Diagnostic::new(codes::UNKNOWN_NAME, format!("there is no type `{name}`"))
            .label(field.span, "named here")
            .help(did_you_mean(name, types().map(|name| &**name).chain(built_in), "type")),
    );
}

fn declared<'a, I: Iterator<Item = &'a Arc<str>>>(
    word: &Word,
    what: &str,
    known: impl Fn() -> I,
    report: &mut Report,
) {
    if known().any(|name| *name == word.text) {
        return;
    }
    report.push(
        Diagnostic::new(codes::UNKNOWN_NAME, format!("there is no {what} `{}`", word.text))
            .label(word.span, "named here")
            .help(if known().next().is_none() {
                format!("declare it: `{what} {:?} …`", &*word.text)
            } else {
                did_you_mean(&word.text, known().map(|name| &**name), what)
            }),
    );
}
