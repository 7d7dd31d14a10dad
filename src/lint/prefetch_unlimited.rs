//! A consumer takes the whole backlog at once.

use super::{
    Context, Lint,
    context::{Hearer, Hears},
    warning,
};
use crate::{
    diag::{Diagnostic, Report},
    topology::{Queue, QueueType},
};

pub(super) const LINT: Lint = Lint {
    code: warning("C019", "prefetch-unlimited", "A consumer takes the whole backlog into its memory."),
    page: include_str!("prefetch_unlimited.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for (queue, hearer, prefetch) in stated(context) {
        if prefetch != 0 || queue.queue_type(context.topology) == QueueType::Stream {
            continue;
        }
        let (service, name) = (&hearer.service.name.text, queue.name());
        report.push(
            Diagnostic::new(LINT.code, format!("`{service}` takes all of `{name}` at once"))
                .label(hearer.span(), "0 is no limit to the broker")
                .note("the consumers beside it get nothing, and when it dies everything is delivered again")
                .help("write `prefetch=16`"),
        );
    }
}

/// Every prefetch that is written, with whose it is and the queue.
pub(super) fn stated<'c, 'a>(
    context: &'c Context<'_, 'a>,
) -> impl Iterator<Item = (Queue<'a>, Hearer<'a>, i64)> + 'c {
    context.topology.queues().flat_map(move |queue| {
        let hearers = context.hearers(queue).iter();
        hearers.filter_map(move |hearer| {
            let prefetch = match hearer.how {
                Hears::Consumes(consumes) => consumes.prefetch?,
                Hears::Answers(answers) => answers.prefetch?,
            };
            Some((queue, *hearer, prefetch))
        })
    })
}
