//! Which value counts afterwards where it is not the one that a step sets: a policy over an argument, an argument over a
//! policy, an operator policy over both, a policy that another one hides. [`Effective`] decides.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Value as Json, json};

use super::{
    Action, Pair, Plan, Step,
    compare::shown,
    limits::{as_it_is, is_policy},
    show::digits,
};
use crate::{
    diag::{Span, plural},
    graph::{Effective, Pattern, Source, policy_keys},
    kind::{Definition, Field, Identity, KindId, Place, Twin, Type},
    topology::{Policy, Topology},
};

/// So many names are said, and the rest counted.
const NAMED: usize = 3;

/// What is set and does not count, for all queues or exchanges of a vhost where that is so for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overruled {
    /// Their vhost.
    pub vhost: Arc<str>,
    /// Whether they are queues or exchanges.
    pub kind: KindId,
    /// Their names, in order.
    pub names: Vec<Arc<str>>,
    /// What does not count there, and why.
    pub why: Why,
}

/// Why something that is set does not count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Another value counts.
    Value {
        /// The policy key.
        key: String,
        /// The value that is set, as people read it, and who says it: an argument, or a policy by its name.
        said: (String, Speaker),
        /// The value that counts, and who says that.
        counts: (String, Speaker),
        /// Whether it counts for being the lesser of the two.
        lesser: bool,
    },
    /// Another policy applies, of higher priority.
    Hidden {
        /// The policy that is set.
        policy: Speaker,
        /// The one that applies, and its priority.
        by: (Speaker, i64),
    },
    /// Another policy has the same priority, and which of them applies is not specified.
    Tied {
        /// The policy that is set.
        policy: Speaker,
        /// The other one.
        with: Speaker,
    },
    /// It holds a key that these have not, and so is skipped whole.
    Skipped {
        /// The policy that is set.
        policy: Speaker,
        /// The key.
        key: String,
    },
}

/// Who says a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Speaker {
    /// The entity's own argument.
    Argument,
    /// A policy.
    Policy(Arc<str>),
    /// An operator policy.
    OperatorPolicy(Arc<str>),
}

impl Speaker {
    fn of(source: Source<'_>) -> Self {
        match source {
            Source::Argument(_) => Self::Argument,
            Source::Policy(policy, _) | Source::OperatorPolicy(policy, _) => Self::policy(policy),
        }
    }

    const fn word(&self) -> &'static str {
        match self {
            Self::Argument => "argument",
            Self::Policy(_) => "policy",
            Self::OperatorPolicy(_) => "operator-policy",
        }
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Argument => None,
            Self::Policy(name) | Self::OperatorPolicy(name) => Some(name),
        }
    }

    fn policy(policy: Policy<'_>) -> Self {
        match policy.0.kind {
            KindId::OperatorPolicy => Self::OperatorPolicy(policy.name().into()),
            _ => Self::Policy(policy.name().into()),
        }
    }
}

impl std::fmt::Display for Speaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Argument => f.write_str("the argument"),
            Self::Policy(name) => write!(f, "policy `{name}`"),
            Self::OperatorPolicy(name) => write!(f, "operator policy `{name}`"),
        }
    }
}

impl std::fmt::Display for Overruled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = self.kind.word();
        let names: Vec<String> = self.names.iter().map(|name| format!("`{name}`")).collect();
        let those = match names.as_slice() {
            [one] => format!("{word} {one}"),
            few if few.len() <= NAMED + 1 => format!("{} {}", plural(word), few.join(", ")),
            many => {
                let more = digits(i64::try_from(many.len() - NAMED).unwrap_or(i64::MAX));
                format!("{} {} and {more} more", plural(word), many[..NAMED].join(", "))
            }
        };
        match &self.why {
            Why::Value { key, said, counts, lesser } => {
                let because = if *lesser { ", and the lesser counts" } else { "" };
                write!(
                    f,
                    "{key} of {those}: {} counts, as {} says; {} says {}{because}",
                    counts.0, counts.1, said.1, said.0
                )
            }
            Why::Hidden { policy, by: (by, priority) } => {
                write!(
                    f,
                    "{policy} does not apply to {those}: {by} has a higher priority, {}",
                    digits(*priority)
                )
            }
            Why::Tied { policy, with } => write!(
                f,
                "whether {policy} or {with} applies to {those} is not specified: they have the same priority"
            ),
            Why::Skipped { policy, key } => {
                write!(f, "{policy} does not apply to {those}: it holds {key}, which these do not have")
            }
        }
    }
}

/// Finds what the plan's steps set and what does not count afterwards.
pub(super) fn overruled(pair: &Pair<'_>, plan: &Plan) -> Vec<Overruled> {
    let mut by_vhost: BTreeMap<&Arc<str>, Vec<&Step>> = BTreeMap::new();
    for step in plan.steps.iter().filter(|step| sets(step)) {
        if let Some(vhost) = step.vhost() {
            by_vhost.entry(vhost).or_default().push(step);
        }
    }
    let mut found: BTreeMap<(Arc<str>, KindId, Why), BTreeSet<Arc<str>>> = BTreeMap::new();
    for (vhost, steps) in by_vhost {
        let after = after(pair, plan, vhost, &steps);
        if after.definitions().iter().all(|entity| !is_policy(entity.kind)) {
            continue;
        }
        let effective = Effective::new(&after);
        let set: BTreeMap<Identity, &Step> =
            steps.iter().map(|step| (step.identity.clone(), *step)).collect();
        for entity in after.of(KindId::Queue).chain(after.of(KindId::Exchange)) {
            for why in of(entity, &effective, &set) {
                let names = found.entry((vhost.clone(), entity.kind, why)).or_default();
                names.insert(entity.name().into());
            }
        }
    }
    found
        .into_iter()
        .map(|((vhost, kind, why), names)| Overruled { vhost, kind, names: names.into_iter().collect(), why })
        .collect()
}

fn sets(step: &Step) -> bool {
    let kinds = [KindId::Queue, KindId::Exchange, KindId::Policy, KindId::OperatorPolicy];
    let changes = matches!(step.action, Action::Create | Action::Change | Action::Replace | Action::Move);
    changes && kinds.contains(&step.kind)
}

/// The policies of a vhost as they are afterwards, and the queues and exchanges that the steps set something of.
fn after(pair: &Pair<'_>, plan: &Plan, vhost: &Arc<str>, steps: &[&Step]) -> Topology {
    let mut after = Topology::default();
    let version = pair.live.version.unwrap_or_else(|| pair.desired.target_version());
    after.target = Some((version, Span::NONE));
    let patterns: Vec<Pattern> = steps
        .iter()
        .filter(|step| is_policy(step.kind))
        .filter_map(|step| step.desired.as_ref())
        .map(|policy| Pattern::new(policy.text("pattern").unwrap_or("")))
        .collect();
    let within = |entity: &&Definition| entity.vhost.as_ref() == Some(vhost);
    let goes: BTreeSet<&Identity> = plan
        .steps
        .iter()
        .filter(|step| step.action == Action::Delete && step.vhost() == Some(vhost))
        .map(|step| &step.identity)
        .collect();
    let was_moved: BTreeSet<Identity> = steps
        .iter()
        .filter(|step| step.action == Action::Move)
        .filter_map(|step| step.live.as_ref().map(Definition::identity))
        .collect();
    let set: BTreeSet<&Identity> = steps.iter().map(|step| &step.identity).collect();
    let is_matched = |entity: &Definition| patterns.iter().any(|pattern| pattern.is_found_in(entity.name()));
    for entity in pair.live.topology.definitions().iter().filter(within) {
        let identity = entity.identity();
        let stays = !goes.contains(&identity) && !was_moved.contains(&identity) && !set.contains(&identity);
        match entity.kind {
            KindId::Policy | KindId::OperatorPolicy if stays => drop(after.insert(entity.clone())),
            KindId::Queue if stays && is_matched(entity) => drop(after.insert(as_it_is(entity))),
            KindId::Exchange if stays && is_matched(entity) => drop(after.insert(entity.clone())),
            _ => {}
        }
    }
    for desired in steps.iter().filter_map(|step| step.desired.as_ref()) {
        after.insert(desired.clone());
    }
    // a queue that is made without a type has its vhost's
    let own = Identity { kind: KindId::Vhost, vhost: None, parts: vec![vhost.clone()] };
    if let Some(own) = pair.desired.get(&own).or_else(|| pair.live.topology.get(&own)) {
        after.insert(own.clone());
    }
    after
}

/// What is set for an entity and does not count.
fn of<'a>(
    entity: &'a Definition,
    effective: &Effective<'a>,
    set: &BTreeMap<Identity, &Step>,
) -> BTreeSet<Why> {
    let mut found = BTreeSet::new();
    let is_set = |policy: Policy<'_>| set.get(&policy.0.identity()).copied();
    for selection in [effective.policies(entity), effective.operator_policies(entity)].into_iter().flatten() {
        let applies = selection.applies;
        for policy in selection.hidden.iter().filter(|policy| is_set(**policy).is_some()) {
            if let Some(by) = applies {
                let priority = by.0.integer("priority").unwrap_or(0);
                let by = (Speaker::policy(by), priority);
                found.insert(Why::Hidden { policy: Speaker::policy(*policy), by });
            }
        }
        for with in &selection.tied {
            if let Some(policy) = applies.filter(|policy| is_set(*policy).or_else(|| is_set(*with)).is_some())
            {
                found.insert(Why::Tied { policy: Speaker::policy(policy), with: Speaker::policy(*with) });
            }
        }
        for (policy, key) in selection.skipped.iter().filter(|(policy, _)| is_set(*policy).is_some()) {
            found.insert(Why::Skipped { policy: Speaker::policy(*policy), key: key.to_string() });
        }
        if !selection.tied.is_empty() {
            // which value counts is not known then
            return found;
        }
    }
    let kind = entity.kind.kind();
    let own = set.contains_key(&entity.identity());
    let arguments = entity.fields().filter_map(|(name, field)| {
        let attribute = kind.attribute(name)?;
        let has_twin = attribute.twin != Twin::None && matches!(kind.place(attribute), Place::Argument(_));
        (own && has_twin).then_some((attribute.name, Source::Argument(field)))
    });
    let mut said: Vec<(&str, Source<'a>)> = arguments.collect();
    let applied = effective.applied(entity);
    for policy in [applied.policy, applied.operator].into_iter().flatten() {
        let Some(step) = is_set(policy) else { continue };
        let source = |field: &'a Field| match policy.0.kind {
            KindId::OperatorPolicy => Source::OperatorPolicy(policy, field),
            _ => Source::Policy(policy, field),
        };
        said.extend(policy_keys(policy).filter(|(key, _)| touches(step, key)).map(|(k, f)| (k, source(f))));
        // what the entity itself says was what counted
        let under = policy_keys(policy).filter(|(key, _)| !own && touches(step, key));
        said.extend(under.filter_map(|(key, _)| Some((key, Source::Argument(entity.field(key)?)))));
    }
    for (key, said) in said {
        let Some(counts) = effective.value(entity, key) else { continue };
        if counts.field().value == said.field().value {
            continue;
        }
        let ty = kind.attribute(key).map_or(Type::Json, |attribute| attribute.ty);
        let pair = (counts.field().value.as_integer(), said.field().value.as_integer());
        found.insert(Why::Value {
            key: key.to_owned(),
            said: (shown(&said.field().value, ty), Speaker::of(said)),
            counts: (shown(&counts.field().value, ty), Speaker::of(counts)),
            lesser: matches!(pair, (Some(counts), Some(said)) if counts < said),
        });
    }
    found
}

/// Whether a step on a policy sets this key for whatever it applies to.
fn touches(step: &Step, key: &str) -> bool {
    let differs = |name: &str| step.differences.iter().any(|difference| difference.name == name);
    step.action != Action::Change
        || differs(key)
        || ["pattern", "apply-to", "priority"].into_iter().any(differs)
}

impl Overruled {
    /// As an element of a plan's `overruled`.
    pub(super) fn json(&self) -> Json {
        let mut json = json!({
            "vhost": &*self.vhost,
            "kind": self.kind.word(),
            "names": self.names.iter().take(NAMED).map(|name| &**name).collect::<Vec<_>>(),
            "count": self.names.len(),
            "key": null,
            "said": null,
            "counts": null,
            "text": self.to_string(),
        });
        if let Why::Value { key, said, counts, .. } = &self.why {
            let side = |(value, by): &(String, Speaker)| json!({ "value": value, "by": by.word(), "policy": by.name() });
            json["key"] = Json::from(&**key);
            json["said"] = side(said);
            json["counts"] = side(counts);
        }
        json
    }
}
