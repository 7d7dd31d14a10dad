//! Types, changes and policies in words.

use crate::kind::{Attribute, Change, Place, Preset, Twin, Type, show_duration, show_size};

/// What a value may be.
pub(super) fn of_type(ty: Type) -> String {
    match ty {
        Type::Text => "text".to_owned(),
        Type::Exchange => "the name of an exchange".to_owned(),
        Type::Queue => "the name of a queue or stream".to_owned(),
        Type::Bool => "`#true` or `#false`".to_owned(),
        Type::Integer(min, max) => {
            format!("a whole number{}", range(min, max, &|number| number.to_string()))
        }
        Type::Duration(min, max) => {
            format!("a duration such as `\"30s\"`, or milliseconds{}", range(min, max, &show_duration))
        }
        Type::Seconds(min, max) => format!(
            "a duration such as `\"30s\"`, or seconds{}",
            range(min, max, &|seconds| show_duration(seconds.saturating_mul(1000)))
        ),
        Type::Size(min, max) => {
            format!("a size such as `\"64KiB\"`, or bytes{}", range(min, max, &show_size))
        }
        Type::Age => "an age: a number and one of `Y` `M` `D` `h` `m` `s`".to_owned(),
        Type::OneOf(words) => quoted(words),
        Type::Pattern => "a regular expression (PCRE), searched unanchored".to_owned(),
        Type::Secret => "`env=\"NAME\"`, `file=\"PATH\"`, or for a password `hash=\"…\"`".to_owned(),
        Type::Open(known) => format!("{}, or the type of another plugin", quoted(known)),
        Type::Words([]) => "words".to_owned(),
        Type::Words(known) => format!("words, of which the broker knows {}", quoted(known)),
        Type::Json => "any JSON, written as KDL".to_owned(),
    }
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", ")
}

fn range(min: i64, max: i64, show: &dyn Fn(i64) -> String) -> String {
    let show = |value: i64| if value == 0 { "0".to_owned() } else { show(value) };
    match (min, max) {
        (i64::MIN, i64::MAX) => String::new(),
        (min, i64::MAX) => format!(", from {}", show(min)),
        (i64::MIN, max) => format!(", to {}", show(max)),
        (min, max) => format!(", from {} to {}", show(min), show(max)),
    }
}

/// What a change of it means.
pub(super) fn of_change(change: Change) -> &'static str {
    match change {
        Change::InPlace => "made in place",
        Change::Replace => "replaces the entity: the broker refuses or ignores it",
        Change::AtDeclare => "counts only for what is declared afterwards",
    }
}

/// How it meets its policy key.
pub(super) fn of_twin(twin: Twin) -> Option<&'static str> {
    match twin {
        Twin::None => None,
        Twin::Min => Some("the lesser of the two counts"),
        Twin::Argument => Some("the argument wins"),
        Twin::Policy => Some("the policy wins"),
    }
}

/// Where the broker keeps it.
pub(super) fn of_place(place: Place) -> Option<String> {
    match place {
        Place::Body(name) => Some(format!("`{name}`")),
        Place::Argument(name) => Some(format!("`{name}` in `arguments`")),
        Place::Key(name) => Some(format!("`{name}` in the definition")),
        Place::Nowhere => None,
    }
}

/// What it is where nothing is said, as KDL.
pub(super) fn of_default(attribute: &Attribute) -> Option<String> {
    Some(match attribute.default? {
        Preset::Bool(bool) => format!("#{bool}"),
        Preset::Integer(integer) => integer.to_string(),
        Preset::Text(text) => format!("{text:?}"),
    })
}
