//! What the broker holds of a message in hand.

#[cfg(feature = "memory")]
use crate::memory;
use lapin::{
    Acker,
    options::{BasicAckOptions, BasicRejectOptions},
};

/// The broker's copy of a message, until it is told what became of it.
pub(crate) enum Hold {
    /// Kept until then; it is delivered again when the channel ends before.
    Kept(Acker),
    /// Forgotten when it was sent.
    Forgotten,
    /// Either, by the broker in this process.
    #[cfg(feature = "memory")]
    Memory(memory::Held),
}

impl Hold {
    /// Whether an answer would still reach the broker; one that waits for none can always be handled.
    pub(crate) fn usable(&self) -> bool {
        match self {
            Self::Kept(acker) => acker.usable(),
            Self::Forgotten => true,
            #[cfg(feature = "memory")]
            Self::Memory(held) => held.usable(),
        }
    }

    /// The message is done.
    pub(crate) async fn ack(&self) {
        match self {
            Self::Kept(acker) => told(acker.ack(BasicAckOptions::default()).await),
            Self::Forgotten => {}
            #[cfg(feature = "memory")]
            Self::Memory(held) => told(Ok(held.ack())),
        }
    }

    /// The message is not done: back to its queue, or dead-lettered.
    pub(crate) async fn reject(&self, requeue: bool) {
        match self {
            Self::Kept(acker) => told(acker.reject(BasicRejectOptions { requeue }).await),
            #[cfg(feature = "memory")]
            Self::Memory(held) if held.is_kept() => told(Ok(held.reject(requeue))),
            _ => self.left(),
        }
    }

    /// Nothing more can be done for the message.
    pub(crate) fn left(&self) {
        if self.is_kept() {
            tracing::warn!("not answered: when the channel is gone, the broker delivers the message again");
        } else {
            tracing::error!("the message is lost: its queue is consumed without acknowledgements");
        }
    }

    fn is_kept(&self) -> bool {
        match self {
            Self::Kept(_) => true,
            Self::Forgotten => false,
            #[cfg(feature = "memory")]
            Self::Memory(held) => held.is_kept(),
        }
    }
}

fn told(result: Result<bool, lapin::Error>) {
    match result {
        Ok(true) => {}
        Ok(false) => tracing::warn!("the channel is gone: the broker delivers the message again"),
        Err(error) => tracing::warn!(%error, "not answered: the broker delivers the message again"),
    }
}
