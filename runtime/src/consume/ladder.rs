//! A queue's retry ladder.
//!
//! `retry "5s" "30s" then="payment.dead"` on queue `payment` is, on the broker, one delay queue per
//! step and the dead queue:
//!
//! | queue | arguments |
//! |---|---|
//! | `payment.retry.1` | `message-ttl` 5000, dead-letter exchange `""`, dead-letter routing key `payment` |
//! | `payment.retry.2` | `message-ttl` 30000, the same dead letter |
//! | `payment.dead` | its own |
//!
//! A message to be retried is published to the delay queue of its next step through the default
//! exchange, then the original is acknowledged; when it expires there, the broker puts it back to
//! `payment`, and only there. One queue per step, because a message expires only at the head of
//! its queue (`rabbit_amqqueue`, per-message TTL).

use crate::{
    delivery::Delivery,
    headers::{self, Value},
    publish::Outgoing,
};
use lapin::BasicProperties;

/// The retry ladder of a queue: its delay queues in their order, and the queue after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ladder {
    delay_queues: &'static [&'static str],
    dead_queue: &'static str,
}

impl Ladder {
    /// A ladder of these delay queues, then `dead_queue`.
    #[must_use]
    pub const fn new(delay_queues: &'static [&'static str], dead_queue: &'static str) -> Self {
        Self { delay_queues, dead_queue }
    }

    /// The message for the next step, or for the dead queue after the last.
    pub(super) fn retry(self, delivery: Delivery, reason: &str) -> Outgoing {
        let attempt = delivery.attempt();
        let next = usize::try_from(attempt).ok().and_then(|attempt| self.delay_queues.get(attempt));
        match next {
            Some(to) => forward(delivery, to, attempt.saturating_add(1), reason),
            None => self.give_up(delivery, reason),
        }
    }

    /// The message for the dead queue.
    pub(super) fn give_up(self, delivery: Delivery, reason: &str) -> Outgoing {
        let attempt = delivery.attempt();
        forward(delivery, self.dead_queue, attempt, reason)
    }

    /// A message whose own headers leave no room for topoc's: for the dead queue, without its own. Rejected, it would get
    /// headers of the broker's, and those who read the dead queue a frame that is too large. All properties, however
    /// long, and what is left of the headers fit into the smallest frame that AMQP allows (4096 bytes).
    pub(super) fn without_own_headers(self, mut outgoing: Outgoing, reason: &str) -> Outgoing {
        let mut table = outgoing.properties.headers().clone().unwrap_or_default().inner().clone();
        table.retain(|name, _| headers::OWN.contains(&name.as_str()));
        table.insert(headers::REASON.into(), Value::from(shortened(reason, BARE)).into());
        outgoing.properties = outgoing.properties.with_headers(table.into());
        self.dead_queue.clone_into(&mut outgoing.routing_key);
        outgoing
    }
}

fn forward(delivery: Delivery, to: &str, attempt: u32, reason: &str) -> Outgoing {
    let mut table = delivery.properties().headers().clone().unwrap_or_default().inner().clone();
    // they would route copies to further queues, and a dead letter's history ends with the message
    for name in ["CC", "BCC", "x-death"] {
        table.remove(name);
    }
    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    for (name, value) in [
        (headers::ATTEMPT, Value::from(attempt)),
        (headers::EXCHANGE, delivery.exchange().into()),
        (headers::ROUTING_KEY, delivery.routing_key().into()),
        (headers::QUEUE, delivery.queue().into()),
        (headers::REASON, shortened(reason, FULL).into()),
        (headers::FAILED_AT, now.into()),
    ] {
        table.insert(name.into(), value.into());
    }
    Outgoing {
        exchange: String::new(),
        routing_key: to.to_owned(),
        mandatory: true,
        once: false,
        properties: carried(delivery.properties()).with_headers(table.into()),
        payload: delivery.into_payload(),
    }
}

/// A frame holds all headers (128 KiB by default), so a reason as long as a page is cut: to so many bytes.
const FULL: usize = 1000;
/// And to so many where the room is small.
const BARE: usize = 200;

fn shortened(reason: &str, bytes: usize) -> &str {
    &reason[..reason.floor_char_boundary(bytes)]
}

/// Every property but `expiration`, which would cut the delay short, and `user-id`,
/// which the broker accepts from that user alone.
fn carried(from: &BasicProperties) -> BasicProperties {
    let mut to = BasicProperties::default().with_delivery_mode(2);
    macro_rules! carry {
        ($($get:ident $with:ident),*) => { $(if let Some(value) = from.$get().clone() { to = to.$with(value); })* };
    }
    carry!(
        content_type with_content_type, content_encoding with_content_encoding, priority with_priority,
        correlation_id with_correlation_id, reply_to with_reply_to, message_id with_message_id,
        timestamp with_timestamp, kind with_type, app_id with_app_id
    );
    to
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::Arrival;
    use lapin::types::{AMQPValue, FieldTable};

    fn delivered(properties: BasicProperties, exchange: &str, key: &str) -> Delivery {
        let (exchange, routing_key) = (exchange.into(), key.into());
        let payload = b"{}".to_vec();
        Delivery::new("payment", Arrival { exchange, routing_key, redelivered: false, properties, payload })
    }

    fn received(outgoing: Outgoing) -> Delivery {
        delivered(outgoing.properties, "", "payment")
    }

    #[test]
    fn without_its_own_headers_every_message_fits_into_the_smallest_frame() {
        let long = "ä".repeat(127);
        let short = || lapin::types::ShortString::from(long.as_str());
        let mut table = FieldTable::default();
        for name in [headers::EXCHANGE, headers::ROUTING_KEY, headers::QUEUE, headers::REASON, "note"] {
            table.insert(name.into(), AMQPValue::LongString("x".repeat(130_000).into()));
        }
        let properties = BasicProperties::default()
            .with_content_type(short())
            .with_content_encoding(short())
            .with_correlation_id(short())
            .with_reply_to(short())
            .with_expiration(short())
            .with_message_id(short())
            .with_type(short())
            .with_user_id(short())
            .with_app_id(short())
            .with_cluster_id(short())
            .with_priority(9)
            .with_timestamp(1)
            .with_headers(table);
        let (exchange, routing_key, payload) = (short(), short(), Vec::new());
        let arrival = Arrival { exchange, routing_key, redelivered: false, properties, payload };
        let delivery = Delivery::new(&long, arrival);
        assert_eq!((delivery.exchange(), delivery.routing_key()), (long.as_str(), long.as_str()));
        let ladder = Ladder::new(&["payment.retry.1"], "payment.dead");
        let full = ladder.retry(delivery, &"ü".repeat(5000));
        let bare = ladder.without_own_headers(full, &"ü".repeat(5000));
        assert!(crate::publish::header_frame(&bare.properties) <= 4096);
        assert_eq!((bare.exchange.as_str(), bare.routing_key.as_str()), ("", "payment.dead"));
    }

    #[test]
    fn an_attempt_beyond_all_counting_goes_to_the_dead_queue() {
        let ladder = Ladder::new(&["payment.retry.1"], "payment.dead");
        for (count, to) in
            [(i64::from(u32::MAX), "payment.dead"), (i64::MAX, "payment.dead"), (i64::MIN, "payment.retry.1")]
        {
            let mut table = FieldTable::default();
            table.insert(headers::QUEUE.into(), AMQPValue::LongString("payment".into()));
            table.insert(headers::ATTEMPT.into(), AMQPValue::LongLongInt(count));
            let delivery = delivered(BasicProperties::default().with_headers(table), "", "payment");
            assert_eq!(ladder.retry(delivery, "busy").routing_key, to, "{count}");
        }
    }

    #[test]
    fn a_message_climbs_the_steps_and_keeps_where_it_came_from() {
        let ladder = Ladder::new(&["payment.retry.1", "payment.retry.2"], "payment.dead");
        let mut table = FieldTable::default();
        table.insert("CC".into(), AMQPValue::FieldArray(vec![AMQPValue::LongString("other".into())].into()));
        table.insert("tenant".into(), AMQPValue::LongString("acme".into()));
        let properties = BasicProperties::default()
            .with_message_id("7".into())
            .with_expiration("100".into())
            .with_user_id("guest".into())
            .with_type("OrderPaid".into())
            .with_headers(table);
        let mut delivery = delivered(properties, "order.exchange", "order.paid");
        for (step, to) in [(1, "payment.retry.1"), (2, "payment.retry.2"), (2, "payment.dead")] {
            let outgoing = ladder.retry(delivery, "busy");
            assert_eq!((outgoing.exchange.as_str(), outgoing.routing_key.as_str()), ("", to));
            assert_eq!(outgoing.properties.expiration(), &None);
            assert_eq!(outgoing.properties.user_id(), &None);
            assert_eq!(outgoing.payload, b"{}");
            delivery = received(outgoing);
            assert_eq!((delivery.exchange(), delivery.routing_key()), ("order.exchange", "order.paid"));
            assert_eq!(delivery.attempt(), step);
            assert_eq!(delivery.message_id(), Some("7"));
            assert_eq!(delivery.name(), Some("OrderPaid"));
            assert_eq!(delivery.header(headers::REASON), Some("busy".into()));
            assert_eq!(delivery.header("tenant"), Some("acme".into()));
            assert_eq!(
                delivery.properties().headers().as_ref().and_then(|table| table.inner().get("CC")),
                None
            );
        }
    }
}
