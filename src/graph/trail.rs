//! What of a topology one message passes.

use std::collections::BTreeSet;

use crate::kind::Identity;

/// What one message passes in its vhost, alive and dead.
#[derive(Clone, Debug, Default)]
pub struct Trail<'a> {
    /// What is asked for: `OrderCreated`, `order.created`.
    pub asked: &'a str,
    /// The vhost.
    pub vhost: &'a str,
    /// The message of the contract that it is, where it is one.
    pub message: Option<&'a str>,
    /// The exchanges that it comes to; `""` is the default exchange.
    pub exchanges: BTreeSet<&'a str>,
    /// The queues that it comes to.
    pub queues: BTreeSet<&'a str>,
    /// The bindings that it takes.
    pub bindings: BTreeSet<Identity>,
    /// The exchanges whose alternate exchange it takes.
    pub alternates: BTreeSet<&'a str>,
    /// The queues whose dead-letter exchange it may come to.
    pub dead_lettered: BTreeSet<&'a str>,
}
