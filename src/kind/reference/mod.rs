//! What the kinds say of themselves, set for readers (Markdown) and for programs (JSON).

mod json;
mod markdown;
mod words;

pub use json::json;
pub use markdown::{attribute_page, form_page, kind, markdown, property_page, word};

use super::{Attribute, Form, KINDS, Kind, KindId, Property, WORDS, queue::QUEUE};

/// The attributes of a kind as the reference lists them: a policy's borrowed keys are the arguments of queues
/// and exchanges, which have them already.
fn listed(kind: &'static Kind) -> impl Iterator<Item = &'static Attribute> {
    let own = kind.attributes.iter().filter(|attribute| !attribute.implied);
    let keys = if kind.id == KindId::Policy { super::policy::KEYS } else { &[] };
    own.chain(keys)
}

/// Every attribute of a name, with its kind: `message-ttl`, or `queue.message-ttl` for one kind alone.
#[must_use]
pub fn attributes(name: &str) -> Vec<(&'static Kind, &'static Attribute)> {
    let (keyword, name) = name.split_once('.').map_or((None, name), |(keyword, name)| (Some(keyword), name));
    let wanted = |attribute: &&Attribute| {
        let node = attribute.within.map(|within| within.node);
        attribute.name == name || node == Some(name)
    };
    KINDS
        .iter()
        .copied()
        .filter(|kind| keyword.is_none_or(|keyword| keyword == kind.keyword))
        .flat_map(|kind| listed(kind).filter(wanted).map(move |attribute| (kind, attribute)))
        .collect()
}

/// A child node, or a property of one, and the kind or node that it stands in.
#[derive(Clone, Debug)]
pub enum Part {
    /// A child node.
    Form(Vec<&'static str>, &'static Form),
    /// A property of a child node.
    Property(&'static str, &'static Property),
}

/// Every child node of a fixed form, and every property of one, with what holds it.
pub fn parts() -> Vec<Part> {
    let mut parts = Vec::new();
    let of_kinds = KINDS.iter().flat_map(|kind| kind.nested.iter().map(|form| (kind.keyword, form)));
    let of_words = WORDS.iter().filter_map(|word| Some((word, word.form?)));
    let mut waiting: Vec<(&'static str, &'static Form)> = of_kinds.collect();
    for (word, form) in of_words {
        parts.extend(form.own_properties().iter().map(|property| Part::Property(word.name, property)));
        waiting.extend(form.own_children().iter().map(|child| (word.name, child)));
    }
    waiting.reverse();
    while let Some((of, form)) = waiting.pop() {
        // what several kinds have alike is one thing
        let same = |part: &&mut Part| matches!(part, Part::Form(_, other) if (other.keyword, other.doc) == (form.keyword, form.doc));
        if let Some(Part::Form(others, _)) = parts.iter_mut().find(same) {
            others.push(of);
            continue;
        }
        parts.push(Part::Form(vec![of], form));
        parts.extend(form.own_properties().iter().map(|property| Part::Property(form.keyword, property)));
        waiting.extend(form.own_children().iter().rev().map(|child| (form.keyword, child)));
    }
    parts
}

/// Whether an attribute says which types of queue or exchange have it.
fn types_of(kind: &Kind) -> &'static str {
    if kind.id == QUEUE.id || kind.id == KindId::Policy { "Queue types" } else { "Exchange types" }
}
