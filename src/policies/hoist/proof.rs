//! That nothing but the places of values changes: the edited files, compiled again, against the files as they are.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    groups::{Group, Means},
    movable::{Argument, Ground, vhost},
    series::{Series, targeted},
};
use crate::{
    Compiled,
    diag::Severity,
    kind::{Definition, Identity, KindId, Value},
};

/// How much was compared, and found to be the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Exchanges.
    pub exchanges: usize,
    /// Queues and streams.
    pub queues: usize,
    /// Values that count, over all series.
    pub values: usize,
    /// The series of brokers, the oldest first.
    pub series: Vec<String>,
}

/// What a proof finds.
pub(super) enum Verdict {
    /// Everything that counts counts as before; these policies, by vhost and name, apply to nothing any more.
    Same(Compared, Vec<(String, String)>),
    /// Arguments of these entities may not move, because of what would change.
    Differs(BTreeMap<usize, String>),
}

/// Compares what counts before with what counts after.
pub(super) fn compare(
    ground: &Ground<'_>,
    arguments: &[Argument],
    groups: &[Group<'_>],
    after: &Compiled,
) -> Verdict {
    let before = &ground.compiled.topology;
    let moved: BTreeSet<usize> = groups.iter().flat_map(|group| group.members.iter().copied()).collect();
    let all = |why: &str| Verdict::Differs(moved.iter().map(|index| (*index, why.to_owned())).collect());
    let error = after.report.diagnostics().iter().find(|found| found.severity == Severity::Error);
    if let Some(error) = error {
        return all(&format!("the files would not be understood any more: {}", error.message));
    }
    let places: BTreeMap<Identity, usize> =
        after.topology.definitions().iter().enumerate().map(|(at, found)| (found.identity(), at)).collect();
    let mut differs: BTreeMap<usize, String> = BTreeMap::new();
    // what would change of something else is laid to all that moves in its vhost
    let mut differ = |index: usize, why: String| {
        let there = vhost(&before.definitions()[index]);
        let beside = moved.iter().filter(|other| vhost(&before.definitions()[**other]) == there);
        let blamed: Vec<usize> = if moved.contains(&index) { vec![index] } else { beside.copied().collect() };
        for index in if blamed.is_empty() { moved.iter().copied().collect() } else { blamed } {
            differs.entry(index).or_insert_with(|| why.clone());
        }
    };
    let mut moves: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
    for argument in arguments.iter().filter(|argument| argument.stays.is_none()) {
        moves.entry(argument.index).or_default().insert(argument.attribute.name);
    }
    // by its place among the definitions: the keys that a policy gets
    let gets: BTreeMap<usize, BTreeSet<&str>> = groups
        .iter()
        .filter_map(|group| {
            let Means::Gets(policy, keys) = &group.policy else { return None };
            let at = before.definitions().iter().position(|found| found.identity() == policy.0.identity())?;
            Some((at, keys.iter().map(|(attribute, _)| attribute.name).collect()))
        })
        .collect();
    let mut pairs = Vec::with_capacity(before.definitions().len());
    for (index, definition) in before.definitions().iter().enumerate() {
        let title = || format!("{} `{}`", definition.kind.word(), definition.title());
        match places.get(&definition.identity()) {
            None => differ(index, format!("{} would be gone", title())),
            Some(at) => {
                pairs.push((index, *at));
                let now = &after.topology.definitions()[*at];
                if said(definition, moves.get(&index)) != said(now, gets.get(&index)) {
                    differ(index, format!("{} would say something else", title()));
                }
            }
        }
    }
    let new = groups.iter().filter(|group| matches!(group.policy, Means::New { .. })).count();
    if after.topology.definitions().len() != before.definitions().len() + new {
        return all("the files would describe something more");
    }
    let targets = targeted(&after.topology);
    let mut compared = Compared::default();
    let mut idle = None;
    for (then, target) in ground.series.iter().zip(&targets) {
        let now = Series::new(target);
        compared.series.push(then.version.to_string());
        for (index, at) in pairs.iter().filter(|(index, _)| then.object(*index).is_some()) {
            let (was, is) = (then.counts(*index), now.counts(*at));
            compared.values += was.values.len();
            if was != is {
                let keys = was.values.keys().chain(is.values.keys());
                let key = keys.into_iter().find(|key| was.values.get(*key) != is.values.get(*key));
                let definition = then.definition(*index);
                differ(
                    *index,
                    format!(
                        "on RabbitMQ {} another `{}` would count for {} `{}`",
                        then.version,
                        key.map_or("policy", String::as_str),
                        definition.kind.word(),
                        definition.name()
                    ),
                );
            }
        }
        idle.get_or_insert_with(|| idle_policies(then, &now, &pairs));
    }
    if !differs.is_empty() {
        return Verdict::Differs(differs);
    }
    compared.queues = before.of(KindId::Queue).count();
    compared.exchanges = before.of(KindId::Exchange).count();
    Verdict::Same(compared, idle.unwrap_or_default())
}

/// What is said of an entity, but for these attributes.
fn said<'a>(definition: &'a Definition, but: Option<&BTreeSet<&str>>) -> Vec<(&'a str, &'a Value)> {
    let fields = definition.fields().filter(|(name, _)| but.is_none_or(|but| !but.contains(name)));
    let arguments = definition.arguments.iter().map(|(name, field)| (&**name, &field.value));
    fields.map(|(name, field)| (name, &field.value)).chain(arguments).collect()
}

/// Policies that applied to something, and do not any more.
fn idle_policies(then: &Series<'_>, now: &Series<'_>, pairs: &[(usize, usize)]) -> Vec<(String, String)> {
    let applied =
        |series: &Series<'_>, indices: &mut dyn Iterator<Item = usize>| -> BTreeSet<(String, String)> {
            let policies = indices.filter_map(|index| series.applied(index)[0]);
            policies.map(|policy| (policy.vhost().to_owned(), policy.name().to_owned())).collect()
        };
    let before = applied(then, &mut pairs.iter().map(|(index, _)| *index));
    let after = applied(now, &mut pairs.iter().map(|(_, at)| *at));
    before.difference(&after).cloned().collect()
}
