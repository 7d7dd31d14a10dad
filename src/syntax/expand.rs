//! Templates, loops and `${…}` → plain nodes.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use super::{
    bounds::{MAX_CHAIN, MAX_DEPTH, MAX_NODES},
    environments::{self, Environment, check_sets, choose},
    interpolate::{Scope, interpolate},
    node::{Entry, Node, Scalar, Word, quote},
    variables::{Inputs, declare, once, twice, values},
    words::{ENVIRONMENT, FOR, TEMPLATE, VARIABLE},
};
use crate::diag::{Change, Diagnostic, Report, Span, codes, did_you_mean, surely};

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
            "variable" => variables.extend(declare(node, &VARIABLE, report)),
            "environment" => environments.extend(declare(node, &ENVIRONMENT, report)),
            "template" => {
                if let Some((name, node)) = declare(node, &TEMPLATE, report)
                    && let Some((first, _)) = templates.insert(name.text.clone(), (name.clone(), node))
                {
                    report.push(twice("template", &name, &first));
                }
            }
            _ => body.push(node),
        }
    }
    let variables = once(variables, "variable", report);
    let environments = once(environments, "environment", report);
    for (_, environment) in &environments {
        check_sets(environment, &variables, report);
    }
    let chosen = choose(&environments, inputs, report);
    let scope = values(&variables, chosen, inputs, report);
    // each is looked at, so that what is wrong with one is not found on the day that it is needed
    let mut environment = None;
    for (name, node) in &environments {
        let read = environments::read(name, node, &scope, report);
        if chosen.is_some_and(|(chosen, _)| chosen.text == name.text) {
            environment = Some(read);
        }
    }
    let variables = variables.iter().map(|(name, _)| name.text.clone()).collect();
    let mut expander = Expander {
        scope,
        templates: &templates,
        repeats,
        open: Vec::new(),
        depth: 0,
        made: 0,
        turns: 0,
        full: false,
        report,
    };
    let mut out = Vec::with_capacity(body.len());
    for node in body {
        expander.node(&node, &mut out);
    }
    if expander.is_full() {
        // a part of what was meant would raise mistakes that nobody made
        out.clear();
    }
    Expansion { nodes: out, environment, variables }
}

struct Expander<'a> {
    scope: Scope,
    templates: &'a BTreeMap<Arc<str>, (Word, Node)>,
    repeats: fn(&str) -> bool,
    /// The templates of which a part is being written out.
    open: Vec<Arc<str>>,
    /// How many blocks are open.
    depth: usize,
    made: usize,
    /// How often loops have run.
    turns: usize,
    full: bool,
    report: &'a mut Report,
}

/// A node's entries and children, with those of its templates.
struct Merged<'n> {
    entries: Vec<Entry>,
    /// The children of templates come first, as if they had been written above.
    inherited: Vec<&'n Node>,
    own: &'n [Node],
    /// The templates, that of the node itself first.
    chain: Vec<Arc<str>>,
}

impl<'a> Expander<'a> {
    fn is_full(&self) -> bool {
        self.full || self.scope.is_full()
    }

    /// Says at most once that there is no room for what stands here.
    fn fill(&mut self, trouble: String, at: Span) {
        if !self.is_full() {
            self.report.push(
                Diagnostic::new(codes::TOO_LARGE, trouble)
                    .label(at, "the bound is reached here")
                    .help("cut the topology into several that are applied apart"),
            );
        }
        self.full = true;
    }

    fn node(&mut self, node: &Node, out: &mut Vec<Node>) {
        if node.is("for") {
            self.repeat(node, out);
            return;
        }
        self.made += 1;
        if self.made > MAX_NODES {
            self.fill(format!("the topology has more than {MAX_NODES} nodes"), node.span);
        }
        if self.is_full() {
            return;
        }
        let mut merged = self.merge(node);
        let templated = !merged.chain.is_empty();
        let title = merged.entries.iter().position(|entry| entry.name.is_none()).filter(|_| templated);
        if templated {
            // `${name}` in a template is the name of what uses it
            let name = title.and_then(|at| {
                let entry = &mut merged.entries[at];
                interpolate(&mut entry.value, entry.span, &self.scope, self.report);
                entry.value.text().cloned()
            });
            self.scope.enter(Arc::from("name"), Scalar::Text(name.unwrap_or_else(|| Arc::from(""))));
        }
        for (at, entry) in merged.entries.iter_mut().enumerate() {
            // a title is read once: what a variable puts in is not looked into again
            if title != Some(at) {
                interpolate(&mut entry.value, entry.span, &self.scope, self.report);
            }
        }
        let children = self.children(node, &merged);
        if templated {
            self.scope.leave();
        }
        let (name, span, extent) = (node.name.clone(), node.span, node.extent);
        out.push(Node { name, entries: merged.entries, children, span, extent });
    }

    fn children(&mut self, node: &Node, merged: &Merged<'_>) -> Vec<Node> {
        if merged.inherited.is_empty() && merged.own.is_empty() {
            return Vec::new();
        }
        if self.depth == MAX_DEPTH {
            self.report.push(
                Diagnostic::new(
                    codes::TOO_LARGE,
                    format!("templates make blocks that nest more than {MAX_DEPTH} deep"),
                )
                .label(node.span, "the block of this node is too deep")
                .help("remove a `use` from a template: the language nests less than ten deep"),
            );
            self.full = true;
            return Vec::new();
        }
        self.depth += 1;
        let mut out = Vec::with_capacity(merged.inherited.len() + merged.own.len());
        let before = self.open.len();
        self.open.extend(merged.chain.iter().cloned());
        for child in &merged.inherited {
            self.node(child, &mut out);
        }
        self.open.truncate(before);
        for child in merged.own {
            self.node(child, &mut out);
        }
        self.depth -= 1;
        out
    }

    /// Adds to a node what its templates have and it has not.
    fn merge<'n>(&mut self, node: &'n Node) -> Merged<'n>
    where
        'a: 'n,
    {
        let mut merged = Merged {
            entries: node.entries.clone(),
            inherited: Vec::new(),
            own: &node.children,
            chain: Vec::new(),
        };
        let is_use = |entry: &Entry| entry.name.as_ref().is_some_and(|name| &*name.text == "use");
        if !merged.entries.iter().any(is_use) {
            return merged;
        }
        let properties = node.properties().map(|(word, _)| &*word.text);
        let mut has: HashSet<&str> = properties.chain(node.children.iter().map(|c| &*c.name.text)).collect();
        while let Some(at) = merged.entries.iter().position(is_use) {
            let mut entry = merged.entries.remove(at);
            interpolate(&mut entry.value, entry.span, &self.scope, self.report);
            let name = entry.value.text().cloned().unwrap_or_else(|| Arc::from(""));
            let Some(template) = self.template(&name, &entry, &merged.chain) else { break };
            let properties =
                template.properties().filter(|(word, _)| &*word.text == "use" || !has.contains(&*word.text));
            merged.entries.extend(properties.map(|(_, entry)| entry.clone()));
            let children = template
                .children
                .iter()
                .filter(|c| (self.repeats)(&c.name.text) || !has.contains(&*c.name.text));
            merged.inherited.splice(0..0, children);
            has.extend(template.properties().map(|(word, _)| &*word.text));
            has.extend(template.children.iter().map(|child| &*child.name.text));
            merged.chain.push(name);
        }
        merged
    }

    /// The template of a name, which no template uses within itself.
    fn template(&mut self, name: &Arc<str>, place: &Entry, chain: &[Arc<str>]) -> Option<&'a Node> {
        let diagnostic = if chain.contains(name) || self.open.contains(name) {
            Diagnostic::new(codes::BAD_TEMPLATE, format!("the template `{name}` uses itself"))
                .label(place.span, "")
                .help("remove this `use`")
        } else if chain.len() == MAX_CHAIN {
            Diagnostic::new(codes::TOO_LARGE, format!("more than {MAX_CHAIN} templates use one another"))
                .label(place.span, "this one is too many")
                .help("put what several of them say into one")
        } else if let Some((_, template)) = self.templates.get(name) {
            return Some(template);
        } else {
            let names = self.templates.keys().map(|name| &**name);
            let near = surely(name, names.clone());
            let at = near.and_then(|near| self.templates.get(near));
            Diagnostic::new(codes::BAD_TEMPLATE, format!("there is no template `{name}`"))
                .label(place.span, "used here")
                .mend(near.map(|near| Change::Value(place.span, quote(near))))
                .given(at.map_or(Span::NONE, |(word, _)| word.span))
                .given_all()
                .help(did_you_mean(name, names, "template"))
        };
        self.report.push(diagnostic);
        None
    }

    fn repeat(&mut self, node: &Node, out: &mut Vec<Node>) {
        let Some(name) = FOR.check(node, self.report).then(|| node.title()).flatten() else { return };
        for value in self.loop_values(node) {
            self.turns += 1;
            if self.turns > MAX_NODES {
                self.fill(format!("loops run more than {MAX_NODES} times in all"), node.span);
            }
            if self.is_full() {
                return;
            }
            self.scope.enter(name.text.clone(), value);
            for child in &node.children {
                self.node(child, out);
            }
            self.scope.leave();
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
