//! Edits that mend a finding.

use super::Span;

/// A change of a text: what stands in a place gives way to something else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edit {
    /// What gives way; an empty place is where something is put in.
    pub span: Span,
    /// What stands there then, as it is written in the file; nothing to take the place out.
    pub replacement: String,
}

/// The one right way to mend a finding. Its edits are made all or none, and no two of them overlap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fix {
    /// The edits, in the order of their places.
    pub edits: Vec<Edit>,
}

impl Fix {
    /// Edits that belong together.
    #[must_use]
    pub fn new(mut edits: Vec<Edit>) -> Self {
        edits.sort();
        Self { edits }
    }

    /// One edit.
    pub fn replace(span: Span, replacement: impl Into<String>) -> Self {
        Self { edits: vec![Edit { span, replacement: replacement.into() }] }
    }
}
