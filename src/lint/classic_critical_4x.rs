//! An important message lies in one copy only.

use topoc_routing::QueueKind;

use super::{Context, Lint, warning};
use crate::{
    diag::{Diagnostic, Report},
    kind::version,
};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "C008",
        "classic-critical-4x",
        "An important message goes to a classic queue, which RabbitMQ 4.0 does not replicate.",
    ),
    page: include_str!("classic_critical_4x.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    if context.topology.target.is_none_or(|(target, _)| target < version(4, 0)) {
        return;
    }
    for at in context.queues().filter(|at| !at.queue.0.external && at.known().kind == QueueKind::Classic) {
        // a priority queue is a choice of its own, which quorum queues do not have in full
        let Some(message) = context.important(at.queue).filter(|_| {
            !context.is_delay(at.queue)
                && !at.lets_expire()
                && at.queue.0.flag("durable")
                && at.queue.0.field("max-priority").is_none()
        }) else {
            continue;
        };
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("`{}` lies in one copy in `{}`", message.name.text, at.queue.name()),
            )
            .label(at.queue.0.span_of("type"), "a classic queue lives on one node")
            .label(
                message.definition.span_of("important"),
                format!("`{}` must not be lost", message.name.text),
            )
            .note("while the node is away the queue is too; if its disk is lost, so are the messages")
            .help(format!(
                "in `{}`, write `type \"quorum\"`; a living queue needs `topoc diff` to show the migration",
                at.queue.name()
            )),
        );
    }
}
