//! What a handler wants done with its message.

use crate::delivery::Undecodable;
use std::fmt::Display;

/// What becomes of a message once its handler is done.
///
/// `Result<(), E>` turns into one: success acknowledges, an error retries with the error as the reason.
/// So does `Result<Outcome, E>`, where success is the outcome itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Outcome {
    /// Done: the broker forgets the message.
    Ack,
    /// Once more, later: the next step of the queue's retry ladder, and after the last its dead queue.
    /// Without a ladder the message is rejected back to its queue, where a quorum queue's
    /// `delivery-limit` counts.
    Retry {
        /// Why; written to the message's `x-topoc-reason` header.
        reason: Option<String>,
    },
    /// Never again: to the dead queue of the retry ladder; without a ladder the message is rejected,
    /// which the queue's `dead-letter` routes and which drops the message where there is none.
    DeadLetter {
        /// Why; written to the message's `x-topoc-reason` header.
        reason: String,
    },
    /// Back to its queue, for this or another consumer, at once.
    Requeue,
}

impl Outcome {
    /// The message is done.
    pub fn ack() -> Self {
        Self::Ack
    }

    /// Try again later.
    pub fn retry() -> Self {
        Self::Retry { reason: None }
    }

    /// Try again later, with the reason on the message.
    pub fn retry_because(reason: impl Display) -> Self {
        Self::Retry { reason: Some(reason.to_string()) }
    }

    /// Give the message up, with the reason on the message.
    pub fn dead_letter(reason: impl Display) -> Self {
        Self::DeadLetter { reason: reason.to_string() }
    }

    /// Put the message back at once.
    pub fn requeue() -> Self {
        Self::Requeue
    }
}

impl From<()> for Outcome {
    fn from((): ()) -> Self {
        Self::Ack
    }
}

impl<E: Display> From<Result<(), E>> for Outcome {
    fn from(result: Result<(), E>) -> Self {
        match result {
            Ok(()) => Self::Ack,
            Err(error) => Self::retry_because(error),
        }
    }
}

impl<E: Display> From<Result<Self, E>> for Outcome {
    fn from(result: Result<Self, E>) -> Self {
        result.unwrap_or_else(Self::retry_because)
    }
}

impl From<Undecodable> for Outcome {
    fn from(undecodable: Undecodable) -> Self {
        Self::dead_letter(undecodable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_turn_into_outcomes() {
        let failed: Result<(), &str> = Err("busy");
        assert_eq!(Outcome::from(failed), Outcome::Retry { reason: Some("busy".into()) });
        assert_eq!(Outcome::from(Ok::<(), String>(())), Outcome::Ack);
        assert_eq!(Outcome::from(Ok::<_, String>(Outcome::Requeue)), Outcome::Requeue);
    }
}
