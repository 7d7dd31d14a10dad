//! Templates, loops and `${…}` → plain nodes.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    interpolate::{Scope, interpolate},
    node::{Entry, Node, Scalar, Word},
    variables::{Environment, Inputs, broker, choose, declare, twice, values},
};
use crate::diag::{Diagnostic, Report, Span, codes, did_you_mean};

/// How many nodes loops and templates may make in all.
const MAX_NODES: usize = 4_000_000;

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
    if expander.full {
        // a part of what was meant would raise mistakes that nobody made
        out.clear();
    }
    Expansion { nodes: out, environment, variables }
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
                        .label(span, "")
                        .help("cut the topology into several that are applied apart"),
                    );
                    return Vec::new();
                }
                values.extend((from..=to).map(Scalar::Integer));
            }
            (None, None) => {}
            // the other one is there, and is spoken of already
            (Some(_), None) | (None, Some(_))
                if node.property("from").is_some() && node.property("to").is_some() => {}
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
