//! A delay queue whose messages leave by their own time to live, one behind the other.

use rustc_hash::FxHashMap;
use topoc_routing::QueueId;

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
    let times = one_time(context);
    for at in context.queues().filter(|at| !at.queue.0.external && !is_made(at.queue)) {
        if at.known().message_ttl.is_some()
            || context.is_consumed(at.queue)
            || context.is_shovelled(at.queue)
            || times.get(&(at.queue.vhost(), at.id)).is_some_and(|time| time.is_some())
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

/// The queues that messages are known to come to, with the one time to live that all of these state, if there is one:
/// then none stands behind another that lives longer.
fn one_time<'a>(context: &Context<'_, 'a>) -> FxHashMap<(&'a str, QueueId), Option<i64>> {
    let mut times = FxHashMap::default();
    for (message, flow) in context.flows() {
        let time = message.definition.integer("expiration");
        for (id, queue) in flow.queues().filter_map(|id| Some((id, flow.routes.queue(id)?))) {
            let known = times.entry((queue.vhost(), id)).or_insert(time);
            if *known != time {
                *known = None;
            }
        }
    }
    times
}
