//! An important message waits in a delayed exchange.

use std::collections::BTreeSet;

use topoc_routing::{Destination, ExchangeId};

use super::{Context, Lint, edit::publish_span, warning};
use crate::{
    diag::{Diagnostic, Report},
    graph::Flow,
};

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
        let delayed = exchanges(flow).into_iter().filter_map(|id| flow.routes.exchange(id));
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

/// The exchanges that a message may pass, the one that it is published to first.
pub(super) fn exchanges(flow: &Flow<'_, '_>) -> BTreeSet<ExchangeId> {
    let bindings = flow.reach.bindings.keys().map(|id| flow.routes.topology.binding(*id).destination);
    let passed = bindings.filter_map(|destination| match destination {
        Destination::Exchange(exchange) => Some(exchange),
        Destination::Queue(_) => None,
    });
    passed.chain([flow.exchange]).collect()
}
