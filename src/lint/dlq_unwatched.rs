//! A queue in which dead letters end, and which nobody reads.

use topoc_routing::QueueKind;

use super::{
    Context, Lint,
    dying::{InVhost, is_ladder_delay, is_made},
    hint,
};
use crate::{
    diag::{Diagnostic, Report},
    syntax::quote,
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
    for at in context.queues().filter(|at| !at.queue.0.external && !is_ladder_delay(at.queue)) {
        let passes_on = at.known().dead_letter_exchange.is_some() || at.known().kind == QueueKind::Stream;
        if passes_on || context.is_consumed(at.queue) || context.is_shovelled(at.queue) {
            continue;
        }
        let from = at.dead.source_of(at.id).and_then(|source| at.other(source));
        if from.is_some() || is_made(at.queue) {
            report.push(say(context, at, from));
        }
    }
}

fn say<'a>(context: &Context<'_, 'a>, at: InVhost<'_, 'a>, from: Option<InVhost<'_, 'a>>) -> Diagnostic {
    let name = at.queue.name();
    let mut diagnostic =
        Diagnostic::new(LINT.code, format!("dead letters end in `{name}`, and nobody reads it"))
            .label(at.queue.0.span, "no service consumes it");
    // the `retry` that made it is where they come from
    if let Some(from) = from.filter(|_| !is_made(at.queue)) {
        diagnostic = diagnostic.label(
            context.dead_letter_span(from.queue),
            format!("those of `{}` go there", from.queue.name()),
        );
    }
    diagnostic.note("a dead letter is work that was promised and not done").help(format!(
        "in a service, write `consumes {}`; or, in the queue, `allow \"dlq-unwatched\" because=\"…\"` with the alert \
         that watches it",
        quote(name)
    ))
}
