//! A KDL node as the rest of topoc sees it: owned, spanned, without formatting.

use std::{fmt::Write as _, sync::Arc};

use crate::diag::Span;

/// A piece of text and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The text, unescaped.
    pub text: Arc<str>,
    /// Where it stands.
    pub span: Span,
}

/// A KDL value.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// A string, quoted or bare.
    Text(Arc<str>),
    /// An integer.
    Integer(i128),
    /// A number with a point or exponent.
    Float(f64),
    /// `#true` or `#false`.
    Bool(bool),
    /// `#null`.
    Null,
}

impl Scalar {
    /// The text, if it is a string.
    #[must_use]
    pub fn text(&self) -> Option<&Arc<str>> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The value as it is written in KDL.
    #[must_use]
    pub fn to_kdl(&self) -> String {
        match self {
            Self::Text(text) => quote(text),
            Self::Integer(integer) => integer.to_string(),
            Self::Float(float) => kdl::KdlValue::Float(*float).to_string(),
            Self::Bool(bool) => format!("#{bool}"),
            Self::Null => "#null".to_owned(),
        }
    }
}

/// A KDL string literal of a text: always quoted, with what KDL disallows in the open escaped.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if needs_escape(c) => {
                // writing to a string cannot go wrong
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Control, direction and line-separating characters: KDL 2.0 disallows them or reads them as newlines.
fn needs_escape(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// An argument (without a name) or a property (with one) of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The property's name; none for an argument.
    pub name: Option<Word>,
    /// The value.
    pub value: Scalar,
    /// Both, as written.
    pub span: Span,
}

/// A node: a word, its entries, and its children.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The node's name: `queue` in `queue "a" { … }`.
    pub name: Word,
    /// Arguments and properties in the order written.
    pub entries: Vec<Entry>,
    /// What stands in braces.
    pub children: Vec<Node>,
    /// From the name to the last entry: what a label underlines.
    pub span: Span,
    /// All of the node, its children included.
    pub extent: Span,
}

impl Node {
    /// The arguments in order.
    pub fn arguments(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.name.is_none())
    }

    /// The properties in order.
    pub fn properties(&self) -> impl Iterator<Item = (&Word, &Entry)> {
        self.entries.iter().filter_map(|entry| entry.name.as_ref().map(|name| (name, entry)))
    }

    /// The last property of a name, as KDL counts.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Entry> {
        self.properties().filter(|(word, _)| &*word.text == name).last().map(|(_, entry)| entry)
    }

    /// What a property of that name says, or a child node's first value: one is as good as the other.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&Entry> {
        let child = || self.children.iter().find(|child| child.is(name))?.arguments().next();
        self.property(name).or_else(child)
    }

    /// The first argument, if it is a string: an entity's name.
    #[must_use]
    pub fn title(&self) -> Option<Word> {
        let entry = self.arguments().next()?;
        entry.value.text().map(|text| Word { text: text.clone(), span: entry.span })
    }

    /// Whether this is a node of that name.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        &*self.name.text == name
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        diag::{Report, SourceMap},
        syntax::parse,
    };

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn any_value_is_read_back_as_it_was_printed(text in any::<String>(), integer in any::<i64>(), float in -1e300..1e300f64) {
            let values = [Scalar::Text(text.into()), Scalar::Integer(integer.into()), Scalar::Float(float), Scalar::Bool(true)];
            let printed: Vec<String> = values.iter().map(Scalar::to_kdl).collect();
            let (mut sources, mut report) = (SourceMap::default(), Report::default());
            let file = sources.add("a.kdl", format!("a {}", printed.join(" ")));
            let nodes = parse(&sources, file, &mut report);
            prop_assert!(report.is_empty(), "{report:?}");
            let read: Vec<Scalar> = nodes[0].arguments().map(|entry| entry.value.clone()).collect();
            prop_assert_eq!(read, values);
        }
    }
}
