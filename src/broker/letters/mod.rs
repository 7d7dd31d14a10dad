//! What is in a dead queue: looked at and put back, or moved on, over AMQP.

mod again;
mod look;
mod redrive;
mod wire;

pub use look::Looked;
pub use redrive::{Redrive, Redriven};

use std::{fmt, sync::Arc};

use lapin::{
    BasicProperties, Channel, Confirmation,
    message::Delivery,
    options::{BasicAckOptions, BasicPublishOptions},
};
use serde_json::Value as Json;

use super::{
    Client, Error, Overview, Request,
    look::{Looker, Seen},
};
use crate::{
    dead::{ATTEMPT, Way},
    kind::Version,
    topology::QueueType,
};

/// How many messages a quorum queue of 4.0 and later takes back, where nobody says it (`rabbit_fifo`).
const DELIVERY_LIMIT: i64 = 20;

/// How often a message has been redriven: topoc's own header.
const REDRIVEN: &str = "x-topoc-redriven";

/// What the broker writes into a message that it delivers, and what is no part of it.
const DELIVERY_COUNT: &str = "x-delivery-count";

/// Who may publish in another user's name.
const IMPERSONATOR: &str = "impersonator";

/// The way to the messages of a broker's queues.
#[derive(Debug)]
pub struct Letters<'a> {
    client: &'a Client,
    overview: &'a Overview,
    looker: Looker<'a>,
    /// Whether we may publish in other users' names.
    impersonates: bool,
    /// The nodes that are down.
    down: Vec<String>,
}

impl<'a> Letters<'a> {
    /// Asks who we are; no connection is made before one is needed.
    pub async fn new(client: &'a Client, overview: &'a Overview) -> Self {
        // who may not ask for their own tags has not that one either
        let tags = client.tags().await.unwrap_or_default();
        // who may not see the nodes waits for what is on one that is down
        let nodes = client.send(&Request::get(&["nodes"]).query("columns", "name,running")).await;
        let down = super::away::nodes_down(&nodes.unwrap_or_default());
        Self {
            client,
            overview,
            looker: Looker::new(client, overview),
            impersonates: tags.iter().any(|tag| tag == IMPERSONATOR),
            down,
        }
    }

    /// Finds a queue; none if it is not there.
    ///
    /// # Errors
    /// [`Error::Away`] where nobody can look into it; as [`Client::send`].
    pub async fn mailbox(&self, vhost: &str, queue: &str) -> Result<Option<Mailbox<'_>>, Error> {
        let away = |why: String| Error::Away { queue: queue.to_owned(), why };
        let Some(found) = self.client.find(&Request::get(&["queues", vhost, queue])).await? else {
            // one whose node is down is said not to be there (3.10), but listed
            let states = Request::get(&["queues", vhost]).query("columns", "name,node,state");
            let list = self.client.find(&states.query("disable_stats", "true")).await?.unwrap_or_default();
            let mut listed = list.as_array().into_iter().flatten().filter(|listed| listed["name"] == queue);
            return listed.find_map(super::away::away).map_or(Ok(None), |why| Err(away(why)));
        };
        if let Some(why) = super::away::away_with(&found, &self.down) {
            return Err(away(why));
        }
        let kind = found["type"].as_str().and_then(QueueType::from_word).unwrap_or(QueueType::Classic);
        let limit =
            (kind == QueueType::Quorum).then(|| delivery_limit(&found, &self.overview.version)).flatten();
        Ok(Some(Mailbox {
            client: self.client,
            looker: &self.looker,
            impersonates: self.impersonates,
            vhost: Arc::from(vhost),
            queue: queue.to_owned(),
            kind,
            limit,
        }))
    }
}

/// A queue that is looked into, or emptied.
pub struct Mailbox<'a> {
    client: &'a Client,
    looker: &'a Looker<'a>,
    impersonates: bool,
    vhost: Arc<str>,
    queue: String,
    kind: QueueType,
    /// How many times a message of it is taken back before it is dropped; none: as often as one likes.
    limit: Option<i64>,
}

impl Mailbox<'_> {
    /// Its type.
    #[must_use]
    pub fn kind(&self) -> QueueType {
        self.kind
    }

    /// How many times a message is taken back before the broker drops it; none: as often as one likes.
    #[must_use]
    pub fn limit(&self) -> Option<i64> {
        self.limit
    }

    /// How many messages wait in it, and how many consumers it has; none if it is gone. Of a stream nothing is told so.
    ///
    /// # Errors
    /// Why it cannot be seen.
    pub async fn holds(&self) -> Result<Option<(u64, u64)>, String> {
        self.looker.verify(&self.vhost).await?;
        let seen = self.looker.seen(&self.vhost, &self.queue).await?;
        Ok(seen.map(|Seen { ready, consumers }| (ready, consumers)))
    }

    /// Whether the broker would drop a message that is given back now, or once more: then it is not given back.
    fn is_at_its_limit(&self, returned: i64) -> bool {
        self.limit.is_some_and(|limit| returned + 1 >= limit)
    }

    /// Puts a copy at the end of the queue, and takes the message out once that is confirmed; false, and the message is
    /// still there, where it is not.
    async fn copy(&self, channel: &Channel, delivery: &Delivery) -> Result<bool, String> {
        let (properties, _) = self.sendable(&delivery.properties, None, None);
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let trouble = |error: lapin::Error| error.to_string();
        let sent = channel
            .basic_publish("".into(), self.queue.as_str().into(), options, &delivery.data, properties)
            .await
            .map_err(trouble)?;
        let confirmed = tokio::time::timeout(redrive::CONFIRMS_WITHIN, sent).await;
        let is_there = matches!(confirmed, Ok(Ok(Confirmation::Ack(None))));
        if is_there {
            channel.basic_ack(delivery.delivery_tag, BasicAckOptions::default()).await.map_err(trouble)?;
        }
        Ok(is_there)
    }

    /// A message's properties as they are published again, and whether its user could not be kept: the broker takes no
    /// other than our own (`rabbit_channel:check_user_id_header`).
    fn sendable(
        &self,
        from: &BasicProperties,
        way: Option<&Way>,
        published: Option<(&str, &str)>,
    ) -> (BasicProperties, bool) {
        let mut headers = from.headers().clone().unwrap_or_default().inner().clone();
        // a count of the queue that delivered it
        headers.remove(DELIVERY_COUNT);
        // they would lead to further queues
        headers.remove("CC");
        headers.remove("BCC");
        if let Some(way) = way {
            wire::mark(&mut headers, way, published);
            // the ladder begins anew
            headers.remove(ATTEMPT);
        }
        let mut to = from.clone();
        // no headers at all stay none
        if from.headers().is_some() || !headers.is_empty() {
            to = to.with_headers(headers.into());
        }
        let ours = &self.client.access().credentials().username;
        let is_others = from.user_id().as_ref().is_some_and(|user| user.as_str() != ours);
        if is_others && !self.impersonates {
            return (wire::without_user(&to), true);
        }
        (to, false)
    }
}

impl fmt::Debug for Mailbox<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("queue", &self.queue).finish_non_exhaustive()
    }
}

/// The delivery limit that counts for a quorum queue (`rabbit_quorum_queue`): the lesser of argument and policy, the
/// greater where one is below 0, which is none; an argument that is no integer is as if it were not there.
fn delivery_limit(queue: &Json, version: &str) -> Option<i64> {
    let argument = queue["arguments"]["x-delivery-limit"].as_i64();
    let policy = queue["effective_policy_definition"]["delivery-limit"].as_i64();
    let said = match (argument, policy) {
        (Some(argument), Some(policy)) if argument < 0 || policy < 0 => Some(argument.max(policy)),
        (Some(argument), Some(policy)) => Some(argument.min(policy)),
        (argument, policy) => argument.or(policy),
    };
    let has_default = Version::parse(version).is_none_or(|version| version >= crate::kind::version(4, 0));
    said.or(has_default.then_some(DELIVERY_LIMIT)).filter(|limit| *limit >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn which_delivery_limit_counts() {
        let limit = |argument: Json, policy: Json, version: &str| {
            let queue = json!({"arguments": {"x-delivery-limit": argument}, "effective_policy_definition": {"delivery-limit": policy}});
            delivery_limit(&queue, version)
        };
        assert_eq!(limit(Json::Null, Json::Null, "3.10.8"), None);
        assert_eq!(limit(Json::Null, Json::Null, "4.0.5"), Some(20));
        assert_eq!(limit(json!("7"), Json::Null, "4.0.5"), Some(20));
        assert_eq!(limit(json!(7), json!(5), "4.0.5"), Some(5));
        assert_eq!(limit(json!(-1), json!(5), "4.0.5"), Some(5));
        assert_eq!(limit(json!(-1), Json::Null, "4.0.5"), None);
        assert_eq!(limit(Json::Null, json!(5), "3.10.8"), Some(5));
        assert_eq!(
            delivery_limit(&json!({"arguments": [], "effective_policy_definition": []}), "3.10.8"),
            None
        );
    }
}
