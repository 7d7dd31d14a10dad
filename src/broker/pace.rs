//! No more than so many messages in a second, over all that are moved at once.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Who moves messages waits by it.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Messages in a second; none: as many as there are.
    rate: Option<u32>,
    /// Until when what may go is spoken for.
    spoken_for: Mutex<Option<Instant>>,
}

impl Pace {
    pub(super) fn new(rate: Option<u32>) -> Self {
        Self { rate, spoken_for: Mutex::default() }
    }

    /// When so many more may be sent; none: now. Time in which nothing was sent is not made up for.
    pub(super) fn reserve(&self, messages: usize) -> Option<Instant> {
        let rate = self.rate?;
        let takes = Duration::from_secs_f64(messages as f64 / f64::from(rate.max(1)));
        let mut spoken_for = self.spoken_for.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let due = spoken_for.map_or(now, |until| until.max(now)) + takes;
        *spoken_for = Some(due);
        Some(due)
    }

    /// How many may be under way at once: never more than go in a second.
    pub(super) fn window(&self, most: u16) -> u16 {
        self.rate.map_or(most, |rate| u16::try_from(rate).unwrap_or(most)).clamp(1, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_share_a_rate() {
        let pace = Pace::new(Some(10));
        let start = Instant::now();
        let first = pace.reserve(5).unwrap();
        let second = pace.reserve(10).unwrap();
        assert!(first >= start + Duration::from_millis(500));
        assert_eq!(second - first, Duration::from_secs(1));
        assert_eq!((pace.window(50), Pace::new(Some(80)).window(50)), (10, 50));
        assert_eq!((Pace::default().reserve(5), Pace::default().window(50)), (None, 50));
    }
}
