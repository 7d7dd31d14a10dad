//! Environments: where a topology is applied to.

use super::{
    interpolate::{Scope, interpolate},
    node::{Entry, Node, Word},
    variables::{Inputs, allowed},
};
use crate::diag::{Change, Diagnostic, Report, codes, did_you_mean, one_of, surely};

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

/// The environment that a run has chosen.
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

/// What an environment gives variables.
pub(super) fn sets(environment: &Node) -> impl Iterator<Item = (&Word, &Entry)> {
    let nodes = environment.children.iter().filter(|child| child.is("set"));
    nodes.flat_map(|set| {
        let children = set.children.iter().filter_map(|child| Some((&child.name, child.arguments().next()?)));
        set.properties().chain(children)
    })
}

/// Says what an environment gives that no variable takes, whether it is chosen or not.
pub(super) fn check_sets(environment: &Node, variables: &[(Word, Node)], report: &mut Report) {
    let mut said: Vec<&Word> = Vec::new();
    for (word, entry) in sets(environment) {
        if let Some(first) = said.iter().find(|first| first.text == word.text) {
            report.push(
                Diagnostic::new(codes::DUPLICATE, format!("`{}` is set twice", word.text))
                    .label(word.span, "again here")
                    .label(first.span, "first here")
                    .help("remove one of the two"),
            );
            continue;
        }
        said.push(word);
        match variables.iter().find(|(name, _)| name.text == word.text) {
            // what is made of other variables is known when they are
            Some(_) if entry.value.text().is_some_and(|text| text.contains("${")) => {}
            Some((name, node)) => report.extend(allowed(name, node, &entry.value, entry.span, "set here")),
            None => {
                let names = || variables.iter().map(|(name, _)| &*name.text);
                let unset = |near: &&str| sets(environment).all(|(word, _)| *word.text != **near);
                report.push(
                    Diagnostic::new(
                        codes::UNKNOWN_VARIABLE,
                        format!("`set {}=…` names no variable", word.text),
                    )
                    .label(word.span, "")
                    .mend(
                        surely(&word.text, names())
                            .filter(unset)
                            .map(|near| Change::Name(word.span, near.to_owned())),
                    )
                    .given_all()
                    .help(did_you_mean(&word.text, names(), "variable")),
                );
            }
        }
    }
}

/// The schemes of a broker's addresses: a definitions file stands for a management API.
const MANAGEMENT: &[&str] = &["http://", "https://", "file:"];
const AMQP: &[&str] = &["amqp://", "amqps://"];

/// Where an environment's broker is.
pub(super) fn read(name: &Word, node: &Node, scope: &Scope, report: &mut Report) -> Environment {
    let broker = node.children.iter().find(|child| child.is("broker"));
    let mut address = |property: &str, schemes: &[&str]| {
        let entry = broker?.setting(property)?;
        let mut value = entry.value.clone();
        interpolate(&mut value, entry.span, scope, report);
        let text = value.text()?.clone();
        // the rest of it may hold a password
        if !text.is_empty() && !schemes.iter().any(|scheme| text.starts_with(scheme)) {
            let example =
                if property == "amqp" { "amqps://mq.example.com" } else { "https://mq.example.com:15671" };
            report.push(
                Diagnostic::new(
                    codes::BAD_VALUE,
                    format!("`{property}` begins with {}", one_of(schemes.iter().copied())),
                )
                .label(entry.span, "")
                .help(format!("write `{property}={example:?}`")),
            );
        }
        Some(Word { text, span: entry.span })
    };
    let management = address("management", MANAGEMENT);
    let amqp = address("amqp", AMQP);
    Environment { name: name.clone(), management, amqp }
}
