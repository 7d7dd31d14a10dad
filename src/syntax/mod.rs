//! KDL text → spanned nodes, with includes, variables, templates and loops resolved.
//!
//! This room knows KDL and the five words that reuse it (`include`, `variable`, `environment`, `template`,
//! `for`). It may not know what a queue is.

mod bounds;
mod complaint;
mod environments;
mod expand;
mod form;
mod format;
mod habits;
mod interpolate;
mod load;
mod mend;
mod newline;
mod node;
mod parse;
mod scan;
mod sources;
mod variables;
mod words;

pub use bounds::{MAX_BYTES, MAX_DEPTH};
pub use environments::Environment;
pub use expand::{Expansion, expand};
pub use form::{Children, Form, Properties, Property, Values, Wanted};
pub use format::{format, same};
pub use load::{Loaded, load, read};
pub(crate) use load::{relative, unreadable};
pub(crate) use mend::{Ground, repeated, settle, settle_text, touch};
pub use node::{Entry, Node, Scalar, Word, quote};
pub use parse::parse;
pub use scan::MAX_SLASHDASH;
pub use sources::{DiskSources, MemorySources, ReadError, ReadOnce, STANDARD_INPUT, Sources};
pub use variables::{Inputs, environment_name};
pub use words::{ENVIRONMENT, FOR, INCLUDE, TEMPLATE, VARIABLE};
