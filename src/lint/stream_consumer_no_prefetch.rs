//! A consumer of a stream without a window.

use super::{Context, Lint, error, prefetch_unlimited::stated};
use crate::{
    diag::{Diagnostic, Report},
    topology::QueueType,
};

pub(super) const LINT: Lint = Lint {
    code: error(
        "C024",
        "stream-consumer-no-prefetch",
        "The broker refuses a consumer of a stream without a limit on what it is sent.",
    ),
    page: include_str!("stream_consumer_no_prefetch.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for (queue, hearer, prefetch) in stated(context) {
        if prefetch != 0 || queue.queue_type(context.topology) != QueueType::Stream {
            continue;
        }
        let (service, name) = (&hearer.service.name.text, queue.name());
        report.push(
            Diagnostic::new(LINT.code, format!("`{service}` cannot consume the stream `{name}`"))
                .label(hearer.span(), "0 is no limit, and a stream wants one")
                .label(queue.0.span, "this is a stream")
                .note("the broker answers 406 PRECONDITION_FAILED: consumer prefetch count is not set")
                .help(format!("write `consumes \"{name}\" prefetch=100`")),
        );
    }
}
