//! A message's priority is ignored by every queue that it comes to.

use topoc_routing::{QueueId, QueueKind};

use super::{Context, Lint, edit::some_of, error};
use crate::{
    diag::{Diagnostic, Report},
    graph::Flow,
};

pub(super) const LINT: Lint = Lint {
    code: error(
        "C017",
        "priority-missing-on-classic",
        "A message has a priority, and no classic queue that it comes to has `max-priority`.",
    ),
    page: include_str!("priority_missing_on_classic.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for (message, flow) in context.flows() {
        // no priority is priority 0
        let Some(priority) = message.definition.integer("priority").filter(|priority| *priority > 0) else {
            continue;
        };
        if flow.through_external || flow.queues().any(|queue| ranks(flow, queue)) {
            continue;
        }
        let queues =
            flow.queues().filter(|queue| flow.routes.topology.queue(*queue).kind == QueueKind::Classic);
        let queues = queues.filter_map(|queue| flow.routes.queue(queue));
        let queues: Vec<_> = queues.filter(|queue| !queue.0.external && !context.is_delay(*queue)).collect();
        let Some(first) = queues.first() else { continue };
        let name = &message.name.text;
        let most = priority.clamp(1, 255);
        report.push(
            Diagnostic::new(LINT.code, format!("the priority of `{name}` is ignored"))
                .label(first.0.span, "a queue without `max-priority` keeps the order of arrival")
                .label(message.definition.span_of("priority"), format!("`{name}` is meant to go first"))
                .note("`max-priority` cannot be given to a living queue, nor by a policy")
                .help(format!(
                    "write `max-priority {most}` in {}",
                    some_of(queues.iter().map(|queue| queue.name()))
                )),
        );
    }
}

/// Whether a queue heeds priorities, or may: one of somebody else's is not known.
fn ranks(flow: &Flow<'_, '_>, queue: QueueId) -> bool {
    let quorum = flow.routes.topology.queue(queue).kind == QueueKind::Quorum;
    // a quorum queue has two priorities from 4.0 on (`rabbit_fifo_q`)
    let quorum_ranks = quorum && flow.routes.topology.version() >= topoc_routing::Version::V4_0;
    let definition = flow.routes.queue(queue).map(|queue| queue.0);
    quorum_ranks
        || definition
            .is_none_or(|definition| definition.external || definition.field("max-priority").is_some())
}
