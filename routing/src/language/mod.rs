//! Key languages: the keys that a template can produce and the keys that a binding matches, as sets.
//!
//! Both are regular languages over words, so what holds for all keys is decided by automata: a nondeterministic one
//! for the keys in question, walked together with the trie of the patterns as a set of nodes. A word that no pattern
//! names behaves like every other such word, so one of them stands for all; that keeps the alphabet finite and the
//! answers exact. The walk goes shortest key first, so the example it ends with is the shortest.
//!
//! Cost: one step for each (state of the keys, set of trie nodes, word named there). Templates have no loops, so their
//! walks are short; patterns with many `#` can multiply sets, which [`Limits`] bounds.
//!
//! ```
//! use topoc_routing::language::*;
//!
//! let moved = KeyTemplate::parse("shipping.{country}.moved", |_| None)?;
//! let keys = Language::of_template(&moved)?;
//! let bound = [KeyPattern::Topic("shipping.de.*".into()), KeyPattern::Topic("shipping.fr.*".into())];
//! assert_eq!(keys.example_missed_by(&bound)?.as_deref(), Some("shipping.x.moved"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod automaton;
mod pattern;
mod search;
mod template;
mod word;

pub use automaton::Language;
pub use pattern::KeyPattern;
pub use search::{Class, Limits, TooComplex};
pub use template::{KeyTemplate, Part, TemplateError};

#[cfg(test)]
mod tests;
