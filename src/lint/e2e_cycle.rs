//! Exchange-to-exchange bindings that lead in a circle.

use rustc_hash::FxHashMap;

use super::{Context, Lint, hint};
use crate::{
    diag::{Diagnostic, Report},
    graph::circles,
    topology::Binding,
};

pub(super) const LINT: Lint = Lint {
    code: hint("R019", "e2e-cycle", "Exchange-to-exchange bindings lead in a circle."),
    page: include_str!("e2e_cycle.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let mut ways: FxHashMap<_, Binding<'_>> = FxHashMap::default();
    for binding in context.topology.bindings().filter(|binding| binding.to_exchange()) {
        let ends = ((binding.vhost(), binding.source()), (binding.vhost(), binding.destination()));
        ways.entry(ends).or_insert(binding);
    }
    for circle in circles(ways.keys().copied()) {
        let next = circle.iter().cycle().skip(1);
        let hops: Vec<Binding<'_>> =
            circle.iter().zip(next).filter_map(|(from, to)| ways.get(&(*from, *to)).copied()).collect();
        let around: Vec<String> =
            circle.iter().chain(circle.first()).map(|(_, name)| format!("`{name}`")).collect();
        let mut diagnostic =
            Diagnostic::new(LINT.code, format!("exchanges are bound in a circle: {}", around.join(" → ")));
        for hop in &hops {
            diagnostic =
                diagnostic.label(hop.0.span, format!("from `{}` to `{}`", hop.source(), hop.destination()));
        }
        let last = hops.last().map_or_else(String::new, |hop| {
            format!(
                "remove `bind {:?}` from `{}`, unless both are meant to hear the same",
                hop.source(),
                hop.destination()
            )
        });
        report.push(
            diagnostic
                .note("it is legal, the broker passes each exchange once; but whoever publishes to one reaches the queues of all")
                .help(last),
        );
    }
}
