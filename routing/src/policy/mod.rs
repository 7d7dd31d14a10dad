//! Which policy applies to an exchange or a queue, and what its arguments and policies amount to.
//!
//! At most one policy and one operator policy apply ([`select`]); then each key is merged by its own rule
//! ([`effective`]). Patterns are the caller's: this crate has no regular expressions.
//!
//! ```
//! use topoc_routing::policy::*;
//! use topoc_routing::{QueueKind, Table, Version};
//!
//! let limit = |n: i64| Table::from([("max-length".to_owned(), n.into())]);
//! let argument = Table::from([("x-max-length".to_owned(), 500.into())]);
//! let queue = Object::Queue(QueueKind::Classic);
//! let value = &effective(queue, Version::V4_0, &argument, Some(&limit(1000)), Some(&limit(200)))["max-length"];
//! assert_eq!((&value.value, value.from), (&200.into(), Source::OperatorPolicy));
//! ```

mod effective;
mod rules;
mod select;

pub use effective::{Effective, Source, argument_name, effective};
pub use rules::{Rule, rule, unsupported};
pub use select::{ApplyTo, Policy, Selected, select};

use crate::QueueKind;

/// What a policy can apply to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// An exchange of any type.
    Exchange,
    /// A queue of this type.
    Queue(QueueKind),
}

#[cfg(test)]
mod tests;
