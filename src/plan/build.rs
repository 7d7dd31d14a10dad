//! A pair of states → the steps between them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Action, Consent, Content, Danger, Difference, Live, Plan, Step, aside, compare, counts, danger, drift,
    instead, limits, moved, order, restore,
    show::{count, summary},
};
use crate::{
    diag::Span,
    kind::{Definition, Identity, KindId, RECORD_PREFIX, Scope},
    syntax::quote,
    topology::Topology,
};

/// Compares a secret of a desired entity with the live one: a user's password with the hash that the broker keeps.
///
/// The error says why it cannot be known; never the secret.
pub type SameSecret<'a> = &'a dyn Fn(&Definition, &Definition, &'static str) -> Result<bool, String>;

/// What is, and what is to be.
#[derive(Clone, Copy)]
pub struct Pair<'a> {
    /// What is.
    pub live: &'a Live,
    /// What is to be.
    pub desired: &'a Topology,
    /// Compares secrets.
    pub same_secret: SameSecret<'a>,
    /// Whether what differs and is nobody's becomes this topology's.
    pub adopt: bool,
}

/// Makes the plan that leads from one to the other.
#[must_use]
pub fn plan(pair: Pair<'_>) -> Plan {
    let topology = pair.desired.name.as_ref().map(|name| name.text.clone());
    let record = pair.live.records.iter().find(|record| Some(&record.topology) == topology.as_ref());
    let owned = record.map(|record| record.entries.clone()).unwrap_or_default();
    let stamp = record.and_then(|record| record.stamp.clone());
    let unrecorded = pair.live.records_unseen.is_some();
    let mut plan = Plan { topology, owned, stamp, unrecorded, ..Plan::default() };
    plan.notes.extend(pair.live.records_unseen.map(|why| {
        format!("what this topology has made is not known, and what would be taken over, deleted, put back or refused is not shown: {why}")
    }));
    let mut unseen: BTreeSet<Arc<str>> = BTreeSet::new();
    let mut down: BTreeSet<(Arc<str>, Arc<str>)> = BTreeSet::new();
    for desired in pair.desired.definitions() {
        if desired.kind.kind().scope == Scope::Contract || desired.external {
            continue;
        }
        if let Some(why) = pair.live.kinds_unseen.get(&desired.kind) {
            let word = desired.kind.word();
            plan.notes.push(format!("{word} `{}` is not compared: {why}", desired.title()));
            continue;
        }
        let identity = desired.identity();
        let may_be_there = plan.unrecorded || plan.owned.contains_key(&identity);
        if let Some(vhost) = pair.live.unseen(&identity).filter(|_| may_be_there) {
            unseen.insert(vhost.clone());
            continue;
        }
        if let Some(queue) = hidden(&pair, &identity).filter(|_| may_be_there) {
            down.insert(queue.clone());
            continue;
        }
        plan.compared += 1;
        if let Some(step) = wanted(&pair, &mut plan, desired) {
            plan.steps.push(step);
        }
    }
    let gone = unwanted(&pair, &mut plan, &mut unseen, &mut down);
    restore::interrupted(&pair, &mut plan, &gone);
    plan.notes.extend(unseen.iter().map(|vhost| {
        if unrecorded {
            format!("what is described in vhost `{vhost}` is not compared: what is in it cannot be seen, if it is there")
        } else {
            format!("what is on record in vhost `{vhost}` is not compared, and stays on record: this user may not see into it")
        }
    }));
    plan.notes.extend(down.iter().map(|(vhost, queue)| {
        format!("what is bound to queue `{queue}` in vhost `{vhost}` is not compared, and stays on record: its node is down, and the broker does not show it")
    }));
    order::arrange(pair.desired, &mut plan);
    limits::tighten(&pair, &mut plan);
    let troubles = aside::put(&pair, &mut plan);
    danger::assess(&pair, &mut plan, &troubles);
    instead::offer(&pair, &mut plan);
    plan.overruled = counts::overruled(&pair, &plan);
    plan
}

/// The queue of a binding that is not shown, and need not be gone: the queue's node is down.
fn hidden<'a>(pair: &Pair<'a>, identity: &Identity) -> Option<&'a (Arc<str>, Arc<str>)> {
    pair.live.down_end(identity).filter(|_| pair.live.topology.get(identity).is_none())
}

pub(super) fn step(action: Action, definition: &Definition) -> Step {
    Step::of(action, definition.identity(), definition.span)
}

/// The step that makes a desired entity live, if one is needed.
fn wanted(pair: &Pair<'_>, plan: &mut Plan, desired: &Definition) -> Option<Step> {
    let identity = desired.identity();
    if desired.kind == KindId::GlobalParameter && desired.name().starts_with(RECORD_PREFIX) {
        let reason =
            format!("what begins with `{RECORD_PREFIX}` is topoc's own record: give it another name");
        return Some(Step { desired: Some(desired.clone()), reason, ..step(Action::Refuse, desired) });
    }
    if let Some(step) = moved::wanted(pair, plan, desired) {
        return Some(step);
    }
    let Some(live) = pair.live.topology.get(&identity) else {
        let mut reason = summary(desired);
        let before = restore::before(pair, plan.topology.as_ref(), &identity);
        // what a run that was interrupted took away nobody else did
        let drifted = before.is_none() && plan.owned.get(&identity).is_some_and(Option::is_some);
        if drifted {
            let separator = if reason.is_empty() { "" } else { "; " };
            reason.push_str(&format!("{separator}deleted on the broker since the last apply"));
        }
        let merged = before.map_or_else(|| desired.clone(), |before| compare::merged(desired, before));
        return Some(Step { desired: Some(merged), reason, drifted, ..step(Action::Create, desired) });
    };
    let notes = &mut plan.notes;
    let differences =
        compare::differences(desired, live, pair.live.heeds_default_queue_type(), |attribute| {
            match (pair.same_secret)(desired, live, attribute) {
                Ok(same) => Some(same),
                Err(why) => {
                    let word = desired.kind.word();
                    notes.push(format!(
                        "the {attribute} of {word} `{}` is not compared: {why}",
                        desired.title()
                    ));
                    None
                }
            }
        });
    let mut differences = told(pair, notes, desired, differences);
    let recorded = plan.owned.get(&identity).and_then(Option::as_ref);
    if let Some(recorded) = recorded.and_then(|recorded| recorded.definition(&identity)) {
        drift::attribute(&mut differences, &recorded, desired, live, pair.live.heeds_default_queue_type());
    }
    let other = pair.live.owner(&identity).filter(|record| Some(&record.topology) != plan.topology.as_ref());
    let ours = plan.unrecorded || plan.owned.contains_key(&identity);
    let base = Step {
        desired: Some(compare::merged(desired, live)),
        live: Some(live.clone()),
        ..step(Action::Adopt, desired)
    };
    if differences.is_empty() {
        if let Some(recorded) = plan.owned.get(&identity) {
            let said = Content::of(desired);
            if recorded.as_ref() != Some(&said) {
                plan.settled.insert(identity, Some(said));
            }
            return None;
        }
        // what two topologies describe alike stays with the one that made it
        let taken_over = !ours && other.is_none() && plan.topology.is_some();
        return taken_over.then(|| Step { reason: "already as described: taken over".to_owned(), ..base });
    }
    if let (false, Some(other)) = (ours, other) {
        let reason = format!(
            "{}; it belongs to topology `{}`: change it there, or write `external` on it here",
            against_the_file(&differences),
            other.topology
        );
        return Some(Step { action: Action::Refuse, reason, differences, ..base });
    }
    if !ours && !pair.adopt {
        let reason = format!(
            "{}; this topology has not made it: --adopt takes it over",
            against_the_file(&differences)
        );
        let lacks = Some(Consent::Adopt);
        return Some(Step { action: Action::Refuse, reason, differences, lacks, ..base });
    }
    let replaces = differences.iter().any(|difference| difference.replaces);
    let action = if replaces { Action::Replace } else { Action::Change };
    let mut reason = joined(&differences);
    if !ours {
        reason.push_str("; taken over");
    }
    let drifted = differences.iter().any(Difference::is_drift);
    Some(Step { action, reason, differences, drifted, ..base })
}

/// What differs, but for what is not known of the live one.
fn told(
    pair: &Pair<'_>,
    notes: &mut Vec<String>,
    desired: &Definition,
    differences: Vec<Difference>,
) -> Vec<Difference> {
    if desired.kind != KindId::Vhost || !pair.live.undescribed.contains(desired.name()) {
        return differences;
    }
    if !differences.is_empty() {
        let names: Vec<&str> = differences.iter().map(|difference| &*difference.name).collect();
        let (names, are) = (names.join(", "), if names.len() == 1 { "is" } else { "are" });
        notes.push(format!(
            "{names} of vhost `{}` {are} not compared: the definitions hold no more than its name",
            desired.name()
        ));
    }
    Vec::new()
}

pub(super) fn joined(differences: &[Difference]) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn against_the_file(differences: &[Difference]) -> String {
    let all = differences.iter().map(|difference| {
        if difference.secret {
            return format!("its {} is another", difference.name);
        }
        let side = |value: &Option<String>, verb: &str| match value {
            Some(value) => format!("{verb}{value}"),
            None => format!("{verb}none"),
        };
        format!(
            "{} is {}, the file says {}",
            difference.name,
            side(&difference.from, ""),
            side(&difference.to, "")
        )
    });
    all.collect::<Vec<_>>().join("; ")
}

/// Steps for what the record has and the file has not. Gives what is gone already.
fn unwanted(
    pair: &Pair<'_>,
    plan: &mut Plan,
    unseen: &mut BTreeSet<Arc<str>>,
    down: &mut BTreeSet<(Arc<str>, Arc<str>)>,
) -> BTreeSet<Identity> {
    let all = pair.desired.definitions().iter();
    let (external, desired): (Vec<_>, Vec<_>) = all.partition(|definition| definition.external);
    let desired: BTreeSet<Identity> = desired.into_iter().map(Definition::identity).collect();
    let external: BTreeSet<Identity> = external.into_iter().map(Definition::identity).collect();
    let mut gone = BTreeSet::new();
    let (left_behind, notes) = moved::staying(pair, plan);
    plan.notes.extend(notes);
    let stays = |identity: &Identity| {
        let bound = || {
            pair.live
                .topology
                .get(identity)
                .is_some_and(|b| order::ends(b).iter().any(|end| left_behind.contains(end)))
        };
        left_behind.contains(identity) || (identity.kind == KindId::Binding && bound())
    };
    let leaving: BTreeSet<Identity> = plan
        .owned
        .keys()
        .filter(|identity| !desired.contains(*identity) && !external.contains(*identity))
        .filter(|identity| left_behind.is_empty() || !stays(identity))
        .filter(|identity| !pair.live.kinds_unseen.contains_key(&identity.kind))
        .cloned()
        .collect();
    // a vhost that has to stay takes nothing along: what is ours in it leaves by itself
    let mut staying: BTreeMap<Identity, String> = BTreeMap::new();
    for identity in leaving.iter().filter(|identity| identity.kind == KindId::Vhost) {
        let live = pair.live.topology.get(identity);
        if let Some(reason) = live.and_then(|vhost| holds_others(pair, plan, vhost)) {
            staying.insert(identity.clone(), reason);
        }
    }
    let taking: BTreeSet<Identity> =
        leaving.iter().filter(|identity| !staying.contains_key(*identity)).cloned().collect();
    let mut implied: BTreeMap<Identity, Vec<Identity>> = BTreeMap::new();
    let moved = moved::old_names(&plan.steps);
    for identity in &leaving {
        if moved.contains(identity) {
            implied.entry(identity.clone()).or_default().push(identity.clone());
            continue;
        }
        let Some(live) = pair.live.topology.get(identity) else {
            if let Some(vhost) = pair.live.unseen(identity) {
                unseen.insert(vhost.clone());
                continue;
            }
            if let Some(queue) = hidden(pair, identity) {
                down.insert(queue.clone());
                continue;
            }
            // what a deletion that was interrupted took away comes back, to go with what it was taken from
            let taken = restore::taken(pair, plan.topology.as_ref(), identity);
            match taken.and_then(|binding| goes_with(binding, &taking, pair.live)) {
                Some(with) => implied.entry(with).or_default().push(identity.clone()),
                None => drop(gone.insert(identity.clone())),
            }
            continue;
        };
        if let Some(with) = goes_with(live, &taking, pair.live) {
            implied.entry(with).or_default().push(identity.clone());
            continue;
        }
        let recorded = plan.owned.get(identity).and_then(Option::as_ref);
        let recorded = recorded.and_then(|recorded| recorded.definition(identity));
        let drift = recorded.map_or_else(String::new, |recorded| {
            drift::since(&recorded, live, pair.live.heeds_default_queue_type())
        });
        let why = if plan.left_behind.contains(identity) {
            "it has another name, and nobody publishes to it"
        } else {
            "no longer in the file"
        };
        let mut step = Step {
            live: Some(live.clone()),
            span: Span::NONE,
            drifted: !drift.is_empty(),
            reason: format!("{why}{drift}"),
            ..step(Action::Delete, live)
        };
        if let Some(reason) = staying.remove(identity) {
            step.action = Action::Refuse;
            step.reason = reason;
        }
        plan.steps.push(step);
    }
    for step in &mut plan.steps {
        match step.action {
            Action::Delete => step.implies = implied.remove(&step.identity).unwrap_or_default(),
            Action::Move if step.kind == KindId::Queue => moved::take_along(pair, step, &mut implied),
            _ => {}
        }
    }
    moved::bind_along(pair, plan);
    let forget = |identity: &Identity, reason: &str| Step {
        reason: reason.to_owned(),
        ..Step::of(Action::Forget, identity.clone(), Span::NONE)
    };
    plan.steps.extend(gone.iter().map(|identity| forget(identity, "gone already: it leaves the record")));
    let others = plan.owned.keys().filter(|identity| external.contains(*identity));
    let others: Vec<Step> =
        others.map(|identity| forget(identity, "external now: it leaves the record, and stays")).collect();
    plan.steps.extend(others);
    gone
}

/// What an entity that leaves is deleted along with by the broker: its vhost, its user, or an end of a binding.
fn goes_with(live: &Definition, leaving: &BTreeSet<Identity>, state: &Live) -> Option<Identity> {
    let global = |kind, name: &str| Identity { kind, vhost: None, parts: vec![Arc::from(name)] };
    let local = |kind, name: &str| Identity { kind, vhost: live.vhost.clone(), parts: vec![Arc::from(name)] };
    // a shovel that runs makes its queues again when a vhost of the same name comes back: it is stopped by itself
    let stays = live.kind == KindId::Shovel;
    let vhost = live.vhost.as_deref().filter(|_| !stays).map(|vhost| global(KindId::Vhost, vhost));
    let text = |name| live.text(name).unwrap_or("");
    let ends = match live.kind {
        KindId::Permission | KindId::TopicPermission | KindId::UserLimits => {
            vec![global(KindId::User, text("user"))]
        }
        KindId::Binding if text("destination-type") == "exchange" => {
            vec![local(KindId::Exchange, text("destination")), local(KindId::Exchange, text("source"))]
        }
        KindId::Binding => {
            vec![local(KindId::Queue, text("destination")), local(KindId::Exchange, text("source"))]
        }
        _ => Vec::new(),
    };
    vhost.into_iter().chain(ends).find(|with| leaving.contains(with) && state.topology.get(with).is_some())
}

/// Why a vhost cannot go: what others have in it would go with it.
fn holds_others(pair: &Pair<'_>, plan: &Plan, vhost: &Definition) -> Option<String> {
    // the broker gives permissions to who makes a vhost
    let others: Vec<&Definition> = pair
        .live
        .topology
        .definitions()
        .iter()
        .filter(|found| found.vhost.as_deref() == Some(vhost.name()))
        .filter(|found| found.kind != KindId::Permission && !plan.owned.contains_key(&found.identity()))
        .collect();
    let first = others.first()?;
    Some(format!(
        "no longer in the file, but it holds {} that this topology has not made, such as {} `{}`: delete that, or let go of the vhost by `vhost {} external=#true`",
        count(others.len() as u64, "entity", "entities"),
        first.kind.word(),
        first.title(),
        quote(vhost.name())
    ))
}

impl std::fmt::Debug for Pair<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pair").field("adopt", &self.adopt).finish_non_exhaustive()
    }
}

impl Danger {
    /// One more danger.
    pub(super) fn add(&mut self, text: &str, loses: u64) {
        if !self.text.is_empty() {
            self.text.push_str("; ");
        }
        self.text.push_str(text);
        self.loses = self.loses.saturating_add(loses);
    }
}
