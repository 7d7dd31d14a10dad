//! What became of a plan and its steps.

use super::{Error, NoTurn};
use crate::plan::Consent;

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// The broker did not do it: its reason, and what to do, where there is something.
    Failed {
        /// The broker's words.
        reason: String,
        /// What to do.
        help: Option<String>,
        /// Whether it may have been done all the same.
        in_doubt: bool,
    },
    /// topoc did not do it: the plan says that it must not, or messages would be lost.
    Refused {
        /// Why.
        reason: String,
        /// The consent to it that would help, all of it.
        lacks: Vec<Consent>,
    },
    /// Something that it needs is not done.
    Skipped(String),
    /// The run ended before it.
    NotStarted,
}

impl Outcome {
    /// The word for it in JSON.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed { .. } => "failed",
            Self::Refused { .. } => "refused",
            Self::Skipped(_) => "skipped",
            Self::NotStarted => "not-started",
        }
    }

    /// Why it is not done.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Done | Self::NotStarted => None,
            Self::Failed { reason, .. } | Self::Refused { reason, .. } | Self::Skipped(reason) => {
                Some(reason)
            }
        }
    }
}

/// What became of a plan.
#[derive(Debug, Default)]
pub struct Applied {
    /// What became of each step, in the plan's order.
    pub outcomes: Vec<Outcome>,
    /// Why what was done is not on record. The steps are repeatable: applying again records them.
    pub unrecorded: Option<Error>,
    /// Whether the broker has carried anything out, or may have: also of steps that are not done.
    pub changed: bool,
    /// Why it was not gone on with: somebody else may apply.
    pub stopped: Option<NoTurn>,
    /// What was otherwise than promised, of steps that are done: an order that was not kept.
    pub remarks: Vec<String>,
}

impl Applied {
    /// How many steps are done.
    #[must_use]
    pub fn done(&self) -> usize {
        self.outcomes.iter().filter(|outcome| **outcome == Outcome::Done).count()
    }

    /// Whether all is done and on record.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.done() == self.outcomes.len() && self.unrecorded.is_none()
    }
}
