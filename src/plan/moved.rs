//! Queues and exchanges that get another name: `moved from="old"`.
//!
//! A queue moves with all that it holds. Of an exchange, both are there until its publishers use the new name.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Action, Consent, Interrupted, Pair, Plan, Step,
    build::{joined, step},
    compare,
    order::ends,
    restore::led_to,
};
use crate::{
    diag::Span,
    kind::{Definition, Identity, KindId, Value},
    topology::QueueType,
};

/// What a queue or exchange was called.
fn old_identity(desired: &Definition) -> Option<Identity> {
    let old = desired.text("moved-from").filter(|old| *old != desired.name())?;
    Some(Identity { parts: vec![old.into()], ..desired.identity() })
}

/// The step that moves a queue or exchange to its new name, as long as there is one of the old name.
pub(super) fn wanted(pair: &Pair<'_>, plan: &mut Plan, desired: &Definition) -> Option<Step> {
    let identity = old_identity(desired)?;
    let old = &identity.parts[0];
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
    let there = pair.live.topology.get(&desired.identity());
    // an exchange that has both names is changed like any other
    if desired.kind == KindId::Exchange && there.is_some() {
        if plan.owned.contains_key(&identity) {
            plan.left_behind.insert(identity);
        }
        return None;
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
    if desired.kind == KindId::Exchange {
        plan.left_behind.insert(identity.clone());
        if !plan.owned.contains_key(&identity) && !plan.unrecorded {
            plan.settled.insert(identity.clone(), None);
        }
    }
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
    let moves = steps.iter().filter(|step| (step.kind, step.action) == (KindId::Queue, Action::Move));
    moves.filter_map(|step| step.live.as_ref()).map(Definition::identity).collect()
}

/// Which of the exchanges that have another name stay, with their bindings, as somebody publishes to them, or may; and the
/// sentences that say so.
pub(super) fn staying(pair: &Pair<'_>, plan: &Plan) -> (BTreeSet<Identity>, Vec<String>) {
    let (mut staying, mut notes) = (BTreeSet::new(), Vec::new());
    for identity in &plan.left_behind {
        let name = &identity.parts[0];
        let moves = |step: &Step| {
            step.action == Action::Move && step.live.as_ref().is_some_and(|was| was.identity() == *identity)
        };
        let interrupted = |found: &Interrupted| {
            let was = &found.pre_image.was;
            was.kind == KindId::Exchange && was.vhost == identity.vhost
        };
        if plan.steps.iter().any(moves) || pair.live.interrupted.iter().any(interrupted) {
            // its publishers cannot use the other yet
            staying.insert(identity.clone());
            continue;
        }
        let now = pair.live.published.get(identity);
        let why = match now {
            Some(Some(rate)) if *rate <= 0.0 => continue,
            Some(Some(rate)) => format!("{rate:.1} messages a second are published to it"),
            Some(None) => "the broker keeps no rates that tell whether anybody publishes to it".to_owned(),
            None => "whether anybody publishes to it is not known here".to_owned(),
        };
        notes.push(format!(
            "exchange `{name}` stays until nobody publishes to it: {why}; without `moved from=\"{name}\"` it goes all the same"
        ));
        staying.insert(identity.clone());
    }
    (staying, notes)
}

/// What others have bound to an exchange, or an exchange to, it is bound to under its new name.
pub(super) fn bind_along(pair: &Pair<'_>, plan: &mut Plan) {
    for id in 0..plan.steps.len() {
        let step = &plan.steps[id];
        let (KindId::Exchange, Action::Move, Some(was), Some(desired)) =
            (step.kind, step.action, &step.live, &step.desired)
        else {
            continue;
        };
        let end = was.identity();
        let theirs =
            pair.live.topology.of(KindId::Binding).filter(|binding| {
                ends(binding).contains(&end) && !plan.owned.contains_key(&binding.identity())
            });
        let renamed = theirs.map(|binding| {
            let mut renamed = binding.clone();
            let [source, destination] = ends(binding);
            if source == end {
                renamed.set("source", Value::text(desired.name()), Span::NONE);
            }
            if destination == end {
                renamed.set("destination", Value::text(desired.name()), Span::NONE);
            }
            renamed
        });
        let renamed: Vec<Definition> = renamed.collect();
        plan.steps[id].restores = renamed;
    }
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
