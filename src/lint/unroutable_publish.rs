//! A message can be published with a key that no queue receives.

use topoc_routing::{Certainty, ExchangeId, ExchangeKind, Message as Published, Topology};

use super::{
    Context, Lint,
    ae_not_reached_via_e2e::bypassed,
    edit::{COMPARED, bind, publish_span, some_words},
    error,
};
use crate::{
    diag::{Diagnostic, Report, Severity, nearest},
    graph::Flow,
    syntax::quote,
    topology::{KeyPart, Message},
};

pub(super) const LINT: Lint = Lint {
    code: error(
        "R001",
        "unroutable-publish",
        "A message can be published with a key that no queue receives.",
    ),
    page: include_str!("unroutable_publish.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for (message, flow) in context.flows().filter(|(message, _)| !message.definition.external) {
        let Some(lost) = flow.reach.lost.as_ref().filter(|lost| lost.certainty == Certainty::Always) else {
            continue;
        };
        let internal = flow.routes.topology.exchange(flow.exchange).internal;
        if flow.through_external || internal || bypassed(flow, &lost.key).is_some() {
            continue;
        }
        report.push(lost_keys(message, flow, &lost.key));
    }
    if let Some(first) = context.undecided().next() {
        let mut undecided = Diagnostic::new(
            LINT.code,
            format!(
                "where `{}` goes cannot be decided: its keys and the bindings combine in too many ways",
                first.name.text
            ),
        )
        .label(publish_span(first), "no lint speaks of where it goes")
        .help("give the parameters of its key fewer values, or the bindings fewer `#`");
        undecided.severity = Severity::Hint;
        report.push(undecided);
    }
}

fn lost_keys(message: &Message, flow: &Flow<'_, '_>, key: &str) -> Diagnostic {
    let name = &message.name.text;
    let routes = &flow.routes.topology;
    let exchange = routes.exchange(flow.exchange);
    let literal = flow.reach.queues.is_empty() && !message.routing_key.text.contains('{');
    let text = match (literal, flow.reach.queues.is_empty()) {
        (true, _) => format!("`{name}` is published with a key that no queue receives"),
        (false, true) => format!("`{name}` is published with keys that no queue receives"),
        (false, false) => format!("`{name}` can be published with keys that no queue receives"),
    };
    let shown = if key.is_empty() { "an empty key".to_owned() } else { format!("`{key}`") };
    let published =
        if literal { format!("published with {shown} …") } else { format!("{shown} is such a key …") };
    let mut diagnostic = Diagnostic::new(LINT.code, text).label(publish_span(message), published);
    if flow.exchange == Topology::DEFAULT_EXCHANGE {
        let queues = routes.queues().map(|(_, queue)| &*queue.name);
        return diagnostic
            .note("the default exchange routes by queue names; the broker discards the message and confirms it all the same")
            .help(match nearest(key, queues) {
                Some(near) => format!("write `routing-key={}`", quote(near)),
                None => format!("declare `queue {}`, or publish to an exchange that it is bound to", quote(key)),
            });
    }
    // another exchange may take it, and have no queue for it
    let end = dead_end(routes, flow.exchange, key);
    let bound = bound_keys(routes, flow.exchange, key);
    if let Some(definition) = flow.routes.exchange(flow.exchange) {
        let there = match (&end, bound.is_empty()) {
            (Some(_), _) => "… and what takes it here takes it no further".to_owned(),
            (None, true) => format!("… and nothing is bound to `{}`", exchange.name),
            (None, false) => format!("… and `{}` has bindings for {} only", exchange.name, keys(&bound)),
        };
        diagnostic = diagnostic.label(definition.span_of("name"), there);
    }
    if let Some(end) = end {
        let end = routes.exchange(end);
        let bound = bound_keys(routes, routes.exchange_id(&end.name).unwrap_or(flow.exchange), key);
        if let Some(definition) = routes.exchange_id(&end.name).and_then(|id| flow.routes.exchange(id)) {
            let there = match bound.as_slice() {
                [] => format!("`{}`, which takes it, has no queue", end.name),
                bound => format!("`{}`, which takes it, has bindings for {} only", end.name, keys(bound)),
            };
            diagnostic = diagnostic.label(definition.span_of("name"), there);
        }
        return diagnostic
            .note(format!("counter-example: {shown}; the broker discards it and confirms it all the same"))
            .help(format!(
                "bind a queue to `{}`: `{}`",
                end.name,
                bind(&end.name, &general(message, &end.kind, key))
            ));
    }
    let listed = if bound.is_empty() {
        "nothing".to_owned()
    } else {
        let named = |key: &String| if key.is_empty() { "an empty key".to_owned() } else { key.clone() };
        bound.iter().take(5).map(named).collect::<Vec<_>>().join(", ")
    };
    diagnostic
        .note(format!(
            "counter-example: {shown} (bound: {listed}); the broker discards it and confirms it all the same"
        ))
        .help(format!(
            "bind it: `{}`, or give `{}` an `alternate-exchange`",
            bind(&exchange.name, &general(message, &exchange.kind, key)),
            exchange.name
        ))
}

/// The exchange at which a key ends that another exchange was bound for.
fn dead_end(routes: &Topology, start: ExchangeId, key: &str) -> Option<ExchangeId> {
    let delivered = routes.route(start, &Published::new(key));
    let ends = delivered.visits.iter().filter(|visit| visit.matched.bindings().next().is_none());
    ends.map(|visit| visit.exchange).find(|end| *end != start)
}

/// Keys in backticks; an empty one in words.
fn keys(keys: &[String]) -> String {
    let named = |key: &String| if key.is_empty() { "an empty key".to_owned() } else { format!("`{key}`") };
    some_words(&keys.iter().map(named).collect::<Vec<_>>())
}

/// The keys that are bound, those most like the lost one first.
fn bound_keys(routes: &Topology, exchange: ExchangeId, key: &str) -> Vec<String> {
    let bindings =
        routes.bindings_of(exchange).iter().take(COMPARED).map(|id| &*routes.binding(*id).routing_key);
    let mut keys: Vec<&str> = bindings.collect();
    keys.sort_unstable();
    keys.dedup();
    keys.sort_by_cached_key(|bound| strsim::levenshtein(bound, key));
    keys.into_iter().map(str::to_owned).collect()
}

/// The binding key that takes the lost key and all that the message can be published with besides.
fn general(message: &Message, kind: &ExchangeKind, key: &str) -> String {
    if *kind.matching() != ExchangeKind::Topic {
        return key.to_owned();
    }
    let dotted = message.keys.iter().flat_map(|key| &key.one_of).any(|value| value.text.contains('.'));
    if dotted {
        return key.to_owned();
    }
    let mut text = String::new();
    for part in message.key_parts() {
        match part {
            KeyPart::Text(literal) => text.push_str(literal),
            // no routing key that can be typed has it
            KeyPart::Parameter(_) => text.push('\0'),
        }
    }
    text.split('.').map(|word| if word.contains('\0') { "*" } else { word }).collect::<Vec<_>>().join(".")
}
