//! What lints ask for again and again, worked out once.

use crate::{graph::Graph, topology::Topology};

/// A topology with its graph, ready for the lints.
#[derive(Debug)]
pub struct Context<'g, 'a> {
    /// The graph.
    pub graph: &'g Graph<'a>,
    /// What it is the graph of.
    pub topology: &'a Topology,
}

impl<'g, 'a> Context<'g, 'a> {
    pub(super) fn new(graph: &'g Graph<'a>) -> Self {
        Self { graph, topology: graph.topology }
    }
}
