//! A message's priority is above what a queue keeps apart.

use topoc_routing::QueueKind;

use super::{Context, Lint, warning};
use crate::diag::{Diagnostic, Report};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "C018",
        "priority-out-of-range",
        "A message's priority is above the queue's `max-priority`.",
    ),
    page: include_str!("priority_out_of_range.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for (message, flow) in context.flows() {
        let Some(priority) = message.definition.integer("priority") else { continue };
        for queue in flow.queues() {
            let Some(view) = flow.routes.queue(queue).filter(|queue| !queue.0.external) else { continue };
            let classic = flow.routes.topology.queue(queue).kind == QueueKind::Classic;
            let most = view.0.integer("max-priority").filter(|most| classic && *most > 0 && *most < priority);
            let Some(most) = most else { continue };
            let name = &message.name.text;
            report.push(
                Diagnostic::new(
                    LINT.code,
                    format!("`{}` takes the priority of `{name}` for {most}", view.name()),
                )
                .label(message.definition.span_of("priority"), format!("{priority} …"))
                .label(view.0.span_of("max-priority"), format!("… is above {most}, the highest here"))
                .note("messages of both priorities stand in one line")
                .help(format!("in `{name}`, write `priority={most}`")),
            );
        }
    }
}
