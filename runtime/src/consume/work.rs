//! One message, from its handler to its end.

use super::{Dispatch, Hold, Ladder, settle::settle};
use crate::{delivery::Delivery, outcome::Outcome, publish::Publisher};
use futures_util::FutureExt;
use std::{any::Any, panic::AssertUnwindSafe};

/// What a subscription does with each message; it must tell the broker what became of it.
pub(crate) trait Work: Send + Sync + 'static {
    fn run(&self, delivery: Delivery, hold: Hold) -> impl Future<Output = ()> + Send;
}

/// The work of a service's consumer.
pub(crate) struct Handling<D> {
    pub(crate) dispatch: D,
    pub(crate) ladder: Option<Ladder>,
    pub(crate) publisher: Publisher,
}

impl<D: Dispatch> Work for Handling<D> {
    async fn run(&self, delivery: Delivery, hold: Hold) {
        // the handler's state is its own matter: it is not touched here after a panic
        let handled = AssertUnwindSafe(async { self.dispatch.dispatch(delivery.clone()).await });
        let handled = handled.catch_unwind().await;
        let outcome = handled.unwrap_or_else(|panic| {
            let reason = format!("the handler panicked: {}", panic_message(&*panic));
            tracing::error!(reason);
            // without a ladder it would panic again and again
            if self.ladder.is_none() && delivery.redelivered() {
                Outcome::dead_letter(reason)
            } else {
                Outcome::retry_because(reason)
            }
        });
        settle(&hold, delivery, outcome, self.ladder, &self.publisher).await;
    }
}

pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}
