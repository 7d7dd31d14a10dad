//! `${name}` in strings.

use std::{collections::BTreeMap, sync::Arc};

use super::node::Scalar;
use crate::diag::{Diagnostic, Report, Span, codes, did_you_mean};

/// The names that `${…}` may use, innermost last.
#[derive(Default)]
pub(super) struct Scope {
    frames: Vec<BTreeMap<Arc<str>, Scalar>>,
}

impl Scope {
    /// A scope with the outermost names.
    pub(super) fn new(outermost: BTreeMap<Arc<str>, Scalar>) -> Self {
        Self { frames: vec![outermost] }
    }

    /// Runs `body` with one more name.
    pub(super) fn with<T>(&mut self, name: Arc<str>, value: Scalar, body: impl FnOnce(&mut Self) -> T) -> T {
        self.frames.push(BTreeMap::from([(name, value)]));
        let result = body(self);
        self.frames.pop();
        result
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
    if !text.contains("${") {
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
        out.push_str(&rest[..at]);
        let Some(end) = rest[at..].find('}') else {
            report.push(
                Diagnostic::new(codes::UNKNOWN_VARIABLE, "a `${` is never closed")
                    .label(span, "in this string")
                    .help("close it with `}`, or write `$${` for the two characters themselves"),
            );
            return;
        };
        let name = &rest[at + 2..at + end];
        match scope.get(name) {
            Some(Scalar::Text(text)) => out.push_str(text),
            Some(Scalar::Bool(bool)) => out.push_str(if *bool { "true" } else { "false" }),
            Some(other) => out.push_str(&other.to_kdl()),
            None => report.push(unknown(name, span, scope)),
        }
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    *value = Scalar::Text(out.into());
}

fn unknown(name: &str, span: Span, scope: &Scope) -> Diagnostic {
    Diagnostic::new(codes::UNKNOWN_VARIABLE, format!("`${{{name}}}` names no variable"))
        .label(span, "used here")
        .help(if scope.names().next().is_none() {
            format!("declare it: `variable {name:?} default=\"…\"`")
        } else {
            did_you_mean(name, scope.names(), "variable")
        })
}
