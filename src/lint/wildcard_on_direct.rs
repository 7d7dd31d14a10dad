//! A direct exchange is bound with wildcards, which it compares as they stand.

use topoc_routing::{
    ExchangeKind,
    language::{KeyPattern, Language},
    topic,
};

use super::{
    Context, Lint,
    edit::{bind, key_span},
    error,
};
use crate::{
    diag::{Diagnostic, Report},
    graph::{is_predeclared, key_template},
    kind::Provenance,
    topology::Binding,
};

pub(super) const LINT: Lint = Lint {
    code: error(
        "R006",
        "wildcard-on-direct",
        "A direct exchange is bound with wildcards, which it takes as they stand.",
    ),
    page: include_str!("wildcard_on_direct.md"),
    check,
};

/// Whether a key holds a wildcard as a topic exchange would read it.
pub(super) fn concerns(key: &str) -> bool {
    topic::words(key).any(|word| matches!(word, "*" | "#"))
}

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for binding in context.topology.bindings().filter(|binding| concerns(binding.routing_key())) {
        let direct = context.routes_as(binding) == Some(&ExchangeKind::Direct);
        if !direct || binding.source().is_empty() || binding.0.provenance != Provenance::Written {
            continue;
        }
        let (source, key) = (binding.source(), binding.routing_key());
        let mut diagnostic =
            Diagnostic::new(LINT.code, format!("`{source}` is direct and takes `{key}` as it stands"))
                .label(key_span(binding), "no key but this very text is matched");
        if let Some(exchange) = context.topology.exchange(binding.vhost(), source) {
            diagnostic = diagnostic.label(exchange.0.span_of("type"), "wildcards are for topics");
        }
        let keys = meant(context, binding);
        report.push(diagnostic.note("a direct exchange compares keys byte by byte").help(
            if is_predeclared(source) {
                format!("bind a topic exchange: `{}`", bind("amq.topic", key))
            } else if keys.is_empty() {
                format!("write `exchange {source:?} type=\"topic\"`")
            } else {
                let binds: Vec<String> = keys.iter().map(|key| format!("`{}`", bind(source, key))).collect();
                format!("write `type=\"topic\"` on the exchange, or {}", binds.join(", "))
            },
        ));
    }
}

/// The keys of declared messages that the binding would take on a topic exchange, if it is the keys that are few.
fn meant(context: &Context<'_, '_>, binding: Binding<'_>) -> Vec<String> {
    let pattern = [KeyPattern::Topic(binding.routing_key().to_owned())];
    let contract = &context.topology.contract;
    let there = contract.messages.iter().filter(|message| {
        message.exchange.as_ref().is_some_and(|exchange| *exchange.name.text == *binding.source())
    });
    let keys = there.filter_map(|message| {
        let template = key_template(message).ok()?;
        let key = template.as_literal()?.to_owned();
        let matched = Language::of_template(&template).and_then(|keys| keys.example_matched_by(&pattern));
        matched.ok().flatten().map(|_| key)
    });
    let mut keys: Vec<String> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    keys.truncate(5);
    keys
}
