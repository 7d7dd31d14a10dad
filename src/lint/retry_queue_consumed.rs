//! A service consumes a delay queue, so nothing is delayed.

use super::{Context, Lint, dying::is_ladder_delay, warning};
use crate::diag::{Diagnostic, Report};

pub(super) const LINT: Lint = Lint {
    code: warning("D013", "retry-queue-consumed", "A service consumes a delay queue, so nothing is delayed."),
    page: include_str!("retry_queue_consumed.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for at in context.queues() {
        let Some(hearer) = context.hearers(at.queue).first() else { continue };
        let ttl = context.value(at.queue, "message-ttl");
        let goes_back = || context.goes_round_with(at).any(|other| context.is_consumed(other));
        let (span, why) = match ttl {
            _ if is_ladder_delay(at.queue) => (at.queue.0.span, "this `retry` delays by it"),
            Some(ttl) if goes_back() => (ttl.field().span, "messages are to wait here and then go back"),
            _ => continue,
        };
        let (name, service) = (at.queue.name(), &hearer.service.name.text);
        report.push(
            Diagnostic::new(LINT.code, format!("`{service}` takes messages from the delay queue `{name}`"))
                .label(hearer.span(), "taken here at once")
                .label(span, why)
                .note("a delay queue delays because nobody reads it")
                .help(format!("remove `consumes \"{name}\"` from service `{service}`")),
        );
    }
}
