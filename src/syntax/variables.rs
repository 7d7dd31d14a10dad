//! Variables and environments: what a topology lets a run decide.

use std::{collections::BTreeMap, ffi::OsString, sync::Arc};

use super::{
    interpolate::{Scope, interpolate},
    node::{Entry, Node, Scalar, Word},
};
use crate::diag::{Diagnostic, Report, codes, did_you_mean};

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

/// An `environment` that a run has chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Environment {
    /// Its name.
    pub name: Word,
    /// The address of its management API.
    pub management: Option<Word>,
    /// Its AMQP address.
    pub amqp: Option<Word>,
}

/// The name of a declaration.
pub(super) fn declare(node: Node, what: &str, report: &mut Report) -> Option<(Word, Node)> {
    let name = node.title();
    if name.is_none() {
        report.push(
            Diagnostic::new(codes::MISSING, format!("a {what} needs a name"))
                .label(node.span, "")
                .help(format!("write `{what} \"name\" …`")),
        );
    }
    Some((name?, node))
}

pub(super) fn twice(what: &str, name: &Word, first: &Word) -> Diagnostic {
    Diagnostic::new(codes::DUPLICATE, format!("the {what} `{}` is declared twice", name.text))
        .label(name.span, "again here")
        .label(first.span, "first here")
        .help("remove or rename one of the two")
}

pub(super) fn choose<'a>(
    all: &'a [(Word, Node)],
    inputs: &Inputs,
    report: &mut Report,
) -> Option<&'a (Word, Node)> {
    let wanted = inputs.environment.as_deref()?;
    let found = all.iter().find(|(name, _)| &*name.text == wanted);
    if found.is_none() {
        let names = all.iter().map(|(name, _)| &*name.text);
        report.push(
            Diagnostic::new(codes::UNKNOWN_ENVIRONMENT, format!("there is no environment `{wanted}`"))
                .help(did_you_mean(wanted, names, "environment")),
        );
    }
    found
}

/// The value of every variable: `--var`, else `TOPOC_VAR_…`, else the environment's `set`, else the default.
pub(super) fn values(
    declared: &[(Word, Node)],
    environment: Option<&(Word, Node)>,
    inputs: &Inputs,
    report: &mut Report,
) -> BTreeMap<Arc<str>, Scalar> {
    let names = || declared.iter().map(|(name, _)| &*name.text);
    for (name, _, from) in &inputs.variables {
        if from == "--var" && !names().any(|known| known == name) {
            report.push(
                Diagnostic::new(codes::UNKNOWN_VARIABLE, format!("`--var {name}=…` names no variable"))
                    .help(did_you_mean(name, names(), "variable")),
            );
        }
    }
    let sets: Vec<(&Word, &Entry)> = environment
        .iter()
        .flat_map(|(_, node)| node.children.iter().filter(|child| child.is("set")))
        .flat_map(|set| set.properties())
        .collect();
    for (word, _) in &sets {
        if !names().any(|known| *known == *word.text) {
            report.push(
                Diagnostic::new(codes::UNKNOWN_VARIABLE, format!("`set {}=…` names no variable", word.text))
                    .label(word.span, "")
                    .help(did_you_mean(&word.text, names(), "variable")),
            );
        }
    }
    let mut values = BTreeMap::new();
    let mut first: BTreeMap<&str, &Word> = BTreeMap::new();
    for (name, node) in declared {
        if let Some(earlier) = first.insert(&name.text, name) {
            report.push(twice("variable", name, earlier));
            continue;
        }
        let default = node.property("default");
        let outside = environment_name(&name.text);
        let given = inputs
            .variables
            .iter()
            .rev()
            .find(|(variable, _, from)| **variable == *name.text || *from == outside);
        let set = sets.iter().rev().find(|(word, _)| word.text == name.text);
        let (value, span, from) = if let Some((_, text, from)) = given {
            (typed_like(text, default.map(|entry| &entry.value)), name.span, from.as_str())
        } else if let Some((_, entry)) = set {
            (Some(entry.value.clone()), entry.span, "the environment")
        } else if let Some(entry) = default {
            (Some(entry.value.clone()), entry.span, "its default")
        } else {
            report.push(
                Diagnostic::new(codes::BAD_VARIABLE, format!("the variable `{}` has no value", name.text))
                    .label(name.span, "it has no default")
                    .help(format!(
                        "run with `--var {}=…`, set `{}`, or give it a `default`",
                        name.text,
                        environment_name(&name.text)
                    )),
            );
            values.insert(name.text.clone(), Scalar::Text(Arc::from("")));
            continue;
        };
        let Some(value) = value else {
            let default = default.map_or(Scalar::Null, |entry| entry.value.clone());
            let (wanted, example) = match default {
                Scalar::Integer(_) => ("a whole number", "3"),
                Scalar::Float(_) => ("a number", "0.5"),
                _ => ("true or false", "true"),
            };
            let text = given.map_or("", |(_, text, _)| text);
            report.push(
                Diagnostic::new(
                    codes::BAD_VARIABLE,
                    format!("the variable `{}` is {wanted}, as its default is, and not `{text}`", name.text),
                )
                .label(name.span, format!("its value comes from {from}"))
                .help(format!("run with `--var {}={example}`", name.text)),
            );
            // with its default, what uses it raises no mistakes of its own
            values.insert(name.text.clone(), default);
            continue;
        };
        let one_of: Vec<&Scalar> = node
            .children
            .iter()
            .filter(|child| child.is("one-of"))
            .flat_map(|child| child.arguments().map(|entry| &entry.value))
            .collect();
        if !one_of.is_empty() && !one_of.contains(&&value) {
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
                .label(span, format!("from {from}"))
                .help(format!("it may be {}", allowed.join(", "))),
            );
        }
        values.insert(name.text.clone(), value);
    }
    values
}

/// The environment variable that gives a topology's variable its value.
#[must_use]
pub fn environment_name(variable: &str) -> String {
    format!("TOPOC_VAR_{}", variable.to_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_"))
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

pub(super) fn broker(
    name: &Word,
    node: &Node,
    values: &BTreeMap<Arc<str>, Scalar>,
    report: &mut Report,
) -> Environment {
    let scope = Scope::new(values.clone());
    let mut environment = Environment { name: name.clone(), management: None, amqp: None };
    for child in &node.children {
        match &*child.name.text {
            "set" => {}
            "broker" => {
                for (word, entry) in child.properties() {
                    let mut value = entry.value.clone();
                    interpolate(&mut value, entry.span, &scope, report);
                    let text = value.text().map(|text| Word { text: text.clone(), span: entry.span });
                    match &*word.text {
                        "management" => environment.management = text,
                        "amqp" => environment.amqp = text,
                        other => report.push(
                            Diagnostic::new(
                                codes::UNKNOWN_ATTRIBUTE,
                                format!("a broker has no attribute `{other}`"),
                            )
                            .label(word.span, "")
                            .help(did_you_mean(
                                other,
                                ["management", "amqp"],
                                "attribute",
                            )),
                        ),
                    }
                }
            }
            other => report.push(
                Diagnostic::new(codes::UNKNOWN_NODE, format!("an environment has no `{other}`"))
                    .label(child.span, "")
                    .help(did_you_mean(other, ["broker", "set"], "node")),
            ),
        }
    }
    environment
}
