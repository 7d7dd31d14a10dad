//! An error that a server answers with.

use crate::delivery::Undecodable;
use serde::{Deserialize, Serialize};

/// The `type` property of an answer that is a failure.
pub(super) const NAME: &str = "topoc.rpc.failure";

/// What a server answers instead of a response. It reaches the caller as
/// [`CallError::Server`](super::CallError::Server).
///
/// topoc's own codes are `undecodable-request`, `unencodable-response` and `panic`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Failure {
    /// A word for the caller's program, as `no-such-order`.
    pub code: String,
    /// A sentence for the caller's reader.
    pub message: String,
}

impl Failure {
    /// A failure with its code and message.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}

impl From<Undecodable> for Failure {
    fn from(undecodable: Undecodable) -> Self {
        Self::new("undecodable-request", undecodable.to_string())
    }
}
