//! A delay queue whose dead letters reach other queues too on their way back.

use super::{Context, Lint, error};
use crate::{
    diag::{Diagnostic, Report},
    syntax::quote,
};

pub(super) const LINT: Lint = Lint {
    code: error(
        "D014",
        "retry-rejoins-fanout",
        "What one queue retries is given again to queues that had done their work.",
    ),
    page: include_str!("retry_rejoins_fanout.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for at in context.queues().filter(|at| at.known().message_ttl.is_some() && !at.queue.0.external) {
        if context.is_consumed(at.queue) || context.goes_round_with(at).next().is_none() {
            continue;
        }
        let Some(way) = at.dead.way_round(at.id, |_| true).filter(|way| way.len() > 1) else { continue };
        let other = at.dead.targets(at.id).find(|target| !way.contains(target));
        let (Some(work), Some(other)) = (
            way.get(1).and_then(|work| at.routes.queue(*work)),
            other.and_then(|other| at.routes.queue(other)),
        ) else {
            continue;
        };
        let (name, other_name) = (at.queue.name(), other.name());
        let exchange = at.known().dead_letter_exchange.as_deref().unwrap_or("");
        let binding = context.inbound(other).iter().find(|binding| binding.source() == exchange);
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("what `{name}` gives back to `{}` also goes to `{other_name}`", work.name()),
            )
            .label(context.dead_letter_span(at.queue), format!("meant for `{}` …", work.name()))
            .label(
                binding.map_or(other.0.span, |binding| binding.0.span),
                format!("… and `{other_name}` takes it again"),
            )
            .note("each attempt of one service repeats the work of the others")
            .help(format!("in `{name}`, write `dead-letter \"\" routing-key={}`", quote(work.name()))),
        );
    }
}
