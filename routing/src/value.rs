//! Typed values of message headers and of binding arguments, and when the broker takes two for equal.

use std::collections::BTreeMap;

use crate::Version;

/// A field of an AMQP 0-9-1 table, without its width: the broker reads every integer width as one integer.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value; in a binding it asks only that the header exists.
    Void,
    /// A boolean.
    Bool(bool),
    /// Any signed or unsigned integer.
    Integer(i64),
    /// A float or a double.
    Float(f64),
    /// A long string or a byte array; the broker does not tell them apart.
    String(Vec<u8>),
    /// Seconds since 1970.
    Timestamp(u64),
    /// A decimal, an array or a table in its wire form with the type tag in front; equal only byte by byte.
    Opaque(Vec<u8>),
}

/// Message headers or binding arguments by name.
pub type Table = BTreeMap<String, Value>;

impl Value {
    /// The array of long strings that the headers `CC` and `BCC` carry.
    pub(crate) fn string_array(items: &[String]) -> Self {
        let mut body = Vec::new();
        for item in items {
            body.push(b'S');
            body.extend((item.len() as u32).to_be_bytes());
            body.extend(item.as_bytes());
        }
        let mut wire = vec![b'A'];
        wire.extend((body.len() as u32).to_be_bytes());
        wire.extend(body);
        Self::Opaque(wire)
    }

    /// Whether a binding's argument of this type can equal a header of the other's type, whatever the values; a void
    /// argument asks for no value. See `rabbit_exchange_type_headers`.
    #[must_use]
    pub fn compares_with(&self, header: &Self, version: Version) -> bool {
        let number = |value: &Self| matches!(value, Self::Integer(_) | Self::Timestamp(_));
        match (self, header) {
            (Self::Void, _) => true,
            (Self::Float(_), other) | (other, Self::Float(_)) if number(other) => {
                !version.has_message_containers()
            }
            (a, b) => number(a) && number(b) || std::mem::discriminant(a) == std::mem::discriminant(b),
        }
    }
}

/// Whether a binding's `argument` equals a message's `header` (`rabbit_exchange_type_headers`).
///
/// From 3.13 on the broker compares with `=:=` and counts the header's timestamps in milliseconds, the argument's
/// in seconds. Before, it compares with `==`, where 1 equals 1.0. In both a timestamp is an integer.
pub(crate) fn equal(argument: &Value, header: &Value, version: Version) -> bool {
    let strict = version.has_message_containers();
    match (argument, header) {
        (Value::Void, Value::Void) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::String(a), Value::String(b)) | (Value::Opaque(a), Value::Opaque(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Float(a), b) => !strict && integer(b, 1).is_some_and(|b| float_is(*a, b)),
        (a, Value::Float(b)) => !strict && integer(a, 1).is_some_and(|a| float_is(*b, a)),
        (a, b) => {
            let (a, b) = (integer(a, 1), integer(b, if strict { 1000 } else { 1 }));
            a.is_some() && a == b
        }
    }
}

fn integer(value: &Value, ticks_per_second: i128) -> Option<i128> {
    match value {
        Value::Integer(n) => Some(i128::from(*n)),
        Value::Timestamp(seconds) => Some(i128::from(*seconds) * ticks_per_second),
        _ => None,
    }
}

/// Erlang compares an integer and a float exactly, not after rounding the integer.
fn float_is(float: f64, integer: i128) -> bool {
    // every i128 in this crate is below 2^75, so the cast back neither saturates nor rounds
    float.fract() == 0.0 && float.abs() < 1e30 && float as i128 == integer
}

macro_rules! from {
    ($($source:ty => $variant:ident: $convert:expr,)*) => {$(
        impl From<$source> for Value {
            fn from(value: $source) -> Self {
                Self::$variant($convert(value))
            }
        }
    )*};
}

from! {
    bool => Bool: std::convert::identity,
    i64 => Integer: std::convert::identity,
    i32 => Integer: i64::from,
    u32 => Integer: i64::from,
    f64 => Float: std::convert::identity,
    &str => String: |s: &str| s.as_bytes().to_vec(),
    String => String: String::into_bytes,
    Vec<u8> => String: std::convert::identity,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(a: impl Into<Value>, b: impl Into<Value>) -> (bool, bool) {
        let (a, b) = (a.into(), b.into());
        (equal(&a, &b, Version::V3_10), equal(&a, &b, Version::V4_0))
    }

    #[test]
    fn types_are_told_apart() {
        assert_eq!(both(1, 1), (true, true));
        assert_eq!(both(1, 2), (false, false));
        assert_eq!(both("1", 1), (false, false));
        assert_eq!(both(true, "true"), (false, false));
        assert_eq!(both("a", b"a".to_vec()), (true, true));
        assert_eq!(both(Value::Void, ""), (false, false));
    }

    #[test]
    fn an_integer_equals_a_float_only_before_3_13() {
        assert_eq!(both(1, 1.0), (true, false));
        assert_eq!(both(1.0, 1), (true, false));
        assert_eq!(both(1, 1.5), (false, false));
        assert_eq!(both(9_007_199_254_740_993_i64, 9_007_199_254_740_992.0), (false, false));
        assert_eq!(both(1.5, 1.5), (true, true));
    }

    #[test]
    fn a_timestamp_header_counts_milliseconds_from_3_13_on() {
        assert_eq!(both(Value::Timestamp(5), Value::Timestamp(5)), (true, false));
        assert_eq!(both(5000, Value::Timestamp(5)), (false, true));
        assert_eq!(both(5, Value::Timestamp(5)), (true, false));
        assert_eq!(both(Value::Timestamp(5), 5), (true, true));
    }

    #[test]
    fn arrays_compare_by_their_wire_form() {
        let one = Value::string_array(&["a".to_owned()]);
        let two = Value::string_array(&["a".to_owned(), "b".to_owned()]);
        assert_eq!(both(one.clone(), one.clone()), (true, true));
        assert_eq!(both(one, two), (false, false));
    }
}
