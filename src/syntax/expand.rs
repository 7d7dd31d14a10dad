//! Variables, environments, templates and loops → plain nodes.

use std::{collections::BTreeMap, ffi::OsString, sync::Arc};

use super::{
    interpolate::{Scope, interpolate},
    node::{Entry, Node, Scalar, Word},
};
use crate::diag::{Diagnostic, Report, Span, codes, did_you_mean};

/// How many nodes loops and templates may make in all.
const MAX_NODES: usize = 4_000_000;

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

/// What is left when everything that repeats has been written out.
#[derive(Debug, Default)]
pub struct Expansion {
    /// The nodes, without `variable`, `environment`, `template`, `for` and `use`.
    pub nodes: Vec<Node>,
    /// The chosen environment.
    pub environment: Option<Environment>,
    /// The names of all variables.
    pub variables: Vec<Arc<str>>,
}

/// Writes out everything that repeats. `repeats` says which child nodes stand beside those of a template's
/// user (`bind`) rather than giving way to them (`max-length`).
pub fn expand(
    nodes: Vec<Node>,
    inputs: &Inputs,
    repeats: fn(&str) -> bool,
    report: &mut Report,
) -> Expansion {
    let mut variables = Vec::new();
    let mut environments = Vec::new();
    let mut templates = BTreeMap::new();
    let mut body = Vec::with_capacity(nodes.len());
    for node in nodes {
        match &*node.name.text {
            "variable" => variables.extend(declare(node, "variable", report)),
            "environment" => environments.extend(declare(node, "environment", report)),
            "template" => {
                if let Some((name, node)) = declare(node, "template", report)
                    && let Some((first, _)) = templates.insert(name.text.clone(), (name.clone(), node))
                {
                    report.push(twice("template", &name, &first));
                }
            }
            _ => body.push(node),
        }
    }
    let chosen = choose(&environments, inputs, report);
    let values = values(&variables, chosen, inputs, report);
    let environment = chosen.map(|(name, node)| broker(name, node, &values, report));
    let variables = variables.iter().map(|(name, _)| name.text.clone()).collect();
    let mut expander =
        Expander { scope: Scope::new(values), templates, repeats, made: 0, full: false, report };
    let mut out = Vec::with_capacity(body.len());
    for node in body {
        expander.node(node, &mut out);
    }
    Expansion { nodes: out, environment, variables }
}

/// The name of a declaration.
fn declare(node: Node, what: &str, report: &mut Report) -> Option<(Word, Node)> {
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

fn twice(what: &str, name: &Word, first: &Word) -> Diagnostic {
    Diagnostic::new(codes::DUPLICATE, format!("the {what} `{}` is declared twice", name.text))
        .label(name.span, "again here")
        .label(first.span, "first here")
        .help("remove or rename one of the two")
}

fn choose<'a>(all: &'a [(Word, Node)], inputs: &Inputs, report: &mut Report) -> Option<&'a (Word, Node)> {
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
fn values(
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
            report.push(
                Diagnostic::new(
                    codes::BAD_VARIABLE,
                    format!("the variable `{}` is not of its default's type", name.text),
                )
                .label(name.span, format!("its value comes from {from}"))
                .help("give a value of the same type as its default"),
            );
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

fn broker(name: &Word, node: &Node, values: &BTreeMap<Arc<str>, Scalar>, report: &mut Report) -> Environment {
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

struct Expander<'a> {
    scope: Scope,
    templates: BTreeMap<Arc<str>, (Word, Node)>,
    repeats: fn(&str) -> bool,
    made: usize,
    full: bool,
    report: &'a mut Report,
}

impl Expander<'_> {
    fn node(&mut self, mut node: Node, out: &mut Vec<Node>) {
        if self.full {
            return;
        }
        if node.is("for") {
            self.repeat(&node, out);
            return;
        }
        self.made += 1;
        if self.made > MAX_NODES {
            self.full = true;
            self.report.push(
                Diagnostic::new(codes::TOO_LARGE, format!("loops make more than {MAX_NODES} nodes"))
                    .label(node.span, "the bound is reached here")
                    .help("cut the topology into several that are applied apart"),
            );
            return;
        }
        if node.property("use").is_some() {
            self.with_template(node, out);
            return;
        }
        self.own(&mut node);
        out.push(node);
    }

    /// Interpolates a node's entries and expands its children.
    fn own(&mut self, node: &mut Node) {
        for entry in &mut node.entries {
            interpolate(&mut entry.value, entry.span, &self.scope, self.report);
        }
        if !node.children.is_empty() {
            let children = std::mem::take(&mut node.children);
            let mut out = Vec::with_capacity(children.len());
            for child in children {
                self.node(child, &mut out);
            }
            node.children = out;
        }
    }

    fn with_template(&mut self, mut node: Node, out: &mut Vec<Node>) {
        let mut chain: Vec<Arc<str>> = Vec::new();
        while let Some(at) =
            node.entries.iter().position(|entry| entry.name.as_ref().is_some_and(|name| &*name.text == "use"))
        {
            let mut entry = node.entries.remove(at);
            interpolate(&mut entry.value, entry.span, &self.scope, self.report);
            let name = entry.value.text().cloned().unwrap_or_else(|| Arc::from(""));
            if chain.contains(&name) {
                self.report.push(
                    Diagnostic::new(codes::BAD_TEMPLATE, format!("the template `{name}` uses itself"))
                        .label(entry.span, "")
                        .help("remove this `use`"),
                );
                break;
            }
            let Some((_, template)) = self.templates.get(&name) else {
                let names = self.templates.keys().map(|name| &**name);
                self.report.push(
                    Diagnostic::new(codes::BAD_TEMPLATE, format!("there is no template `{name}`"))
                        .label(entry.span, "used here")
                        .help(did_you_mean(&name, names, "template")),
                );
                break;
            };
            merge(&mut node, template, self.repeats);
            chain.push(name);
        }
        // `${name}` in a template is the name of what uses it
        if let Some(title) = node.entries.iter_mut().find(|entry| entry.name.is_none()) {
            interpolate(&mut title.value, title.span, &self.scope, self.report);
        }
        let title = node.title().map_or_else(|| Arc::from(""), |title| title.text);
        let mut scope = std::mem::take(&mut self.scope);
        scope.with(Arc::from("name"), Scalar::Text(title), |scope| {
            std::mem::swap(&mut self.scope, scope);
            self.own(&mut node);
            std::mem::swap(&mut self.scope, scope);
        });
        self.scope = scope;
        out.push(node);
    }

    fn repeat(&mut self, node: &Node, out: &mut Vec<Node>) {
        let Some(name) = node.title() else {
            self.report.push(
                Diagnostic::new(codes::MISSING, "`for` needs the name of its variable")
                    .label(node.span, "")
                    .help(
                        "write `for \"tenant\" \"acme\" \"globex\" { … }` or `for \"n\" from=1 to=9 { … }`",
                    ),
            );
            return;
        };
        for value in self.loop_values(node) {
            let mut scope = std::mem::take(&mut self.scope);
            scope.with(name.text.clone(), value, |scope| {
                std::mem::swap(&mut self.scope, scope);
                for child in &node.children {
                    self.node(child.clone(), out);
                }
                std::mem::swap(&mut self.scope, scope);
            });
            self.scope = scope;
            if self.full {
                return;
            }
        }
    }

    fn loop_values(&mut self, node: &Node) -> Vec<Scalar> {
        let mut bound = |name: &str| {
            let entry = node.property(name)?;
            let mut value = entry.value.clone();
            interpolate(&mut value, entry.span, &self.scope, self.report);
            match value {
                Scalar::Integer(integer) => Some((integer, entry.span)),
                _ => {
                    self.report.push(
                        Diagnostic::new(codes::BAD_VALUE, format!("`{name}` of a `for` is a whole number"))
                            .label(entry.span, "")
                            .help(format!("write `{name}=1`")),
                    );
                    None
                }
            }
        };
        let (from, to) = (bound("from"), bound("to"));
        let listed: Vec<(Scalar, Span)> =
            node.arguments().skip(1).map(|entry| (entry.value.clone(), entry.span)).collect();
        let mut values = Vec::with_capacity(listed.len());
        for (mut value, span) in listed {
            interpolate(&mut value, span, &self.scope, self.report);
            values.push(value);
        }
        match (from, to) {
            (Some((from, span)), Some((to, _))) => {
                let count = usize::try_from(to.saturating_sub(from).saturating_add(1)).unwrap_or(0);
                if count > MAX_NODES {
                    self.full = true;
                    self.report.push(
                        Diagnostic::new(
                            codes::TOO_LARGE,
                            format!("this loop runs more than {MAX_NODES} times"),
                        )
                        .label(span, ""),
                    );
                    return Vec::new();
                }
                values.extend((from..=to).map(Scalar::Integer));
            }
            (None, None) => {}
            (Some((_, span)), None) | (None, Some((_, span))) => self.report.push(
                Diagnostic::new(codes::MISSING, "a `for` over numbers needs both `from` and `to`")
                    .label(span, "only this one is here")
                    .help("write `for \"n\" from=1 to=9 { … }`"),
            ),
        }
        if values.is_empty() && !self.full && from.is_none() && to.is_none() {
            self.report.push(
                Diagnostic::new(codes::MISSING, "this `for` has nothing to go over")
                    .label(node.span, "")
                    .help("list its values: `for \"tenant\" \"acme\" \"globex\" { … }`"),
            );
        }
        values
    }
}

/// Adds to a node what its template has and it has not.
fn merge(node: &mut Node, template: &Node, repeats: fn(&str) -> bool) {
    let has = |node: &Node, name: &str| {
        node.property(name).is_some() || node.children.iter().any(|child| child.is(name))
    };
    let properties = template.properties().filter(|(word, _)| &*word.text == "use" || !has(node, &word.text));
    let properties: Vec<Entry> = properties.map(|(_, entry)| entry.clone()).collect();
    let children: Vec<Node> = template
        .children
        .iter()
        .filter(|child| repeats(&child.name.text) || !has(node, &child.name.text))
        .cloned()
        .collect();
    node.entries.extend(properties);
    // the template's own come first, as if they had been written above
    node.children.splice(0..0, children);
}
