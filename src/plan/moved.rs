//! Queues that get another name: `moved from="old"`.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Action, Consent, Pair, Plan, Step,
    build::{joined, step},
    compare,
    restore::led_to,
};
use crate::{
    kind::{Definition, Identity, KindId},
    topology::QueueType,
};

/// The step that moves a queue to its new name, as long as there is one of the old name.
pub(super) fn wanted(pair: &Pair<'_>, plan: &Plan, desired: &Definition) -> Option<Step> {
    if desired.kind != KindId::Queue {
        return None;
    }
    let old = desired.text("moved-from").filter(|old| *old != desired.name())?;
    let identity = Identity { parts: vec![old.into()], ..desired.identity() };
    let was = pair.live.topology.get(&identity)?;
    let refuse = |reason: String, lacks| {
        Some(Step {
            live: Some(was.clone()),
            desired: Some(desired.clone()),
            reason,
            lacks,
            ..step(Action::Refuse, desired)
        })
    };
    if pair.desired.get(&identity).is_some() {
        return refuse(
            format!("it is moved from `{old}`, which the file describes too: take that out of it"),
            None,
        );
    }
    let owner = pair.live.owner(&identity).filter(|record| Some(&record.topology) != plan.topology.as_ref());
    if let Some(other) = owner {
        return refuse(
            format!("it is moved from `{old}`, which belongs to topology `{}`", other.topology),
            None,
        );
    }
    if !plan.unrecorded && !plan.owned.contains_key(&identity) && !pair.adopt {
        let reason =
            format!("it is moved from `{old}`, which this topology has not made: --adopt takes it over");
        return refuse(reason, Some(Consent::Adopt));
    }
    if was.text("type") == Some(QueueType::Stream.word()) {
        let reason = format!(
            "it is moved from the stream `{old}`, and what a stream holds cannot be taken out of it: leave out `moved`, and take `{old}` out of the file once nobody reads it"
        );
        return refuse(reason, None);
    }
    let heeds = pair.live.heeds_default_queue_type();
    let there = pair.live.topology.get(&desired.identity());
    if let Some(there) = there
        && let differences = compare::differences(desired, there, heeds, |_| None)
        && !differences.is_empty()
    {
        let reason = format!(
            "it is moved from `{old}`, and is there already and otherwise, {}: delete one of the two",
            joined(&differences)
        );
        return refuse(reason, None);
    }
    let differences = compare::differences(desired, was, heeds, |_| None);
    let mut reason = format!("moved from {old}");
    if !differences.is_empty() {
        reason.push_str(&format!(", {}", joined(&differences)));
    }
    Some(Step {
        desired: Some(compare::merged(desired, was)),
        live: Some(was.clone()),
        reason,
        differences,
        ..step(Action::Move, desired)
    })
}

/// The names that queues are moved from.
pub(super) fn old_names(steps: &[Step]) -> BTreeSet<Identity> {
    let moves = steps.iter().filter(|step| step.action == Action::Move);
    moves.filter_map(|step| step.live.as_ref()).map(Definition::identity).collect()
}

/// What a queue was bound to by this topology it is bound to under its new name where the file says so.
pub(super) fn take_along(pair: &Pair<'_>, step: &mut Step, implied: &mut BTreeMap<Identity, Vec<Identity>>) {
    let (Some(was), Some(desired)) = (&step.live, &step.desired) else { return };
    step.implies = implied.remove(&was.identity()).unwrap_or_default();
    let ours = step.implies.iter().filter_map(|identity| pair.live.topology.get(identity));
    let bindings: Vec<Definition> = ours.filter(|implied| implied.kind == KindId::Binding).cloned().collect();
    let mut along = led_to(&bindings, desired.name());
    along.retain(|binding| pair.desired.get(&binding.identity()).is_some());
    step.restores = along;
}
