//! What has become of every order. In memory: it shows messaging, not storage.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use topoc_runtime::types::Uuid;

/// How far an order has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    Placed,
    Paid,
    Shipped,
    Completed,
    Cancelled,
}

impl State {
    pub(super) fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled)
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Paid => "paid",
            Self::Shipped => "shipped",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// An order as customers see it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) customer: String,
    pub(super) state: State,
    pub(super) reason: Option<String>,
}

/// All orders of this process.
#[derive(Default)]
pub(super) struct Book {
    orders: Mutex<HashMap<Uuid, Entry>>,
}

impl Book {
    fn orders(&self) -> MutexGuard<'_, HashMap<Uuid, Entry>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn place(&self, id: Uuid, customer: String) {
        self.orders().insert(id, Entry { customer, state: State::Placed, reason: None });
    }

    /// An order that could not be published never was.
    pub(super) fn forget(&self, id: Uuid) {
        self.orders().remove(&id);
    }

    pub(super) fn get(&self, id: Uuid) -> Option<Entry> {
        self.orders().get(&id).cloned()
    }

    pub(super) fn customer(&self, id: Uuid) -> Option<String> {
        self.get(id).map(|entry| entry.customer)
    }

    pub(super) fn state(&self, id: Uuid) -> Option<State> {
        self.get(id).map(|entry| entry.state)
    }

    /// Moves an order on; events come late or twice, so never back, and never away from its end.
    pub(super) fn advance(&self, id: Uuid, state: State) {
        if let Some(entry) = self.orders().get_mut(&id)
            && !entry.state.is_final()
        {
            entry.state = entry.state.max(state);
        }
    }

    pub(super) fn cancel(&self, id: Uuid, reason: &str) {
        if let Some(entry) = self.orders().get_mut(&id)
            && !entry.state.is_final()
        {
            entry.state = State::Cancelled;
            entry.reason = Some(reason.to_owned());
        }
    }
}
