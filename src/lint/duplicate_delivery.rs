//! A service handles one publish of a message twice, out of two queues.

use std::collections::HashMap;

use super::{Context, Lint, context::Hears, edit::publish_span, warning};
use crate::{
    diag::{Diagnostic, Report},
    kind::{Derived, Provenance},
    topology::{Consumes, Message, Queue, QueueType, Service},
};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "R009",
        "duplicate-delivery",
        "A service handles one publish of a message twice, out of two queues.",
    ),
    page: include_str!("duplicate_delivery.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for (message, flow) in context.flows() {
        let mut heard: HashMap<&str, (&Consumes, topoc_routing::QueueId)> = HashMap::new();
        for id in flow.queues() {
            let Some(queue) = flow.routes.queue(id).filter(|queue| counts(context, *queue)) else { continue };
            for hearer in context.hearers(queue).iter().filter(|hearer| hearer.handles(&message.name.text)) {
                let Hears::Consumes(consumes) = hearer.how else { continue };
                let Some((first, other)) = heard.get(&*hearer.service.name.text).copied() else {
                    heard.insert(&hearer.service.name.text, (consumes, id));
                    continue;
                };
                if let Some(key) = flow.key_to_both(message, other, id) {
                    report.push(twice(message, hearer.service, [first, consumes], &key));
                }
            }
        }
    }
}

/// A stream is read and not emptied, and a delay queue holds what has been heard once.
fn counts(context: &Context<'_, '_>, queue: Queue<'_>) -> bool {
    queue.queue_type(context.topology) != QueueType::Stream
        && queue.0.provenance != Provenance::Derived(Derived::RetryLadder)
}

fn twice(message: &Message, service: &Service, mut queues: [&Consumes; 2], key: &str) -> Diagnostic {
    queues.sort_by_key(|consumes| consumes.span);
    let [first, second] = queues;
    let name = &message.name.text;
    let shown = if key.is_empty() { "without a key".to_owned() } else { format!("with key `{key}`") };
    Diagnostic::new(LINT.code, format!("`{}` handles each `{name}` twice", service.name.text))
        .label(second.span, format!("`{}` gets a copy …", second.queue.name.text))
        .label(first.span, format!("… and so does `{}`", first.queue.name.text))
        .label(publish_span(message), format!("of one publish {shown}"))
        .note("each queue gets its own copy: the broker drops duplicates within one queue only")
        .help("consume one queue that has the bindings of both, or name in each `on` only what that queue is for")
}
