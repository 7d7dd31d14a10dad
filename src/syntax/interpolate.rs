//! `${name}` in strings.

use std::{cell::Cell, collections::BTreeMap, sync::Arc};

use super::{bounds::MAX_TEXT, node::Scalar};
use crate::diag::{Change, Diagnostic, Report, Span, codes, did_you_mean, surely};

/// The names that `${…}` may use, innermost last, and how much text they have made.
#[derive(Default)]
pub(super) struct Scope {
    frames: Vec<BTreeMap<Arc<str>, Scalar>>,
    made: Cell<usize>,
}

impl Scope {
    /// A scope with the outermost names.
    pub(super) fn new(outermost: BTreeMap<Arc<str>, Scalar>) -> Self {
        Self { frames: vec![outermost], made: Cell::new(0) }
    }

    /// Adds an outermost name.
    pub(super) fn declare(&mut self, name: Arc<str>, value: Scalar) {
        match self.frames.first_mut() {
            Some(outermost) => {
                outermost.insert(name, value);
            }
            None => self.enter(name, value),
        }
    }

    /// Whether it has a name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Adds a name, which hides an outer one, until [`Scope::leave`].
    pub(super) fn enter(&mut self, name: Arc<str>, value: Scalar) {
        self.frames.push(BTreeMap::from([(name, value)]));
    }

    /// Takes the innermost name away again.
    pub(super) fn leave(&mut self) {
        self.frames.pop();
    }

    /// Whether more text was asked for than there may be; that is told where it happens.
    pub(super) fn is_full(&self) -> bool {
        self.made.get() > MAX_TEXT
    }

    /// Counts a piece of text before it is made; says whether there is room for it.
    fn make(&self, bytes: usize) -> bool {
        self.made.set(self.made.get().saturating_add(bytes));
        !self.is_full()
    }

    fn get(&self, name: &str) -> Option<&Scalar> {
        self.frames.iter().rev().find_map(|frame| frame.get(name))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.frames.iter().flat_map(|frame| frame.keys().map(|name| &**name))
    }
}

/// The value with every `${name}` replaced; `$${` stands for `${` itself. A string that is nothing but one
/// `${name}` takes that name's value with its type, so that `max-length "${limit}"` can be a number.
pub(super) fn interpolate(value: &mut Scalar, span: Span, scope: &Scope, report: &mut Report) {
    let Scalar::Text(text) = &*value else { return };
    if !text.contains("${") || scope.is_full() {
        return;
    }
    let text = text.clone();
    if let Some(name) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'))
        && !name.contains('}')
    {
        match scope.get(name) {
            Some(found) => *value = found.clone(),
            None => report.push(unknown(name, span, scope)),
        }
        return;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            out.push_str(&rest[..at - 1]);
            out.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        let Some(end) = rest[at..].find('}') else {
            report.push(
                Diagnostic::new(codes::UNKNOWN_VARIABLE, "a `${` is never closed")
                    .label(span, "in this string")
                    .help("close it with `}`, or write `$${` for the two characters themselves"),
            );
            return;
        };
        let name = &rest[at + 2..at + end];
        let found = match scope.get(name) {
            Some(Scalar::Text(text)) => text.clone(),
            Some(Scalar::Bool(bool)) => Arc::from(if *bool { "true" } else { "false" }),
            Some(other) => Arc::from(other.to_kdl()),
            None => {
                report.push(unknown(name, span, scope));
                Arc::from("")
            }
        };
        if !scope.make(at + found.len()) {
            report.push(too_much(span));
            return;
        }
        out.push_str(&rest[..at]);
        out.push_str(&found);
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    *value = Scalar::Text(out.into());
}

/// The names that a text is made of.
pub(super) fn names_in(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let inner = &rest[at + 2..];
        let meant = !rest[..at].ends_with('$');
        match inner.find('}').filter(|_| meant) {
            Some(end) => {
                names.push(&inner[..end]);
                rest = &inner[end + 1..];
            }
            None => rest = inner,
        }
    }
    names
}

fn too_much(span: Span) -> Diagnostic {
    let mebibytes = MAX_TEXT >> 20;
    Diagnostic::new(codes::TOO_LARGE, format!("`${{…}}` makes more than {mebibytes} MiB of text in all"))
        .label(span, "the bound is reached here")
        .help("put shorter text in: a name has at most 255 bytes")
}

fn unknown(name: &str, span: Span, scope: &Scope) -> Diagnostic {
    Diagnostic::new(codes::UNKNOWN_VARIABLE, format!("`${{{name}}}` names no variable"))
        .label(span, "used here")
        .mend(
            surely(name, scope.names()).map(|near| Change::Variable(span, name.to_owned(), near.to_owned())),
        )
        .given_all()
        .help(if scope.names().next().is_none() {
            format!("declare it: `variable {name:?} default=\"…\"`")
        } else {
            did_you_mean(name, scope.names(), "variable")
        })
}
