//! What can go wrong outside of a single publish or call.

use std::{fmt, time::Duration};

/// The result of set-up and of serving.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What stops a service. `Debug` prints the same sentence as `Display`, because that is
/// what Rust shows when `main` returns it.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The broker's address cannot be read.
    #[error("{source_name} {trouble}")]
    Address {
        /// The environment variable or argument that held it.
        source_name: String,
        /// What is wrong; never a part of the address.
        trouble: String,
    },
    /// The broker was not reachable within the time given for the first connection.
    #[error("no connection to {address} within {} s: {reason}", waited.as_secs())]
    Unreachable {
        /// The address without its password.
        address: String,
        /// How long it was tried.
        waited: Duration,
        /// The last trouble.
        reason: String,
    },
    /// The broker answered and refuses: wrong credentials, unknown vhost, a limit.
    #[error("{address} refuses the connection: {reason}")]
    Refused {
        /// The address without its password.
        address: String,
        /// The broker's words.
        reason: String,
    },
    /// The connection was closed by this program.
    #[error("the connection was closed by this program")]
    Closed,
    /// Some of what was declared is refused.
    #[error("the broker refuses {}", Listed(.0))]
    Declare(Vec<DeclareRefused>),
    /// The connection was lost while something was asked of the broker.
    #[error("{doing}: {reason}")]
    Lost {
        /// What was asked.
        doing: String,
        /// The trouble.
        reason: String,
    },
    /// The operating system does not let the program listen for signals.
    #[error("cannot listen for SIGTERM and SIGINT: {0}")]
    Signals(std::io::Error),
    /// What runs a consumer or an RPC server panicked: a mistake of topoc's, not of a handler, whose
    /// panics are its message's matter.
    #[error("the consumer of queue `{queue}` panicked: {reason}")]
    Panicked {
        /// The queue consumed.
        queue: String,
        /// What the panic says.
        reason: String,
    },
    /// An error of the service itself, so that its `main` can return it.
    #[error("{0}")]
    Service(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Wraps an error of the service itself.
    pub fn service(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Service(error.into())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One thing that the broker does not declare as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {reason}")]
pub struct DeclareRefused {
    /// What was declared, as in ``queue `orders` ``.
    pub what: String,
    /// The broker's words.
    pub reason: String,
}

struct Listed<'a>(&'a [DeclareRefused]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, refused) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            refused.fmt(f)?;
        }
        Ok(())
    }
}

/// The broker's own words where there are some, else the client's.
pub(crate) fn words(error: &lapin::Error) -> String {
    match error.kind() {
        lapin::ErrorKind::ProtocolError(amqp) => amqp.get_message().to_string(),
        _ => error.to_string(),
    }
}
