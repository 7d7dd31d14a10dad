//! Remote procedure calls: a request to a queue, the answer by direct reply-to.
//!
//! The client publishes the request with `reply-to: amq.rabbitmq.reply-to` and an expiration of
//! its timeout, so a request that nobody waits for any more is not run. A request is sent once:
//! when the connection is lost after that, the caller gets [`CallError::Lost`] and decides itself.
//! The server may see a request twice, when it is lost between its work and the acknowledgement.

mod client;
mod failure;
mod server;
mod waiting;

#[cfg(feature = "memory")]
pub(crate) use client::REPLY_TO;
pub use client::{Call, CallError, Client};
pub use failure::Failure;
pub use server::Answer;
pub(crate) use server::Answering;
#[cfg(feature = "memory")]
pub(crate) use waiting::{Generation, Reply, Waiting};

use crate::consume::Consume;
use std::time::Duration;

/// A remote procedure: where its requests go and how long an answer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Procedure {
    /// Its name; the `type` property of requests.
    pub name: &'static str,
    /// The queue that its servers consume.
    pub queue: &'static str,
    /// How long a call waits for the answer.
    pub timeout: Duration,
}

impl Procedure {
    /// How its queue is consumed to be answered: one request at a time, and none taken in advance, so that
    /// servers share them evenly.
    #[must_use]
    pub const fn requests(&self) -> Consume {
        Consume::new(self.queue).prefetch(1)
    }
}

/// The body of an answer.
///
/// # Errors
/// A [`Failure`] `unencodable-response` if the response cannot be written as JSON.
pub fn response<T: serde::Serialize>(response: &T) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(response).map_err(|error| {
        Failure::new("unencodable-response", format!("the response cannot be written: {error}"))
    })
}
