//! A consumer takes more at once than helps it.

use super::{Context, Lint, hint, prefetch_unlimited::stated};
use crate::{
    diag::{Diagnostic, Report},
    topology::QueueType,
};

pub(super) const LINT: Lint = Lint {
    code: hint("C020", "prefetch-extreme", "A consumer takes more messages at once than gains anything."),
    page: include_str!("prefetch_extreme.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for (queue, hearer, prefetch) in stated(context) {
        if prefetch <= 300 || queue.queue_type(context.topology) == QueueType::Stream {
            continue;
        }
        let (service, name) = (&hearer.service.name.text, queue.name());
        report.push(
            Diagnostic::new(LINT.code, format!("`{service}` takes {prefetch} messages of `{name}` at once"))
                .label(hearer.span(), "values above 300 gain little")
                .note("they cost memory, an even share between consumers, and repeats when one dies")
                .help("write `prefetch=300` or less"),
        );
    }
}
