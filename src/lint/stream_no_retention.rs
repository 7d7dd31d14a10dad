//! A stream that keeps everything.

use topoc_routing::QueueKind;

use super::{Context, Lint, dying::is_made, warning};
use crate::diag::{Diagnostic, Report};

pub(super) const LINT: Lint = Lint {
    code: warning("C023", "stream-no-retention", "A stream keeps everything until the disk is full."),
    page: include_str!("stream_no_retention.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for at in context.queues().filter(|at| !at.queue.0.external && at.known().kind == QueueKind::Stream) {
        if ["max-age", "max-length-bytes"].iter().any(|name| context.value(at.queue, name).is_some()) {
            continue;
        }
        // a super stream is reported once, by its first partition
        let name = match at.queue.name().strip_suffix("-0") {
            Some(whole) if is_made(at.queue) => whole,
            None if is_made(at.queue) => continue,
            _ => at.queue.name(),
        };
        report.push(
            Diagnostic::new(LINT.code, format!("`{name}` keeps everything"))
                .label(at.queue.0.span, "reading takes nothing off a stream")
                .note("it grows until the disk alarm, which blocks every publisher of the cluster")
                .help("write `max-age=\"7D\"`, `max-length-bytes=\"20GB\"`, or both"),
        );
    }
}
