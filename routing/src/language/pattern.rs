//! What a binding's key matches, as a set of keys.

use crate::{ExchangeKind, topic};

/// The keys that a binding takes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyPattern {
    /// This key only; wildcards stand for themselves. As on a direct exchange, and a queue's name on the default one.
    Exactly(String),
    /// As on a topic exchange.
    Topic(String),
    /// Every key, as on a fanout exchange.
    Any,
}

impl KeyPattern {
    /// What a binding with this key takes at an exchange of this kind; `None` where the key does not decide it.
    pub fn of(kind: &ExchangeKind, routing_key: &str) -> Option<Self> {
        match kind.matching() {
            ExchangeKind::Direct => Some(Self::Exactly(routing_key.to_owned())),
            ExchangeKind::Topic => Some(Self::Topic(routing_key.to_owned())),
            ExchangeKind::Fanout | ExchangeKind::RecentHistory => Some(Self::Any),
            _ => None,
        }
    }

    /// Whether it takes this key.
    pub fn matches(&self, key: &str) -> bool {
        match self {
            Self::Exactly(only) => only == key,
            Self::Topic(pattern) => topic::matches(pattern, key),
            Self::Any => true,
        }
    }
}
