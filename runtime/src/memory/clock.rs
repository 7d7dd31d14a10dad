//! The broker's clock.

use super::vhost::Now;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Stands still until it is moved, or runs by tokio's clock.
#[derive(Debug)]
pub(super) struct Clock {
    /// Milliseconds since the broker began, or as they were when the clock began to run.
    millis: u64,
    running_since: Option<Instant>,
    /// Seconds since 1970 when the broker began.
    began: u64,
}

impl Clock {
    pub(super) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { millis: 0, running_since: None, began: since.as_secs() }
    }

    pub(super) fn run(&mut self) {
        self.running_since.get_or_insert_with(Instant::now);
    }

    pub(super) fn is_running(&self) -> bool {
        self.running_since.is_some()
    }

    pub(super) fn millis(&self) -> u64 {
        let run = self.running_since.map(|since| super::millis(since.elapsed()));
        self.millis.saturating_add(run.unwrap_or(0))
    }

    pub(super) fn now(&self) -> Now {
        let millis = self.millis();
        Now { millis, seconds: self.began.saturating_add(millis / 1000) }
    }

    /// Moves it on to this time, never back.
    pub(super) fn move_to(&mut self, millis: u64) {
        self.millis = self.millis.saturating_add(millis.saturating_sub(self.millis()));
    }

    /// When it will show this time, if it runs.
    pub(super) fn when(&self, millis: u64) -> Option<Instant> {
        let run = millis.saturating_sub(self.millis);
        self.running_since?.checked_add(Duration::from_millis(run))
    }
}
