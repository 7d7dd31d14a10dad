//! The edits that help lines offer, and lists of names that stay short.

use std::fmt::Display;

use crate::{
    diag::Span,
    syntax::quote,
    topology::{Binding, Message},
};

/// A `bind` node; an empty key is not written.
pub(super) fn bind(source: &str, key: &str) -> String {
    if key.is_empty() {
        format!("bind {}", quote(source))
    } else {
        format!("bind {} routing-key={}", quote(source), quote(key))
    }
}

/// Names in backticks, the first few of them.
pub(super) fn some_of<T: Display>(names: impl IntoIterator<Item = T>) -> String {
    const SHOWN: usize = 5;
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.len() {
        0..=SHOWN => names.join(", "),
        count => format!("{} and {} more", names[..SHOWN].join(", "), count - SHOWN),
    }
}

/// `1 queue`, `2 queues`.
pub(super) fn count(number: usize, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
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
