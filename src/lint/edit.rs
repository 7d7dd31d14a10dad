//! The edits that help lines offer, and lists of names that stay short.

use std::{collections::BTreeMap, fmt::Display};

use rustc_hash::FxHashMap;

use super::Context;
use crate::{
    diag::{Change, Span, counted},
    kind::{Definition, Provenance},
    syntax::quote,
    topology::{Binding, Message},
};

/// How many names a finding is compared with for the nearest: thousands of findings must stay quick.
pub(super) const COMPARED: usize = 64;

/// A `bind` node; an empty key is not written.
pub(super) fn bind(source: &str, key: &str) -> String {
    if key.is_empty() {
        format!("bind {}", quote(source))
    } else {
        format!("bind {} routing-key={}", quote(source), quote(key))
    }
}

/// What a binding of a topic exchange takes all keys of a message by: a parameter is one word.
pub(super) fn pattern(message: &Message) -> String {
    let words = message.routing_key.text.split('.');
    let words: Vec<&str> = words.map(|word| if word.contains('{') { "*" } else { word }).collect();
    words.join(".")
}

/// Names in backticks, the first few of them.
pub(super) fn some_of<T: Display>(names: impl IntoIterator<Item = T>) -> String {
    some_words(&names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>())
}

/// The first few of what is ready to be listed.
pub(super) fn some_words(names: &[String]) -> String {
    const SHOWN: usize = 5;
    match names.len() {
        0..=SHOWN => names.join(", "),
        count => format!("{} and {} more", names[..SHOWN].join(", "), count - SHOWN),
    }
}

/// Where a binding's key is written, else the `bind`.
pub(super) fn key_span(binding: Binding<'_>) -> Span {
    binding.0.span_of("routing-key")
}

/// An attribute's value, given as KDL, in the place of the one that is written for it; none where none is.
pub(super) fn value(definition: &Definition, attribute: &str, kdl: impl Into<String>) -> Option<Change> {
    Some(Change::Value(said(definition, attribute)?, kdl.into()))
}

/// Where an attribute is written: what is derived, or said by default, has the place of something else.
pub(super) fn said(definition: &Definition, attribute: &str) -> Option<Span> {
    let span = definition.field(attribute)?.span;
    let written = definition.provenance == Provenance::Written && !definition.external;
    (written && span != definition.span).then_some(span)
}

/// The `match` of a binding in the place of the one that it has, or that it has by default.
pub(super) fn with_x(binding: Binding<'_>, kdl: &str) -> Option<Change> {
    let written = binding.0.provenance == Provenance::Written && !binding.0.external;
    let by_default = || Change::Add(binding.0.span, format!("match={kdl}"));
    value(binding.0, "match", kdl).or_else(|| written.then(by_default))
}

/// A binding's ends.
type Ends<'a> = (&'a str, &'a str, bool, &'a str);

/// How many bindings there are between the same ends.
pub(super) fn parallel<'a>(context: &Context<'_, 'a>) -> FxHashMap<Ends<'a>, usize> {
    let mut counts = FxHashMap::default();
    for binding in context.topology.bindings() {
        *counts.entry(ends(binding)).or_default() += 1;
    }
    counts
}

fn ends(binding: Binding<'_>) -> Ends<'_> {
    (binding.vhost(), binding.source(), binding.to_exchange(), binding.destination())
}

/// A binding without its key, where that makes it no other binding of the same ends.
pub(super) fn without_key(binding: Binding<'_>, parallel: &FxHashMap<Ends<'_>, usize>) -> Option<Change> {
    let alone = parallel.get(&ends(binding)).is_none_or(|count| *count == 1);
    said(binding.0, "routing-key").filter(|_| alone).map(Change::Remove)
}

/// Where a message's exchange and key are written.
pub(super) fn publish_span(message: &Message) -> Span {
    let Some(exchange) = &message.exchange else { return message.name.span };
    let key = message.routing_key.span;
    if key == message.name.span { exchange.name.span } else { exchange.name.span.to(key) }
}

/// `` `orders` ``, `` `orders` and 2 other queues``.
pub(super) fn and_others(first: &str, all: usize) -> String {
    match all.saturating_sub(1) {
        0 => format!("`{first}`"),
        others => format!("`{first}` and {}", counted(others, "other queue")),
    }
}

/// What has one cause, together: items of one key, in the order in which the keys come; those without a key alone.
pub(super) fn together<K: Ord, T>(items: impl IntoIterator<Item = (Option<K>, T)>) -> Vec<Vec<T>> {
    let mut places: BTreeMap<K, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<T>> = Vec::new();
    for (key, item) in items {
        let next = groups.len();
        match key.map(|key| *places.entry(key).or_insert(next)).filter(|place| *place < next) {
            Some(place) => groups[place].push(item),
            None => groups.push(vec![item]),
        }
    }
    groups
}
