//! A destination is bound twice to one consistent-hash exchange.

use rustc_hash::FxHashMap;
use topoc_routing::ExchangeKind;

use super::{Context, Lint, edit::bind, error};
use crate::{
    diag::{Diagnostic, Report},
    topology::Binding,
};

pub(super) const LINT: Lint = Lint {
    code: error(
        "R017",
        "hash-duplicate-destination",
        "A destination is bound twice to one consistent-hash exchange.",
    ),
    page: include_str!("hash_duplicate_destination.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let mut first: FxHashMap<_, Binding<'_>> = FxHashMap::default();
    for binding in context.topology.bindings() {
        if context.routes_as(binding) != Some(&ExchangeKind::ConsistentHash) {
            continue;
        }
        let ends = (binding.vhost(), binding.source(), binding.to_exchange(), binding.destination());
        let Some(earlier) = first.get(&ends) else {
            first.insert(ends, binding);
            continue;
        };
        report.push(
            Diagnostic::new(LINT.code, format!("`{}` is bound twice to `{}`", binding.destination(), binding.source()))
                .label(binding.0.span, "this weight is ignored …")
                .label(earlier.0.span, "… as this one is there already")
                .note("to delete either of them removes all buckets of the queue, which then gets nothing (rabbitmq-server#9641)")
                .help(format!("keep one, with the weight that is meant: `{}`", bind(binding.source(), binding.routing_key()))),
        );
    }
}
