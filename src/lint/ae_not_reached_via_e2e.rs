//! An alternate exchange never sees what is lost behind a binding to another exchange.

use std::collections::BTreeSet;

use topoc_routing::{Alternate, BindingId, By, Certainty, Destination, ExchangeId, Message, Topology};

use super::{Context, Lint, edit::publish_span, error};
use crate::{
    diag::{Diagnostic, Report},
    graph::{Flow, Routes, Source, is_open},
    syntax::quote,
};

pub(super) const LINT: Lint = Lint {
    code: error(
        "R013",
        "ae-not-reached-via-e2e",
        "What is lost behind a bound exchange never comes to the alternate exchange.",
    ),
    page: include_str!("ae_not_reached_via_e2e.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let mut told = BTreeSet::new();
    for (message, flow) in
        context.flows().filter(|(message, flow)| !message.definition.external && !flow.through_external)
    {
        let Some(lost) = flow.reach.lost.as_ref().filter(|lost| lost.certainty == Certainty::Always) else {
            continue;
        };
        if let Some((exchange, binding)) = bypassed(flow, &lost.key) {
            let place = flow.routes.binding(binding).map(|binding| binding.0.span);
            if !told.insert((place, exchange)) {
                continue;
            }
            let text = format!("`{}` with key `{}` is lost behind it", message.name.text, lost.key);
            let found = finding(context, flow.routes, exchange, binding, text);
            report.push(found.label(publish_span(message), "published here"));
        }
    }
    for (_, routes) in context.graph.vhosts() {
        for (id, exchange) in routes.topology.exchanges() {
            if exchange.alternate_exchange.is_none() {
                continue;
            }
            let place = |id| routes.binding(id).map(|binding| binding.0.span);
            if let Some(binding) =
                dead_end(routes, id).filter(|binding| !told.contains(&(place(*binding), id)))
            {
                report.push(finding(context, routes, id, binding, "nothing is bound behind it".to_owned()));
            }
        }
    }
}

/// The exchange whose alternate exchange would have taken a lost key, and the binding that took it instead.
pub(super) fn bypassed(flow: &Flow<'_, '_>, key: &str) -> Option<(ExchangeId, BindingId)> {
    let topology = &flow.routes.topology;
    let delivered = topology.route(flow.exchange, &Message::new(key));
    delivered.visits.iter().find_map(|visit| {
        let alternate = topology.exchange(visit.exchange).alternate_exchange.as_deref()?;
        let works = topology.exchange_id(alternate).is_some();
        // it has been asked: what is lost is lost behind it
        let asked = matches!(visit.alternate, Some(Alternate::Exchange(_)))
            || matches!(visit.by, Some(hop) if hop.by == By::Alternate);
        visit.matched.bindings().next().filter(|_| works && !asked).map(|binding| (visit.exchange, binding))
    })
}

/// The only binding of an exchange, if it leads to exchanges behind which there is no queue.
fn dead_end(routes: &Routes<'_>, exchange: ExchangeId) -> Option<BindingId> {
    let topology = &routes.topology;
    let [only] = topology.bindings_of(exchange) else { return None };
    let mut waiting = vec![*only];
    let mut seen = BTreeSet::from([exchange]);
    if is_open(routes, exchange) {
        return None;
    }
    while let Some(binding) = waiting.pop() {
        let Destination::Exchange(next) = topology.binding(binding).destination else { return None };
        if seen.insert(next) {
            let is = topology.exchange(next);
            if is_open(routes, next) || is.alternate_exchange.is_some() || !is.kind.is_known() {
                return None;
            }
            waiting.extend(topology.bindings_of(next));
        }
    }
    Some(*only)
}

fn finding(
    context: &Context<'_, '_>,
    routes: &Routes<'_>,
    exchange: ExchangeId,
    binding: BindingId,
    text: String,
) -> Diagnostic {
    let topology: &Topology = &routes.topology;
    let (name, alternate) =
        (&topology.exchange(exchange).name, &topology.exchange(exchange).alternate_exchange);
    let alternate = alternate.as_deref().unwrap_or("");
    let next = match topology.binding(binding).destination {
        Destination::Exchange(next) => &*topology.exchange(next).name,
        Destination::Queue(_) => "",
    };
    let mut diagnostic = Diagnostic::new(
        LINT.code,
        format!("the alternate exchange of `{name}` never sees what `{next}` loses"),
    );
    if let Some(binding) = routes.binding(binding) {
        diagnostic = diagnostic.label(binding.0.span, text);
    }
    if let Some(span) = routes
        .exchange(exchange)
        .and_then(|definition| context.graph.effective.value(definition, "alternate-exchange"))
        .map(Source::field)
        .map(|field| field.span)
    {
        diagnostic = diagnostic.label(span, "used only when no binding here matches");
    }
    diagnostic
        .note("a binding to another exchange is a match, even if that exchange routes nowhere: the message is discarded")
        .help(format!("give `{next}` its own: `alternate-exchange {}`", quote(alternate)))
}
