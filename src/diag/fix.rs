//! What mends a finding: as it is meant, and as edits of a text.

use super::Span;

/// A change of a text: what stands in a place gives way to something else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edit {
    /// What gives way; an empty place is where something is put in.
    pub span: Span,
    /// What stands there then, as it is written in the file; nothing to take the place out.
    pub replacement: String,
}

/// A text with edits made; none where they do not fit it. No two of them overlap.
#[must_use]
pub fn edited<'a>(text: &str, edits: impl IntoIterator<Item = &'a Edit>) -> Option<String> {
    let mut sorted: Vec<&Edit> = edits.into_iter().collect();
    sorted.sort();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for Edit { span, replacement } in sorted {
        out.push_str(text.get(at..span.start as usize)?);
        out.push_str(replacement);
        at = span.end as usize;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}

/// The one right way to mend a finding. Its edits are made all or none, and no two of them overlap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fix {
    /// The edits, in the order of their places.
    pub edits: Vec<Edit>,
}

/// A change as who finds the trouble means it; [`crate::syntax::settle`] makes edits of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// These very bytes become others.
    Text(Span, String),
    /// The property, child node or argument in this place gets another value, given as KDL.
    Value(Span, String),
    /// In this place, `${…}` with the one name gets the other.
    Variable(Span, String, String),
    /// The property in this place becomes an argument: its name goes.
    Bare(Span),
    /// The property in this place becomes a child node of its node.
    Child(Span),
    /// The property or node in this place gets another name.
    Name(Span, String),
    /// The node in this place gets the name, and its first value, which named it until now, goes.
    Unwrap(Span, String),
    /// The property, argument or node in this place goes.
    Remove(Span),
    /// The node in this place gets one more property, given as KDL.
    Add(Span, String),
}

impl Change {
    /// The place of it.
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Text(span, _)
            | Self::Value(span, _)
            | Self::Variable(span, ..)
            | Self::Bare(span)
            | Self::Child(span)
            | Self::Name(span, _)
            | Self::Unwrap(span, _)
            | Self::Remove(span)
            | Self::Add(span, _) => *span,
        }
    }
}

/// Changes that together mend a finding, before it is known whether they are certain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Remedy {
    pub(crate) changes: Vec<Change>,
    /// What else decides whether they are right: nothing of it may depend on a run's variables.
    pub(crate) given: Vec<Span>,
    /// Whether it rests on something that is not there: a topology that was read only in part may have it.
    pub(crate) whole: bool,
    /// Whether other values of variables could come to something else anywhere.
    pub(crate) every_run: bool,
}
