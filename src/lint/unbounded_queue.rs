//! A queue that nothing bounds.

use topoc_routing::QueueKind;

use super::{Context, Lint, dying::is_made, warning};
use crate::{
    diag::{Diagnostic, Report},
    topology::Queue,
};

pub(super) const LINT: Lint = Lint {
    code: warning("C014", "unbounded-queue", "A queue can grow until the node blocks every publisher."),
    page: include_str!("unbounded_queue.md"),
    check,
};

/// What bounds a queue.
const BOUNDS: [&str; 3] = ["max-length", "max-length-bytes", "message-ttl"];

/// A queue that is deleted after so long a time without a consumer goes before it grows: in milliseconds.
const A_DAY: i64 = 24 * 60 * 60 * 1000;

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let whole = |queue: Queue<'_>| !queue.0.external && !queue.0.garbled && !is_made(queue);
    for at in context.queues().filter(|at| whole(at.queue)) {
        let is_stated = |name: &&str| context.value(at.queue, name).is_some();
        let short = context.value(at.queue, "expires").and_then(|expires| expires.field().value.as_integer());
        let goes = at.queue.0.flag("auto-delete") || short.is_some_and(|time| time <= A_DAY);
        if goes || at.known().kind == QueueKind::Stream || BOUNDS.iter().any(is_stated) {
            continue;
        }
        report.push(
            Diagnostic::new(LINT.code, format!("`{}` has no bound", at.queue.name()))
                .label(at.queue.0.span, "it grows while its consumer is down")
                .note("until the node's memory or disk alarm, which blocks every publisher of the cluster")
                .help("write `max-length=100_000 overflow=\"reject-publish\"`, or a policy for many queues"),
        );
    }
}
