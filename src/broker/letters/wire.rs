//! Messages as AMQP has them.

use std::collections::BTreeMap;

use lapin::{
    BasicProperties,
    message::Delivery,
    types::{AMQPValue, FieldTable, LongString, ShortString},
};
use serde_json::{Map, Value as Json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::REDRIVEN;
use crate::dead::{EXCHANGE, Letter, Properties, ROUTING_KEY, Way};

/// What a delivery says.
pub(super) fn letter(delivery: &Delivery) -> Letter {
    let headers = delivery.properties.headers().as_ref();
    Letter {
        exchange: delivery.exchange.to_string(),
        routing_key: delivery.routing_key.to_string(),
        redelivered: delivery.redelivered,
        properties: properties(&delivery.properties),
        headers: headers.map(table).unwrap_or_default(),
        deaths: Vec::new(),
        payload: delivery.data.clone(),
    }
    .with_deaths(|at| {
        let at = OffsetDateTime::parse(at, &Rfc3339).ok()?;
        u64::try_from(at.unix_timestamp()).ok()
    })
}

/// How often it has been redriven.
pub(super) fn redriven(letter: &Letter) -> u64 {
    letter.headers.get(REDRIVEN).and_then(Json::as_u64).unwrap_or(0)
}

/// Notes that it is redriven once more, and where it was published at first: to a queue it comes through the default
/// exchange, and RabbitMQ 4.0 and later forget its `x-death` when it dies again. Services that topoc generates read it.
pub(super) fn mark(
    headers: &mut BTreeMap<ShortString, AMQPValue>,
    way: &Way,
    published: Option<(&str, &str)>,
) {
    let before = headers.get(REDRIVEN).map(value).and_then(|count| count.as_i64()).unwrap_or(0);
    headers.insert(REDRIVEN.into(), AMQPValue::LongLongInt(before.saturating_add(1).max(1)));
    let text = |text: &str| AMQPValue::LongString(text.into());
    match way {
        Way::Exchange { more, .. } if !more.is_empty() => {
            let keys: Vec<AMQPValue> = more.iter().map(|key| text(key)).collect();
            headers.insert("CC".into(), AMQPValue::FieldArray(keys.into()));
        }
        Way::Exchange { .. } => {}
        Way::Queue(_) => {
            if let Some((exchange, key)) = published.filter(|published| *published != way.address()) {
                headers.insert(EXCHANGE.into(), text(exchange));
                headers.insert(ROUTING_KEY.into(), text(key));
            }
        }
    }
}

/// All properties but the user: what is set cannot be unset.
pub(super) fn without_user(from: &BasicProperties) -> BasicProperties {
    let mut to = BasicProperties::default();
    macro_rules! carry {
        ($($get:ident $with:ident),*) => { $(if let Some(value) = from.$get().clone() { to = to.$with(value); })* };
    }
    carry!(
        content_type with_content_type, content_encoding with_content_encoding, headers with_headers,
        delivery_mode with_delivery_mode, priority with_priority, correlation_id with_correlation_id,
        reply_to with_reply_to, expiration with_expiration, message_id with_message_id,
        timestamp with_timestamp, kind with_type, app_id with_app_id, cluster_id with_cluster_id
    );
    to
}

fn properties(from: &BasicProperties) -> Properties {
    let mut all = Properties::new();
    let mut add = |name, value: Option<String>| all.extend(value.map(|value| (name, value)));
    let text = |value: &Option<ShortString>| value.as_ref().map(ToString::to_string);
    add("content-type", text(from.content_type()));
    add("content-encoding", text(from.content_encoding()));
    add("delivery-mode", from.delivery_mode().map(|mode| mode.to_string()));
    add("priority", from.priority().map(|priority| priority.to_string()));
    add("correlation-id", text(from.correlation_id()));
    add("reply-to", text(from.reply_to()));
    add("expiration", text(from.expiration()));
    add("message-id", text(from.message_id()));
    add("timestamp", from.timestamp().map(|timestamp| timestamp.to_string()));
    add("type", text(from.kind()));
    add("user-id", text(from.user_id()));
    add("app-id", text(from.app_id()));
    add("cluster-id", text(from.cluster_id()));
    all
}

fn table(table: &FieldTable) -> Map<String, Json> {
    table.inner().iter().map(|(name, found)| (name.to_string(), value(found))).collect()
}

/// A header's value as JSON; a moment is in seconds since 1970.
fn value(found: &AMQPValue) -> Json {
    let text = |text: &LongString| Json::from(String::from_utf8_lossy(text.as_bytes()));
    match found {
        AMQPValue::Boolean(found) => (*found).into(),
        AMQPValue::ShortShortInt(found) => (*found).into(),
        AMQPValue::ShortShortUInt(found) => (*found).into(),
        AMQPValue::ShortInt(found) => (*found).into(),
        AMQPValue::ShortUInt(found) => (*found).into(),
        AMQPValue::LongInt(found) => (*found).into(),
        AMQPValue::LongUInt(found) => (*found).into(),
        AMQPValue::LongLongInt(found) => (*found).into(),
        AMQPValue::Float(found) => (*found).into(),
        AMQPValue::Double(found) => (*found).into(),
        AMQPValue::DecimalValue(found) => {
            let places = usize::from(found.scale);
            let digits = format!("{:0>width$}", found.value, width = places + 1);
            let (whole, fraction) = digits.split_at(digits.len() - places);
            if places == 0 { whole.into() } else { format!("{whole}.{fraction}").into() }
        }
        AMQPValue::ShortString(found) => found.as_str().into(),
        AMQPValue::LongString(found) => text(found),
        AMQPValue::FieldArray(found) => found.as_slice().iter().map(value).collect(),
        AMQPValue::Timestamp(found) => (*found).into(),
        AMQPValue::FieldTable(found) => table(found).into(),
        AMQPValue::ByteArray(found) => String::from_utf8_lossy(found.as_slice()).into(),
        AMQPValue::Void => Json::Null,
    }
}
