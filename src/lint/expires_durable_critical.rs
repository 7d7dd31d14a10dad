//! An important message goes to a queue that is deleted when nobody uses it.

use super::{
    Context, Lint,
    dying::{cause, is_made},
    edit::{and_others, together},
    warning,
};
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
    let queues = context.topology.queues().filter(|queue| !queue.0.external && !is_made(*queue));
    let found = queues.filter(|queue| queue.0.flag("durable")).filter_map(|queue| {
        let message = context.important(queue)?;
        let expires = context.value(queue, "expires")?;
        let time = expires.field().value.as_integer().filter(|time| *time < GIVEN_UP)?;
        Some((cause(Some(expires), queue, LINT.code.name), (queue, message, expires, time)))
    });
    for group in together(found) {
        let (queue, message, expires, time) = group[0];
        let place = match expires.policy() {
            Some(policy) => format!("policy `{}`", policy.name()),
            None => format!("`{}`", queue.name()),
        };
        let queues = and_others(queue.name(), group.len());
        let mut diagnostic = Diagnostic::new(
            LINT.code,
            format!("`{}` is lost with {queues} when nobody uses the queue", message.name.text),
        )
        .label(
            expires.field().span,
            format!("after {} without a consumer the queue is deleted", show_duration(time)),
        );
        if expires.policy().is_some() {
            diagnostic = diagnostic.label(queue.0.span, "it applies here");
        }
        report.push(
            diagnostic
                .label(
                    message.definition.span_of("important"),
                    format!("`{}` must not be lost", message.name.text),
                )
                .note("its messages are not dead-lettered, and publishing to it does not count as use")
                .help(format!("remove `expires` from {place}")),
        );
    }
}
