//! An important message goes to a queue that is deleted when nobody uses it.

use super::{Context, Lint, dying::is_made, warning};
use crate::{
    diag::{Diagnostic, Report},
    kind::show_duration,
};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "C010",
        "expires-durable-critical",
        "An important message goes to a queue that is deleted when nobody uses it.",
    ),
    page: include_str!("expires_durable_critical.md"),
    check,
};

/// A queue that nobody has used for so long has been given up: a week, in milliseconds.
const GIVEN_UP: i64 = 7 * 24 * 60 * 60 * 1000;

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for queue in context.topology.queues().filter(|queue| !queue.0.external && !is_made(*queue)) {
        let Some(message) = context.important(queue).filter(|_| queue.0.flag("durable")) else { continue };
        let Some(expires) = context.value(queue, "expires") else { continue };
        let time = expires.field().value.as_integer().filter(|time| *time < GIVEN_UP);
        let Some(time) = time.map(show_duration) else { continue };
        let place = match expires.policy() {
            Some(policy) => format!("policy `{}`", policy.name()),
            None => format!("`{}`", queue.name()),
        };
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("`{}` is lost with `{}` when nobody uses the queue", message.name.text, queue.name()),
            )
            .label(expires.field().span, format!("after {time} without a consumer the queue is deleted"))
            .label(
                message.definition.span_of("important"),
                format!("`{}` must not be lost", message.name.text),
            )
            .note("its messages are not dead-lettered, and publishing to it does not count as use")
            .help(format!("remove `expires` from {place}")),
        );
    }
}
