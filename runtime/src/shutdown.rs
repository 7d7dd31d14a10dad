//! The order to stop, given by a signal or by the program.

use std::sync::Arc;
use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Phase {
    Running,
    Draining,
    Now,
}

/// Tells services to stop: they take no more messages, finish the ones in hand and return.
///
/// Clones are handles to the same order. Once given it is not taken back.
#[derive(Clone, Debug)]
pub struct Shutdown {
    phase: Arc<watch::Sender<Phase>>,
}

impl Shutdown {
    /// An order not yet given.
    #[must_use]
    pub fn new() -> Self {
        Self { phase: Arc::new(watch::Sender::new(Phase::Running)) }
    }

    /// Stop taking messages; handlers at work may finish within the grace period.
    pub fn trigger(&self) {
        self.raise(Phase::Draining);
    }

    /// Stop without waiting for handlers: what they hold goes back to its queue.
    pub fn trigger_now(&self) {
        self.raise(Phase::Now);
    }

    /// Whether [`trigger`](Self::trigger) or [`trigger_now`](Self::trigger_now) was called.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        *self.phase.borrow() >= Phase::Draining
    }

    /// Returns when the order is given, at once if it was.
    pub async fn triggered(&self) {
        self.reached(Phase::Draining).await;
    }

    /// Returns when handlers are no longer waited for.
    pub(crate) async fn triggered_now(&self) {
        self.reached(Phase::Now).await;
    }

    /// Gives the order on SIGTERM or SIGINT (Ctrl-C); a second signal ends the wait for handlers.
    ///
    /// From then on these signals no longer end the process by themselves.
    pub fn on_signals(&self) -> std::io::Result<()> {
        let shutdown = self.clone();
        let mut signals = Signals::listen()?;
        tokio::spawn(async move {
            signals.recv().await;
            tracing::info!("asked to stop: finishing the messages in hand");
            shutdown.trigger();
            signals.recv().await;
            tracing::warn!("asked to stop again: messages in hand go back to their queues");
            shutdown.trigger_now();
        });
        Ok(())
    }

    fn raise(&self, to: Phase) {
        self.phase.send_if_modified(|phase| {
            let higher = to > *phase;
            if higher {
                *phase = to;
            }
            higher
        });
    }

    async fn reached(&self, wanted: Phase) {
        let mut phase = self.phase.subscribe();
        // cannot end early: `self` holds the sender
        let _ = phase.wait_for(|phase| *phase >= wanted).await;
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn recv(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_hears_the_order_and_it_never_goes_back() {
        let shutdown = Shutdown::new();
        let other = shutdown.clone();
        assert!(!other.is_triggered());
        shutdown.trigger_now();
        shutdown.trigger();
        other.triggered().await;
        other.triggered_now().await;
        assert!(other.is_triggered());
    }
}
