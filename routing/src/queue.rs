//! A queue, as far as a message's way through it goes.

/// The queue types, which differ in what they dead-letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QueueKind {
    /// `x-queue-type: classic`.
    Classic,
    /// `x-queue-type: quorum`.
    Quorum,
    /// `x-queue-type: stream`; nothing dies in it.
    Stream,
}

/// What a full queue does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Overflow {
    /// The oldest message makes room; it is dead-lettered.
    #[default]
    DropHead,
    /// The new message is refused; nothing is dead-lettered.
    RejectPublish,
    /// The new message is refused and dead-lettered. Classic queues only: quorum queues take it for drop-head.
    RejectPublishDlx,
}

/// How a quorum queue hands over what it dead-letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Strategy {
    /// Published without confirms; lost where it cannot be routed.
    #[default]
    AtMostOnce,
    /// Kept until the target queues have confirmed it. Needs a quorum queue with reject-publish.
    AtLeastOnce,
}

/// A queue with its effective values, that is arguments and policies merged (see [`crate::policy`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: QueueKind,
    /// Where dead letters are published; it need not exist. Empty is the default exchange.
    pub dead_letter_exchange: Option<String>,
    /// With which key; else with all keys that the message had.
    pub dead_letter_routing_key: Option<String>,
    /// How dead letters are handed over.
    pub dead_letter_strategy: Strategy,
    /// Milliseconds after which a message expires.
    pub message_ttl: Option<u64>,
    /// The most ready messages.
    pub max_length: Option<u64>,
    /// The most bytes of ready messages.
    pub max_length_bytes: Option<u64>,
    /// What happens at that length.
    pub overflow: Overflow,
    /// After how many returned deliveries a quorum queue gives a message up; negative is never.
    pub delivery_limit: Option<i64>,
}

impl Queue {
    /// A queue that neither limits nor dead-letters anything.
    pub fn new(name: impl Into<String>, kind: QueueKind) -> Self {
        Self {
            name: name.into(),
            kind,
            dead_letter_exchange: None,
            dead_letter_routing_key: None,
            dead_letter_strategy: Strategy::default(),
            message_ttl: None,
            max_length: None,
            max_length_bytes: None,
            overflow: Overflow::default(),
            delivery_limit: None,
        }
    }
}
