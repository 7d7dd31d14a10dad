//! What a run that was interrupted has taken away and not put back.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Action, Aside, Interrupted, Pair, Plan, PreImage, Purpose, Step,
    build::step,
    show::{count, list},
};
use crate::{
    diag::Span,
    kind::{Definition, Identity, KindId, Value},
};

/// A step for each entity that an interrupted run of this topology was at: its bindings come back, also those that
/// others made, and the messages that wait aside.
pub(super) fn interrupted(pair: &Pair<'_>, plan: &mut Plan, gone: &BTreeSet<Identity>) {
    let ours = |of: &PreImage| Some(&of.topology) == plan.topology.as_ref();
    let seen = |of: &PreImage| pair.live.unseen(&of.was.identity()).is_none();
    let found = pair.live.interrupted.iter();
    let found: Vec<&Interrupted> =
        found.filter(|found| ours(&found.pre_image) && seen(&found.pre_image)).collect();
    let desired: BTreeSet<Identity> =
        pair.desired.definitions().iter().filter(|d| !d.external).map(Definition::identity).collect();
    for found in found {
        let step = match &found.pre_image.purpose {
            Purpose::Move(aside) => moved(pair, plan, found, aside, gone),
            _ => taken_away(pair, found, &desired, gone),
        };
        plan.steps.push(step);
    }
}

fn taken_away(
    pair: &Pair<'_>,
    found: &Interrupted,
    desired: &BTreeSet<Identity>,
    gone: &BTreeSet<Identity>,
) -> Step {
    let pre_image = &found.pre_image;
    let entity = pre_image.was.identity();
    let is_there = pair.live.topology.get(&entity).is_some();
    // what is deleted for good takes its bindings along
    let stays = is_there || (pre_image.purpose == Purpose::Replace && desired.contains(&entity));
    let missing = |binding: &&Definition| {
        let identity = binding.identity();
        // what the file describes is made because it does; what is no longer in it has gone
        stays
            && pair.live.topology.get(&identity).is_none()
            && !desired.contains(&identity)
            && !gone.contains(&identity)
    };
    let missing: Vec<Definition> = pre_image.bindings.iter().filter(missing).cloned().collect();
    let verb = match pre_image.purpose {
        Purpose::Delete => "deleted",
        _ => "replaced",
    };
    let mut reason = format!("a run was interrupted while it {verb} it");
    if missing.is_empty() {
        reason.push_str("; nothing is missing");
    } else {
        let titles: Vec<String> = missing.iter().map(Definition::title).collect();
        let are_back = count(missing.len() as u64, "binding comes back", "bindings come back");
        reason.push_str(&format!(": {are_back}, {}", list(&titles, ", ")));
    }
    Step {
        live: Some(pre_image.was.clone()),
        reason,
        restores: missing,
        kept_in: found.parameters.clone(),
        ..step(Action::Restore, &pre_image.was)
    }
}

/// What waits aside comes back: to the queue or exchange as it was if that is there, else to the one that takes its place. Where
/// neither is there, this very step makes it: whatever is bound to it before its messages are back would overtake them.
fn moved(
    pair: &Pair<'_>,
    plan: &mut Plan,
    found: &Interrupted,
    aside: &Aside,
    gone: &BTreeSet<Identity>,
) -> Step {
    let was = &found.pre_image.was;
    let target = Identity { parts: vec![aside.to.clone()], ..was.identity() };
    let is_there = |entity: &Identity| pair.live.topology.get(entity).is_some();
    let back = is_there(&was.identity());
    let mut made = None;
    if !back && !is_there(&target) {
        let makes = |step: &Step| {
            step.action == Action::Create || (step.kind, step.action) == (KindId::Exchange, Action::Move)
        };
        let create = |step: &Step| makes(step) && step.identity == target;
        made = match plan.steps.iter().position(create) {
            Some(position) => plan.steps.remove(position).desired,
            None => {
                // it holds messages again, and is this topology's to delete
                plan.steps.retain(|step| step.action != Action::Forget || step.identity != was.identity());
                Some(was.clone())
            }
        };
    }
    let back = back || made.as_ref().is_some_and(|made| made.identity() == was.identity());
    let to = if back { was.name() } else { &aside.to };
    let mut bindings = match was.kind {
        KindId::Queue => led_to(&found.pre_image.bindings, to),
        // its name stays
        _ => found.pre_image.bindings.clone(),
    };
    bindings.retain(|binding| !gone.contains(&binding.identity()));
    let back_with_it: BTreeSet<Identity> = bindings.iter().map(Definition::identity).collect();
    plan.steps.retain(|step| step.action != Action::Create || !back_with_it.contains(&step.identity));
    let mut reason = match was.kind {
        KindId::Queue => "a run was interrupted while its messages waited aside: they come back",
        _ => "a run was interrupted while what is published to it waited aside: it is routed",
    }
    .to_owned();
    if !bindings.is_empty() {
        let titles: Vec<String> = bindings.iter().map(Definition::title).collect();
        let are_back = count(bindings.len() as u64, "binding", "bindings");
        reason.push_str(&format!(", with {are_back}, {}", list(&titles, ", ")));
    }
    Step {
        desired: made,
        live: Some(was.clone()),
        reason,
        restores: bindings,
        kept_in: found.parameters.clone(),
        aside: Some(aside.clone()),
        ..step(Action::Restore, was)
    }
}

/// The same bindings to a queue of another name.
pub fn led_to(bindings: &[Definition], queue: &str) -> Vec<Definition> {
    let led = |binding: &Definition| {
        let mut binding = binding.clone();
        binding.set("destination", Value::text(queue), Span::NONE);
        binding
    };
    bindings.iter().map(led).collect()
}

/// A binding that a deletion which was interrupted has taken away.
pub(super) fn taken<'a>(
    pair: &Pair<'a>,
    topology: Option<&Arc<str>>,
    binding: &Identity,
) -> Option<&'a Definition> {
    let found = pair.live.interrupted.iter().map(|found| &found.pre_image);
    let mut found = found.filter(|of| Some(&of.topology) == topology && of.purpose == Purpose::Delete);
    found.find_map(|of| of.bindings.iter().find(|kept| kept.identity() == *binding))
}

/// What an entity was like before an interrupted run deleted it to make it anew.
pub(super) fn before<'a>(
    pair: &Pair<'a>,
    topology: Option<&Arc<str>>,
    entity: &Identity,
) -> Option<&'a Definition> {
    let mut found = pair.live.interrupted.iter().map(|found| &found.pre_image);
    let found = found.find(|of| {
        let is_it = match &of.purpose {
            Purpose::Delete => false,
            Purpose::Replace => of.was.identity() == *entity,
            Purpose::Move(aside) => {
                entity.kind == of.was.kind
                    && entity.vhost == of.was.vhost
                    && entity.parts == [aside.to.clone()]
            }
        };
        Some(&of.topology) == topology && is_it
    });
    found.map(|found| &found.was)
}
