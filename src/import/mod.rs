//! What is live → KDL that a person would have written: the way back, from definitions to the language.
//!
//! What the language has one line for becomes that line; what is said by default is left out; secrets stay where they are.
//! The text is compiled again and compared with what it was made of: what the language cannot say is `external`, and told.

mod derived;
mod entity;
mod node;
mod vhost;
mod whole;

pub use whole::{Imported, Options, Written, import};

use vhost::Vhost;
