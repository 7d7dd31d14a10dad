//! A message as it lies in a queue.

use super::fields;
use crate::{delivery::Arrival, publish::Outgoing, rpc::Reply};
use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldArray, FieldTable},
};
use topoc_routing::{Carried, Death, Message, Queue, QueueKind, Reason, Version};

/// The keys that the broker notes of a message's deaths, in headers of their own.
const NOTES: [&str; 6] = [
    "x-first-death-reason",
    "x-first-death-queue",
    "x-first-death-exchange",
    "x-last-death-reason",
    "x-last-death-queue",
    "x-last-death-exchange",
];

/// A message of a client, read for routing.
pub(super) struct Incoming {
    pub(super) exchange: String,
    pub(super) routing_key: String,
    pub(super) headers: topoc_routing::Table,
    pub(super) cc: Vec<String>,
    pub(super) bcc: Vec<String>,
    pub(super) properties: BasicProperties,
    /// Milliseconds.
    expiration: Option<u64>,
    payload: Vec<u8>,
}

impl Incoming {
    /// Reads what is published; fails with the broker's refusal.
    pub(super) fn read(outgoing: &Outgoing) -> Result<Self, String> {
        let mut properties = outgoing.properties.clone();
        let mut own = properties.headers().clone().unwrap_or_default();
        let (cc, bcc) = (fields::keys(&own, "CC")?, fields::keys(&own, "BCC")?);
        let mut headers = fields::table(&own);
        headers.remove("CC");
        if headers.remove("BCC").is_some() {
            own = without(&own, "BCC");
            properties = properties.with_headers(own);
        }
        let expiration =
            match properties.expiration() {
                Some(text) => Some(text.as_str().parse::<u32>().map_err(|error| {
                    format!("PRECONDITION_FAILED - invalid expiration '{text}': {error}")
                })?),
                None => None,
            };
        Ok(Self {
            exchange: outgoing.exchange.clone(),
            routing_key: outgoing.routing_key.clone(),
            headers,
            cc,
            bcc,
            properties,
            expiration: expiration.map(u64::from),
            payload: outgoing.payload.clone(),
        })
    }

    pub(super) fn message(&self) -> Message<'_> {
        Message::new(&self.routing_key).with_headers(&self.headers).with_cc(&self.cc).with_bcc(&self.bcc)
    }

    pub(super) fn bytes(&self) -> usize {
        self.payload.len()
    }

    /// As the answer that it is.
    pub(super) fn into_reply(self) -> Reply {
        Reply { properties: self.properties, payload: self.payload }
    }

    pub(super) fn into_stored(self) -> Stored {
        let carried = Carried::new(&self.exchange, &self.message());
        let Self { bcc, properties, payload, expiration, .. } = self;
        Stored {
            carried,
            hidden: bcc,
            properties,
            payload,
            expiration,
            expires: None,
            position: 0,
            returned: 0,
            redelivered: false,
            failed: 0,
            deaths: Vec::new(),
        }
    }
}

/// A message in a queue.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// As routing knows it.
    pub(super) carried: Carried,
    /// The keys of `BCC`, which nobody is shown.
    hidden: Vec<String>,
    /// As consumers get them, but for the headers that tell of deaths and deliveries.
    properties: BasicProperties,
    payload: Vec<u8>,
    /// Its own time to live, in milliseconds.
    expiration: Option<u64>,
    /// When it expires in this queue, in milliseconds of the broker's clock.
    pub(super) expires: Option<u64>,
    /// Its place among the messages of its queue.
    pub(super) position: u64,
    /// How often it came back to this queue.
    pub(super) returned: u64,
    pub(super) redelivered: bool,
    /// How often quorum queues gave it to a consumer that rejected it. From 4.0 on that goes along with the dead letter
    /// (`rabbit_fifo_dlx:annotate_msg`).
    failed: u64,
    deaths: Vec<Noted>,
}

/// A message's death.
#[derive(Clone, Copy, Debug)]
pub(super) struct Died<'q> {
    pub(super) queue: &'q Queue,
    pub(super) reason: Reason,
    pub(super) version: Version,
    /// When, in seconds since 1970.
    pub(super) seconds: u64,
}

/// An entry of `x-death`.
#[derive(Clone, Debug)]
struct Noted {
    death: Death,
    queue: String,
    exchange: String,
    keys: Vec<String>,
    count: i64,
    /// Seconds since 1970.
    time: u64,
    expiration: Option<u64>,
}

impl Stored {
    pub(super) fn properties(&self) -> &BasicProperties {
        &self.properties
    }

    pub(super) fn bytes(&self) -> u64 {
        self.payload.len() as u64
    }

    /// Its priority.
    pub(super) fn priority(&self) -> Option<u8> {
        *self.properties.priority()
    }

    /// This message on its arrival in a queue.
    pub(super) fn arriving(mut self, queue: &Queue, now: u64) -> Self {
        // a quorum queue can still hand over or drop what lives for no time (`rabbit_fifo:update_expiry_header`)
        let least = u64::from(queue.kind == QueueKind::Quorum);
        let after = queue.expires_after(self.expiration).map(|after| after.max(least));
        self.expires = after.map(|after| now.saturating_add(after));
        self.returned = 0;
        self.redelivered = false;
        self
    }

    /// The dead letter that `carried` is: `self` after its death.
    pub(super) fn dead(&self, died: Died<'_>, carried: Carried) -> Self {
        let Died { queue, reason, version, seconds } = died;
        let mut dead = self.clone();
        if queue.kind == QueueKind::Quorum && version >= Version::V4_0 {
            dead.failed += u64::from(reason == Reason::Rejected);
        }
        let Some(&death) = carried.deaths.first() else { return dead };
        debug_assert_eq!(death.reason, reason);
        match dead.deaths.iter_mut().find(|noted| noted.death == death) {
            Some(noted) => noted.count += 1,
            None => {
                let keys = self.shown_keys(version);
                dead.deaths.push(Noted {
                    death,
                    queue: queue.name.clone(),
                    exchange: self.carried.exchange.clone(),
                    keys,
                    count: 1,
                    time: seconds,
                    expiration: self.expiration,
                });
            }
        }
        if queue.dead_letter_routing_key.is_some() && version < Version::V3_13 {
            dead.hidden.clear();
        }
        if carried.headers.as_ref().is_some_and(|headers| !headers.contains_key("CC")) {
            let headers = dead.properties.headers().clone().unwrap_or_default();
            dead.properties = dead.properties.with_headers(without(&headers, "CC"));
        }
        dead.expiration = None;
        dead.carried = carried;
        dead
    }

    /// Its keys without those of `BCC`; from 3.13 on each of these takes away the first that is equal, after every death.
    fn shown_keys(&self, version: Version) -> Vec<String> {
        let keys = &self.carried.keys;
        if version < Version::V3_13 {
            return keys[..keys.len().saturating_sub(self.hidden.len())].to_vec();
        }
        let mut left = keys.clone();
        for hidden in &self.hidden {
            if let Some(at) = left.iter().position(|key| key == hidden) {
                left.remove(at);
            }
        }
        left
    }

    /// How often it was delivered before, as a quorum queue tells it: here, or else before its death.
    pub(super) fn deliveries(&self) -> u64 {
        if self.returned > 0 { self.returned } else { self.failed }
    }

    /// As a consumer gets it; `counted` says how often it was delivered before, where its queue tells that.
    pub(super) fn arrival(&self, counted: Option<u64>) -> Arrival {
        let mut properties = self.properties.clone();
        if counted.is_some() || !self.deaths.is_empty() {
            let mut headers = properties.headers().clone().unwrap_or_default();
            if let Some(count) = counted {
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                headers.insert("x-delivery-count".into(), AMQPValue::LongLongInt(count));
            }
            self.tell_deaths(&mut headers);
            properties = properties.with_headers(headers);
        }
        if !self.deaths.is_empty() {
            properties = without_expiration(properties);
        }
        Arrival {
            exchange: self.carried.exchange.as_str().into(),
            routing_key: self.carried.keys.first().map_or("", String::as_str).into(),
            redelivered: self.redelivered,
            properties,
            payload: self.payload.clone(),
        }
    }

    fn tell_deaths(&self, headers: &mut FieldTable) {
        if self.deaths.is_empty() {
            return;
        }
        let noted = |death: &Death| self.deaths.iter().find(|noted| noted.death == *death);
        let deaths: Vec<AMQPValue> =
            self.carried.deaths.iter().filter_map(noted).map(|noted| noted.field()).collect();
        headers.insert("x-death".into(), AMQPValue::FieldArray(FieldArray::from(deaths)));
        for name in NOTES {
            let told = self.carried.headers.as_ref().and_then(|told| told.get(name));
            if let Some(topoc_routing::Value::String(bytes)) = told {
                headers.insert(name.into(), AMQPValue::LongString(bytes.as_slice().into()));
            }
        }
    }
}

impl Noted {
    fn field(&self) -> AMQPValue {
        let text = |text: &str| AMQPValue::LongString(text.into());
        let mut table = FieldTable::default();
        table.insert("count".into(), AMQPValue::LongLongInt(self.count));
        table.insert("reason".into(), text(self.death.reason.as_str()));
        table.insert("queue".into(), text(&self.queue));
        table.insert("time".into(), AMQPValue::Timestamp(self.time));
        table.insert("exchange".into(), text(&self.exchange));
        let keys: Vec<AMQPValue> = self.keys.iter().map(|key| text(key)).collect();
        table.insert("routing-keys".into(), AMQPValue::FieldArray(FieldArray::from(keys)));
        if let Some(expiration) = self.expiration {
            table.insert("original-expiration".into(), text(&expiration.to_string()));
        }
        AMQPValue::FieldTable(table)
    }
}

fn without(table: &FieldTable, name: &str) -> FieldTable {
    let mut fields = table.inner().clone();
    fields.remove(name);
    fields.into()
}

/// The same properties but `expiration`, which lapin's cannot take back.
fn without_expiration(from: BasicProperties) -> BasicProperties {
    let mut to = BasicProperties::default();
    macro_rules! carry {
        ($($get:ident $with:ident),*) => { $(if let Some(value) = from.$get().clone() { to = to.$with(value); })* };
    }
    carry!(
        content_type with_content_type, content_encoding with_content_encoding, headers with_headers,
        delivery_mode with_delivery_mode, priority with_priority, correlation_id with_correlation_id,
        reply_to with_reply_to, message_id with_message_id, timestamp with_timestamp, kind with_type,
        user_id with_user_id, app_id with_app_id, cluster_id with_cluster_id
    );
    to
}
