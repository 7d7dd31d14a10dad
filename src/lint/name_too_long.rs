//! A name or routing key is longer than the broker can take.

use super::{Context, Lint, error};
use crate::{
    diag::{Diagnostic, Report, Span, counted, with_article},
    kind::{Definition, KindId, Place, Scope},
    topology::{DEFAULT_VHOST, Queue, QueueType, Topology},
};

/// The longest short string of AMQP 0-9-1, and the longest Erlang atom.
const MAX: usize = 255;

pub(super) const LINT: Lint = Lint {
    code: error("N004", "name-too-long", "A name or routing key is longer than 255 bytes."),
    page: include_str!("name_too_long.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for definition in context.topology.definitions() {
        let mut long = false;
        for name in short_strings(definition) {
            let Some(field) = definition.field(name) else { continue };
            let bytes = field.value.as_text().map_or(0, |text| text.len());
            if bytes > MAX {
                long = true;
                let owner = definition.kind.word();
                report.push(
                    too_long(
                        format!("the {name} of {} is {bytes} bytes long", with_article(owner)),
                        field.span,
                        bytes,
                    )
                    .refused(definition.subject()),
                );
            }
        }
        if definition.kind == KindId::Queue && !long && !definition.external {
            raft_cluster(context.topology, Queue(definition), report);
        }
    }
    for message in &context.topology.contract.messages {
        let key = &message.routing_key;
        // with `{parameters}` its length is known when it is published
        if key.text.len() > MAX && !key.text.contains('{') {
            let bytes = key.text.len();
            report.push(too_long(
                format!("the routing-key of a message is {bytes} bytes long"),
                key.span,
                bytes,
            ));
        }
    }
}

/// What AMQP sends as a short string.
fn short_strings(definition: &Definition) -> &'static [&'static str] {
    match definition.kind {
        KindId::Queue => &["name", "dead-letter-exchange", "dead-letter-routing-key"],
        KindId::Exchange => &["name", "alternate-exchange"],
        // the names of both ends are told at their declarations
        KindId::Binding => &["routing-key"],
        kind if kind.kind().scope != Scope::Contract
            && kind.kind().attribute("name").is_some_and(is_body) =>
        {
            &["name"]
        }
        _ => &[],
    }
}

fn is_body(attribute: &crate::kind::Attribute) -> bool {
    matches!(attribute.place, Place::Body(_))
}

/// `rabbit_quorum_queue:declare_queue_name`: the vhost and the queue's name, joined by `_`, are an atom.
fn raft_cluster(topology: &Topology, queue: Queue<'_>, report: &mut Report) {
    if queue.queue_type(topology) != QueueType::Quorum {
        return;
    }
    let vhost = if queue.vhost() == DEFAULT_VHOST { "%2F" } else { queue.vhost() };
    let bytes = vhost.len() + 1 + queue.name().len();
    if bytes > MAX {
        let message = format!("the quorum queue's name and its vhost take {bytes} bytes together");
        report.push(too_long(message, queue.0.span_of("name"), bytes).note(
            "`rabbit_quorum_queue` makes the name of a Raft cluster of both, and refuses one that is longer than 255 bytes",
        )
        .refused(queue.0.subject()));
    }
}

fn too_long(message: String, span: Span, bytes: usize) -> Diagnostic {
    Diagnostic::new(LINT.code, message)
        .label(span, format!("{bytes} bytes in UTF-8, variables replaced"))
        .note("a name or key is a short string in AMQP 0-9-1, of at most 255 bytes")
        .help(format!("shorten it by {}", counted(bytes - MAX, "byte")))
}
