//! Consuming a queue: deliveries to a dispatcher, outcomes back to the broker.
//!
//! `subscription` keeps the consumer subscribed, `channel` is what it does so on, `work` runs one message through its handler,
//! `settle` does with it what the handler said, `ladder` knows the retry queues, `hold` what the
//! broker still holds of it.

mod channel;
mod hold;
mod ladder;
mod settle;
mod subscription;
mod work;

pub(crate) use hold::Hold;
pub use ladder::Ladder;
pub(crate) use subscription::consume;
pub(crate) use work::{Handling, Work, panic_message};

use crate::{delivery::Delivery, outcome::Outcome};

/// Takes a delivery to the handler that it is for. Generated code implements it.
pub trait Dispatch: Send + Sync + 'static {
    /// Handles one message. A panic counts as [`Outcome::Retry`].
    fn dispatch(&self, delivery: Delivery) -> impl Future<Output = Outcome> + Send;
}

/// How a queue is consumed.
#[derive(Clone, Copy, Debug)]
pub struct Consume {
    pub(crate) queue: &'static str,
    pub(crate) prefetch: u16,
    pub(crate) concurrency: u16,
    pub(crate) auto_ack: bool,
    pub(crate) ladder: Option<Ladder>,
}

impl Consume {
    /// Consumes `queue` one message at a time, with 16 prefetched, without a retry ladder.
    #[must_use]
    pub const fn new(queue: &'static str) -> Self {
        Self { queue, prefetch: 16, concurrency: 1, auto_ack: false, ladder: None }
    }

    /// How many messages the broker may hand over before the first is acknowledged; at least the
    /// concurrency, and 0 is as many as there are.
    #[must_use]
    pub const fn prefetch(mut self, prefetch: u16) -> Self {
        self.prefetch = prefetch;
        self
    }

    /// How many handlers may run at once; above one, messages are not handled in order.
    #[must_use]
    pub const fn concurrency(mut self, concurrency: u16) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// Lets the broker forget each message as it sends it. It sends all that there are at once, and what is
    /// not handled when the service dies is lost. So is what an [`Outcome`] gives back to the queue, and what
    /// is dead-lettered or retried without a ladder.
    #[must_use]
    pub const fn auto_ack(mut self) -> Self {
        self.auto_ack = true;
        self
    }

    /// Where [`Outcome::Retry`] takes a message.
    #[must_use]
    pub const fn ladder(mut self, ladder: Ladder) -> Self {
        self.ladder = Some(ladder);
        self
    }
}
