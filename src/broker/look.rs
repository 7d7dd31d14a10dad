//! Looking at queues over AMQP, which tells what the management API tells seconds late.

use std::{
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::StreamExt as _;
use lapin::{
    Channel, Connection, ErrorKind,
    options::{
        BasicConsumeOptions, BasicQosOptions, ExchangeBindOptions, QueueBindOptions, QueueDeclareOptions,
        QueueDeleteOptions,
    },
    types::{AMQPValue, FieldTable},
};
use serde_json::Value as Json;
use tokio::sync::Mutex;

use super::{
    Client, Overview, Request,
    connect::{Connected, answered, connect},
};
use crate::kind::Definition;

/// How long an empty stream is listened to; one that is not answers within 0.1 s.
const LISTENS: Duration = Duration::from_secs(3);

/// How long the management API may take to show a new connection: it looks every 5 s.
const SHOWN_WITHIN: Duration = Duration::from_secs(15);

const NOT_FOUND: u16 = 404;

/// What a queue holds and who hears it, now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Waiting for a consumer.
    pub(super) ready: u64,
    /// Consumers. Those of a quorum queue include whoever holds a message that is not acknowledged, also by `basic.get`
    /// or after having cancelled (`rabbit_fifo`; seen on 3.10 and 4.0): with none, nothing is unacknowledged.
    pub(super) consumers: u64,
}

/// A connection, and where it leads; where it could not be made, why: it is not waited for again.
type Link = Result<Arc<Connected>, String>;

/// Looks at queues.
pub(super) struct Looker<'a> {
    client: &'a Client,
    overview: &'a Overview,
    /// Tells our connections from those of others.
    name: u64,
    /// By vhost.
    connections: Mutex<BTreeMap<Arc<str>, Link>>,
    /// Whether what is at these addresses is the broker of the management API, once that is known.
    same: Mutex<BTreeMap<String, Result<(), String>>>,
}

impl<'a> Looker<'a> {
    pub(super) fn new(client: &'a Client, overview: &'a Overview) -> Self {
        Self { client, overview, name: rand::random(), connections: Mutex::default(), same: Mutex::default() }
    }

    /// What a queue holds; none if it is gone.
    pub(super) async fn seen(&self, vhost: &Arc<str>, queue: &str) -> Result<Option<Seen>, String> {
        // a queue that is not there closes the channel, so each look gets its own
        let channel = self.channel(vhost).await?;
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        match answered(channel.queue_declare(queue.into(), options, FieldTable::default())).await {
            Ok(found) => {
                let seen =
                    Seen { ready: found.message_count().into(), consumers: found.consumer_count().into() };
                done_with(&channel).await;
                Ok(Some(seen))
            }
            Err(error) if is_not_found(&error) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Whether a stream has anything to be read.
    pub(super) async fn stream_has_messages(&self, vhost: &Arc<str>, stream: &str) -> Result<bool, String> {
        let trouble = |error: lapin::Error| error.to_string();
        let channel = self.channel(vhost).await?;
        answered(channel.basic_qos(1, BasicQosOptions::default())).await.map_err(trouble)?;
        let mut arguments = FieldTable::default();
        arguments.insert("x-stream-offset".into(), AMQPValue::LongString("first".into()));
        let consumer =
            channel.basic_consume(stream.into(), "".into(), BasicConsumeOptions::default(), arguments);
        let mut consumer = match answered(consumer).await {
            Err(error) if is_not_found(&error) => return Ok(false),
            consumer => consumer.map_err(trouble)?,
        };
        let found = match tokio::time::timeout(LISTENS, consumer.next()).await {
            Ok(Some(Ok(_))) => Ok(true),
            Ok(Some(Err(error))) => Err(error.to_string()),
            Ok(None) => Err("the broker ended the look at it".to_owned()),
            Err(_) => Ok(false),
        };
        done_with(&channel).await;
        found
    }

    /// That AMQP and the management API lead to the same broker: what is counted on another says nothing.
    pub(super) async fn verify(&self, vhost: &Arc<str>) -> Result<(), String> {
        let link = self.link(vhost).await?;
        self.compare(vhost, &link).await
    }

    async fn compare(&self, vhost: &Arc<str>, link: &Connected) -> Result<(), String> {
        let mut same = self.same.lock().await;
        if let Some(known) = same.get(&link.address) {
            return known.clone();
        }
        let verdict = if self.is_the_same(vhost, &link.connection).await? {
            Ok(())
        } else {
            Err(format!("{} is another broker than {}", link.address, self.client.endpoint()))
        };
        same.insert(link.address.clone(), verdict.clone());
        verdict
    }

    /// Binds, as the management API cannot where an argument has no value.
    pub(super) async fn bind(&self, binding: &Definition, arguments: &Json) -> Result<(), String> {
        let vhost = binding.vhost.clone().unwrap_or_default();
        self.verify(&vhost).await?;
        let channel = self.channel(&vhost).await?;
        let text = |name| binding.text(name).unwrap_or("").into();
        let (source, destination, key) = (text("source"), text("destination"), text("routing-key"));
        let arguments = table(arguments);
        let bound = if binding.text("destination-type") == Some("exchange") {
            answered(channel.exchange_bind(
                destination,
                source,
                key,
                ExchangeBindOptions::default(),
                arguments,
            ))
            .await
        } else {
            answered(channel.queue_bind(destination, source, key, QueueBindOptions::default(), arguments))
                .await
        };
        bound.map_err(|error| error.to_string())?;
        done_with(&channel).await;
        Ok(())
    }

    /// A queue of our connection's own, with a name that the broker makes up, is seen by the management API. Who may not
    /// declare one waits until it shows the connection.
    async fn is_the_same(&self, vhost: &Arc<str>, connection: &Connection) -> Result<bool, String> {
        let channel = answered(connection.create_channel()).await.map_err(|error| error.to_string())?;
        let options =
            QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
        if let Ok(own) = answered(channel.queue_declare("".into(), options, FieldTable::default())).await {
            let request = Request::get(&["queues", vhost, own.name().as_str()]);
            let found = self.client.find(&request).await.map_err(|error| error.to_string())?;
            // it would go with the connection, some time later
            let _ = answered(channel.queue_delete(own.name().clone(), QueueDeleteOptions::default())).await;
            done_with(&channel).await;
            return Ok(found.is_some());
        }
        let name = self.connection_name();
        let start = Instant::now();
        while start.elapsed() < SHOWN_WITHIN {
            let list = self.client.send(&Request::get(&["connections"])).await;
            let list = list.map_err(|error| error.to_string())?;
            let is_ours = |connection: &Json| connection["client_properties"]["connection_name"] == *name;
            if list.as_array().into_iter().flatten().any(is_ours) {
                return Ok(true);
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Ok(false)
    }

    /// No other connection has it.
    fn connection_name(&self) -> String {
        format!("topoc {:016x}", self.name)
    }

    pub(super) async fn channel(&self, vhost: &Arc<str>) -> Result<Channel, String> {
        let link = self.link(vhost).await?;
        answered(link.connection.create_channel()).await.map_err(|error| error.to_string())
    }

    /// The connection to a vhost. One that has ended, as its node has, is made again; it has to lead to the same broker.
    async fn link(&self, vhost: &Arc<str>) -> Link {
        let mut connections = self.connections.lock().await;
        let has_ended = match connections.get(vhost) {
            Some(Ok(link)) if !link.connection.status().connected() => true,
            Some(known) => return known.clone(),
            None => false,
        };
        let connected = connect(self.client, self.overview, vhost, &self.connection_name()).await;
        let mut link = connected.map(Arc::new);
        if let (true, Ok(again)) = (has_ended, &link)
            && let Err(trouble) = self.compare(vhost, again).await
        {
            link = Err(trouble);
        }
        connections.insert(vhost.clone(), link.clone());
        link
    }
}

/// Arguments with the types that the management API gives them (`rabbit_misc:to_amqp_table`).
pub(super) fn table(members: &Json) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in members.as_object().into_iter().flatten() {
        table.insert(name.as_str().into(), field(value));
    }
    table
}

fn field(value: &Json) -> AMQPValue {
    match value {
        Json::Null => AMQPValue::Void,
        Json::Bool(bool) => AMQPValue::Boolean(*bool),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => AMQPValue::LongLongInt(integer),
            None => AMQPValue::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => AMQPValue::LongString(text.as_str().into()),
        Json::Array(items) => AMQPValue::FieldArray(items.iter().map(field).collect::<Vec<_>>().into()),
        Json::Object(_) => AMQPValue::FieldTable(table(value)),
    }
}

/// A channel that is closed late costs nothing, and one that cannot be closed is closed.
pub(super) async fn done_with(channel: &Channel) {
    let _ = answered(channel.close(200, "looked".into())).await;
}

fn is_not_found(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(error) if error.get_id() == NOT_FOUND)
}

impl fmt::Debug for Looker<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Looker").field("client", &self.client).finish_non_exhaustive()
    }
}
