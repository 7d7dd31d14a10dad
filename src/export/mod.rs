//! A topology → files for other tools. This room knows topologies and never a broker.

mod definitions;

pub use definitions::{Definitions, definitions};
