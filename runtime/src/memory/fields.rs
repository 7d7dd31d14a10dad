//! AMQP's fields as routing compares them.

use crate::declare::Argument;
use lapin::types::{AMQPValue, FieldTable};
use topoc_routing::{Table, Value};

/// A message's headers.
pub(super) fn table(fields: &FieldTable) -> Table {
    fields.inner().iter().map(|(name, field)| (name.to_string(), value(field))).collect()
}

/// The arguments that a topology states.
pub(super) fn arguments(arguments: &[(&str, Argument)]) -> Table {
    let value = |argument: &Argument| match *argument {
        Argument::Bool(value) => Value::Bool(value),
        Argument::Int(value) => Value::Integer(value),
        Argument::Float(value) => Value::Float(value),
        Argument::String(value) => value.into(),
        Argument::Void => Value::Void,
    };
    arguments.iter().map(|(name, argument)| ((*name).to_owned(), value(argument))).collect()
}

/// The keys of `CC` or `BCC`; fails where it is no array of strings (`rabbit_basic:header_routes`).
pub(super) fn keys(headers: &FieldTable, name: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("PRECONDITION_FAILED - header '{name}' is no array of strings");
    let items = match headers.inner().get(name) {
        None => return Ok(Vec::new()),
        Some(AMQPValue::FieldArray(items)) => items.as_slice(),
        Some(_) => return Err(wrong()),
    };
    let text = |item: &AMQPValue| match item {
        AMQPValue::LongString(text) => Ok(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        _ => Err(wrong()),
    };
    items.iter().map(text).collect()
}

fn value(field: &AMQPValue) -> Value {
    match field {
        AMQPValue::Void => Value::Void,
        AMQPValue::Boolean(value) => Value::Bool(*value),
        AMQPValue::ShortShortInt(value) => Value::Integer((*value).into()),
        AMQPValue::ShortShortUInt(value) => Value::Integer((*value).into()),
        AMQPValue::ShortInt(value) => Value::Integer((*value).into()),
        AMQPValue::ShortUInt(value) => Value::Integer((*value).into()),
        AMQPValue::LongInt(value) => Value::Integer((*value).into()),
        AMQPValue::LongUInt(value) => Value::Integer((*value).into()),
        AMQPValue::LongLongInt(value) => Value::Integer(*value),
        AMQPValue::Float(value) => Value::Float((*value).into()),
        AMQPValue::Double(value) => Value::Float(*value),
        AMQPValue::ShortString(text) => text.as_str().into(),
        AMQPValue::LongString(text) => text.as_bytes().to_vec().into(),
        AMQPValue::ByteArray(bytes) => bytes.as_slice().to_vec().into(),
        AMQPValue::Timestamp(seconds) => Value::Timestamp(*seconds),
        AMQPValue::DecimalValue(_) | AMQPValue::FieldArray(_) | AMQPValue::FieldTable(_) => {
            let mut wire = Vec::new();
            write(field, &mut wire);
            Value::Opaque(wire)
        }
    }
}

/// A field in its wire form, with RabbitMQ's type tag in front.
fn write(field: &AMQPValue, wire: &mut Vec<u8>) {
    let mut put = |tag: u8, bytes: &[u8]| {
        wire.push(tag);
        wire.extend_from_slice(bytes);
    };
    match field {
        AMQPValue::Void => put(b'V', &[]),
        AMQPValue::Boolean(value) => put(b't', &[u8::from(*value)]),
        AMQPValue::ShortShortInt(value) => put(b'b', &value.to_be_bytes()),
        AMQPValue::ShortShortUInt(value) => put(b'B', &value.to_be_bytes()),
        AMQPValue::ShortInt(value) => put(b's', &value.to_be_bytes()),
        AMQPValue::ShortUInt(value) => put(b'u', &value.to_be_bytes()),
        AMQPValue::LongInt(value) => put(b'I', &value.to_be_bytes()),
        AMQPValue::LongUInt(value) => put(b'i', &value.to_be_bytes()),
        AMQPValue::LongLongInt(value) => put(b'l', &value.to_be_bytes()),
        AMQPValue::Float(value) => put(b'f', &value.to_be_bytes()),
        AMQPValue::Double(value) => put(b'd', &value.to_be_bytes()),
        AMQPValue::Timestamp(seconds) => put(b'T', &seconds.to_be_bytes()),
        AMQPValue::DecimalValue(decimal) => {
            put(b'D', &[decimal.scale]);
            wire.extend_from_slice(&decimal.value.to_be_bytes());
        }
        AMQPValue::ShortString(text) => put(b'S', &sized(text.as_str().as_bytes())),
        AMQPValue::LongString(text) => put(b'S', &sized(text.as_bytes())),
        AMQPValue::ByteArray(bytes) => put(b'x', &sized(bytes.as_slice())),
        AMQPValue::FieldArray(items) => {
            let mut body = Vec::new();
            for item in items.as_slice() {
                write(item, &mut body);
            }
            put(b'A', &sized(&body));
        }
        AMQPValue::FieldTable(table) => {
            let mut body = Vec::new();
            for (name, item) in table.inner() {
                // AMQP's short strings have at most 255 bytes
                body.push(name.as_str().len().to_le_bytes()[0]);
                body.extend_from_slice(name.as_str().as_bytes());
                write(item, &mut body);
            }
            put(b'F', &sized(&body));
        }
    }
}

/// Bytes behind their number, in four bytes.
fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], bytes].concat()
}
