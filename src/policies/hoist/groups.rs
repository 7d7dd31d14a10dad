//! The fewest policies that say what the arguments said: one for each set of values.
//!
//! At most one policy applies to an exchange or queue, so two that need different values need two policies; and those
//! that need the same share one, whose pattern finds them and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    movable::{Argument, Ground, vhost},
    pattern::{self, Found},
};
use crate::{
    graph::{Selection, policy_keys},
    kind::{Attribute, KindId, Value, written_keys},
    syntax::quote,
    topology::Policy,
};

/// Exchanges that every vhost has.
const PREDECLARED: &[&str] =
    &["amq.direct", "amq.fanout", "amq.topic", "amq.headers", "amq.match", "amq.rabbitmq.trace"];

/// What is done for some exchanges or queues that need the same values.
#[derive(Clone, Debug)]
pub(super) struct Group<'a> {
    pub(super) vhost: &'a str,
    pub(super) kind: KindId,
    /// Everything that their policy says, in the order of the kinds.
    pub(super) keys: Vec<(&'static Attribute, Value)>,
    /// Their places in the list of definitions.
    pub(super) members: Vec<usize>,
    pub(super) policy: Means<'a>,
}

/// Which policy says it.
#[derive(Clone, Debug)]
pub(super) enum Means<'a> {
    /// One that says it already.
    Says(Policy<'a>),
    /// One that applies to them alone, with these keys more.
    Gets(Policy<'a>, Vec<(&'static Attribute, Value)>),
    /// A new one.
    New {
        name: String,
        found: Found,
        priority: i64,
        /// The one that applied before, whose keys it repeats.
        over: Option<Policy<'a>>,
    },
}

impl Group<'_> {
    /// The name of its policy.
    pub(super) fn name(&self) -> &str {
        match &self.policy {
            Means::Says(policy) | Means::Gets(policy, _) => policy.name(),
            Means::New { name, .. } => name,
        }
    }

    /// What the policy is for.
    pub(super) fn apply_to(&self) -> &'static str {
        if self.kind == KindId::Exchange { "exchanges" } else { "queues" }
    }
}

/// The groups of all arguments that move, in the order of their first members.
pub(super) fn groups<'a>(ground: &Ground<'a>, arguments: &[Argument]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut by_values: BTreeMap<String, usize> = BTreeMap::new();
    let mut subjects: BTreeMap<usize, Vec<&Argument>> = BTreeMap::new();
    for argument in arguments.iter().filter(|argument| argument.stays.is_none()) {
        subjects.entry(argument.index).or_default().push(argument);
    }
    for (index, moving) in subjects {
        let definition = ground.definition(index);
        let policy = before(ground, index);
        let keys = merged(policy, &moving);
        let values = format!("{} {:?} {:?}", vhost(definition), definition.kind, named(&keys));
        let means = match policy.filter(|policy| says(*policy, &keys)) {
            Some(policy) => Means::Says(policy),
            None => Means::New { name: String::new(), found: Found::default(), priority: 0, over: policy },
        };
        // what a policy says already needs no other, whatever the others of the same values need
        let key = match &means {
            Means::Says(policy) => format!("{values} {}", policy.name()),
            _ => values,
        };
        let at = *by_values.entry(key).or_insert_with(|| {
            let (vhost, kind) = (vhost(definition), definition.kind);
            groups.push(Group { vhost, kind, keys, members: Vec::new(), policy: means });
            groups.len() - 1
        });
        groups[at].members.push(index);
    }
    let mut taken: BTreeSet<(&'a str, String)> = policies(ground).collect();
    let names = names(ground);
    for group in &mut groups {
        if matches!(group.policy, Means::New { .. }) {
            group.policy =
                extended(ground, group).unwrap_or_else(|| fresh(ground, group, &names, &mut taken));
        }
    }
    groups
}

fn named(keys: &[(&'static Attribute, Value)]) -> Vec<(&'static str, Value)> {
    keys.iter().map(|(attribute, value)| (attribute.name, value.clone())).collect()
}

fn policies<'a>(ground: &Ground<'a>) -> impl Iterator<Item = (&'a str, String)> {
    let policies = ground.compiled.topology.of(KindId::Policy);
    policies.map(|policy| (vhost(policy), policy.name().to_owned()))
}

fn selection<'a>(ground: &Ground<'a>, index: usize) -> Option<&'a Selection<'a>> {
    ground.series[0].selections(index)[0]
}

/// The policy that applies, as the topology itself has it.
fn before<'a>(ground: &Ground<'a>, index: usize) -> Option<Policy<'a>> {
    selection(ground, index)?.applies
}

/// What a policy says, with what was an argument in its place.
fn merged(policy: Option<Policy<'_>>, moving: &[&Argument]) -> Vec<(&'static Attribute, Value)> {
    let mut keys: BTreeMap<&str, Value> = BTreeMap::new();
    if let Some(policy) = policy {
        keys.extend(policy_keys(policy).map(|(key, field)| (key, field.value.clone())));
    }
    for argument in moving {
        keys.insert(argument.attribute.name, argument.value.clone());
    }
    let known = KindId::Policy.kind().all_attributes();
    known.filter_map(|attribute| Some((attribute, keys.remove(attribute.name)?))).collect()
}

fn says(policy: Policy<'_>, keys: &[(&'static Attribute, Value)]) -> bool {
    keys.iter()
        .all(|(attribute, value)| policy.0.field(attribute.name).is_some_and(|field| field.value == *value))
}

/// The policy that applies to these alone, if it can say more without saying anything else.
fn extended<'a>(ground: &Ground<'a>, group: &Group<'a>) -> Option<Means<'a>> {
    let policy = before(ground, *group.members.first()?)?;
    let is_it = |index: usize| before(ground, index).is_some_and(|other| std::ptr::eq(other.0, policy.0));
    let subjects: Vec<usize> = ground.subjects().filter(|index| is_it(*index)).collect();
    let more: Vec<_> = group
        .keys
        .iter()
        .filter(|(attribute, _)| policy.0.field(attribute.name).is_none())
        .cloned()
        .collect();
    let same = |(attribute, value): &(&'static Attribute, Value)| {
        policy.0.field(attribute.name).is_none_or(|field| field.value == *value)
    };
    let fits = subjects == group.members
        && group.keys.iter().all(same)
        && !policy.0.external
        && ground.written.stands_once(policy.0.span);
    fits.then_some(Means::Gets(policy, more))
}

/// What there is of a kind in a vhost.
#[derive(Default)]
struct Names<'a> {
    all: BTreeSet<&'a str>,
    /// Whether none of them hangs on a variable.
    steady: bool,
}

fn names<'a>(ground: &Ground<'a>) -> BTreeMap<(&'a str, KindId), Names<'a>> {
    let mut names: BTreeMap<(&'a str, KindId), Names<'a>> = BTreeMap::new();
    for definition in ground.subjects().map(|index| ground.definition(index)) {
        let predeclared =
            PREDECLARED.iter().copied().filter(|_| definition.kind == KindId::Exchange).collect();
        let among = names
            .entry((vhost(definition), definition.kind))
            .or_insert_with(|| Names { all: predeclared, steady: true });
        among.all.insert(definition.name());
        among.steady &= !ground.varies(definition.span_of("name"));
    }
    names
}

fn fresh<'a>(
    ground: &Ground<'a>,
    group: &Group<'a>,
    names: &BTreeMap<(&'a str, KindId), Names<'a>>,
    taken: &mut BTreeSet<(&'a str, String)>,
) -> Means<'a> {
    let members: Vec<&str> = group.members.iter().map(|index| ground.definition(*index).name()).collect();
    let found = match names.get(&(group.vhost, group.kind)) {
        Some(among) => pattern::shortest(&members, &among.all, among.steady),
        None => Found::default(),
    };
    let first = group.keys.first().map_or("hoisted", |(attribute, _)| attribute.name);
    let name = found.stem.clone().unwrap_or_else(|| first.to_owned());
    let name = std::iter::once(name.clone())
        .chain((2..).map(|number| format!("{name}-{number}")))
        .find(|name| !taken.contains(&(group.vhost, name.clone())))
        .unwrap_or_default();
    taken.insert((group.vhost, name.clone()));
    let selections = || group.members.iter().filter_map(|index| selection(ground, *index));
    let matching = selections().flat_map(|selection| {
        let skipped = selection.skipped.iter().map(|(policy, _)| *policy);
        selection.applies.into_iter().chain(selection.hidden.iter().copied()).chain(skipped)
    });
    let highest = matching.map(|policy| policy.0.integer("priority").unwrap_or(0)).max();
    let over = group.members.first().and_then(|index| before(ground, *index));
    Means::New { name, found, priority: highest.map_or(0, |highest| highest.saturating_add(1)), over }
}

/// A policy as it is written, in lines.
pub(super) fn written(group: &Group<'_>) -> String {
    let (name, found, priority) = match &group.policy {
        Means::Says(_) => return String::new(),
        Means::Gets(_, more) => return written_keys(more),
        Means::New { name, found, priority, .. } => (name, found, priority),
    };
    let mut head = format!(
        "policy {} pattern={} apply-to={}",
        quote(name),
        quote(&found.pattern),
        quote(group.apply_to())
    );
    if *priority != 0 {
        head.push_str(&format!(" priority={priority}"));
    }
    let body: String = written_keys(&group.keys).lines().map(|line| format!("    {line}\n")).collect();
    format!("{head} {{\n{body}}}")
}
