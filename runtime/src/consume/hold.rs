//! What the broker holds of a message in hand.

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
}

impl Hold {
    /// Whether an answer would still reach the broker; one that waits for none can always be handled.
    pub(crate) fn usable(&self) -> bool {
        match self {
            Self::Kept(acker) => acker.usable(),
            Self::Forgotten => true,
        }
    }

    /// The message is done.
    pub(crate) async fn ack(&self) {
        if let Self::Kept(acker) = self {
            told(acker.ack(BasicAckOptions::default()).await);
        }
    }

    /// The message is not done: back to its queue, or dead-lettered.
    pub(crate) async fn reject(&self, requeue: bool) {
        match self {
            Self::Kept(acker) => told(acker.reject(BasicRejectOptions { requeue }).await),
            Self::Forgotten => self.left(),
        }
    }

    /// Nothing more can be done for the message.
    pub(crate) fn left(&self) {
        match self {
            Self::Kept(_) => {
                tracing::warn!(
                    "not answered: when the channel is gone, the broker delivers the message again"
                )
            }
            Self::Forgotten => {
                tracing::error!("the message is lost: its queue is consumed without acknowledgements")
            }
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
