//! Entities with the words of their kind.

use std::sync::Arc;

use super::{DEFAULT_VHOST, Topology};
use crate::kind::Definition;

/// A queue's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QueueType {
    /// One replica.
    Classic,
    /// Replicated by Raft.
    Quorum,
    /// A replicated log.
    Stream,
}

impl QueueType {
    /// The broker's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Quorum => "quorum",
            Self::Stream => "stream",
        }
    }

    /// The type of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Classic, Self::Quorum, Self::Stream].into_iter().find(|queue_type| queue_type.word() == word)
    }
}

macro_rules! view {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name<'a>(pub &'a Definition);

        impl<'a> $name<'a> {
            /// Its name.
            #[must_use]
            pub fn name(self) -> &'a str {
                self.0.name()
            }

            /// Its vhost.
            #[must_use]
            pub fn vhost(self) -> &'a str {
                self.0.vhost.as_deref().unwrap_or(DEFAULT_VHOST)
            }
        }
    };
}

view!(
    /// A queue or stream.
    Queue
);
view!(
    /// An exchange.
    Exchange
);
view!(
    /// A policy or operator policy.
    Policy
);

impl<'a> Queue<'a> {
    /// Its type as written; none where nothing, or no type of queue, is said.
    #[must_use]
    pub fn declared_type(self) -> Option<QueueType> {
        QueueType::from_word(self.0.text("type")?)
    }

    /// Its type: as written, else its vhost's default (which 3.10 and 3.11 ignore), else classic.
    #[must_use]
    pub fn queue_type(self, topology: &Topology) -> QueueType {
        self.declared_type()
            .or_else(|| {
                let heeds = topology.target_version() >= crate::kind::version(3, 12);
                heeds.then(|| topology.default_queue_type(self.vhost())).flatten()
            })
            .unwrap_or(QueueType::Classic)
    }

    /// The exchange that gets its dead letters, by argument; `""` is the default exchange.
    #[must_use]
    pub fn dead_letter_exchange(self) -> Option<&'a str> {
        self.0.text("dead-letter-exchange")
    }

    /// The key that its dead letters get in place of their own.
    #[must_use]
    pub fn dead_letter_routing_key(self) -> Option<&'a str> {
        self.0.text("dead-letter-routing-key")
    }
}

impl<'a> Exchange<'a> {
    /// Its type as written.
    #[must_use]
    pub fn exchange_type(self) -> &'a str {
        self.0.text("type").unwrap_or("direct")
    }

    /// How it routes: its type, or for a delayed exchange the type that it delays for.
    #[must_use]
    pub fn routing_type(self) -> &'a str {
        match self.exchange_type() {
            "x-delayed-message" => self.0.text("delayed-type").unwrap_or("direct"),
            other => other,
        }
    }

    /// Whether it is a super stream's: its publishers choose a partition by the hash of a message's key.
    #[must_use]
    pub fn is_super_stream(self) -> bool {
        let mark = self.0.arguments.get("x-super-stream");
        mark.is_some_and(|field| field.value.as_bool() == Some(true))
    }

    /// The exchange that gets what it cannot route, by argument.
    #[must_use]
    pub fn alternate_exchange(self) -> Option<&'a str> {
        self.0.text("alternate-exchange")
    }
}

/// A binding.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a>(pub &'a Definition);

impl<'a> Binding<'a> {
    /// Its vhost.
    #[must_use]
    pub fn vhost(self) -> &'a str {
        self.0.vhost.as_deref().unwrap_or(DEFAULT_VHOST)
    }

    /// The exchange that messages come from.
    #[must_use]
    pub fn source(self) -> &'a str {
        self.0.text("source").unwrap_or("")
    }

    /// The queue or exchange that gets them.
    #[must_use]
    pub fn destination(self) -> &'a str {
        self.0.text("destination").unwrap_or("")
    }

    /// Whether it leads to an exchange.
    #[must_use]
    pub fn to_exchange(self) -> bool {
        self.0.text("destination-type") == Some("exchange")
    }

    /// Its key, pattern or weight.
    #[must_use]
    pub fn routing_key(self) -> &'a str {
        self.0.text("routing-key").unwrap_or("")
    }

    /// How many of its headers must match: `all` where nothing is said.
    #[must_use]
    pub fn header_match(self) -> &'a str {
        self.0.text("match").unwrap_or("all")
    }

    /// Its headers and other arguments, in order of their names.
    pub fn arguments(self) -> impl Iterator<Item = (&'a Arc<str>, &'a crate::kind::Field)> {
        self.0.arguments.iter()
    }
}
