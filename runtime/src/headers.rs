//! Message headers, and the ones that topoc writes itself.

use lapin::types::{AMQPValue, FieldTable};

/// How often a message went through the retry ladder of the queue that [`QUEUE`] names; another queue's consumer counts
/// from 0. Not `x-death`: RabbitMQ 4.0 ignores a published one.
pub const ATTEMPT: &str = "x-topoc-attempt";
/// The exchange a message was first published to, kept through the retry ladder.
pub const EXCHANGE: &str = "x-topoc-exchange";
/// The routing key a message was first published with, kept through the retry ladder.
pub const ROUTING_KEY: &str = "x-topoc-routing-key";
/// Why a message was last retried or given up.
pub const REASON: &str = "x-topoc-reason";
/// When a message was last retried or given up (RFC 3339, UTC).
pub const FAILED_AT: &str = "x-topoc-failed-at";
/// The queue whose service retried it or gave it up.
pub const QUEUE: &str = "x-topoc-queue";

/// All that topoc writes.
pub(crate) const OWN: [&str; 6] = [ATTEMPT, EXCHANGE, ROUTING_KEY, REASON, FAILED_AT, QUEUE];

/// A header's value, typed as on the wire: a headers exchange tells `1` from `"1"` and from `true`.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A boolean.
    Bool(bool),
    /// An integer; the broker takes all widths for equal.
    Int(i64),
    /// A floating point number.
    Float(f64),
    /// A UTF-8 string.
    String(String),
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<Value> for AMQPValue {
    fn from(value: Value) -> Self {
        match value {
            Value::Bool(value) => Self::Boolean(value),
            Value::Int(value) => Self::LongLongInt(value),
            Value::Float(value) => Self::Double(value),
            Value::String(value) => Self::LongString(value.into()),
        }
    }
}

/// The header `name`, unless it is absent or a table, array, timestamp or byte string.
pub(crate) fn get(table: Option<&FieldTable>, name: &str) -> Option<Value> {
    match table?.inner().get(name)? {
        AMQPValue::Boolean(value) => Some(Value::Bool(*value)),
        AMQPValue::ShortShortInt(value) => Some(Value::Int((*value).into())),
        AMQPValue::ShortShortUInt(value) => Some(Value::Int((*value).into())),
        AMQPValue::ShortInt(value) => Some(Value::Int((*value).into())),
        AMQPValue::ShortUInt(value) => Some(Value::Int((*value).into())),
        AMQPValue::LongInt(value) => Some(Value::Int((*value).into())),
        AMQPValue::LongUInt(value) => Some(Value::Int((*value).into())),
        AMQPValue::LongLongInt(value) => Some(Value::Int(*value)),
        AMQPValue::Float(value) => Some(Value::Float((*value).into())),
        AMQPValue::Double(value) => Some(Value::Float(*value)),
        AMQPValue::ShortString(value) => Some(Value::String(value.to_string())),
        AMQPValue::LongString(value) => {
            std::str::from_utf8(value.as_bytes()).ok().map(|value| Value::String(value.to_owned()))
        }
        _ => None,
    }
}

pub(crate) fn get_string(table: Option<&FieldTable>, name: &str) -> Option<String> {
    match get(table, name)? {
        Value::String(value) => Some(value),
        _ => None,
    }
}

/// How often a message went through the retry ladder of `queue`; 0 when it never did.
pub(crate) fn attempt(table: Option<&FieldTable>, queue: &str) -> u32 {
    match get(table, ATTEMPT) {
        // a dead queue's ladder begins anew: the count that came along is the queue's before it
        Some(Value::Int(attempt)) if get_string(table, QUEUE).as_deref() == Some(queue) => {
            u32::try_from(attempt.max(0)).unwrap_or(u32::MAX)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_type() {
        let mut table = FieldTable::default();
        for (name, value) in [("b", Value::from(true)), ("i", 7.into()), ("f", 0.5.into()), ("s", "7".into())]
        {
            table.insert(name.into(), value.clone().into());
            assert_eq!(get(Some(&table), name), Some(value));
        }
        assert_eq!(get(Some(&table), "absent"), None);
    }

    #[test]
    fn a_strange_attempt_is_no_more_than_a_count() {
        let mut table = FieldTable::default();
        assert_eq!(attempt(None, "orders"), 0);
        table.insert(QUEUE.into(), AMQPValue::LongString("orders".into()));
        table.insert(ATTEMPT.into(), AMQPValue::LongLongInt(-3));
        assert_eq!(attempt(Some(&table), "orders"), 0);
        table.insert(ATTEMPT.into(), AMQPValue::LongUInt(2));
        assert_eq!(attempt(Some(&table), "orders"), 2);
        assert_eq!(attempt(Some(&table), "orders.dead"), 0);
        for (absurd, counts) in [(i64::MIN, 0), (-1, 0), (4_294_967_295, u32::MAX), (i64::MAX, u32::MAX)] {
            table.insert(ATTEMPT.into(), AMQPValue::LongLongInt(absurd));
            assert_eq!(attempt(Some(&table), "orders"), counts, "{absurd}");
        }
        table.insert(ATTEMPT.into(), AMQPValue::LongString("2".into()));
        assert_eq!(attempt(Some(&table), "orders"), 0);
    }
}
