//! The one active consumer holds much that the next one has to begin again.

use super::{Context, Lint, context::Hears, hint, prefetch_unlimited::stated};
use crate::diag::{Diagnostic, Report};

/// So many may be on their way to a consumer far away.
const MANY: i64 = 64;

pub(super) const LINT: Lint = Lint {
    code: hint(
        "C013",
        "sac-high-prefetch",
        "The one active consumer of a queue takes much that its successor has to begin again.",
    ),
    page: include_str!("sac_high_prefetch.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for (queue, hearer, prefetch) in stated(context) {
        let at_once = match hearer.how {
            Hears::Consumes(consumes) => consumes.concurrency,
            Hears::Answers(answers) => answers.concurrency,
        };
        let enough = at_once.unwrap_or(1).max(16);
        if prefetch <= MANY.max(enough) || !queue.0.flag("single-active-consumer") {
            continue;
        }
        let (service, name) = (&hearer.service.name.text, queue.name());
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("when `{service}` stops, the next consumer of `{name}` begins up to {prefetch} messages again"),
            )
            .label(hearer.span(), "so many may be delivered and not yet acknowledged")
            .label(queue.0.span_of("single-active-consumer"), "only one consumer at a time gets messages")
            .note("what was handled and not yet acknowledged is delivered a second time, in its old order")
            .help(format!("write `prefetch={enough}`")),
        );
    }
}
