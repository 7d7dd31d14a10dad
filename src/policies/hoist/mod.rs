//! Arguments that policies can say as well: what would change in the files so that every value that counts is the same
//! and can be changed in place.
//!
//! `movable` finds the arguments that can move, `groups` the fewest policies that say them, `written` the edits of the
//! files; `proof` compiles the edited files and compares what counts in every series of brokers. What the proof does
//! not hold for stays.

mod groups;
mod movable;
mod pattern;
mod proof;
mod series;
mod show;
mod texts;
mod written;

use std::collections::{BTreeMap, BTreeSet};

pub use proof::Compared;
pub use show::{human, json};
pub use texts::Changed;

use self::{
    groups::{Group, Means},
    movable::{Argument, Ground},
    proof::Verdict,
    series::Series,
    written::Written,
};
use crate::{
    Compiled,
    diag::{Edit, Span},
    kind::{Type, Value},
    syntax::{Inputs, ReadOnce},
};

/// A proposal, and the proof that nothing changes by it.
#[derive(Clone, Debug, Default)]
pub struct Proposal {
    /// The policies that say what the arguments said.
    pub policies: Vec<Policy>,
    /// What is taken out, in the order of the files.
    pub dropped: Vec<Dropped>,
    /// Arguments with a policy twin that stay.
    pub stays: Vec<Stays>,
    /// Each value that moves.
    pub values: Vec<Moved>,
    /// Policies, by vhost and name, that apply to nothing any more.
    pub idle: Vec<(String, String)>,
    /// What was compared.
    pub compared: Compared,
    /// How the files change.
    pub edits: Vec<Edit>,
    /// The files that change.
    pub files: Vec<Changed>,
}

/// What becomes of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Added,
    /// It gets more keys.
    Extended,
    /// It says it already.
    AsItIs,
}

/// A policy that says what arguments said.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its vhost.
    pub vhost: String,
    /// Its name.
    pub name: String,
    /// What becomes of it.
    pub change: Change,
    /// What is written: all of a new one, the keys that another gets.
    pub text: String,
    /// The one that applied before and does not any more, whose keys it repeats.
    pub over: Option<String>,
    /// Whether its pattern also finds names that begin as these do.
    pub open: bool,
    /// `queue` or `exchange`.
    pub kind: &'static str,
    /// The names of what it says it for.
    pub subjects: Vec<String>,
}

/// What is taken out of a file.
#[derive(Clone, Debug)]
pub struct Dropped {
    /// Where it stands.
    pub span: Span,
    /// What is written there.
    pub text: String,
    /// What it was said of.
    pub subjects: Vec<String>,
}

/// An argument that stays.
#[derive(Clone, Debug)]
pub struct Stays {
    /// Where it stands.
    pub span: Span,
    /// The attribute.
    pub attribute: &'static str,
    /// `queue` or `exchange`.
    pub kind: &'static str,
    /// Its name.
    pub subject: String,
    /// Why.
    pub why: String,
}

/// A value that counts before and after.
#[derive(Clone, Debug)]
pub struct Moved {
    /// `queue` or `exchange`.
    pub kind: &'static str,
    /// Its vhost.
    pub vhost: String,
    /// Its name.
    pub subject: String,
    /// The attribute.
    pub attribute: &'static str,
    /// Its type.
    pub ty: Type,
    /// The value before the operator policy has its say.
    pub value: Value,
    /// Where the argument stood.
    pub was: Span,
    /// The policy that says it.
    pub policy: String,
}

/// Proposes policies in the place of arguments. `compiled` is what these files say, without errors.
#[must_use]
pub fn propose(compiled: &Compiled, paths: &[String], texts: &ReadOnce<'_>, inputs: &Inputs) -> Proposal {
    let written = Written::read(&compiled.sources, texts);
    let targets = series::targeted(&compiled.topology);
    let series: Vec<Series<'_>> = targets.iter().map(Series::new).collect();
    let ground = Ground::new(compiled, &written, &series);
    let mut withdrawn: BTreeMap<usize, String> = BTreeMap::new();
    loop {
        let arguments = ground.arguments(&withdrawn);
        let groups = groups::groups(&ground, &arguments);
        let mut proposal = described(&ground, &arguments, &groups);
        if groups.is_empty() {
            return proposal;
        }
        proposal.edits = edits(&ground, &arguments, &groups);
        proposal.files = texts::changed(&proposal.edits, &compiled.sources, texts);
        let after = texts::compile_changed(paths, texts, &proposal.files, inputs);
        match proof::compare(&ground, &arguments, &groups, &after) {
            Verdict::Same(compared, idle) => return Proposal { compared, idle, ..proposal },
            // each time there is less that moves
            Verdict::Differs(differs) => withdrawn.extend(differs),
        }
    }
}

fn edits(ground: &Ground<'_>, arguments: &[Argument], groups: &[Group<'_>]) -> Vec<Edit> {
    let moving = arguments.iter().filter(|argument| argument.stays.is_none());
    let places = moving.map(|argument| argument.place).collect();
    let mut edits = ground.written.take_out(&places);
    let mut beside: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for group in groups {
        let lines = groups::written(group);
        match &group.policy {
            Means::Says(_) => {}
            Means::Gets(policy, _) => edits.extend(ground.written.put_within(policy.0.span, &lines)),
            Means::New { .. } => {
                let first = group.members.first().map(|index| ground.definition(*index).span);
                let Some(top) = first.and_then(|span| ground.written.top(span)) else { continue };
                beside.entry(top).or_default().push(lines);
            }
        }
    }
    edits.extend(beside.into_iter().map(|(top, lines)| ground.written.put_beside(top, &lines.join("\n"))));
    edits.sort();
    edits
}

fn described(ground: &Ground<'_>, arguments: &[Argument], groups: &[Group<'_>]) -> Proposal {
    let mut proposal = Proposal::default();
    let name = |index: usize| ground.definition(index).name().to_owned();
    let mut by: BTreeMap<usize, &str> = BTreeMap::new();
    for group in groups {
        by.extend(group.members.iter().map(|index| (*index, group.name())));
        let (change, over, open) = match &group.policy {
            Means::Says(_) => (Change::AsItIs, None, false),
            Means::Gets(..) => (Change::Extended, None, false),
            Means::New { over, found, .. } => {
                (Change::Added, over.map(|policy| policy.name().to_owned()), found.open)
            }
        };
        proposal.policies.push(Policy {
            vhost: group.vhost.to_owned(),
            name: group.name().to_owned(),
            change,
            text: groups::written(group),
            over,
            open,
            kind: group.kind.word(),
            subjects: group.members.iter().map(|index| name(*index)).collect(),
        });
    }
    let mut dropped: BTreeMap<Span, BTreeSet<usize>> = BTreeMap::new();
    for argument in arguments {
        let definition = ground.definition(argument.index);
        if let Some(why) = &argument.stays {
            let (span, attribute) = (argument.span, argument.attribute.name);
            let (kind, subject) = (definition.kind.word(), definition.name().to_owned());
            proposal.stays.push(Stays { span, attribute, kind, subject, why: why.clone() });
            continue;
        }
        dropped.entry(ground.written.span(argument.place)).or_default().insert(argument.index);
        proposal.values.push(Moved {
            kind: definition.kind.word(),
            vhost: movable::vhost(definition).to_owned(),
            subject: definition.name().to_owned(),
            attribute: argument.attribute.name,
            ty: argument.attribute.ty,
            value: argument.value.clone(),
            was: argument.span,
            policy: by.get(&argument.index).copied().unwrap_or_default().to_owned(),
        });
    }
    proposal.dropped = dropped
        .into_iter()
        .map(|(span, subjects)| Dropped {
            span,
            text: ground.written.text(span).to_owned(),
            subjects: subjects.into_iter().map(name).collect(),
        })
        .collect();
    proposal
}
