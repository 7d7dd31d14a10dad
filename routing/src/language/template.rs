//! Routing keys with parameters, as `shipping.{country}.moved`.

use std::collections::BTreeSet;
use std::fmt;

/// A piece of a key template.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Part {
    /// This text, which may hold dots.
    Literal(String),
    /// A value that the publisher fills in.
    Parameter {
        /// Its name.
        name: String,
        /// The only values it takes; each may hold dots or be empty. Without them it takes any text that is not
        /// empty and holds no dot, and a publisher has to refuse other values.
        one_of: Option<Vec<String>>,
    },
}

/// The routing keys that a message can be published with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyTemplate {
    parts: Vec<Part>,
}

/// Why a text is no key template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateError {
    /// A `{` without its `}`, or the other way round, at this byte.
    Brace(usize),
    /// `{}` at this byte.
    Unnamed(usize),
    /// This parameter stands twice; its two places would have to be equal, which no set of words says.
    Repeated(String),
    /// This parameter has an empty list of values, so there is no key at all.
    NoValues(String),
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Brace(at) => write!(f, "the brace at byte {at} has no partner"),
            Self::Unnamed(at) => write!(f, "the parameter at byte {at} has no name"),
            Self::Repeated(name) => write!(f, "the parameter `{name}` stands twice in one key"),
            Self::NoValues(name) => write!(f, "the parameter `{name}` has no values to take"),
        }
    }
}

impl std::error::Error for TemplateError {}

impl KeyTemplate {
    /// Reads a key with `{parameters}`; `one_of` says which values a parameter is limited to, if it is.
    pub fn parse(
        text: &str,
        mut one_of: impl FnMut(&str) -> Option<Vec<String>>,
    ) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut names = BTreeSet::new();
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let literal = rest.find(['{', '}']).unwrap_or(rest.len());
            if literal > 0 {
                parts.push(Part::Literal(rest[..literal].to_owned()));
                at += literal;
                continue;
            }
            let inside = rest.strip_prefix('{').ok_or(TemplateError::Brace(at))?;
            let end = inside.find(['{', '}']).filter(|end| inside[*end..].starts_with('}'));
            let name = &inside[..end.ok_or(TemplateError::Brace(at))?];
            if name.is_empty() {
                return Err(TemplateError::Unnamed(at));
            }
            if !names.insert(name) {
                return Err(TemplateError::Repeated(name.to_owned()));
            }
            let one_of = one_of(name);
            if one_of.as_ref().is_some_and(Vec::is_empty) {
                return Err(TemplateError::NoValues(name.to_owned()));
            }
            parts.push(Part::Parameter { name: name.to_owned(), one_of });
            at += name.len() + 2;
        }
        Ok(Self { parts })
    }

    /// The template of this one key; braces stand for themselves.
    pub fn literal(key: &str) -> Self {
        Self { parts: vec![Part::Literal(key.to_owned())] }
    }

    /// Its pieces in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The key itself, if there is only one.
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(key)] => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for KeyTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Literal(text) => f.write_str(text)?,
                Part::Parameter { name, .. } => write!(f, "{{{name}}}")?,
            }
        }
        Ok(())
    }
}
