//! An important message goes to a queue that a restart deletes.

use super::{Context, Lint, dying::is_made, warning};
use crate::diag::{Diagnostic, Report};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "C001",
        "transient-critical",
        "An important message goes to a queue that a restart deletes.",
    ),
    page: include_str!("transient_critical.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for queue in context.topology.queues().filter(|queue| !queue.0.external && !is_made(*queue)) {
        let Some(message) = context.important(queue).filter(|_| !queue.0.flag("durable")) else { continue };
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("`{}` is lost in `{}` when its node restarts", message.name.text, queue.name()),
            )
            .label(queue.0.span_of("durable"), "the queue and its messages are gone after a restart")
            .label(
                message.definition.span_of("important"),
                format!("`{}` must not be lost", message.name.text),
            )
            .note("confirmed and persistent messages are gone with it")
            .help(format!("remove `durable=#false` from `{}`", queue.name())),
        );
    }
}
