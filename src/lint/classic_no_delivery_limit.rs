//! An important message that cannot be handled goes round in a classic queue for ever.

use super::{
    Context, Lint,
    context::Hears,
    dying::is_made,
    edit::{and_others, together},
    warning,
};
use crate::{
    diag::{Diagnostic, Report},
    syntax::quote,
    topology::QueueType,
};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "C007",
        "classic-no-delivery-limit",
        "An important message that cannot be handled goes round in a classic queue for ever.",
    ),
    page: include_str!("classic_no_delivery_limit.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let queues = context.queues().filter(|at| !at.queue.0.external && !is_made(at.queue));
    let found = queues.filter_map(|at| {
        let queue = at.queue;
        let counted = queue.queue_type(context.topology) != QueueType::Classic
            || queue.0.field("retry").is_some()
            // what expires ends the round
            || context.value(queue, "message-ttl").is_some();
        let message = context.important(queue).filter(|_| !counted)?;
        let returns = |hears: &Hears<'_>| matches!(hears, Hears::Consumes(consumes) if !consumes.auto_ack);
        let hearer = context
            .hearers(queue)
            .iter()
            .find(|hearer| returns(&hearer.how) && hearer.handles(&message.name.text))?;
        // a loop or a template makes many queues of one line, and a service is one place to mend
        Some((Some((queue.0.span, hearer.service.name.span)), (at, message, *hearer)))
    });
    for group in together(found) {
        let (at, message, hearer) = group[0];
        let (name, said, service) = (at.queue.name(), &message.name.text, &hearer.service.name.text);
        // where its dead letters go already, what is given up goes too
        let dead = at.dead.targets(at.id).find_map(|queue| at.routes.queue(queue));
        let dead = dead.map_or_else(|| format!("{name}.dead"), |queue| queue.name().to_owned());
        report.push(
            Diagnostic::new(
                LINT.code,
                format!(
                    "a `{said}` that `{service}` cannot handle comes back to {} for ever",
                    and_others(name, group.len())
                ),
            )
            .label(at.queue.0.span_of("type"), "a classic queue counts no deliveries")
            .label(hearer.span(), "what fails here is returned, and delivered again")
            .label(message.definition.span_of("important"), format!("`{said}` cannot just be dropped"))
            .help(format!("in `{name}`, write `retry \"5s\" \"1m\" then={}`", quote(&dead))),
        );
    }
}
