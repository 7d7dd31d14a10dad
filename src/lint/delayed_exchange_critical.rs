//! An important message waits in a delayed exchange.

use super::{Context, Lint, edit::publish_span, warning};
use crate::diag::{Diagnostic, Report};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "C011",
        "delayed-exchange-critical",
        "An important message waits in a delayed exchange, which keeps one copy of it.",
    ),
    page: include_str!("delayed_exchange_critical.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for (message, flow) in context.flows().filter(|(message, _)| message.is_important()) {
        let delayed = flow.exchanges().into_iter().filter_map(|id| flow.routes.exchange(id));
        for exchange in delayed.filter(|exchange| exchange.text("type") == Some("x-delayed-message")) {
            let said = &message.name.text;
            report.push(
                Diagnostic::new(LINT.code, format!("`{said}` waits in `{}`", exchange.name()))
                    .label(
                        exchange.span_of("type"),
                        "what waits here is on one node, in no queue, and goes when the plugin does",
                    )
                    .label(publish_span(message), "published here")
                    .label(message.definition.span_of("important"), format!("`{said}` must not be lost"))
                    .note("a publisher is told `confirmed` before any queue has it, and what cannot be routed later is dropped")
                    .help("delay it in a quorum queue with a `message-ttl` and a `dead-letter`, or by a `retry` ladder"),
            );
        }
    }
}
