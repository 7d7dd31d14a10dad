//! A quorum queue delivers what nobody can handle again and again.

use topoc_routing::QueueKind;

use super::{Context, Lint, warning};
use crate::diag::{Diagnostic, Report};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "C006",
        "delivery-limit-disabled",
        "A quorum queue returns a message without end, and its log grows.",
    ),
    page: include_str!("delivery_limit_disabled.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for at in context.queues().filter(|at| !at.queue.0.external && at.known().kind == QueueKind::Quorum) {
        let Some(limit) = at.known().delivery_limit.filter(|limit| *limit < 0) else { continue };
        let Some(source) = context.value(at.queue, "delivery-limit") else { continue };
        let name = at.queue.name();
        let mut diagnostic = Diagnostic::new(LINT.code, format!("`{name}` returns a message without end"))
            .label(source.field().span, format!("{limit} is no limit"));
        if source.policy().is_some() {
            diagnostic = diagnostic.label(at.queue.0.span, "it applies here");
        }
        report.push(
            diagnostic
                .note("each return is written to the queue's log, which cannot be cut behind the message: the disk fills")
                .help("write a number, such as `delivery-limit 50`"),
        );
    }
}
