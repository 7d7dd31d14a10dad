//! The edits that help lines offer, and lists of names that stay short.

use std::{collections::BTreeMap, fmt::Display};

use crate::{
    diag::{Span, counted},
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
