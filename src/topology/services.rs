//! `service` nodes → who says and hears.

use super::{
    Topology,
    attributes::Reader,
    contract::{Answers, Consumes, Service},
    decode::{set_name, unknown},
    entities,
    messages::{begin, needed_name, reference},
};
use crate::{
    diag::{Diagnostic, Report, codes, did_you_mean},
    kind::{Definition, KindId, Provenance, Value},
    syntax::{Node, Word},
};

/// Reads a service.
pub(super) fn decode(topology: &mut Topology, node: &Node, report: &mut Report) {
    let services = &topology.contract.services;
    let first =
        |name: &str| services.iter().find(|found| &*found.name.text == name).map(|found| found.name.span);
    let Some((name, mut definition)) = begin(KindId::Service, node, first, report) else { return };
    let nested = Reader { kind: KindId::Service.kind(), node, report }.attributes(&mut definition, 1);
    let mut service = Service {
        name,
        consumes: Vec::new(),
        publishes: Vec::new(),
        calls: Vec::new(),
        answers: Vec::new(),
        user: None,
        definition,
    };
    for child in nested {
        match &*child.name.text {
            "consumes" => service.consumes.extend(consumes(child, report)),
            "publishes" => service.publishes.extend(name_only(child, report)),
            "calls" => service.calls.extend(name_only(child, report)),
            "answers" => service.answers.extend(answers(child, report)),
            _ => {
                service.user = child.title();
                // no more than a name is somebody described elsewhere, or nobody special
                if child.entries.len() != 1 || !child.children.is_empty() || service.user.is_none() {
                    entities::user(topology, child, report);
                }
            }
        }
    }
    topology.contract.services.push(service);
}

fn name_only(node: &Node, report: &mut Report) -> Option<Word> {
    let name = node.title();
    if name.is_none() || node.entries.len() > 1 || !node.children.is_empty() {
        report.push(
            Diagnostic::new(codes::MISSING, format!("`{}` takes one name", node.name.text))
                .label(node.span, "")
                .help(format!("write `{} \"Name\"`", node.name.text)),
        );
    }
    name
}

/// Users that services name and nobody describes.
pub(super) fn undescribed_users(topology: &mut Topology) {
    let users: Vec<Word> = topology.contract.services.iter().filter_map(|found| found.user.clone()).collect();
    for user in users {
        let mut definition = Definition::new(KindId::User, None, user.span, Provenance::Written);
        set_name(&mut definition, &user);
        // of several that are named, the first brings it, and what is described stays as it is
        topology.insert(definition);
    }
}

/// The settings of a consumer.
struct Settings {
    prefetch: Option<i64>,
    concurrency: Option<i64>,
    auto_ack: bool,
}

fn settings(node: &Node, report: &mut Report) -> Settings {
    let mut settings = Settings { prefetch: None, concurrency: None, auto_ack: false };
    for (word, entry) in node.properties() {
        let value = Value::from_scalar(&entry.value);
        let count = value.as_integer();
        match (&*word.text, count) {
            ("prefetch", Some(count)) if (0..=65535).contains(&count) => settings.prefetch = Some(count),
            ("concurrency", Some(count)) if (1..=65535).contains(&count) => {
                settings.concurrency = Some(count)
            }
            ("ack", None) if matches!(value.as_text().map(|text| &**text), Some("auto" | "manual")) => {
                settings.auto_ack = value.as_text().is_some_and(|text| &**text == "auto");
            }
            ("vhost", None) => {}
            (known @ ("prefetch" | "concurrency" | "ack"), _) => {
                let (wanted, example) = match known {
                    "prefetch" => ("a whole number from 0 (no bound) to 65535", "prefetch=16"),
                    "concurrency" => ("a whole number from 1 to 65535", "concurrency=4"),
                    _ => ("`manual` or `auto`", "ack=\"manual\""),
                };
                report.push(
                    Diagnostic::new(
                        codes::BAD_VALUE,
                        format!("`{known}` is {wanted}, not {}", entry.value.to_kdl()),
                    )
                    .label(entry.span, "")
                    .help(format!("write `{example}`")),
                );
            }
            (other, _) => report.push(
                Diagnostic::new(
                    codes::UNKNOWN_ATTRIBUTE,
                    format!("`{}` has no attribute `{other}`", node.name.text),
                )
                .label(word.span, "")
                .help(did_you_mean(
                    other,
                    ["prefetch", "concurrency", "ack", "vhost"],
                    "attribute",
                )),
            ),
        }
    }
    settings
}

fn consumes(node: &Node, report: &mut Report) -> Option<Consumes> {
    let queue = reference(node, report)?;
    let Settings { prefetch, concurrency, auto_ack } = settings(node, report);
    let mut on = Vec::new();
    for child in &node.children {
        if child.is("on") {
            on.extend(name_only(child, report));
        } else {
            unknown(child, report, "`consumes`", vec!["on"]);
        }
    }
    Some(Consumes { queue, prefetch, concurrency, auto_ack, on, span: node.span })
}

fn answers(node: &Node, report: &mut Report) -> Option<Answers> {
    let rpc = needed_name(node, "answers \"Name\"", report)?;
    let Settings { prefetch, concurrency, .. } = settings(node, report);
    Some(Answers { rpc, prefetch, concurrency, span: node.span })
}
