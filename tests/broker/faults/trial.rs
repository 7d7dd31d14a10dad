//! A fault, and where it is met.

use std::{
    fmt,
    str::FromStr,
    sync::{Arc, Mutex},
    time::Duration,
};

use topoc_test_support::{Event, Fate, Passing, Protocol};

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trial {
    /// One connection ends before the broker gets a request.
    CutBefore,
    /// One connection ends after that, and the answer is lost.
    CutAfter,
    /// One connection ends amidst the answer.
    Half,
    /// One answer is this.
    Status(u16),
    /// All answers are this from there on.
    StatusOn(u16),
    /// Nobody answers from there on.
    GoneOn,
    /// One request takes longer.
    Late,
    /// All of AMQP's connections end.
    AmqpCut,
    /// AMQP does not answer from there on.
    AmqpGoneOn,
    /// topoc gets SIGKILL before the broker gets the request.
    KilledBefore,
    /// topoc gets SIGKILL once the broker has carried it out.
    KilledAfter,
}

/// All of them.
pub(super) const ALL: &[Trial] = &[
    Trial::CutBefore,
    Trial::CutAfter,
    Trial::Half,
    Trial::Status(500),
    Trial::Status(401),
    Trial::Status(503),
    Trial::Late,
    Trial::AmqpCut,
    Trial::KilledBefore,
    Trial::KilledAfter,
    Trial::StatusOn(500),
    Trial::StatusOn(401),
    Trial::StatusOn(503),
    Trial::GoneOn,
    Trial::AmqpGoneOn,
];

/// Those after which topoc waits for nobody.
pub(super) const BRIEF: &[Trial] = &[
    Trial::CutBefore,
    Trial::CutAfter,
    Trial::Half,
    Trial::Status(500),
    Trial::Status(401),
    Trial::Status(503),
    Trial::Late,
    Trial::AmqpCut,
    Trial::KilledBefore,
    Trial::KilledAfter,
    Trial::StatusOn(401),
];

impl Trial {
    fn word(self) -> String {
        match self {
            Self::CutBefore => "cut-before".to_owned(),
            Self::CutAfter => "cut-after".to_owned(),
            Self::Half => "half".to_owned(),
            Self::Status(status) => format!("status-{status}"),
            Self::StatusOn(status) => format!("status-{status}-on"),
            Self::GoneOn => "gone-on".to_owned(),
            Self::Late => "late".to_owned(),
            Self::AmqpCut => "amqp-cut".to_owned(),
            Self::AmqpGoneOn => "amqp-gone-on".to_owned(),
            Self::KilledBefore => "killed-before".to_owned(),
            Self::KilledAfter => "killed-after".to_owned(),
        }
    }

    /// Whether topoc itself ends.
    pub(super) fn kills(self) -> bool {
        matches!(self, Self::KilledBefore | Self::KilledAfter)
    }
}

/// A fault at a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    /// Which request, from 1.
    pub(super) number: usize,
    /// The fault.
    pub(super) trial: Trial,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.trial.word())
    }
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("no point: {text}");
        let (number, word) = text.split_once(' ').ok_or_else(unknown)?;
        let trial = ALL.iter().find(|trial| trial.word() == word).copied();
        Ok(Self { number: number.parse().map_err(|_| unknown())?, trial: trial.ok_or_else(unknown)? })
    }
}

/// What becomes of each request where this point is tried.
pub(super) struct Course {
    point: Point,
    /// Ends topoc.
    kill: Event,
    /// The request at which it happened.
    met: Mutex<Option<String>>,
}

impl Course {
    pub(super) fn new(point: Point, kill: Event) -> Arc<Self> {
        Arc::new(Self { point, kill, met: Mutex::default() })
    }

    /// At which request it happened, if it did.
    pub(super) fn met(&self) -> Option<String> {
        self.met.lock().unwrap().clone()
    }

    pub(super) fn fate(&self, passing: &Passing) -> Fate {
        let Point { number, trial } = self.point;
        if passing.number < number {
            return Fate::Pass;
        }
        let is_it = passing.number == number;
        if is_it {
            *self.met.lock().unwrap() = Some(passing.what.clone());
        }
        let amqp = passing.protocol == Protocol::Amqp;
        match trial {
            Trial::StatusOn(status) if !amqp => Fate::Answer(status),
            Trial::GoneOn => Fate::CutBefore,
            Trial::AmqpGoneOn if amqp => Fate::CutBefore,
            _ if !is_it => Fate::Pass,
            Trial::CutBefore => Fate::CutBefore,
            Trial::CutAfter => Fate::CutAfter,
            Trial::Half => Fate::Half,
            Trial::Status(status) => Fate::Answer(status),
            Trial::Late => Fate::Late(Duration::from_millis(700)),
            Trial::AmqpCut => Fate::WithoutAmqp,
            Trial::StatusOn(_) | Trial::AmqpGoneOn => Fate::Pass,
            Trial::KilledBefore => Fate::Before(self.kill.clone()),
            Trial::KilledAfter => Fate::After(self.kill.clone()),
        }
    }
}
