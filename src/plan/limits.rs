//! What a change of policies does at once to the queues that are there: each step in the plan's order, with all the
//! policies that are in force at that moment. [`Effective`] decides which apply and what then counts.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Action, Danger, Live, Messages, Pair, Plan, Step,
    show::{count, digits, list},
};
use crate::{
    diag::Span,
    graph::{Effective, Pattern},
    kind::{Definition, Identity, KindId, Value},
    topology::{Queue, QueueType, Topology},
};

/// What a queue is held to.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Limits {
    length: Option<i64>,
    bytes: Option<i64>,
    ttl: Option<i64>,
    expires: Option<i64>,
    /// Of a stream, in milliseconds.
    age: Option<u64>,
    /// Whether what is too much is refused, and not what is oldest dropped.
    rejects: bool,
    /// Whether dead letters are kept until they are confirmed.
    keeps_dead_letters: bool,
}

/// What happens to a queue at once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// All but so many of the messages that are ready are dropped, the oldest first.
    Keeps(u64),
    /// Messages that are too old or too big for this key are dropped.
    MayDrop(&'static str),
    /// It is deleted with what it holds once nobody uses it.
    Expires,
    /// The dead letters that it keeps until they are confirmed are deleted.
    DropsDeadLetters,
}

/// A queue that a step holds to less than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tightening {
    /// Its vhost.
    pub vhost: Arc<str>,
    /// Its name.
    pub queue: Arc<str>,
    /// Its type.
    pub queue_type: QueueType,
    /// What happens to it.
    pub effect: Effect,
}

impl Tightening {
    /// What it drops of what the queue holds: in words, and how many messages at least. None: nothing. `held` is none
    /// where it is not known.
    #[must_use]
    pub fn drops(&self, held: Option<Messages>) -> Option<(String, u64)> {
        let name = &self.queue;
        let number = |number: u64| digits(i64::try_from(number).unwrap_or(i64::MAX));
        if self.effect == Effect::DropsDeadLetters {
            return Some((
                format!("the dead letters that `{name}` keeps until they are confirmed are deleted"),
                1,
            ));
        }
        let Some(held) = held else {
            return Some((format!("what `{name}` holds is not known, and some of it may be dropped"), 1));
        };
        match &self.effect {
            Effect::Keeps(keeps) => {
                let over = held.ready.saturating_sub(*keeps);
                let text = || {
                    let messages = count(held.ready, "message", "messages");
                    let oldest = if over == 1 {
                        "is dropped".to_owned()
                    } else {
                        format!("{} are dropped", number(over))
                    };
                    format!("`{name}` holds {messages}: the oldest {oldest}")
                };
                (over > 0).then(|| (text(), over))
            }
            Effect::MayDrop(key) => (held.ready > 0).then(|| {
                let messages = held.text();
                (format!("`{name}` holds {messages}, some of which may be dropped by {key}"), held.ready)
            }),
            Effect::Expires => (held.total() > 0).then(|| {
                let messages = held.text();
                (
                    format!("`{name}` holds {messages} and is deleted with them once it goes unused"),
                    held.total(),
                )
            }),
            Effect::DropsDeadLetters => None,
        }
    }
}

/// Finds the queues that each step holds to less than before.
pub(super) fn tighten(pair: &Pair<'_>, plan: &mut Plan) {
    let mut by_vhost: BTreeMap<Arc<str>, Vec<usize>> = BTreeMap::new();
    for (id, step) in plan.steps.iter().enumerate() {
        let changes = matches!(step.action, Action::Create | Action::Change | Action::Delete);
        if let (true, true, Some(vhost)) = (is_policy(step.kind), changes, step.vhost()) {
            by_vhost.entry(vhost.clone()).or_default().push(id);
        }
    }
    for (vhost, ids) in by_vhost {
        let mut queues: Vec<Definition> = pair
            .live
            .topology
            .of(KindId::Queue)
            .filter(|queue| queue.vhost.as_ref() == Some(&vhost))
            .map(as_it_is)
            .collect();
        if queues.is_empty() {
            continue;
        }
        queues.sort_by(|a, b| a.name().cmp(b.name()));
        let live = pair.live.topology.definitions().iter();
        let mut policies: BTreeMap<Identity, Definition> = live
            .filter(|policy| is_policy(policy.kind) && policy.vhost.as_ref() == Some(&vhost))
            .map(|policy| (policy.identity(), policy.clone()))
            .collect();
        for id in ids {
            let step = &mut plan.steps[id];
            let patterns: Vec<Pattern> = [&step.live, &step.desired]
                .into_iter()
                .flatten()
                .map(|policy| Pattern::new(policy.text("pattern").unwrap_or("")))
                .collect();
            let is_touched = |queue: &&Definition| patterns.iter().any(|p| p.is_found_in(queue.name()));
            let touched: Vec<&Definition> = queues.iter().filter(is_touched).collect();
            let before = all_limits(pair, &touched, &policies);
            match &step.desired {
                Some(desired) => policies.insert(step.identity.clone(), desired.clone()),
                None => policies.remove(&step.identity),
            };
            let after = all_limits(pair, &touched, &policies);
            for (queue, (before, after)) in touched.iter().zip(before.iter().zip(&after)) {
                step.tightens.extend(effects(queue, before, after).into_iter().map(|effect| Tightening {
                    vhost: vhost.clone(),
                    queue: Arc::from(queue.name()),
                    queue_type: Queue(queue).declared_type().unwrap_or(QueueType::Classic),
                    effect,
                }));
            }
        }
    }
}

/// Whether nothing limits a queue that is still to be made: no policy that is there, nor one that steps make.
pub(super) fn are_none(pair: &Pair<'_>, queue: &Definition, steps: &[Step]) -> bool {
    let live = pair.live.topology.definitions().iter();
    let made = steps.iter().filter_map(|step| step.desired.as_ref());
    let policies: BTreeMap<Identity, Definition> = live
        .chain(made)
        .filter(|policy| is_policy(policy.kind) && policy.vhost == queue.vhost)
        .map(|policy| (policy.identity(), policy.clone()))
        .collect();
    all_limits(pair, &[queue], &policies).iter().flatten().all(|limits| *limits == Limits::default())
}

/// Says what a step that changes policies does at once.
pub(super) fn assess(step: &Step, live: &Live, danger: &mut Danger) {
    let queues: BTreeSet<&Arc<str>> = step.tightens.iter().map(|tightening| &tightening.queue).collect();
    if queues.is_empty() {
        return;
    }
    danger.add(&format!("takes effect at once on {}", count(queues.len() as u64, "queue", "queues")), 0);
    let Some(held) = &live.held else { return };
    let drops: Vec<(String, u64)> = step
        .tightens
        .iter()
        .filter_map(|tightening| tightening.drops(held.of(&tightening.vhost, &tightening.queue)))
        .collect();
    if !drops.is_empty() {
        let texts: Vec<String> = drops.iter().map(|(text, _)| text.clone()).collect();
        danger.add(&list(&texts, "; "), drops.iter().map(|(_, loses)| loses).sum());
    }
}

pub(super) fn is_policy(kind: KindId) -> bool {
    matches!(kind, KindId::Policy | KindId::OperatorPolicy)
}

/// A queue that was declared without a type is a classic one, whatever the vhost's default type is now.
pub(super) fn as_it_is(queue: &Definition) -> Definition {
    let mut queue = queue.clone();
    if queue.field("type").is_none() {
        queue.set("type", Value::text("classic"), Span::NONE);
    }
    queue
}

fn topology<'a>(
    pair: &Pair<'_>,
    queues: &[&Definition],
    policies: impl Iterator<Item = &'a Definition>,
) -> Topology {
    let version = pair.live.version.unwrap_or_else(|| pair.desired.target_version());
    let mut topology = Topology::default();
    topology.target = Some((version, Span::NONE));
    for queue in queues {
        topology.insert((*queue).clone());
    }
    for policy in policies {
        topology.insert(policy.clone());
    }
    topology
}

/// What each of the queues may be held to: where policies tie, there are several answers.
fn all_limits(
    pair: &Pair<'_>,
    queues: &[&Definition],
    policies: &BTreeMap<Identity, Definition>,
) -> Vec<BTreeSet<Limits>> {
    let topology = topology(pair, queues, policies.values());
    let effective = Effective::new(&topology);
    topology
        .of(KindId::Queue)
        .map(|queue| {
            let candidates = |selection: Option<&crate::graph::Selection<'_>>| -> Vec<Option<Definition>> {
                let all = selection.into_iter().flat_map(|s| s.applies.iter().chain(&s.tied));
                let all: Vec<_> = all.map(|policy| Some(policy.0.clone())).collect();
                if all.is_empty() { vec![None] } else { all }
            };
            let users = candidates(effective.policies(queue));
            let operators = candidates(effective.operator_policies(queue));
            if users.len() == 1 && operators.len() == 1 {
                return BTreeSet::from([limits(&effective, queue)]);
            }
            let pairs = users.iter().flat_map(|user| operators.iter().map(move |operator| (user, operator)));
            pairs.map(|(user, operator)| limits_under(pair, queue, user.iter().chain(operator))).collect()
        })
        .collect()
}

fn limits_under<'a>(
    pair: &Pair<'_>,
    queue: &Definition,
    policies: impl Iterator<Item = &'a Definition>,
) -> Limits {
    let topology = topology(pair, &[queue], policies);
    let effective = Effective::new(&topology);
    topology.of(KindId::Queue).next().map(|queue| limits(&effective, queue)).unwrap_or_default()
}

fn limits<'a>(effective: &Effective<'a>, queue: &'a Definition) -> Limits {
    let is = |name, word| effective.text_of(queue, name) == Some(word);
    let queue_type = Queue(queue).declared_type().unwrap_or(QueueType::Classic);
    let refuses = is("overflow", "reject-publish");
    Limits {
        length: effective.integer(queue, "max-length"),
        bytes: effective.integer(queue, "max-length-bytes"),
        ttl: effective.integer(queue, "message-ttl"),
        expires: effective.integer(queue, "expires"),
        age: effective.text_of(queue, "max-age").and_then(milliseconds),
        // a quorum queue takes `reject-publish-dlx` for `drop-head`
        rejects: refuses || (queue_type == QueueType::Classic && is("overflow", "reject-publish-dlx")),
        keeps_dead_letters: queue_type == QueueType::Quorum
            && refuses
            && is("dead-letter-strategy", "at-least-once")
            && effective.text_of(queue, "dead-letter-exchange").is_some(),
    }
}

/// A stream's age: a number and `Y`, `M`, `D`, `h`, `m` or `s` (`rabbit_stream_queue`).
fn milliseconds(age: &str) -> Option<u64> {
    let (number, unit) = age.split_at_checked(age.len().checked_sub(1)?)?;
    let seconds = match unit {
        "Y" => 365 * 86_400,
        "M" => 30 * 86_400,
        "D" => 86_400,
        "h" => 3_600,
        "m" => 60,
        "s" => 1,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(seconds * 1_000)
}

fn effects(queue: &Definition, before: &BTreeSet<Limits>, after: &BTreeSet<Limits>) -> BTreeSet<Effect> {
    if before == after {
        return BTreeSet::new();
    }
    let stream = Queue(queue).declared_type() == Some(QueueType::Stream);
    let pairs = before.iter().flat_map(|before| after.iter().map(move |after| (before, after)));
    let mut effects: BTreeSet<Effect> =
        pairs.flat_map(|(before, after)| change(stream, before, after)).collect();
    let keeps = effects.iter().filter_map(|effect| match effect {
        Effect::Keeps(keeps) => Some(*keeps),
        _ => None,
    });
    // of several that may be so, the least
    if let Some(least) = keeps.min() {
        effects.retain(|effect| !matches!(effect, Effect::Keeps(keeps) if *keeps > least));
    }
    effects
}

fn change(stream: bool, before: &Limits, after: &Limits) -> Vec<Effect> {
    fn falls<T: Ord>(before: &Option<T>, after: &Option<T>) -> bool {
        after.as_ref().is_some_and(|after| before.as_ref().is_none_or(|before| after < before))
    }
    // what was refused for being too much may have come all the same: some, for a quorum queue
    let drops = |before_limit: &Option<i64>, after_limit: &Option<i64>| {
        !after.rejects && (falls(before_limit, after_limit) || (before.rejects && after_limit.is_some()))
    };
    let mut effects = Vec::new();
    if let Some(length) = after.length
        && drops(&before.length, &after.length)
    {
        effects.push(Effect::Keeps(u64::try_from(length).unwrap_or(0)));
    }
    if (stream && falls(&before.bytes, &after.bytes)) || (!stream && drops(&before.bytes, &after.bytes)) {
        effects.push(Effect::MayDrop("max-length-bytes"));
    }
    if falls(&before.ttl, &after.ttl) {
        effects.push(Effect::MayDrop("message-ttl"));
    }
    if falls(&before.age, &after.age) {
        effects.push(Effect::MayDrop("max-age"));
    }
    if falls(&before.expires, &after.expires) {
        effects.push(Effect::Expires);
    }
    if before.keeps_dead_letters && !after.keeps_dead_letters {
        effects.push(Effect::DropsDeadLetters);
    }
    effects
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn ages_are_compared_whatever_their_unit() {
        assert!(milliseconds("7D") < milliseconds("1M") && milliseconds("25h") > milliseconds("1D"));
        assert_eq!(milliseconds("90s"), Some(90_000));
        assert_eq!(
            (milliseconds(""), milliseconds("D"), milliseconds("7x"), milliseconds("7ü")),
            (None, None, None, None)
        );
    }
}
