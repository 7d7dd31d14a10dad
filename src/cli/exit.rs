//! How a run ends.

use std::{fmt, io, process::ExitCode};

/// The exit codes, which scripts rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Ok = 0,
    /// The input is wrong: the diagnostics say what.
    Wrong = 1,
    /// The command line is wrong.
    Usage = 2,
    /// There are changes to apply (`diff --exit-code`).
    Pending = 3,
    /// The broker refused, or was not reachable.
    Broker = 4,
    /// Some changes were applied and some were not.
    Partly = 5,
}

/// What `topoc --help` says of them.
pub(super) const HELP: &str = "\
Exit codes:
  0  all is well
  1  the input is wrong
  2  the command line is wrong
  3  changes are pending (diff --exit-code)
  4  the broker refused or was not reachable
  5  some changes were applied and some were not

Example:
  topoc init shop && topoc check shop";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a verb could not go on, other than by what it found in a topology.
#[derive(Debug)]
pub enum Stop {
    /// Standard output could not be written to.
    Output(io::Error),
    /// A sentence, what to do about it, and the code to leave with.
    Because {
        /// The code to leave with.
        exit: Exit,
        /// What happened.
        message: String,
        /// What to do.
        help: Option<String>,
    },
}

impl Stop {
    /// The command line asks for what cannot be.
    pub fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::because(Exit::Usage, message, help)
    }

    /// The input, or a file that was to be written, is in the way.
    pub fn wrong(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::because(Exit::Wrong, message, help)
    }

    /// Any other reason.
    pub fn because(exit: Exit, message: impl Into<String>, help: impl Into<String>) -> Self {
        let help = Some(help.into()).filter(|help| !help.is_empty());
        Self::Because { exit, message: message.into(), help }
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Output(error) => write!(f, "standard output cannot be written to: {error}"),
            Self::Because { message, .. } => f.write_str(message),
        }
    }
}
