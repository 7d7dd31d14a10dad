//! A message of a dead queue, and what it says of how it came there.

use serde_json::{Map, Value as Json};

/// Why a service's retry ladder gave a message up: its own word beside the broker's reasons.
pub const GIVEN_UP: &str = "given-up";

/// Why a message dies: the broker's words (`rabbit_dead_letter`), and [`GIVEN_UP`].
pub const REASONS: &[&str] = &["rejected", "expired", "maxlen", "delivery_limit", GIVEN_UP];

/// How often a service's retry ladder has tried a message: as `topoc-runtime` writes it.
pub const ATTEMPT: &str = "x-topoc-attempt";

/// The exchange that a message was published to at first, as `topoc-runtime` writes and reads it.
pub const EXCHANGE: &str = "x-topoc-exchange";

/// And its routing key.
pub const ROUTING_KEY: &str = "x-topoc-routing-key";

/// What else it writes: the message's queue, why it was given up, and when.
const QUEUE: &str = "x-topoc-queue";
const REASON: &str = "x-topoc-reason";
const FAILED_AT: &str = "x-topoc-failed-at";

/// A message's properties but for its headers, as AMQP calls them, in AMQP's order.
pub type Properties = Vec<(&'static str, String)>;

/// A message as a dead queue delivers it.
#[derive(Clone, Debug, Default)]
pub struct Letter {
    /// By which exchange it came into the dead queue.
    pub exchange: String,
    /// And with which key.
    pub routing_key: String,
    /// Whether the dead queue has delivered it before.
    pub redelivered: bool,
    /// Its properties that are set.
    pub properties: Properties,
    /// Its headers, `x-death` among them.
    pub headers: Map<String, Json>,
    /// How it died, the latest death first.
    pub deaths: Vec<Death>,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// A death: an entry of `x-death`, which counts all deaths in one queue for one reason, or what a service wrote that
/// gave the message up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Death {
    /// The queue that it died in.
    pub queue: String,
    /// Why, one of [`REASONS`].
    pub reason: String,
    /// How often: in `x-death` the number of these deaths; of what was given up the attempts.
    pub count: u64,
    /// The exchange that it was published to before.
    pub exchange: String,
    /// With which keys: the routing key, then those in `CC`.
    pub routing_keys: Vec<String>,
    /// When it died so first, in seconds since 1970: the broker keeps the time of the first of these deaths.
    pub first: Option<u64>,
    /// Its time to live, in milliseconds as a text, which the broker took off.
    pub expiration: Option<String>,
    /// What the service said that gave it up.
    pub note: Option<String>,
}

fn text(value: &Json) -> Option<String> {
    value.as_str().map(ToOwned::to_owned)
}

impl Letter {
    /// Reads its deaths off its headers.
    #[must_use]
    pub fn with_deaths(mut self, failed_at: impl Fn(&str) -> Option<u64>) -> Self {
        let entries = self.headers.get("x-death").and_then(Json::as_array).into_iter().flatten();
        self.deaths = entries.filter_map(Death::from_entry).collect();
        if self.deaths.is_empty() {
            self.deaths.extend(self.given_up(failed_at));
        }
        self
    }

    /// A service takes `x-death` away as it gives a message up, so what is there besides is later.
    fn given_up(&self, failed_at: impl Fn(&str) -> Option<u64>) -> Option<Death> {
        let said = |name: &str| self.headers.get(name).and_then(text);
        Some(Death {
            queue: said(QUEUE)?,
            reason: GIVEN_UP.to_owned(),
            count: self.headers.get(ATTEMPT).and_then(Json::as_u64).unwrap_or(0),
            exchange: said(EXCHANGE).unwrap_or_default(),
            routing_keys: said(ROUTING_KEY).into_iter().collect(),
            first: said(FAILED_AT).and_then(|at| failed_at(&at)),
            expiration: None,
            note: said(REASON),
        })
    }

    /// A property that is set.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(property, _)| *property == name).map(|(_, value)| &**value)
    }

    /// The message's name: the property `type`.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.property("type")
    }

    /// The last death.
    #[must_use]
    pub fn last(&self) -> Option<&Death> {
        self.deaths.first()
    }

    /// The first death, which the broker names (`x-first-death-…`); else the one at the end of the list.
    #[must_use]
    pub fn first(&self) -> Option<&Death> {
        let said = |name: &str| self.headers.get(name).and_then(Json::as_str);
        let (queue, reason) = (said("x-first-death-queue"), said("x-first-death-reason"));
        let named = |death: &&Death| Some(&*death.queue) == queue && Some(&*death.reason) == reason;
        self.deaths.iter().find(named).or_else(|| self.deaths.last())
    }

    /// Why it is here: the reason of its last death.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.last().map(|death| &*death.reason)
    }

    /// Since when it is dead, in seconds since 1970, as far as it says.
    #[must_use]
    pub fn since(&self) -> Option<u64> {
        self.last()?.first
    }

    /// How often the dead queue has taken it back (quorum queues count that). What it brought along from where it died
    /// is another count, and is there until the first time.
    #[must_use]
    pub fn returned(&self) -> i64 {
        let count = self.headers.get("x-delivery-count").and_then(Json::as_i64);
        count.filter(|_| self.redelivered).unwrap_or(0)
    }

    /// Where it was published at first, and with which keys.
    #[must_use]
    pub fn published(&self) -> Option<(&str, Vec<&str>)> {
        let said = |name: &str| self.headers.get(name).and_then(Json::as_str);
        if let (Some(exchange), Some(key)) = (said(EXCHANGE), said(ROUTING_KEY)) {
            return Some((exchange, vec![key]));
        }
        let first = self.first()?;
        Some((&first.exchange, first.routing_keys.iter().map(|key| &**key).collect()))
    }

    /// The queue whose retry ladder it was on.
    #[must_use]
    pub fn laddered(&self) -> Option<&str> {
        self.headers.get(QUEUE).and_then(Json::as_str)
    }
}

impl Death {
    fn from_entry(entry: &Json) -> Option<Self> {
        let said = |name: &str| text(&entry[name]);
        let keys = entry["routing-keys"].as_array().into_iter().flatten();
        Some(Self {
            queue: said("queue")?,
            reason: said("reason")?,
            count: entry["count"].as_u64().unwrap_or(1),
            exchange: said("exchange").unwrap_or_default(),
            routing_keys: keys.filter_map(text).collect(),
            first: entry["time"].as_u64(),
            expiration: said("original-expiration"),
            note: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    pub(super) fn letter(headers: &Json) -> Letter {
        let headers = headers.as_object().cloned().unwrap_or_default();
        Letter { headers, ..Letter::default() }.with_deaths(|at| (at == "now").then_some(7))
    }

    #[test]
    fn deaths_are_read_the_latest_first() {
        let letter = letter(&json!({
            "x-death": [
                {"queue": "work", "reason": "rejected", "count": 3, "exchange": "e", "routing-keys": ["k", "cc"], "time": 9},
                {"queue": "delay", "reason": "expired", "count": 2, "exchange": "", "routing-keys": ["delay"], "time": 5},
                {"reason": "broken"}, 7
            ],
            "x-first-death-queue": "work", "x-first-death-reason": "rejected", "x-topoc-queue": "other"
        }));
        assert_eq!(letter.deaths.len(), 2);
        assert_eq!((letter.reason(), letter.since()), (Some("rejected"), Some(9)));
        assert_eq!(letter.first().unwrap().queue, "work");
        assert_eq!(letter.published(), Some(("e", vec!["k", "cc"])));
    }

    #[test]
    fn what_a_ladder_gave_up_says_so_itself() {
        let letter = letter(&json!({
            "x-topoc-queue": "work", "x-topoc-exchange": "e", "x-topoc-routing-key": "k", "x-topoc-attempt": 3,
            "x-topoc-reason": "busy", "x-topoc-failed-at": "now"
        }));
        let last = letter.last().unwrap();
        assert_eq!((&*last.queue, &*last.reason, last.count, last.first), ("work", GIVEN_UP, 3, Some(7)));
        assert_eq!(last.note.as_deref(), Some("busy"));
        assert_eq!(letter.published(), Some(("e", vec!["k"])));
    }

    #[test]
    fn a_count_from_where_it_died_is_not_the_dead_queues_own() {
        let mut letter = letter(&json!({"x-delivery-count": 21}));
        assert_eq!(letter.returned(), 0);
        letter.redelivered = true;
        assert_eq!(letter.returned(), 21);
    }
}
