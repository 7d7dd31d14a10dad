//! Something durable is bound to an exchange that a restart deletes.

use std::collections::BTreeMap;

use super::{Context, Lint, warning};
use crate::{
    diag::{Diagnostic, Report},
    topology::Binding,
};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "C002",
        "durable-flow-transient-hop",
        "A durable queue or exchange is bound to an exchange that a restart deletes.",
    ),
    page: include_str!("durable_flow_transient_hop.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let topology = context.topology;
    let mut bound: BTreeMap<(&str, &str), Vec<Binding<'_>>> = BTreeMap::new();
    for binding in topology.bindings() {
        let (vhost, name) = (binding.vhost(), binding.destination());
        let destination = if binding.to_exchange() {
            topology.exchange(vhost, name).map(|exchange| exchange.0)
        } else {
            topology.queue(vhost, name).map(|queue| queue.0)
        };
        let transient = |source: &str| {
            topology
                .exchange(vhost, source)
                .is_some_and(|exchange| !exchange.0.flag("durable") && !exchange.0.external)
        };
        if destination.is_some_and(|to| to.flag("durable")) && transient(binding.source()) {
            bound.entry((vhost, binding.source())).or_default().push(binding);
        }
    }
    for ((vhost, name), bindings) in bound {
        let (Some(exchange), Some(first)) = (topology.exchange(vhost, name), bindings.first()) else {
            continue;
        };
        let more = match bindings.len() - 1 {
            0 => String::new(),
            1 => ", and so is 1 binding more".to_owned(),
            others => format!(", and so are {others} bindings more"),
        };
        report.push(
            Diagnostic::new(LINT.code, format!("what is bound to `{name}` gets nothing after a restart"))
                .label(
                    exchange.0.span_of("durable"),
                    "the exchange and its bindings are gone after a restart",
                )
                .label(first.0.span, format!("`{}` is durable and bound to it{more}", first.destination()))
                .note("publishers then get 404 NOT_FOUND, or confirms for messages that are discarded")
                .help(format!("remove `durable=#false` from `{name}`")),
        );
    }
}
