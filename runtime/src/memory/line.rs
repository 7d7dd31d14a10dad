//! The messages of one queue, and whose turn it is.

use super::stored::Stored;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, VecDeque},
};
use topoc_routing::{Overflow, Queue, QueueId, QueueKind, Reason, Version};

/// The number of a consumer.
pub(super) type ConsumerId = u64;

/// How a queue puts messages of different priority in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// As they come.
    None,
    /// A classic queue with so many priorities above 0: the highest first (`rabbit_priority_queue`).
    Classic { most: u8 },
    /// A quorum queue of 4.0 to 4.2: two of priority 5 and above, then one below (`rabbit_fifo_q`).
    TwoToOne,
    /// A quorum queue from 4.3 on: 32 priorities, the highest first; without one it is 4.
    Strict,
}

/// A dead letter that a queue keeps until its targets take it.
#[derive(Debug)]
pub(super) struct Retained {
    pub(super) stored: Stored,
    pub(super) reason: Reason,
    /// The targets that refused it; none: there was no target.
    pub(super) refused: Vec<QueueId>,
}

/// One queue.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) kind: QueueKind,
    order: Order,
    /// Only the first consumer gets messages.
    pub(super) single: bool,
    lanes: BTreeMap<Reverse<u8>, BTreeMap<u64, Stored>>,
    /// What a quorum queue got back, which is first.
    returned: VecDeque<Stored>,
    /// How many were taken since the last of lower priority.
    turn: u8,
    length: u64,
    bytes: u64,
    pub(super) retained: Vec<Retained>,
    /// A quorum queue that is over its limit refuses until it is well below (`rabbit_fifo`: the soft limit).
    blocked: bool,
    /// What lies in a stream.
    pub(super) log: Vec<Stored>,
    /// In the order in which they get the next message.
    pub(super) consumers: VecDeque<ConsumerId>,
}

impl Line {
    pub(super) fn new(kind: QueueKind, version: Version, max_priority: Option<u8>, single: bool) -> Self {
        let order = match (kind, max_priority) {
            (QueueKind::Classic, Some(most)) => Order::Classic { most },
            (QueueKind::Quorum, _) if version >= Version::V4_3 => Order::Strict,
            (QueueKind::Quorum, _) if version >= Version::V4_0 => Order::TwoToOne,
            _ => Order::None,
        };
        Self {
            kind,
            order,
            single,
            lanes: BTreeMap::new(),
            returned: VecDeque::new(),
            turn: 0,
            length: 0,
            bytes: 0,
            retained: Vec::new(),
            blocked: false,
            log: Vec::new(),
            consumers: VecDeque::new(),
        }
    }

    /// How many messages are ready.
    pub(super) fn ready(&self) -> u64 {
        self.length
    }

    /// The ready messages, the one that is next first; of several priorities, higher ones first.
    pub(super) fn messages(&self) -> impl Iterator<Item = &Stored> {
        self.returned.iter().chain(self.lanes.values().flat_map(BTreeMap::values)).chain(&self.log)
    }

    fn lane(&self, stored: &Stored) -> Reverse<u8> {
        let priority = stored.priority();
        Reverse(match self.order {
            Order::None => 0,
            Order::Classic { most } => priority.unwrap_or(0).min(most),
            Order::TwoToOne => u8::from(priority.is_some_and(|priority| priority > 4)),
            Order::Strict => priority.unwrap_or(4).min(31),
        })
    }

    /// The lane of the next message.
    fn next_lane(&self) -> Option<Reverse<u8>> {
        let mut lanes = self.lanes.iter().filter(|(_, lane)| !lane.is_empty()).map(|(lane, _)| *lane);
        let first = lanes.next()?;
        match self.order {
            Order::TwoToOne if self.turn >= 2 => lanes.next().or(Some(first)),
            _ => Some(first),
        }
    }

    /// The next message.
    pub(super) fn head(&self) -> Option<&Stored> {
        if let Some(first) = self.returned.front() {
            return Some(first);
        }
        self.lanes.get(&self.next_lane()?)?.values().next()
    }

    /// Takes the next message.
    pub(super) fn take(&mut self) -> Option<Stored> {
        let stored = match self.returned.pop_front() {
            Some(stored) => stored,
            None => {
                let lane = self.next_lane()?;
                self.turn = if self.turn >= 2 { 0 } else { self.turn + 1 };
                self.lanes.get_mut(&lane)?.pop_first()?.1
            }
        };
        self.length -= 1;
        self.bytes -= stored.bytes();
        Some(stored)
    }

    /// Puts a message to its place: a new one to the end, one that a classic queue gets back to where it was, one that a
    /// quorum queue gets back to the front, behind others that came back.
    pub(super) fn put(&mut self, stored: Stored) {
        self.length += 1;
        self.bytes += stored.bytes();
        if self.kind == QueueKind::Quorum && stored.redelivered {
            self.returned.push_back(stored);
        } else {
            let lane = self.lane(&stored);
            self.lanes.entry(lane).or_default().insert(stored.position, stored);
        }
    }

    /// Whether the queue refuses another message of so many bytes.
    pub(super) fn refuses(&self, queue: &Queue, bytes: u64) -> bool {
        match (self.kind, queue.effective_overflow()) {
            (_, Overflow::DropHead) | (QueueKind::Stream, _) => false,
            (QueueKind::Quorum, _) => self.blocked,
            (QueueKind::Classic, _) => self.beyond(queue, 1, bytes),
        }
    }

    /// Whether the first ready message has to make room.
    pub(super) fn drops(&self, queue: &Queue) -> bool {
        queue.effective_overflow() == Overflow::DropHead && self.length > 0 && self.beyond(queue, 0, 0)
    }

    /// Finds out whether a quorum queue refuses messages from now on.
    pub(super) fn watch_limit(&mut self, queue: &Queue) {
        if self.kind != QueueKind::Quorum || queue.effective_overflow() == Overflow::DropHead {
            return;
        }
        // `trunc(0.8 * limit)`
        let below = |limit: Option<u64>, is: u64| limit.is_none_or(|limit| is <= limit.saturating_mul(4) / 5);
        let (length, bytes) = self.counted();
        if self.beyond(queue, 0, 0) {
            self.blocked = true;
        } else if below(queue.max_length, length) && below(queue.max_length_bytes, bytes) {
            self.blocked = false;
        }
    }

    /// Whether it is over its limits with so much more.
    fn beyond(&self, queue: &Queue, more: u64, more_bytes: u64) -> bool {
        let (length, bytes) = self.counted();
        queue.max_length.is_some_and(|limit| length + more > limit)
            || queue.max_length_bytes.is_some_and(|limit| bytes + more_bytes > limit)
    }

    /// What counts against the limits.
    fn counted(&self) -> (u64, u64) {
        let retained = self.retained.iter().map(|retained| retained.stored.bytes());
        (self.length + self.retained.len() as u64, self.bytes + retained.sum::<u64>())
    }
}
