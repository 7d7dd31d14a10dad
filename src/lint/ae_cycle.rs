//! Alternate exchanges that lead in a circle.

use rustc_hash::FxHashMap;
use topoc_routing::ExchangeKind;

use super::{Context, Lint, warning};
use crate::{
    diag::{Diagnostic, Report, Span},
    graph::circles,
};

pub(super) const LINT: Lint = Lint {
    code: warning("R015", "ae-cycle", "Alternate exchanges lead in a circle."),
    page: include_str!("ae_cycle.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let mut ways: FxHashMap<(&str, &str), (&str, Span)> = FxHashMap::default();
    for exchange in context.topology.exchanges().filter(|exchange| !exchange.0.external) {
        if let Some(source) = context.graph.effective.value(exchange.0, "alternate-exchange")
            && let Some(next) = source.field().value.as_text()
            && !takes_all(context, exchange.vhost(), exchange.name())
        {
            ways.insert((exchange.vhost(), exchange.name()), (next, source.field().span));
        }
    }
    let edges = ways.iter().map(|(from, (to, _))| (*from, (from.0, *to)));
    for circle in circles(edges) {
        let names: Vec<&str> = circle.iter().map(|(_, name)| *name).collect();
        let around: Vec<String> = names.iter().chain(names.first()).map(|name| format!("`{name}`")).collect();
        let mut diagnostic = Diagnostic::new(
            LINT.code,
            format!("alternate exchanges lead in a circle: {}", around.join(" → ")),
        );
        for place in &circle {
            if let Some((next, span)) = ways.get(place) {
                diagnostic = diagnostic.label(*span, format!("from `{}` to `{next}`", place.1));
            }
        }
        let last = names.last().copied().unwrap_or("");
        report.push(
            diagnostic
                .note("the broker visits each exchange once: what none of them routes is dropped")
                .help(format!("let the chain end: `exchange {last:?} type=\"fanout\"` with a queue bound, without an `alternate-exchange`")),
        );
    }
}

/// A fanout exchange with a binding: nothing falls through it.
fn takes_all(context: &Context<'_, '_>, vhost: &str, name: &str) -> bool {
    let Some(routes) = context.graph.routes(vhost) else { return false };
    let Some(id) = routes.topology.exchange_id(name) else { return false };
    *routes.topology.exchange(id).kind.matching() == ExchangeKind::Fanout
        && !routes.topology.bindings_of(id).is_empty()
}
