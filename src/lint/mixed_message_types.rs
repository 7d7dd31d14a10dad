//! A queue gets messages that its consumers do not name.

use std::collections::BTreeMap;

use topoc_routing::{Destination, QueueId};

use super::{
    Context, Lint,
    edit::{key_span, publish_span, some_of},
    hint,
};
use crate::{
    diag::{Diagnostic, Report, Span},
    graph::Flow,
    topology::{Message, QueueType},
};

pub(super) const LINT: Lint = Lint {
    code: hint("F004", "mixed-message-types", "A queue gets messages that its consumers do not name."),
    page: include_str!("mixed_message_types.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let mut strangers: BTreeMap<(&str, QueueId), Vec<(&Message, &Flow<'_, '_>)>> = BTreeMap::new();
    for (message, flow) in context.flows().filter(|(_, flow)| flow.reach.undecidable.is_empty()) {
        for id in flow.queues() {
            let Some(queue) = flow.routes.queue(id) else { continue };
            let hearers = context.hearers(queue);
            // who reads a stream passes over what is not for it, and nothing is rejected
            let stream = queue.queue_type(context.topology) == QueueType::Stream;
            if !hearers.is_empty()
                && !stream
                && hearers.iter().all(|hearer| !hearer.handles(&message.name.text))
            {
                strangers.entry((queue.vhost(), id)).or_default().push((message, flow));
            }
        }
    }
    for ((_, id), messages) in strangers {
        let Some((message, flow)) = messages.first() else { continue };
        let Some(queue) = flow.routes.queue(id) else { continue };
        let names = some_of(messages.iter().map(|(message, _)| &message.name.text));
        let mut diagnostic = Diagnostic::new(
            LINT.code,
            format!("`{}` also gets {names}, which its consumer does not name", queue.name()),
        )
        .label(way_in(message, flow, id), format!("lets `{}` in …", message.name.text));
        if let Some(hearer) = context.hearers(queue).first() {
            diagnostic = diagnostic
                .label(hearer.span(), format!("… and `{}` does not handle it", hearer.service.name.text));
        }
        report.push(
            diagnostic
                .note("the consumer has to reject what it does not know, which costs a delivery and a dead letter each time")
                .help(format!("bind only the keys that are meant, or write `on {:?}`", &*message.name.text)),
        );
    }
}

/// The binding by which a message comes into a queue, else where it is published.
fn way_in(message: &Message, flow: &Flow<'_, '_>, queue: QueueId) -> Span {
    let last = flow
        .reach
        .bindings
        .keys()
        .find(|id| flow.routes.topology.binding(**id).destination == Destination::Queue(queue));
    last.and_then(|id| flow.routes.binding(*id)).map_or_else(|| publish_span(message), key_span)
}
