//! What RabbitMQ does with a message, exactly.
//!
//! No dependencies, no IO: a [`Topology`] is one virtual host as values. The questions, from the smallest on:
//!
//! - [`Topology::matched`]: which bindings of one exchange a message takes;
//! - [`Topology::publish`], [`Topology::route`]: which queues it reaches, by which way, and how surely;
//! - [`Topology::dead_letter`], [`Topology::life`]: what becomes of it when it dies in a queue, and then again;
//! - [`Topology::mismatch`]: why a binding does not take it;
//! - [`Topology::reach`], [`language`]: the same of all the keys that a template can produce;
//! - [`policy`]: which values count, out of arguments and policies.
//!
//! Each rule, where it was read and on which broker it was seen: `docs/routing.md`.
//!
//! ```
//! use topoc_routing::*;
//!
//! let mut shop = Topology::new(Version::V4_0);
//! let orders = shop.add_exchange(Exchange::new("orders", ExchangeKind::Topic))?;
//! let eu = shop.add_queue(Queue::new("eu", QueueKind::Quorum))?;
//! let binding = shop.bind(orders, Destination::Queue(eu), "order.*.eu", Table::new())?;
//!
//! let matched = shop.matched(orders, &Message::new("order.created.eu"));
//! assert_eq!(matched, Matched::All(vec![binding]));
//! # Ok::<(), BuildError>(())
//! ```

mod certainty;
mod dead_letter;
mod exchange;
pub mod headers;
mod keys;
pub mod language;
mod life;
mod matching;
mod message;
mod mismatch;
pub mod policy;
mod queue;
mod route;
pub mod topic;
mod topology;
mod value;
mod version;

pub use certainty::Certainty;
pub use dead_letter::{Carried, DeadLettered, Death, Fate, Reason};
pub use exchange::ExchangeKind;
pub use keys::{KeyReach, LostKeys, Reach};
pub use life::{Life, Stay};
pub use matching::{Matched, Share};
pub use message::Message;
pub use mismatch::{HeaderMismatch, Mismatch, WordMismatch};
pub use queue::{Overflow, Queue, QueueKind, Strategy};
pub use route::{Alternate, By, Delivered, Hop, Reached, Refused, Visit};
pub use topology::{Binding, BindingId, BuildError, Destination, Exchange, ExchangeId, QueueId, Topology};
pub use value::{Table, Value};
pub use version::{NotAVersion, Version};
