//! A queue in which dead letters end, and which nobody reads.

use std::collections::BTreeMap;

use topoc_routing::QueueKind;

use super::{
    Context, Lint,
    dying::{is_ladder_delay, is_made},
    hint,
};
use crate::{
    diag::{Diagnostic, Report, Span},
    syntax::quote,
    topology::Queue,
};

pub(super) const LINT: Lint = Lint {
    code: hint("D015", "dlq-unwatched", "Dead letters end in a queue that no service consumes."),
    page: include_str!("dlq_unwatched.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    if !context.says_who_consumes() {
        return;
    }
    let last: BTreeMap<(&str, &str), Queue<'_>> = context
        .topology
        .queues()
        .filter_map(|queue| Some(((queue.vhost(), queue.0.text("retry-then")?), queue)))
        .collect();
    for at in context.queues().filter(|at| !at.queue.0.external && !is_ladder_delay(at.queue)) {
        let passes_on = at.known().dead_letter_exchange.is_some() || at.known().kind == QueueKind::Stream;
        if passes_on || context.is_consumed(at.queue) || context.is_shovelled(at.queue) {
            continue;
        }
        let dead = at.dead.source_of(at.id).and_then(|source| at.other(source));
        let dead = dead.map(|from| (from.queue, context.dead_letter_span(from.queue)));
        // services put there what has been through all steps of a ladder
        let ladder = || last.get(&(at.queue.vhost(), at.queue.name())).copied();
        let from = dead.or_else(|| ladder().map(|queue| (queue, queue.0.span_of("retry-then"))));
        if from.is_some() || is_made(at.queue) {
            report.push(say(at.queue, from));
        }
    }
}

fn say(queue: Queue<'_>, from: Option<(Queue<'_>, Span)>) -> Diagnostic {
    let name = queue.name();
    let mut diagnostic =
        Diagnostic::new(LINT.code, format!("dead letters end in `{name}`, and nobody reads it"))
            .label(queue.0.span, "no service consumes it");
    // the `retry` that made it is where they come from
    if let Some((from, span)) = from.filter(|_| !is_made(queue)) {
        diagnostic = diagnostic.label(span, format!("those of `{}` go there", from.name()));
    }
    diagnostic.note("a dead letter is work that was promised and not done").help(format!(
        "in a service, write `consumes {}`; or, in the queue, `allow \"dlq-unwatched\" because=\"…\"` with the alert \
         that watches it",
        quote(name)
    ))
}
