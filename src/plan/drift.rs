//! What was changed since a topology was last applied: in the file, on the broker, or both. Three ways are compared, what
//! is on record, what is live and what is desired.

use std::collections::BTreeSet;

use super::{Difference, compare::differences, content::open};
use crate::kind::Definition;

/// Where something was changed since the topology was last applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// In the file.
    File,
    /// On the broker, by somebody else.
    Broker,
    /// In both.
    Both,
}

impl Changed {
    /// The word for it in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Broker => "broker",
            Self::Both => "both",
        }
    }
}

impl Difference {
    /// Whether somebody has changed it on the broker.
    #[must_use]
    pub fn is_drift(&self) -> bool {
        matches!(self.changed, Some(Changed::Broker | Changed::Both))
    }
}

/// Says of each difference where it comes from. Of secrets nothing is on record, so nothing is said.
pub(super) fn attribute(
    found: &mut [Difference],
    recorded: &Definition,
    desired: &Definition,
    live: &Definition,
    heeds_default_queue_type: bool,
) {
    let names = |to: &Definition, from: &Definition| -> BTreeSet<String> {
        let all = differences(to, from, heeds_default_queue_type, |_| None);
        all.into_iter().map(|difference| difference.name).collect()
    };
    let on_the_broker = names(recorded, &open(live));
    let in_the_file = names(&open(desired), recorded);
    for difference in found {
        let name = &difference.name;
        difference.changed = match (in_the_file.contains(name), on_the_broker.contains(name)) {
            (true, true) => Some(Changed::Both),
            (true, false) => Some(Changed::File),
            (false, true) => Some(Changed::Broker),
            (false, false) => None,
        };
    }
}

/// `; changed on the broker since the last apply: max-length 5 → 6`, or nothing.
pub(super) fn since(recorded: &Definition, live: &Definition, heeds_default_queue_type: bool) -> String {
    let found = differences(recorded, &open(live), heeds_default_queue_type, |_| None);
    if found.is_empty() {
        return String::new();
    }
    let turned: Vec<String> = found
        .into_iter()
        .map(|found| Difference { from: found.to, to: found.from, ..found }.to_string())
        .collect();
    format!("; changed on the broker since the last apply: {}", turned.join(", "))
}
