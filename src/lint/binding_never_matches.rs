//! A binding that none of the keys published to its exchange can match.

use std::collections::{BTreeMap, BTreeSet};

use topoc_routing::{BindingId, ExchangeId, ExchangeKind};

use super::{
    Context, Lint,
    edit::{COMPARED, bind, key_span, pattern, publish_span},
    topic_wildcard_partial_word::partial_word,
    warning, wildcard_on_direct,
};
use crate::{
    diag::{Diagnostic, Report},
    kind::Provenance,
    topology::{Binding, Message},
};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "R003",
        "binding-never-matches",
        "No key that is published to the exchange matches a binding.",
    ),
    page: include_str!("binding_never_matches.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    keyless(context, report);
    for (vhost, routes) in context.graph.vhosts() {
        let Some(arrivals) = context.arrivals(vhost) else { continue };
        let mut published: BTreeMap<ExchangeId, Vec<&Message>> = BTreeMap::new();
        for (message, flow) in context.flows().filter(|(_, flow)| std::ptr::eq(flow.routes, routes)) {
            published.entry(flow.exchange).or_default().push(message);
        }
        for (exchange, messages) in &published {
            let kind = routes.topology.exchange(*exchange).kind.matching();
            if !matches!(kind, ExchangeKind::Direct | ExchangeKind::Topic) || arrivals.open.contains(exchange)
            {
                continue;
            }
            let unmatched = |id: &&BindingId| !arrivals.bindings.contains(id);
            for id in routes.topology.bindings_of(*exchange).iter().filter(unmatched) {
                let Some(binding) = routes.binding(*id) else { continue };
                let told = match kind {
                    ExchangeKind::Topic => {
                        binding.routing_key().is_empty() || partial_word(binding.routing_key()).is_some()
                    }
                    _ => wildcard_on_direct::concerns(binding.routing_key()),
                };
                if !told && binding.0.provenance == Provenance::Written && !binding.0.external {
                    report.push(never(binding, messages, *kind == ExchangeKind::Topic));
                }
            }
        }
    }
}

/// A binding without a key is for everything where keys do not count; a topic exchange takes it at its word.
fn keyless(context: &Context<'_, '_>, report: &mut Report) {
    for (_, routes) in context.graph.vhosts() {
        let mut taken = BTreeSet::new();
        for (_, flow) in context.flows().filter(|(_, flow)| std::ptr::eq(flow.routes, routes)) {
            taken.extend(flow.reach.bindings.keys().copied());
        }
        for (id, known) in routes.topology.bindings() {
            let Some(binding) = routes.binding(id) else { continue };
            let topic = *routes.topology.exchange(known.source).kind.matching() == ExchangeKind::Topic;
            let written = binding.0.provenance == Provenance::Written && !binding.0.external;
            // headers are what it goes by, and `headers-ignored` speaks of that
            let headers = binding.arguments().next().is_some();
            if !binding.routing_key().is_empty() || headers || !topic || !written || taken.contains(&id) {
                continue;
            }
            let (source, destination) = (binding.source(), binding.destination());
            report.push(
                Diagnostic::new(
                    LINT.code,
                    format!("`{destination}` is bound to the topic exchange `{source}` without a key"),
                )
                .label(binding.0.span, "only messages with an empty key match")
                .note("whoever waits for others waits in vain, and the broker sees nothing wrong")
                .help(format!("write `{}` for all messages, or the key that is meant", bind(source, "#"))),
            );
        }
    }
}

fn never(binding: Binding<'_>, messages: &[&Message], topic: bool) -> Diagnostic {
    let key = binding.routing_key();
    let shown = if key.is_empty() { "an empty key".to_owned() } else { format!("`{key}`") };
    let mut diagnostic = Diagnostic::new(
        LINT.code,
        format!("no message that is published to `{}` matches {shown}", binding.source()),
    )
    .label(key_span(binding), format!("`{}` gets nothing by this binding", binding.destination()));
    let near = messages
        .iter()
        .take(COMPARED)
        .min_by_key(|message| strsim::levenshtein(&message.routing_key.text, key));
    let mut edit = "remove the `bind`".to_owned();
    if let Some(near) = near {
        let name = &near.name.text;
        diagnostic = diagnostic.label(publish_span(near), format!("the nearest key is that of `{name}`"));
        if topic || !near.routing_key.text.contains('{') {
            edit = format!("write `{}`, or remove it", bind(binding.source(), &pattern(near)));
        }
    }
    diagnostic
        .note("whoever waits for it waits in vain, and the broker sees nothing wrong")
        .help(format!("{edit}; if others publish with that key, declare their message with `external`"))
}
