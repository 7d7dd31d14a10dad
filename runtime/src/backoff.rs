//! How long to wait before trying again.

use std::time::Duration;

/// Never less than this: a channel opened at once after the broker closed one with 541 can crash the connection.
const LEAST: Duration = Duration::from_millis(300);

/// Waits that double up to a bound, each drawn between half and all of its step so that
/// many services do not come back to a restarted broker in the same moment.
#[derive(Debug)]
pub(crate) struct Backoff {
    step: Duration,
    most: Duration,
}

impl Backoff {
    pub(crate) fn new(most: Duration) -> Self {
        Self { step: LEAST * 2, most: most.max(LEAST * 2) }
    }

    pub(crate) fn next(&mut self) -> Duration {
        let wait = self.step.mul_f64(0.5 + 0.5 * fastrand::f64());
        self.step = (self.step * 2).min(self.most);
        wait
    }

    pub(crate) fn reset(&mut self) {
        self.step = LEAST * 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_between_the_bounds() {
        let most = Duration::from_secs(5);
        let mut backoff = Backoff::new(most);
        let waits: Vec<_> = (0..20).map(|_| backoff.next()).collect();
        assert!(waits.iter().all(|wait| (LEAST..=most).contains(wait)), "{waits:?}");
        assert!(waits[19] >= most / 2);
        backoff.reset();
        assert!(backoff.next() <= LEAST * 2);
    }
}
