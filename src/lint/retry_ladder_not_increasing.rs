//! A retry ladder with a step that is shorter than the one before it.

use super::{Context, Lint, warning};
use crate::{
    diag::{Diagnostic, Report},
    kind::{Value, show_duration},
};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "D012",
        "retry-ladder-not-increasing",
        "A retry waits for a shorter time than the one before it.",
    ),
    page: include_str!("retry_ladder_not_increasing.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for queue in context.topology.queues() {
        let Some(field) = queue.0.field("retry") else { continue };
        let Value::List(steps) = &field.value else { continue };
        let steps: Vec<i64> = steps.iter().filter_map(Value::as_integer).collect();
        let Some(at) = steps.windows(2).position(|pair| pair[1] < pair[0]) else { continue };
        let mut sorted = steps.clone();
        sorted.sort_unstable();
        let sorted: Vec<String> = sorted.into_iter().map(|ms| format!("{:?}", show_duration(ms))).collect();
        report.push(
            Diagnostic::new(LINT.code, format!("`{}` retries sooner, not later", queue.name()))
                .label(
                    field.span,
                    format!(
                        "after {} it waits only {}",
                        show_duration(steps[at]),
                        show_duration(steps[at + 1])
                    ),
                )
                .note("a dependency that is down gets no time to come back")
                .help(format!("write `retry {} then=…`", sorted.join(" "))),
        );
    }
}
