//! What the kinds say of themselves, set for readers (Markdown) and for programs (JSON).

mod json;
mod markdown;
mod words;

pub use json::json;
pub use markdown::{attribute_page, kind, markdown};

use super::{Attribute, KINDS, Kind, KindId, queue::QUEUE};

/// The attributes of a kind as the reference lists them: a policy's borrowed keys are the arguments of queues
/// and exchanges, which have them already.
fn listed(kind: &'static Kind) -> impl Iterator<Item = &'static Attribute> {
    let own = kind.attributes.iter().filter(|attribute| !attribute.doc.ends_with("nobody writes it."));
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
        // what every kind has is no topic
        .filter(|(_, attribute)| attribute.name != "name")
        .collect()
}

/// Whether an attribute says which types of queue or exchange have it.
fn types_of(kind: &Kind) -> &'static str {
    if kind.id == QUEUE.id || kind.id == KindId::Policy { "Queue types" } else { "Exchange types" }
}
