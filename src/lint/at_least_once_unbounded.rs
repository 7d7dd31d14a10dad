//! At-least-once dead-lettering without a bound on what it keeps.

use super::{Context, Lint, dying::is_made, warning};
use crate::diag::{Diagnostic, Report};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "D007",
        "at-least-once-unbounded",
        "A queue that keeps its dead letters until they are confirmed has no length limit.",
    ),
    page: include_str!("at_least_once_unbounded.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for at in context.queues().filter(|at| !at.queue.0.external && !is_made(at.queue)) {
        let known = at.known();
        if known.effective_strategy() != topoc_routing::Strategy::AtLeastOnce
            || known.max_length.is_some()
            || known.max_length_bytes.is_some()
        {
            continue;
        }
        let Some(strategy) = context.value(at.queue, "dead-letter-strategy") else { continue };
        let name = at.queue.name();
        report.push(
            Diagnostic::new(LINT.code, format!("`{name}` keeps dead letters without a bound"))
                .label(strategy.field().span, "they stay in the queue until their target has confirmed them")
                .note("while the target is away or full they pile up, until the node's disk alarm blocks every publisher")
                .help(format!("in `{name}`, write `max-length 100_000`")),
        );
    }
}
