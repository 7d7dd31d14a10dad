//! The words for what a message goes by, and for why it does not.

use topoc_routing::{
    Binding, Destination, ExchangeKind, HeaderMismatch, Mismatch, Reason, Topology, Value, WordMismatch,
};

use crate::{diag::digits, kind::show_duration};

/// What a binding takes: `by "order.*"`, `by region=eu (any)`; nothing where its exchange takes everything.
pub(super) fn by(topology: &Topology, binding: &Binding) -> Option<String> {
    match topology.exchange(binding.source).kind.matching() {
        ExchangeKind::ConsistentHash => Some(format!("weight {}", binding.routing_key)),
        ExchangeKind::Headers => {
            let pairs = binding.arguments.iter().filter(|(name, _)| *name != "x-match");
            let pairs: Vec<String> = pairs
                .map(|(name, value)| match value {
                    Value::Void => name.clone(),
                    value => format!("{name}={}", bare(value)),
                })
                .collect();
            let how = match binding.arguments.get("x-match") {
                Some(Value::String(word)) => format!(" ({})", String::from_utf8_lossy(word)),
                _ => String::new(),
            };
            Some(format!("by {}{how}", pairs.join(" ")))
        }
        ExchangeKind::Direct | ExchangeKind::Topic | ExchangeKind::Unknown(_) => {
            Some(format!("by {:?}", binding.routing_key))
        }
        _ => None,
    }
}

/// Where a binding leads.
pub(super) fn destination(topology: &Topology, destination: Destination) -> &str {
    match destination {
        Destination::Exchange(id) => &topology.exchange(id).name,
        Destination::Queue(id) => &topology.queue(id).name,
    }
}

/// How an exchange is called: the default one has no name.
pub(super) fn exchange(name: &str) -> &str {
    if name.is_empty() { "the default exchange" } else { name }
}

fn bare(value: &Value) -> String {
    match value {
        Value::String(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Integer(integer) => integer.to_string(),
        Value::Float(float) => format!("{float:?}"),
        Value::Bool(bool) => bool.to_string(),
        Value::Void => "(no value)".to_owned(),
        Value::Timestamp(seconds) => format!("{seconds} s since 1970"),
        Value::Opaque(_) => "(bytes)".to_owned(),
    }
}

/// A value with its type where a text and a number look alike.
fn typed(value: &Value) -> String {
    match value {
        Value::String(_) => format!("`{}`", bare(value)),
        Value::Integer(_) | Value::Float(_) => format!("the number {}", bare(value)),
        other => bare(other),
    }
}

/// Why a binding does not take a message, as the end of a sentence.
pub(super) fn why(mismatch: &Mismatch, key: &str) -> String {
    match mismatch {
        Mismatch::Key => format!("the key is {key:?}"),
        Mismatch::Words { count, first } => {
            let first = match first {
                WordMismatch::Other { at, said, wanted } => {
                    format!("word {at} is `{said}`, wanted `{wanted}`")
                }
                WordMismatch::Missing { at, wanted } => format!("`{wanted}` is missing as word {at}"),
                WordMismatch::TooMany { at, said } => format!("word {at}, `{said}`, is one too many"),
            };
            match count {
                1 => first,
                2 => format!("{first}, and 1 word more is other"),
                _ => format!("{first}, and {} words more are other", count - 1),
            }
        }
        Mismatch::Headers(headers) => {
            let first = headers.first().map(header).unwrap_or_default();
            if headers.len() > 1 { format!("{first}, and {} more", headers.len() - 1) } else { first }
        }
        Mismatch::NoHeader(headers) => match headers.as_slice() {
            [] => "it asks for no header that counts, so it takes nothing".to_owned(),
            [one] => header(one),
            several => format!("none of its {} headers is as it wants", several.len()),
        },
    }
}

fn header(header: &HeaderMismatch) -> String {
    let name = &header.name;
    match (&header.said, &header.wanted) {
        (None, _) => format!("header `{name}` is missing"),
        (Some(said), wanted) => format!("header `{name}` is {}, wanted {}", typed(said), typed(wanted)),
    }
}

/// Milliseconds, short.
pub(super) fn duration(ms: u64) -> String {
    let parts = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"), (1, "ms")];
    if ms == 0 {
        return "0 s".to_owned();
    }
    let mut rest = ms;
    let mut words = Vec::new();
    for (unit, name) in parts {
        if rest >= unit {
            words.push(format!("{} {name}", rest / unit));
            rest %= unit;
        }
    }
    words.truncate(2);
    words.join(" ")
}

/// The steps of a ladder, as they are written.
pub(super) fn steps(steps: &[i64]) -> String {
    steps.iter().map(|step| show_duration(*step)).collect::<Vec<_>>().join(", ")
}

/// How a message dies in a queue.
pub(super) fn death(
    reason: Reason,
    queue: &topoc_routing::Queue,
    topology: &Topology,
    ttl: Option<u64>,
) -> String {
    match reason {
        Reason::Rejected => "rejected".to_owned(),
        Reason::Expired => format!("after {}", duration(queue.expires_after(ttl).unwrap_or_default())),
        Reason::MaxLength => match (queue.max_length, queue.max_length_bytes) {
            (Some(length), _) => format!("over {} messages", grouped(length)),
            (None, Some(bytes)) => format!("over {} bytes", grouped(bytes)),
            (None, None) => "full".to_owned(),
        },
        Reason::DeliveryLimit => {
            let limit = queue.effective_delivery_limit(topology.version()).unwrap_or_default();
            format!("returned more than {limit} times")
        }
    }
}

/// `10 000`.
pub(super) fn grouped(number: u64) -> String {
    digits(i64::try_from(number).unwrap_or(i64::MAX))
}
