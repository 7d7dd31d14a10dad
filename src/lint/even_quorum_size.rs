//! A queue with an even number of members.

use super::{Context, Lint, dying::is_made, hint};
use crate::{
    diag::{Diagnostic, Report},
    topology::QueueType,
};

pub(super) const LINT: Lint = Lint {
    code: hint("C009", "even-quorum-size", "An even number of members bears no more than one member less."),
    page: include_str!("even_quorum_size.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for queue in context.topology.queues().filter(|queue| !queue.0.external && !is_made(*queue)) {
        let name = match queue.queue_type(context.topology) {
            QueueType::Quorum => "quorum-initial-group-size",
            QueueType::Stream => "initial-cluster-size",
            QueueType::Classic => continue,
        };
        let Some(size) = queue.0.integer(name).filter(|size| *size >= 2 && size % 2 == 0) else { continue };
        report.push(
            Diagnostic::new(LINT.code, format!("`{}` has an even number of members", queue.name()))
                .label(
                    queue.0.span_of(name),
                    format!("{size} members bear the loss of {}, as {} do", size / 2 - 1, size - 1),
                )
                .note("a majority must be up, and each member more writes each message once more")
                .help(format!("write `{name} {}`", size - 1)),
        );
    }
}
