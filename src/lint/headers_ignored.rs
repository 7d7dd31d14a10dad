//! A binding compares headers at an exchange that does not look at them.

use topoc_routing::ExchangeKind;

use super::{Context, Lint, edit::bind, error};
use crate::{
    diag::{Diagnostic, Report, with_article},
    kind::Provenance,
    syntax::quote,
};

pub(super) const LINT: Lint = Lint {
    code: error(
        "R020",
        "headers-ignored",
        "A binding compares headers at an exchange that does not look at them.",
    ),
    page: include_str!("headers_ignored.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for binding in context.topology.bindings() {
        let (source, written) = (binding.source(), binding.0.provenance == Provenance::Written);
        // an exchange of a plugin's type may look at arguments
        let of_type = match context.routes_as(binding) {
            Some(ExchangeKind::Direct) => "direct",
            Some(ExchangeKind::Topic) => "topic",
            Some(ExchangeKind::Fanout) => "fanout",
            _ => continue,
        };
        let Some(first) = binding.arguments().find(|(name, _)| !name.starts_with("x-")) else { continue };
        if !written || binding.0.external {
            continue;
        }
        let mut diagnostic = Diagnostic::new(
            LINT.code,
            format!("`{source}` is {} exchange, and looks at no headers", with_article(of_type)),
        )
        .label(first.1.span, "compared with nothing");
        if let Some(exchange) = context.topology.exchange(binding.vhost(), source) {
            diagnostic = diagnostic.label(exchange.0.span_of("type"), "headers are for headers exchanges");
        }
        report.push(
            diagnostic
                .note(format!(
                    "the broker keeps them as arguments, and routes by the key {} alone",
                    quote(binding.routing_key())
                ))
                .help(match context.topology.exchange(binding.vhost(), source) {
                    Some(_) => format!(
                        "write `type=\"headers\"` on the exchange, or `{}`",
                        bind(source, binding.routing_key())
                    ),
                    None => format!("bind a headers exchange: `{}`", bind("amq.headers", "")),
                }),
        );
    }
}
