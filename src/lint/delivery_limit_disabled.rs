//! A quorum queue delivers what nobody can handle again and again.

use topoc_routing::QueueKind;

use super::{Context, Lint, warning};
use crate::{
    diag::{Diagnostic, Report},
    kind::version,
};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "C006",
        "delivery-limit-disabled",
        "A quorum queue has a negative delivery limit, and returns a message without end.",
    ),
    page: include_str!("delivery_limit_disabled.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for at in context.queues().filter(|at| !at.queue.0.external && at.known().kind == QueueKind::Quorum) {
        let Some(limit) = at.known().delivery_limit.filter(|limit| *limit < 0) else { continue };
        let Some(source) = context.value(at.queue, "delivery-limit") else { continue };
        let name = at.queue.name();
        // what no count is less than (`rabbit_fifo` up to 3.13)
        let at_once = context.topology.target.is_some_and(|(target, _)| target < version(4, 0));
        let (what, label) = if at_once {
            (
                format!("`{name}` gives a message up at its first return"),
                format!("{limit} is less than every count"),
            )
        } else {
            (format!("`{name}` returns a message without end"), format!("{limit} is no limit"))
        };
        let mut diagnostic = Diagnostic::new(LINT.code, what).label(source.field().span, label);
        if source.policy().is_some() {
            diagnostic = diagnostic.label(at.queue.0.span, "it applies here");
        }
        report.push(
            diagnostic
                .note(if at_once {
                    "only RabbitMQ 4.0 and later take a negative number for no limit"
                } else {
                    "each return is written to the queue's log, which cannot be cut behind the message: the disk fills; before RabbitMQ 4.0 it is given up at its first return"
                })
                .help("write a number, such as `delivery-limit 50`"),
        );
    }
}
