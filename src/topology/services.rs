//! `service` nodes → who says and hears.

use super::{
    Topology,
    attributes::Reader,
    contract::{Answers, Consumes, Service},
    decode::set_name,
    entities,
    messages::{begin, reference},
};
use crate::{
    diag::{Diagnostic, Report, codes},
    kind::{Definition, KindId, Provenance, Value},
    syntax::{Node, Word, quote},
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
            "consumes" => service.consumes.extend(consumes(child)),
            "publishes" => service.publishes.extend(child.title()),
            "calls" => service.calls.extend(child.title()),
            "answers" => service.answers.extend(answers(child)),
            _ => {
                service.user = child.title();
                // no more than a name is somebody described elsewhere, or nobody special
                if child.entries.len() != 1 || !child.children.is_empty() || service.user.is_none() {
                    entities::user(topology, child, report);
                }
            }
        }
    }
    twice(&service, report);
    topology.contract.services.push(service);
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

/// How many messages a consumer takes and handles at a time, as far as that is said.
fn count(node: &Node, name: &str) -> Option<i64> {
    node.setting(name).and_then(|entry| Value::from_scalar(&entry.value).as_integer())
}

fn consumes(node: &Node) -> Option<Consumes> {
    let ack = node.setting("ack").and_then(|entry| entry.value.text());
    Some(Consumes {
        queue: reference(node)?,
        prefetch: count(node, "prefetch"),
        concurrency: count(node, "concurrency"),
        auto_ack: ack.is_some_and(|ack| &**ack == "auto"),
        on: node.children.iter().filter(|child| child.is("on")).filter_map(Node::title).collect(),
        span: node.span,
    })
}

fn answers(node: &Node) -> Option<Answers> {
    Some(Answers {
        rpc: node.title()?,
        prefetch: count(node, "prefetch"),
        concurrency: count(node, "concurrency"),
        span: node.span,
    })
}

/// Speaks of what a service says twice.
fn twice(service: &Service, report: &mut Report) {
    let words = |keyword, words: &[Word], report: &mut Report| {
        for (at, again) in words.iter().enumerate() {
            if let Some(first) = words[..at].iter().find(|first| first.text == again.text) {
                report.push(said_twice(&service.name, keyword, again, first));
            }
        }
    };
    words("publishes", &service.publishes, report);
    words("calls", &service.calls, report);
    let answered: Vec<Word> = service.answers.iter().map(|answers| answers.rpc.clone()).collect();
    words("answers", &answered, report);
    for (at, again) in service.consumes.iter().enumerate() {
        words("on", &again.on, report);
        let vhost = |consumes: &Consumes| consumes.queue.vhost.as_ref().map(|vhost| vhost.text.clone());
        let same = |first: &&Consumes| {
            first.queue.name.text == again.queue.name.text && vhost(first) == vhost(again)
        };
        if let Some(first) = service.consumes[..at].iter().find(same) {
            let (again, first) = (&again.queue.name, &first.queue.name);
            report.push(said_twice(&service.name, "consumes", again, first));
        }
    }
}

fn said_twice(service: &Word, keyword: &str, again: &Word, first: &Word) -> Diagnostic {
    let help = match keyword {
        "consumes" => {
            "write all its `on` in one of the two: two consumers of a service would take messages from one another"
        }
        _ => "remove one of the two",
    };
    Diagnostic::new(
        codes::DUPLICATE,
        format!("`{keyword} {}` is said twice in the service `{}`", quote(&again.text), service.text),
    )
    .label(again.span, "again here")
    .label(first.span, "first here")
    .help(help)
}
