//! A message is published to an exchange that takes none from clients.

use super::{Context, Lint, edit::publish_span, error};
use crate::{
    diag::{Diagnostic, Report},
    topology::Exchange,
};

pub(super) const LINT: Lint = Lint {
    code: error(
        "R018",
        "publish-internal-exchange",
        "A message is published to an exchange that takes none from clients.",
    ),
    page: include_str!("publish_internal_exchange.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for message in context.topology.contract.messages.iter().filter(|message| !message.definition.external) {
        let Some(reference) = &message.exchange else { continue };
        let vhost = reference.found.as_deref().unwrap_or("");
        let Some(exchange) = context.topology.exchange(vhost, &reference.name.text) else { continue };
        if !exchange.0.flag("internal") {
            continue;
        }
        report.push(
            Diagnostic::new(
                LINT.code,
                format!(
                    "`{}` is published to the internal exchange `{}`",
                    message.name.text,
                    exchange.name()
                ),
            )
            .label(publish_span(message), "the broker refuses this …")
            .label(exchange.0.span_of("internal"), "… as only other exchanges may publish here")
            .note("the client gets 403 ACCESS_REFUSED, and its channel is closed")
            .help(help(context, exchange)),
        );
    }
}

fn help(context: &Context<'_, '_>, exchange: Exchange<'_>) -> String {
    let before = context.topology.bindings().find(|binding| {
        binding.to_exchange()
            && binding.vhost() == exchange.vhost()
            && binding.destination() == exchange.name()
    });
    match before {
        Some(binding) => format!(
            "write `publish-to {:?}`, to which `{}` is bound, or drop `internal`",
            binding.source(),
            exchange.name()
        ),
        None => "drop `internal`".to_owned(),
    }
}
