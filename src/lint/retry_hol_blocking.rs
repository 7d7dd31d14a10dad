//! A delay queue whose messages leave by their own time to live, one behind the other.

use super::{Context, Lint, dying::is_made, warning};
use crate::diag::{Diagnostic, Report};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "D011",
        "retry-hol-blocking",
        "A delay queue has no `message-ttl`, so messages wait for those in front of them.",
    ),
    page: include_str!("retry_hol_blocking.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    if !context.says_who_consumes() {
        return;
    }
    for at in context.queues().filter(|at| !at.queue.0.external && !is_made(at.queue)) {
        // one that drops what is over its limit, or that a shovel drains, passes messages on in another way
        if at.known().message_ttl.is_some()
            || context.is_consumed(at.queue)
            || context.is_shovelled(at.queue)
            || at.known().can_die(topoc_routing::Reason::MaxLength, at.routes.topology.version())
        {
            continue;
        }
        let target = at.dead.targets(at.id).filter_map(|queue| at.routes.queue(queue));
        let Some(target) = target.into_iter().find(|queue| context.is_consumed(*queue)) else { continue };
        let name = at.queue.name();
        report.push(
            Diagnostic::new(LINT.code, format!("messages in `{name}` wait for those in front of them"))
                .label(at.queue.0.span, "nobody consumes this queue, and it has no `message-ttl` …")
                .label(
                    target.0.span,
                    format!("… so what is meant for `{}` leaves only as it expires at the front", target.name()),
                )
                .note("a message that came by dead-lettering has lost its own time to live, and never leaves")
                .help(format!("write one queue for each delay, each with its own time: `message-ttl \"30s\"` in `{name}`")),
        );
    }
}
