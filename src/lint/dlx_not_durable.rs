//! A durable queue's dead letters go where a restart deletes them.

use super::{Context, Lint, warning};
use crate::{
    diag::{Diagnostic, Report},
    kind::Definition,
};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "D009",
        "dlx-not-durable",
        "Dead letters of a durable queue go where a restart loses them.",
    ),
    page: include_str!("dlx_not_durable.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for at in context.queues().filter(|at| !at.queue.0.external && at.queue.0.flag("durable")) {
        let Some(dead) = at.dead.of(at.id) else { continue };
        let exchange = at.routes.exchange(dead.exchange);
        let queues = at.dead.targets(at.id).filter_map(|queue| Some(at.routes.queue(queue)?.0));
        let is_transient = |place: &&Definition| !place.flag("durable") && !place.external;
        let Some(place) = exchange.into_iter().chain(queues).find(is_transient) else { continue };
        let (name, word) = (place.name(), place.kind.word());
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("dead letters of `{}` do not outlive a restart", at.queue.name()),
            )
            .label(context.dead_letter_span(at.queue), format!("they go to the {word} `{name}` …"))
            .label(place.span_of("durable"), "… which is gone after a restart of its node")
            .note("a restart is when dead letters are looked for")
            .help(format!("remove `durable=#false` from the {word} `{name}`")),
        );
    }
}
