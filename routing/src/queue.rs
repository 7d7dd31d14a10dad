//! A queue, as far as a message's way through it goes.

use crate::{Reason, Version};

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
    /// After how many returned deliveries a quorum queue gives a message up; negative is never from 4.0 on, and at the
    /// first one before. `i64::MAX` is never.
    pub delivery_limit: Option<i64>,
}

/// A delivery limit that no count is greater than, as a text is to Erlang.
pub(crate) const UNREACHED: i64 = i64::MAX;

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

    /// What a full queue really does: a quorum queue takes `reject-publish-dlx` for `drop-head`.
    pub fn effective_overflow(&self) -> Overflow {
        match (self.kind, self.overflow) {
            (QueueKind::Quorum, Overflow::RejectPublishDlx) => Overflow::DropHead,
            (_, overflow) => overflow,
        }
    }

    /// How dead letters are really handed over: at-least-once needs a quorum queue, a dead-letter exchange and
    /// `reject-publish`, and falls back silently without them (`rabbit_quorum_queue:dlh`).
    pub fn effective_strategy(&self) -> Strategy {
        let able = self.kind == QueueKind::Quorum
            && self.dead_letter_exchange.is_some()
            && self.effective_overflow() == Overflow::RejectPublish;
        if able { self.dead_letter_strategy } else { Strategy::AtMostOnce }
    }

    /// After how many returned deliveries a message dies; `None` is never. Only quorum queues count; from 4.0 on they
    /// do so unless told not to.
    pub fn effective_delivery_limit(&self, version: Version) -> Option<u64> {
        let by_default = (version >= Version::V4_0).then_some(20);
        match self.delivery_limit {
            _ if self.kind != QueueKind::Quorum => None,
            None => by_default,
            // a negative one is without end
            Some(UNREACHED) => None,
            // every count is greater (`rabbit_fifo:return_one` up to 3.13)
            Some(..0) if version < Version::V4_0 => Some(0),
            Some(limit) => u64::try_from(limit).ok(),
        }
    }

    /// After how many milliseconds a message with its own `expiration` expires here: the lesser counts. It does so at
    /// the queue's head only, so behind a message that lives longer it lives longer, too.
    pub fn expires_after(&self, expiration: Option<u64>) -> Option<u64> {
        match (self.kind, self.message_ttl, expiration) {
            (QueueKind::Stream, ..) => None,
            (_, Some(queue), Some(message)) => Some(queue.min(message)),
            (_, queue, message) => queue.or(message),
        }
    }

    /// Whether a message without an `expiration` of its own can die here for this reason.
    pub fn can_die(&self, reason: Reason, version: Version) -> bool {
        let bounded = self.max_length.is_some() || self.max_length_bytes.is_some();
        match reason {
            _ if self.kind == QueueKind::Stream => false,
            Reason::Rejected => true,
            Reason::Expired => self.message_ttl.is_some(),
            Reason::MaxLength => bounded && self.effective_overflow() != Overflow::RejectPublish,
            Reason::DeliveryLimit => self.effective_delivery_limit(version).is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(kind: QueueKind) -> Queue {
        Queue { max_length: Some(5), dead_letter_exchange: Some("dlx".into()), ..Queue::new("q", kind) }
    }

    #[test]
    fn a_quorum_queue_does_not_know_reject_publish_dlx() {
        let overflow = Overflow::RejectPublishDlx;
        let quorum = Queue { overflow, ..queue(QueueKind::Quorum) };
        assert_eq!(quorum.effective_overflow(), Overflow::DropHead);
        assert_eq!(Queue { overflow, ..queue(QueueKind::Classic) }.effective_overflow(), overflow);
    }

    #[test]
    fn at_least_once_needs_all_it_needs() {
        let able = Queue {
            overflow: Overflow::RejectPublish,
            dead_letter_strategy: Strategy::AtLeastOnce,
            ..queue(QueueKind::Quorum)
        };
        assert_eq!(able.effective_strategy(), Strategy::AtLeastOnce);
        for unable in [
            Queue { overflow: Overflow::DropHead, ..able.clone() },
            Queue { kind: QueueKind::Classic, ..able.clone() },
            Queue { dead_letter_exchange: None, ..able.clone() },
        ] {
            assert_eq!(unable.effective_strategy(), Strategy::AtMostOnce);
        }
    }

    #[test]
    fn reasons_are_what_the_configuration_allows() {
        let died = |queue: &Queue, version| {
            let reasons = Reason::ALL.into_iter().filter(|reason| queue.can_die(*reason, version));
            reasons.map(Reason::as_str).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(died(&queue(QueueKind::Classic), Version::V4_0), "rejected maxlen");
        assert_eq!(died(&queue(QueueKind::Quorum), Version::V3_13), "rejected maxlen");
        assert_eq!(died(&queue(QueueKind::Quorum), Version::V4_0), "rejected maxlen delivery_limit");
        assert_eq!(died(&queue(QueueKind::Stream), Version::V4_0), "");
        let full =
            Queue { overflow: Overflow::RejectPublish, message_ttl: Some(1), ..queue(QueueKind::Classic) };
        assert_eq!(died(&full, Version::V4_0), "rejected expired");
        let endless = Queue { delivery_limit: Some(-1), ..queue(QueueKind::Quorum) };
        assert_eq!(died(&endless, Version::V4_0), "rejected maxlen");
        assert_eq!(died(&endless, Version::V3_13), "rejected maxlen delivery_limit");
    }

    #[test]
    fn the_lesser_time_to_live_counts() {
        let queue = Queue { message_ttl: Some(5), ..queue(QueueKind::Classic) };
        assert_eq!(queue.expires_after(Some(3)), Some(3));
        assert_eq!(queue.expires_after(Some(9)), Some(5));
        assert_eq!(queue.expires_after(None), Some(5));
        assert_eq!(Queue { kind: QueueKind::Stream, ..queue }.expires_after(Some(1)), None);
    }
}
