//! A quorum queue drops what it has delivered too often.

use topoc_routing::QueueKind;

use super::{
    Context, Lint,
    arg_wrong_queue_type::misplaced,
    context::Hears,
    dying::{InVhost, is_made},
    warning,
};
use crate::{
    diag::{Diagnostic, Report},
    syntax::quote,
    topology::QueueType,
};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "C005",
        "quorum-no-dlx",
        "A quorum queue has no dead letters, so it drops what nobody can handle.",
    ),
    page: include_str!("quorum_no_dlx.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for at in context.queues().filter(|at| is_judged(context, *at)) {
        let name = at.queue.name();
        let limit = context.value(at.queue, "delivery-limit");
        let stated = limit.and_then(|limit| limit.field().value.as_integer());
        let after = match stated {
            Some(limit) => format!("returned more than {limit} times"),
            None => "returned more than 20 times (the default from RabbitMQ 4.0 on)".to_owned(),
        };
        let dead = quote(&format!("{name}.dead"));
        report.push(
            Diagnostic::new(LINT.code, format!("`{name}` drops messages that nobody can handle"))
                .label(
                    limit.map_or(at.queue.0.span, |limit| limit.field().span),
                    format!("what is {after} is dropped"),
                )
                .note("without a dead-letter exchange nothing is left of them")
                .help(format!(
                    "in `{name}`, write `dead-letter \"\" routing-key={dead}`, and declare `queue {dead}`"
                )),
        );
    }
}

fn is_judged<'a>(context: &Context<'_, 'a>, at: InVhost<'_, 'a>) -> bool {
    let known = at.known();
    // a question that is lost is asked again by who waits for the answer
    let consumed = || context.hearers(at.queue).iter().any(|hearer| matches!(hearer.how, Hears::Consumes(_)));
    known.kind == QueueKind::Quorum
        && known.dead_letter_exchange.is_none()
        && known.delivery_limit.is_none_or(|limit| limit >= 0)
        && !at.queue.0.external
        && !is_made(at.queue)
        // who states a key has a lint for it
        && known.dead_letter_routing_key.is_none()
        // its type is in question while it has what another type has
        && misplaced(at.queue.0, QueueType::Quorum).next().is_none()
        && (!context.says_who_consumes() || consumed())
        && !context.is_parking(at)
}
