//! Values of attributes, and the units in which people write them.

use std::{collections::BTreeMap, sync::Arc};

use super::attribute::Type;
use crate::{diag::nearest, syntax::Scalar};

/// The value of an attribute, as both the desired and the live side hold it: durations in milliseconds, sizes
/// in bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number, with its unit gone.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    Text(Arc<str>),
    /// Several values.
    List(Vec<Value>),
    /// Named values.
    Table(BTreeMap<Arc<str>, Value>),
    /// Nothing, said on purpose.
    Null,
    /// Something that must not be shown.
    Secret(Secret),
}

/// Where a secret is to be found. Its text is never shown: `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// In an environment variable.
    Env(Arc<str>),
    /// In a file, without its last newline.
    File(Arc<str>),
    /// A password's hash, as the broker stores it.
    Hash(Arc<str>),
    /// In the topology itself.
    Literal(Arc<str>),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env {name}"),
            Self::File(path) => write!(f, "file {path}"),
            Self::Hash(_) => write!(f, "hash …"),
            Self::Literal(_) => write!(f, "literal …"),
        }
    }
}

impl Value {
    /// A text value.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&Arc<str>> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The integer, if it is one.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        if let Self::Integer(integer) = self { Some(*integer) } else { None }
    }

    /// The truth value, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(bool) = self { Some(*bool) } else { None }
    }

    /// A KDL value as it stands, without units. Integers beyond 64 bits become floats, as in JSON.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "AMQP has no integer beyond 64 bits")]
    pub fn from_scalar(scalar: &Scalar) -> Self {
        match scalar {
            Scalar::Text(text) => Self::Text(text.clone()),
            Scalar::Integer(integer) => {
                i64::try_from(*integer).map_or(Self::Float(*integer as f64), Self::Integer)
            }
            Scalar::Float(float) => Self::Float(*float),
            Scalar::Bool(bool) => Self::Bool(*bool),
            Scalar::Null => Self::Null,
        }
    }

    /// A KDL value as an attribute of that type reads it: `"30s"` becomes 30000 where a duration stands. A
    /// value that does not fit the type comes back as it was written, for the lints to speak of.
    #[must_use]
    pub fn typed(scalar: &Scalar, ty: Type) -> Self {
        let value = Self::from_scalar(scalar);
        let Self::Text(text) = &value else { return value };
        let with_unit = match ty {
            Type::Duration(..) => duration(text),
            Type::Seconds(..) => duration(text).filter(|ms| ms % 1000 == 0).map(|ms| ms / 1000),
            Type::Size(..) => size(text),
            _ => None,
        };
        with_unit.map_or(value, Self::Integer)
    }

    /// Whether the value is of an attribute's type, whatever its range.
    #[must_use]
    pub fn is_of(&self, ty: Type) -> bool {
        match (ty, self) {
            (
                Type::Text
                | Type::Exchange
                | Type::Queue
                | Type::Pattern
                | Type::OneOf(_)
                | Type::Open(_)
                | Type::Age,
                Self::Text(_),
            )
            | (Type::Bool, Self::Bool(_))
            | (
                Type::Integer(..) | Type::Duration(..) | Type::Seconds(..) | Type::Size(..),
                Self::Integer(_),
            )
            | (Type::Secret, Self::Secret(_) | Self::Text(_))
            | (Type::Json, _) => true,
            (Type::Words(_), Self::List(items)) => items.iter().all(|item| matches!(item, Self::Text(_))),
            _ => false,
        }
    }

    /// Whether a value of the right type is also in its range.
    #[must_use]
    pub fn is_in_range(&self, ty: Type) -> bool {
        match (ty, self) {
            (
                Type::Integer(min, max)
                | Type::Duration(min, max)
                | Type::Seconds(min, max)
                | Type::Size(min, max),
                Self::Integer(value),
            ) => (min..=max).contains(value),
            (Type::OneOf(words), Self::Text(text)) => words.contains(&&**text),
            (Type::Open(words), Self::Text(text)) => !text.is_empty() && slip(text, words).is_none(),
            (Type::Words(words), Self::List(items)) => {
                items.iter().all(|item| item.as_text().is_none_or(|text| slip(text, words).is_none()))
            }
            (Type::Age, Self::Text(text)) => is_age(text),
            _ => true,
        }
    }

    /// The value as KDL in the unit that reads best; for a table, a list and a secret a short form.
    #[must_use]
    pub fn show(&self, ty: Type) -> String {
        match (self, ty) {
            (Self::Integer(ms), Type::Duration(..)) => show_duration(*ms),
            (Self::Integer(seconds), Type::Seconds(..)) => show_duration(seconds.saturating_mul(1000)),
            (Self::Integer(bytes), Type::Size(..)) => show_size(*bytes),
            (Self::Integer(integer), _) => integer.to_string(),
            (Self::Bool(bool), _) => bool.to_string(),
            (Self::Float(float), _) => format!("{float:?}"),
            (Self::Text(text), _) => text.to_string(),
            (Self::Null, _) => "null".to_owned(),
            (Self::List(items), _) => {
                items.iter().map(|item| item.show(Type::Text)).collect::<Vec<_>>().join(" ")
            }
            (Self::Table(table), _) => {
                let items: Vec<String> =
                    table.iter().map(|(key, value)| format!("{key}={}", value.show(Type::Text))).collect();
                format!("{{{}}}", items.join(", "))
            }
            (Self::Secret(secret), _) => format!("{secret:?}"),
        }
    }
}

const DURATIONS: &[(&str, i64)] =
    &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("D", 86_400_000)];

const SIZES: &[(&str, i64)] = &[
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("kB", 1_000),
    ("B", 1),
];

fn with_unit(text: &str, units: &[(&str, i64)]) -> Option<i64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<i64>().ok()?.checked_mul(*factor)
}

/// The milliseconds of `"250ms"`, `"30s"`, `"5m"`, `"2h"` or `"7D"`.
#[must_use]
pub fn duration(text: &str) -> Option<i64> {
    with_unit(text, DURATIONS)
}

/// The bytes of `"64KiB"`, `"2GiB"` or `"20GB"`.
#[must_use]
pub fn size(text: &str) -> Option<i64> {
    with_unit(text, SIZES)
}

/// The known word that another one, which may be a plugin's, is surely a slip of the pen of.
#[must_use]
pub fn slip(text: &str, words: &'static [&'static str]) -> Option<&'static str> {
    if words.contains(&text) {
        return None;
    }
    // a prefix is no slip: `x-topic` is another's
    let alike = words.iter().copied().filter(|word| word.starts_with("x-") == text.starts_with("x-"));
    nearest(text, alike)
}

/// Whether a text is a password's hash as the broker keeps it: Base64 of a salt of 4 bytes and an MD5, SHA-256 or
/// SHA-512 (`rabbit_password`).
#[must_use]
pub fn is_password_hash(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let bytes = digits.len() * 6 / 8;
    text.len().is_multiple_of(4)
        && padding <= 2
        && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        && matches!(bytes, 20 | 36 | 68)
}

/// Whether a text is a stream's age: a positive number and one of `Y M D h m s`
/// (`rabbit_stream_queue:max_age_in_ms`).
#[must_use]
pub fn is_age(text: &str) -> bool {
    let mut chars = text.chars();
    let unit = chars.next_back();
    let number = chars.as_str();
    matches!(unit, Some('Y' | 'M' | 'D' | 'h' | 'm' | 's'))
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && number.parse::<u64>().is_ok_and(|number| number > 0)
}

/// Milliseconds in the largest unit that holds them whole.
#[must_use]
pub fn show_duration(ms: i64) -> String {
    let unit = DURATIONS.iter().rev().find(|(_, factor)| ms != 0 && ms % factor == 0);
    unit.map_or_else(|| format!("{ms}ms"), |(name, factor)| format!("{}{name}", ms / factor))
}

/// Bytes in the largest unit that holds them whole.
#[must_use]
pub fn show_size(bytes: i64) -> String {
    let mut units: Vec<_> = SIZES.iter().filter(|(name, _)| *name != "kB").collect();
    units.sort_by_key(|(_, factor)| std::cmp::Reverse(*factor));
    let unit = units.into_iter().find(|(_, factor)| bytes != 0 && bytes % factor == 0);
    unit.map_or_else(|| format!("{bytes}B"), |(name, factor)| format!("{}{name}", bytes / factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        assert_eq!(duration("250ms"), Some(250));
        assert_eq!(duration("7D"), Some(604_800_000));
        assert_eq!(duration("30"), None);
        assert_eq!(duration("30x"), None);
        assert_eq!(duration("99999999999999999D"), None);
        assert_eq!(size("20GB"), Some(20_000_000_000));
        assert_eq!(size("64KiB"), Some(65_536));
        assert_eq!(show_duration(90_000), "90s");
        assert_eq!(show_duration(86_400_000), "1D");
        assert_eq!(show_duration(0), "0ms");
        assert_eq!(show_size(65_536), "64KiB");
        assert_eq!(show_size(20_000_000_000), "20GB");
        assert!(is_password_hash("kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"));
        assert!(!is_password_hash("notbase64") && !is_password_hash("kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30"));
        assert_eq!(slip("topci", &["topic", "x-random"]), Some("topic"));
        assert_eq!(slip("x-topic", &["topic", "x-random"]), None);
        assert!(is_age("7D") && !is_age("0D") && !is_age("D") && !is_age("7"));
    }
}
