//! Whether a queue may be deleted: what it holds, asked for just before.
//!
//! `if-empty` is atomic, but only classic queues have it, and it does not see what is unacknowledged. Quorum queues and
//! streams are looked at, then deleted: what comes in between is lost, and the plan says so.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use lapin::{Connection, ConnectionProperties, options::QueueDeclareOptions, types::FieldTable};
use tokio::sync::Mutex;

use super::{Client, Error, Overview, Request, read::totals};
use crate::{
    kind::Definition,
    plan::{Held, Messages, digits},
};

/// How old a list of what queues hold may be, where many are deleted.
const FRESH: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks into queues.
#[derive(Debug)]
pub(super) struct Guard<'a> {
    client: &'a Client,
    overview: &'a Overview,
    lists: Mutex<BTreeMap<Arc<str>, (Instant, Held)>>,
    connections: Mutex<BTreeMap<Arc<str>, Connection>>,
}

impl<'a> Guard<'a> {
    pub(super) fn new(client: &'a Client, overview: &'a Overview) -> Self {
        Self { client, overview, lists: Mutex::default(), connections: Mutex::default() }
    }

    /// Why a queue may not be deleted without consent; none if it is empty.
    pub(super) async fn objection(&self, queue: &Definition) -> Result<Option<String>, Error> {
        let vhost = queue.vhost.clone().unwrap_or_else(|| Arc::from("/"));
        let listed = self.listed(&vhost, queue.name()).await?;
        let mut held = listed.unwrap_or_default();
        if queue.text("type") == Some("stream") {
            // a stream is counted by the statistics alone, some seconds late
            match self.stream(&vhost, queue.name()).await? {
                Some(messages) => held.ready = held.ready.max(messages),
                None => return Ok(Some("the broker does not say what the stream holds".to_owned())),
            }
        }
        if queue.text("type") == Some("quorum") {
            match self.passive(&vhost, queue.name()).await {
                Ok(ready) => held.ready = u64::from(ready),
                Err(why) => {
                    return Ok(Some(format!(
                        "what it holds is told by AMQP alone, and {why}: name the address by --amqp"
                    )));
                }
            }
        }
        if held.total() == 0 {
            return Ok(None);
        }
        let number = |number: u64| digits(i64::try_from(number).unwrap_or(i64::MAX));
        Ok(Some(format!(
            "it holds {} ready and {} unacknowledged messages",
            number(held.ready),
            number(held.unacked)
        )))
    }

    /// What all queues of a vhost hold, now.
    pub(super) async fn all(&self, vhost: &str) -> Result<Held, Error> {
        Ok(Held::from_json(&self.client.send(&totals(&["queues", vhost])).await?))
    }

    async fn listed(&self, vhost: &Arc<str>, queue: &str) -> Result<Option<Messages>, Error> {
        let mut lists = self.lists.lock().await;
        let fresh = lists.get(vhost).is_some_and(|(at, _)| at.elapsed() < FRESH);
        if !fresh {
            lists.insert(vhost.clone(), (Instant::now(), self.all(vhost).await?));
        }
        Ok(lists.get(vhost).and_then(|(_, held)| held.of(vhost, queue)))
    }

    async fn stream(&self, vhost: &str, queue: &str) -> Result<Option<u64>, Error> {
        // the statistics of a stream that has just been written to come late
        let start = Instant::now();
        loop {
            let answer = self.client.send(&Request::get(&["queues", vhost, queue])).await?;
            match answer["messages"].as_u64() {
                Some(messages) => return Ok(Some(messages)),
                None if start.elapsed() > PATIENCE => return Ok(None),
                None => tokio::time::sleep(Duration::from_millis(500)).await,
            }
        }
    }

    /// A passive declaration tells how many messages are ready, without the statistics' delay.
    async fn passive(&self, vhost: &Arc<str>, queue: &str) -> Result<u32, String> {
        let mut connections = self.connections.lock().await;
        if !connections.contains_key(vhost) {
            let address = self.client.amqp(self.overview).map_err(|error| error.to_string())?;
            let tls = self.client.access().tls();
            let config = lapin::tcp::OwnedTLSConfig {
                identity: tls.identity.as_ref().map(|identity| lapin::tcp::OwnedIdentity::PKCS8 {
                    pem: identity.certificate.clone().into_bytes(),
                    key: identity.key.expose().as_bytes().to_vec(),
                }),
                cert_chain: tls.ca.clone(),
            };
            let url = address.url(vhost);
            let runtime = lapin::runtime::default_runtime().map_err(|error| error.to_string())?;
            let properties = ConnectionProperties::default();
            let connect = Connection::connect_with_config(url.expose(), properties, config, runtime);
            let connection = tokio::time::timeout(PATIENCE, connect)
                .await
                .map_err(|_| format!("{address} does not answer"))?
                .map_err(|error| format!("{address}: {error}"))?;
            connections.insert(vhost.clone(), connection);
        }
        let Some(connection) = connections.get(vhost) else {
            return Err("there is no connection".to_owned());
        };
        let trouble = |error: lapin::Error| error.to_string();
        // a queue that is not there closes the channel, so each gets its own
        let channel = connection.create_channel().await.map_err(trouble)?;
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let found = channel.queue_declare(queue.into(), options, FieldTable::default()).await;
        let found = found.map_err(trouble)?.message_count();
        let _ = channel.close(200, "looked".into()).await;
        Ok(found)
    }
}
