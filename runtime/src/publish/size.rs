//! How large a message's header is on the wire.
//!
//! All of it travels in one frame, and the broker closes the whole connection over a larger one (501 FRAME_ERROR). Published
//! again after each reconnect, such a message would hold up everything else.

use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable},
};

/// What a content header frame has besides its properties: type, channel, size and end of the frame (8), class, weight, the
/// body's size and the flags (14).
const FIXED: usize = 8 + 14;

/// The frame that these properties travel in, in bytes; never less than it is.
pub(crate) fn header_frame(properties: &BasicProperties) -> usize {
    let texts = [
        properties.content_type(),
        properties.content_encoding(),
        properties.correlation_id(),
        properties.reply_to(),
        properties.expiration(),
        properties.message_id(),
        properties.kind(),
        properties.user_id(),
        properties.app_id(),
        properties.cluster_id(),
    ];
    let texts: usize = texts.into_iter().flatten().map(|text| 1 + text.as_str().len()).sum();
    // delivery mode, priority and timestamp
    let numbers = 1 + 1 + 8;
    FIXED + texts + numbers + properties.headers().as_ref().map_or(0, table)
}

fn table(table: &FieldTable) -> usize {
    4 + table.inner().iter().map(|(name, one)| 1 + name.as_str().len() + value(one)).sum::<usize>()
}

/// With the byte that says its type.
fn value(value: &AMQPValue) -> usize {
    1 + match value {
        AMQPValue::Void => 0,
        AMQPValue::Boolean(_) | AMQPValue::ShortShortInt(_) | AMQPValue::ShortShortUInt(_) => 1,
        AMQPValue::ShortInt(_) | AMQPValue::ShortUInt(_) => 2,
        AMQPValue::LongInt(_) | AMQPValue::LongUInt(_) | AMQPValue::Float(_) => 4,
        AMQPValue::DecimalValue(_) => 5,
        AMQPValue::LongLongInt(_) | AMQPValue::Double(_) | AMQPValue::Timestamp(_) => 8,
        AMQPValue::ShortString(text) => 4 + text.as_str().len(),
        AMQPValue::LongString(text) => 4 + text.as_bytes().len(),
        AMQPValue::ByteArray(bytes) => 4 + bytes.as_slice().len(),
        AMQPValue::FieldArray(values) => 4 + values.as_slice().iter().map(self::value).sum::<usize>(),
        AMQPValue::FieldTable(inner) => table(inner),
    }
}
