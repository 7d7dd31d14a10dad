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
    let queues = context.topology.queues().filter(|queue| !queue.0.external && !is_made(*queue));
    let found = queues.filter_map(|queue| {
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
        Some((Some((queue.0.span, hearer.service.name.span)), (queue, message, *hearer)))
    });
    for group in together(found) {
        let (queue, message, hearer) = group[0];
        let (name, said, service) = (queue.name(), &message.name.text, &hearer.service.name.text);
        let dead = quote(&format!("{name}.dead"));
        report.push(
            Diagnostic::new(
                LINT.code,
                format!(
                    "a `{said}` that `{service}` cannot handle comes back to {} for ever",
                    and_others(name, group.len())
                ),
            )
            .label(queue.0.span_of("type"), "a classic queue counts no deliveries")
            .label(hearer.span(), "what fails here is returned, and delivered again")
            .label(message.definition.span_of("important"), format!("`{said}` cannot just be dropped"))
            .help(format!(
                "in `{name}`, write `retry \"5s\" \"1m\" then={dead}`, or `type \"quorum\"` and a `delivery-limit`"
            )),
        );
    }
}
