//! What a run that was interrupted has taken away and not put back.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Action, Pair, Plan, PreImage, Purpose, Step,
    build::step,
    show::{count, list},
};
use crate::kind::{Definition, Identity};

/// A step for each entity that an interrupted run of this topology was at: its bindings come back, also those that
/// others made.
pub(super) fn interrupted(pair: &Pair<'_>, plan: &mut Plan, gone: &BTreeSet<Identity>) {
    let ours = |of: &PreImage| Some(&of.topology) == plan.topology.as_ref();
    let seen = |of: &PreImage| pair.live.unseen(&of.was.identity()).is_none();
    let found = pair.live.interrupted.iter().map(|found| (found, &found.pre_image));
    let found = found.filter(|(_, of)| ours(of) && seen(of));
    let desired: BTreeSet<Identity> =
        pair.desired.definitions().iter().filter(|d| !d.external).map(Definition::identity).collect();
    let steps: Vec<Step> = found
        .map(|(found, pre_image)| {
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
                Purpose::Replace => "replaced",
                Purpose::Delete => "deleted",
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
        })
        .collect();
    plan.steps.extend(steps);
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
        Some(&of.topology) == topology && of.purpose == Purpose::Replace && of.was.identity() == *entity
    });
    found.map(|found| &found.was)
}
