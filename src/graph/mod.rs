//! The topology as a graph: what leads where, and who says and hears it.
//!
//! This room knows topologies and asks `topoc-routing` whatever a broker would decide. It may not know lints.

mod arrivals;
mod circles;
mod dead_letters;
mod effective;
mod flows;
mod routes;
#[cfg(feature = "cli")]
mod trail;
#[cfg(feature = "cli")]
mod ways;

pub use arrivals::{Arrivals, FEDERATES, federates, is_federated};
pub use circles::circles;
pub use dead_letters::{DeadLetterMap, DeadLetters, Landing};
pub use effective::{Applied, Effective, Pattern, Selection, Source, policy_keys};
pub use flows::{Flow, constant_headers, is_open, key_template};
pub use routes::{Routes, value as wire_value};
#[cfg(feature = "cli")]
pub use trail::Trail;
#[cfg(feature = "cli")]
pub use ways::{Edge, Node, Ways};

pub use crate::kind::exchange::{is_predeclared, predeclared_type};

use std::{collections::BTreeMap, sync::Arc};

use crate::topology::{Queue, Topology};

/// The graph of a topology.
#[derive(Debug)]
pub struct Graph<'a> {
    /// What it is the graph of.
    pub topology: &'a Topology,
    /// Which policies apply, and what then counts.
    pub effective: Effective<'a>,
    routes: BTreeMap<&'a str, Routes<'a>>,
}

impl<'a> Graph<'a> {
    /// The graph of a topology.
    #[must_use]
    pub fn new(topology: &'a Topology) -> Self {
        let effective = Effective::new(topology);
        let routes = routes::all(topology, &effective);
        Self { topology, effective, routes }
    }

    /// How a vhost routes; none for a vhost in which nothing stands.
    #[must_use]
    pub fn routes(&self, vhost: &str) -> Option<&Routes<'a>> {
        self.routes.get(vhost)
    }

    /// The vhosts in which something stands.
    pub fn vhosts(&self) -> impl Iterator<Item = (&'a str, &Routes<'a>)> {
        self.routes.iter().map(|(name, routes)| (*name, routes))
    }

    /// The exchange of a queue's dead letters, by argument or policy; `""` is the default exchange.
    #[must_use]
    pub fn dead_letter_exchange(&self, queue: Queue<'a>) -> Option<Arc<str>> {
        self.effective.text(queue.0, "dead-letter-exchange")
    }
}
