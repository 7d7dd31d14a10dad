//! What queues hold, and who hears them.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value as Json;

use super::show::digits;

/// What a queue holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    /// Waiting for a consumer.
    pub ready: u64,
    /// Delivered and not yet acknowledged.
    pub unacked: u64,
}

impl Messages {
    /// All of them.
    #[must_use]
    pub fn total(self) -> u64 {
        self.ready.saturating_add(self.unacked)
    }

    /// `1 204 ready and 16 unacknowledged messages`.
    #[must_use]
    pub fn text(self) -> String {
        let ready = digits(i64::try_from(self.ready).unwrap_or(i64::MAX));
        if self.unacked == 0 {
            format!("{ready} ready {}", if self.ready == 1 { "message" } else { "messages" })
        } else {
            let unacked = digits(i64::try_from(self.unacked).unwrap_or(i64::MAX));
            format!("{ready} ready and {unacked} unacknowledged messages")
        }
    }
}

/// A queue, by its vhost and its name.
type Named = (Arc<str>, Arc<str>);

/// What queues hold and who hears them, by vhost and name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// A queue that the broker gives no figure for is not in it.
    pub messages: BTreeMap<Named, Messages>,
    /// How many consumers queues have: none is not in it. None where nobody says.
    pub consumers: Option<BTreeMap<Named, u64>>,
    /// How many bytes the bodies of what queues hold take, where that was asked for; some seconds late.
    pub bytes: BTreeMap<Named, u64>,
    /// The queues of which nobody knows what they hold, each with why: `its node … is down`.
    pub away: BTreeMap<Named, String>,
}

impl Held {
    /// What a queue holds.
    #[must_use]
    pub fn of(&self, vhost: &str, queue: &str) -> Option<Messages> {
        self.messages.get(&(Arc::from(vhost), Arc::from(queue))).copied()
    }

    /// Why nobody knows what a queue holds; none where it is known.
    #[must_use]
    pub fn away(&self, vhost: &str, queue: &str) -> Option<&str> {
        self.away.get(&(Arc::from(vhost), Arc::from(queue))).map(String::as_str)
    }

    /// Notes that nobody knows what a queue holds, and why.
    pub fn note_away(&mut self, vhost: &str, queue: &str, why: String) {
        let key = (Arc::from(vhost), Arc::from(queue));
        self.messages.remove(&key);
        self.away.insert(key, why);
    }

    /// How many consumers a queue is known to have.
    #[must_use]
    pub fn consumers_of(&self, vhost: &str, queue: &str) -> u64 {
        let consumers = self.consumers.as_ref();
        consumers.and_then(|all| all.get(&(Arc::from(vhost), Arc::from(queue)))).copied().unwrap_or(0)
    }

    /// How many bytes the bodies of what a queue holds take. What holds nothing takes none.
    #[must_use]
    pub fn bytes_of(&self, vhost: &str, queue: &str) -> Option<u64> {
        let key = (Arc::from(vhost), Arc::from(queue));
        match self.messages.get(&key) {
            Some(held) if held.total() == 0 => Some(0),
            _ => self.bytes.get(&key).copied(),
        }
    }

    /// Adds the answer of `GET /api/consumers`.
    pub fn heard_by(&mut self, consumers: &Json) {
        let heard = self.consumers.get_or_insert_default();
        for consumer in consumers.as_array().into_iter().flatten() {
            let queue = &consumer["queue"];
            if let (Some(vhost), Some(name)) = (queue["vhost"].as_str(), queue["name"].as_str()) {
                *heard.entry((Arc::from(vhost), Arc::from(name))).or_default() += 1;
            }
        }
    }

    /// The answer of `GET /api/queues?disable_stats=true&enable_queue_totals=true`.
    #[must_use]
    pub fn from_json(queues: &Json) -> Self {
        let mut held = Self::default();
        for queue in queues.as_array().into_iter().flatten() {
            let (Some(vhost), Some(name)) = (queue["vhost"].as_str(), queue["name"].as_str()) else {
                continue;
            };
            let key: (Arc<str>, Arc<str>) = (Arc::from(vhost), Arc::from(name));
            if let Some(ready) = queue["messages_ready"].as_u64() {
                let unacked = queue["messages_unacknowledged"].as_u64().unwrap_or(0);
                held.messages.insert(key.clone(), Messages { ready, unacked });
            }
            held.weighs(key, queue);
        }
        held
    }

    /// Adds what `GET /api/queues/VHOST/NAME` says of the size of what a queue holds.
    pub fn weighs(&mut self, (vhost, name): (Arc<str>, Arc<str>), queue: &Json) {
        if let Some(bytes) = queue["message_bytes"].as_u64() {
            self.bytes.insert((vhost, name), bytes);
        }
    }
}
