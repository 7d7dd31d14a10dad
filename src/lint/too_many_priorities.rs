//! A queue with more priorities than it needs.

use super::{Context, Lint, hint};
use crate::{
    diag::{Diagnostic, Report},
    topology::QueueType,
};

pub(super) const LINT: Lint = Lint {
    code: hint("C016", "too-many-priorities", "A classic queue keeps a queue of its own for each priority."),
    page: include_str!("too_many_priorities.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for queue in context.topology.queues().filter(|queue| !queue.0.external) {
        let most = queue.0.integer("max-priority").filter(|most| (5..=255).contains(most));
        let Some(most) = most.filter(|_| queue.queue_type(context.topology) == QueueType::Classic) else {
            continue;
        };
        report.push(
            Diagnostic::new(LINT.code, format!("`{}` keeps {} queues inside", queue.name(), most + 1))
                .label(queue.0.span_of("max-priority"), "one for each priority, and one for none")
                .note("each costs memory and disk also while it is empty; two to four priorities are advised")
                .help("write `max-priority 3`"),
        );
    }
}
