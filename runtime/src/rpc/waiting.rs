//! The calls that wait for their answers.

use lapin::BasicProperties;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

/// The number of a client's channel: an answer comes over the channel that the request went out on.
pub(crate) type Generation = u64;

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) properties: BasicProperties,
    pub(crate) payload: Vec<u8>,
}

/// The calls of a client, by correlation-id. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting {
    calls: Arc<Mutex<Calls>>,
}

#[derive(Debug, Default)]
struct Calls {
    waiting: HashMap<String, Call>,
    newest: Generation,
}

#[derive(Debug)]
struct Call {
    answer: oneshot::Sender<Reply>,
    /// The channel of its request; none while that waits to be published.
    sent: Option<Generation>,
}

/// A call's place among those that wait; given up when it is dropped.
pub(super) struct Place {
    pub(super) id: String,
    /// Ends without an answer when the channel of the request ends.
    pub(super) answer: oneshot::Receiver<Reply>,
    waiting: Waiting,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiting.calls().waiting.remove(&self.id);
    }
}

impl Waiting {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new call.
    pub(super) fn place(&self) -> Place {
        let id = uuid::Uuid::new_v4().to_string();
        let (sender, answer) = oneshot::channel();
        self.calls().waiting.insert(id.clone(), Call { answer: sender, sent: None });
        Place { id, answer, waiting: self.clone() }
    }

    /// A new channel, on which requests go out from now on.
    pub(crate) fn channel(&self) -> Generation {
        let mut calls = self.calls();
        calls.newest += 1;
        calls.newest
    }

    /// The request goes out on the newest channel.
    pub(super) fn sent(&self, id: &str) {
        let mut calls = self.calls();
        let newest = calls.newest;
        if let Some(call) = calls.waiting.get_mut(id) {
            call.sent = Some(newest);
        }
    }

    /// An answer has come.
    pub(crate) fn answered(&self, answer: Reply) {
        let id = answer.properties.correlation_id().as_ref().map(ToString::to_string);
        match id.and_then(|id| self.calls().waiting.remove(&id)) {
            // an error means that nobody waits any more
            Some(call) => drop(call.answer.send(answer)),
            None => tracing::debug!("an answer that nobody waits for"),
        }
    }

    /// A channel is gone, and with it the address that servers answer to.
    pub(crate) fn ended(&self, channel: Generation) {
        self.calls().waiting.retain(|_, call| call.sent != Some(channel));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot::error::TryRecvError;

    #[test]
    fn the_end_of_a_channel_ends_its_own_calls_alone() {
        let waiting = Waiting::default();
        let [mut first, mut second, mut queued] = [(); 3].map(|()| waiting.place());
        let old = waiting.channel();
        waiting.sent(&first.id);
        let new = waiting.channel();
        waiting.sent(&second.id);
        waiting.ended(old);
        assert_eq!(first.answer.try_recv().unwrap_err(), TryRecvError::Closed);
        assert_eq!(second.answer.try_recv().unwrap_err(), TryRecvError::Empty);
        waiting.ended(new);
        assert_eq!(second.answer.try_recv().unwrap_err(), TryRecvError::Closed);
        assert_eq!(queued.answer.try_recv().unwrap_err(), TryRecvError::Empty);
        drop((first, second, queued));
        assert!(waiting.calls().waiting.is_empty());
    }
}
