//! A binding states a key that its exchange does not look at.

use std::cell::LazyCell;

use topoc_routing::ExchangeKind;

use super::{
    Context, Lint,
    edit::{bind, key_span, parallel, without_key},
    hint,
};
use crate::diag::{Diagnostic, Report};

pub(super) const LINT: Lint = Lint {
    code: hint("R007", "key-on-fanout-ignored", "A binding states a key that its exchange does not look at."),
    page: include_str!("key_on_fanout_ignored.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let parallel = LazyCell::new(|| parallel(context));
    for binding in context.topology.bindings().filter(|binding| !binding.routing_key().is_empty()) {
        let word = match context.routes_as(binding) {
            Some(ExchangeKind::Fanout) => "fanout",
            Some(ExchangeKind::Random) => "random",
            _ => continue,
        };
        let source = binding.source();
        let mut diagnostic = Diagnostic::new(
            LINT.code,
            format!("`{}` gets what `{source}` gives it, whatever the key", binding.destination()),
        )
        .label(key_span(binding), "this key selects nothing");
        if let Some(exchange) = context.topology.exchange(binding.vhost(), source) {
            diagnostic = diagnostic
                .label(exchange.0.span_of("type"), format!("a {word} exchange does not look at keys"));
        }
        let mended = without_key(binding, &parallel);
        report.push(diagnostic.mend(mended).given(binding.0.extent).help(format!(
            "write `{}`, or `type=\"direct\"` on the exchange if only that key is meant",
            bind(source, "")
        )));
    }
}
