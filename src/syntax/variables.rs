//! Variables: what a topology lets a run decide.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsString,
    sync::Arc,
};

use super::{
    environments::sets,
    form::Form,
    interpolate::{Scope, interpolate, names_in},
    node::{Node, Scalar, Word},
};
use crate::diag::{Diagnostic, Report, Span, codes, did_you_mean};

/// What a run brings to a topology from outside.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// Values for variables, and where each comes from (`--var`, `TOPOC_VAR_REGION`), the strongest last.
    pub variables: Vec<(String, String, String)>,
    /// The chosen environment.
    pub environment: Option<String>,
}

impl Inputs {
    /// The variables that a process's environment gives (`TOPOC_VAR_…`), in the order of their names.
    #[must_use]
    pub fn from_environment(all: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        // names and values that are no UTF-8 cannot be meant for a topology
        let text =
            |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        let ours = all.into_iter().filter_map(text).filter(|(name, _)| name.starts_with("TOPOC_VAR_"));
        let mut variables: Vec<_> = ours.map(|(name, value)| (name.clone(), value, name)).collect();
        variables.sort();
        Self { variables, environment: None }
    }
}

/// A declaration with its name, if it has the form that it should have.
pub(super) fn declare(node: Node, form: &Form, report: &mut Report) -> Option<(Word, Node)> {
    let name = form.check(&node, report).then(|| node.title()).flatten()?;
    Some((name, node))
}

/// The first declaration of each name; the others are spoken of.
pub(super) fn once(all: Vec<(Word, Node)>, what: &str, report: &mut Report) -> Vec<(Word, Node)> {
    let mut kept: Vec<(Word, Node)> = Vec::with_capacity(all.len());
    let mut places: HashMap<Arc<str>, usize> = HashMap::new();
    for (name, node) in all {
        match places.get(&name.text) {
            Some(first) => report.push(twice(what, &name, &kept[*first].0)),
            None => {
                places.insert(name.text.clone(), kept.len());
                kept.push((name, node));
            }
        }
    }
    kept
}

pub(super) fn twice(what: &str, name: &Word, first: &Word) -> Diagnostic {
    Diagnostic::new(codes::DUPLICATE, format!("the {what} `{}` is declared twice", name.text))
        .label(name.span, "again here")
        .label(first.span, "first here")
        .help("remove or rename one of the two")
}

/// The environment variable that gives a topology's variable its value.
#[must_use]
pub fn environment_name(variable: &str) -> String {
    format!("TOPOC_VAR_{}", variable.to_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_"))
}

/// A variable's value as it is given, and by whom.
struct Given<'a> {
    name: &'a Word,
    node: &'a Node,
    value: Scalar,
    span: Span,
    from: &'a str,
    /// Whether a file gives it, where `${…}` is replaced.
    written: bool,
}

/// The value of every variable: `--var`, else `TOPOC_VAR_…`, else the environment's `set`, else the default.
pub(super) fn values(
    declared: &[(Word, Node)],
    environment: Option<&(Word, Node)>,
    inputs: &Inputs,
    report: &mut Report,
) -> Scope {
    let names = || declared.iter().map(|(name, _)| &*name.text);
    for (name, _, from) in &inputs.variables {
        if from == "--var" && !names().any(|known| known == name) {
            report.push(
                Diagnostic::new(codes::UNKNOWN_VARIABLE, format!("`--var {name}=…` names no variable"))
                    .help(did_you_mean(name, names(), "variable")),
            );
        }
    }
    let given: Vec<Given<'_>> =
        declared.iter().map(|(name, node)| give(name, node, environment, inputs, report)).collect();
    let mut made = Making {
        places: given.iter().enumerate().map(|(at, given)| (given.name.text.clone(), at)).collect(),
        given,
        open: Vec::new(),
        scope: Scope::new(BTreeMap::new()),
        report,
    };
    for at in 0..declared.len() {
        made.make(at);
    }
    made.scope
}

fn give<'a>(
    name: &'a Word,
    node: &'a Node,
    environment: Option<&'a (Word, Node)>,
    inputs: &'a Inputs,
    report: &mut Report,
) -> Given<'a> {
    // one that is misspelt has been spoken of, and is what is meant
    let default = node.setting("default").or_else(|| node.properties().next().map(|(_, entry)| entry));
    let outside = environment_name(&name.text);
    let ours = |(variable, _, from): &&(String, String, String)| **variable == *name.text || *from == outside;
    let set = environment.and_then(|(_, node)| sets(node).filter(|(word, _)| word.text == name.text).last());
    let given = |value, span, from, written| Given { name, node, value, span, from, written };
    if let Some((_, text, from)) = inputs.variables.iter().rev().find(ours) {
        if let Some(value) = typed_like(text, default.map(|entry| &entry.value)) {
            return given(value, name.span, from, false);
        }
        let (wanted, example) = match default.map(|entry| &entry.value) {
            Some(Scalar::Integer(_)) => ("a whole number", "3"),
            Some(Scalar::Float(_)) => ("a number", "0.5"),
            _ => ("true or false", "true"),
        };
        report.push(
            Diagnostic::new(
                codes::BAD_VARIABLE,
                format!("the variable `{}` is {wanted}, as its default is, and not `{text}`", name.text),
            )
            .label(name.span, format!("its value comes from {from}"))
            .help(format!("run with `--var {}={example}`", name.text)),
        );
    } else if let Some((_, entry)) = set {
        return given(entry.value.clone(), entry.span, "the environment", true);
    } else if default.is_none() {
        report.push(
            Diagnostic::new(codes::BAD_VARIABLE, format!("the variable `{}` has no value", name.text))
                .label(name.span, "it has no default")
                .help(format!(
                    "run with `--var {}=…`, set `{}`, or give it a `default`",
                    name.text,
                    environment_name(&name.text)
                )),
        );
    }
    // with its default, what uses it raises no mistakes of its own
    let nothing = Scalar::Text(Arc::from(""));
    default.map_or(given(nothing, name.span, "", false), |entry| {
        given(entry.value.clone(), entry.span, "its default", true)
    })
}

/// A text from outside, in the type of the variable's default.
fn typed_like(text: &str, default: Option<&Scalar>) -> Option<Scalar> {
    match default {
        Some(Scalar::Integer(_)) => text.parse().ok().map(Scalar::Integer),
        Some(Scalar::Float(_)) => text.parse().ok().map(Scalar::Float),
        Some(Scalar::Bool(_)) => text.trim_start_matches('#').parse().ok().map(Scalar::Bool),
        Some(Scalar::Text(_) | Scalar::Null) | None => Some(Scalar::Text(Arc::from(text))),
    }
}

/// Variables while they are made of one another.
struct Making<'a, 'r> {
    given: Vec<Given<'a>>,
    places: HashMap<Arc<str>, usize>,
    /// Those that are being made, each for the one before it.
    open: Vec<usize>,
    /// Those that are made.
    scope: Scope,
    report: &'r mut Report,
}

impl Making<'_, '_> {
    fn make(&mut self, at: usize) {
        let Given { name, node, ref value, span, from, written } = self.given[at];
        if self.scope.has(&name.text) {
            return;
        }
        let mut value = value.clone();
        if let Scalar::Text(text) = &value.clone()
            && written
        {
            self.open.push(at);
            let mut sound = true;
            for part in names_in(text) {
                match self.places.get(part).copied() {
                    Some(other) if self.open.contains(&other) => {
                        self.report.push(circle(&self.given, &self.open, other, span));
                        sound = false;
                    }
                    Some(other) => self.make(other),
                    None => {
                        let names = self.given.iter().map(|given| &*given.name.text);
                        self.report.push(
                            Diagnostic::new(
                                codes::UNKNOWN_VARIABLE,
                                format!("`${{{part}}}` names no variable"),
                            )
                            .label(span, "used here")
                            .help(did_you_mean(
                                part,
                                names.filter(|other| **other != *name.text),
                                "variable",
                            )),
                        );
                        sound = false;
                    }
                }
            }
            self.open.pop();
            // another turn of a circle has made it
            if self.scope.has(&name.text) {
                return;
            }
            if sound {
                interpolate(&mut value, span, &self.scope, self.report);
            }
        }
        // what an environment sets is compared for every environment
        if from != "the environment" && !from.is_empty() {
            self.report.extend(allowed(name, node, &value, span, &format!("from {from}")));
        }
        self.scope.declare(name.text.clone(), value);
    }
}

fn circle(given: &[Given<'_>], open: &[usize], again: usize, span: Span) -> Diagnostic {
    let start = open.iter().position(|at| *at == again).unwrap_or(0);
    let chain: Vec<String> =
        open[start..].iter().chain([&again]).map(|at| format!("`{}`", given[*at].name.text)).collect();
    Diagnostic::new(
        codes::BAD_VARIABLE,
        format!("the variable `{}` is made of itself", given[again].name.text),
    )
    .label(span, "")
    .note(format!("the chain is {}", chain.join(" → ")))
    .help("give one of them a value without `${…}`")
}

/// Says where a value is none that its variable's `one-of` allows.
pub(super) fn allowed(name: &Word, node: &Node, value: &Scalar, span: Span, label: &str) -> Report {
    let mut report = Report::default();
    let one_of: Vec<&Scalar> = node
        .children
        .iter()
        .filter(|child| child.is("one-of"))
        .flat_map(|child| child.arguments().map(|entry| &entry.value))
        .collect();
    if !one_of.is_empty() && !one_of.contains(&value) {
        let allowed: Vec<String> = one_of.iter().map(|value| format!("`{}`", value.to_kdl())).collect();
        report.push(
            Diagnostic::new(
                codes::BAD_VARIABLE,
                format!(
                    "the variable `{}` is {}, which its `one-of` does not allow",
                    name.text,
                    value.to_kdl()
                ),
            )
            .label(span, label)
            .help(format!("it may be {}", allowed.join(", "))),
        );
    }
    report
}
