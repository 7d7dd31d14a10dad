//! Where a dead letter goes back to.

use std::{collections::BTreeMap, sync::Arc};

use super::Letter;
use crate::topology::{Topology, delay_queue};

/// Where a dead letter is published, so that it is where it died, or where it came from at first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// To a queue alone, through the default exchange.
    Queue(String),
    /// To an exchange, as at first.
    Exchange {
        /// Its name; the default exchange's is empty.
        exchange: String,
        /// The routing key.
        routing_key: String,
        /// The further keys, of the header `CC`.
        more: Vec<String>,
    },
}

impl Way {
    /// The exchange and the routing key to publish to.
    #[must_use]
    pub fn address(&self) -> (&str, &str) {
        match self {
            Self::Queue(queue) => ("", queue),
            Self::Exchange { exchange, routing_key, .. } => (exchange, routing_key),
        }
    }

    /// `queue billing`, `exchange orders key order.created`.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Queue(queue) => format!("queue {queue}"),
            Self::Exchange { exchange, routing_key, .. } if exchange.is_empty() => {
                format!("queue {routing_key}")
            }
            Self::Exchange { exchange, routing_key, .. } if routing_key.is_empty() => {
                format!("exchange {exchange}")
            }
            Self::Exchange { exchange, routing_key, .. } => format!("exchange {exchange} key {routing_key}"),
        }
    }
}

/// Why a letter has nowhere to go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Astray {
    /// Nothing in it says where it comes from.
    Unsaid,
}

impl std::fmt::Display for Astray {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unsaid => f.write_str("nothing says where it died"),
        }
    }
}

/// The delay queues of a vhost's retry ladders, each with the queue that it gives messages back to.
#[derive(Clone, Debug, Default)]
pub struct Ladders(BTreeMap<String, Arc<str>>);

impl Ladders {
    /// Those of a topology.
    #[must_use]
    pub fn of(topology: &Topology, vhost: &str) -> Self {
        let mut all = BTreeMap::new();
        for queue in topology.queues().filter(|queue| queue.vhost() == vhost) {
            if let Some(crate::kind::Value::List(steps)) = queue.0.field("retry").map(|field| &field.value) {
                for step in 1..=steps.len() {
                    all.insert(delay_queue(queue.name(), step), Arc::from(queue.name()));
                }
            }
        }
        Self(all)
    }

    fn owner(&self, queue: &str) -> Option<&str> {
        self.0.get(queue).map(|owner| &**owner)
    }
}

/// Where a letter of a dead queue goes back to: the queue that it died in last. A delay queue of a retry ladder is not
/// one, so the ladder's own queue is meant. With `at_first` it is the exchange that the letter was published to at first.
///
/// # Errors
/// When it does not say.
pub fn way(letter: &Letter, dead_queue: &str, ladders: &Ladders, at_first: bool) -> Result<Way, Astray> {
    if at_first {
        let (exchange, keys) = letter.published().ok_or(Astray::Unsaid)?;
        let mut keys = keys.into_iter().map(ToOwned::to_owned);
        let routing_key = keys.next().unwrap_or_default();
        return Ok(Way::Exchange { exchange: exchange.to_owned(), routing_key, more: keys.collect() });
    }
    // it may have gone round by the dead queue itself
    let died = letter.deaths.iter().map(|death| &*death.queue).find(|queue| *queue != dead_queue);
    let died = died.ok_or(Astray::Unsaid)?;
    let queue = ladders.owner(died).or_else(|| {
        // a ladder that the files do not have any more is told by its names
        letter.laddered().filter(|queue| died.starts_with(&format!("{queue}.retry.")))
    });
    Ok(Way::Queue(queue.unwrap_or(died).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    fn letter(headers: &Json) -> Letter {
        let headers = headers.as_object().cloned().unwrap_or_default();
        Letter { headers, ..Letter::default() }.with_deaths(|_| None)
    }

    fn died(queues: &[&str]) -> Json {
        let entry = |queue: &&str| json!({"queue": queue, "reason": "rejected", "exchange": "e", "routing-keys": ["k", "c"]});
        json!({ "x-death": queues.iter().map(entry).collect::<Vec<_>>() })
    }

    fn back(headers: &Json) -> Result<String, Astray> {
        let ladders = Ladders(BTreeMap::from([("work.retry.1".to_owned(), Arc::from("work"))]));
        way(&letter(headers), "dead", &ladders, false).map(|way| way.title())
    }

    #[test]
    fn a_letter_goes_back_to_where_it_died() {
        assert_eq!(back(&died(&["b", "a"])), Ok("queue b".to_owned()));
        assert_eq!(back(&died(&["dead", "b"])), Ok("queue b".to_owned()));
        assert_eq!(back(&died(&["work.retry.1"])), Ok("queue work".to_owned()));
        assert_eq!(back(&died(&[])), Err(Astray::Unsaid));
        assert_eq!(back(&died(&["dead"])), Err(Astray::Unsaid));
        let mut headers = died(&["old.retry.2"]);
        assert_eq!(back(&headers), Ok("queue old.retry.2".to_owned()));
        headers["x-topoc-queue"] = json!("old");
        assert_eq!(back(&headers), Ok("queue old".to_owned()));
        assert_eq!(back(&json!({"x-topoc-queue": "work"})), Ok("queue work".to_owned()));
    }

    #[test]
    fn or_to_where_it_was_published_at_first() {
        let way = way(&letter(&died(&["b", "a"])), "dead", &Ladders::default(), true).unwrap();
        assert_eq!(way.address(), ("e", "k"));
        assert_eq!(way.title(), "exchange e key k");
        let Way::Exchange { more, .. } = way else { panic!("{way:?}") };
        assert_eq!(more, ["c"]);
    }
}
