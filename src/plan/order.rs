//! In which order steps are carried out.
//!
//! Phases are barriers: a step starts when all steps of lower phases have ended, well or not. Needs are stronger: a step
//! starts only when those have succeeded. What is added comes first, each thing before those that send messages to it;
//! what is removed comes last, in reverse.

use std::collections::{HashMap, HashSet};

use super::{Action, Plan, Step, StepId};
use crate::{
    kind::{Definition, Identity, KindId},
    topology::Topology,
};

/// Between two places of an order: room for how deep a thing is in a chain of its own kind.
const WIDTH: u32 = 100;
const REMOVAL: u32 = 50;

/// Orders the steps and says what each needs.
pub(super) fn arrange(desired: &Topology, plan: &mut Plan) {
    let downstream = Downstream::of(desired);
    let created: HashSet<Identity> = plan
        .steps
        .iter()
        .filter(|step| step.action == Action::Create)
        .map(|step| step.identity.clone())
        .collect();
    for step in &mut plan.steps {
        step.phase = match (step.action, &step.aside) {
            // it may make the queue, and is done before anything else is bound to that
            (Action::Restore, Some(_)) if step.kind == KindId::Queue => rank(KindId::Queue) * WIDTH - 1,
            // it makes the exchange, and what that is bound to has to be there
            (Action::Restore, Some(_)) if step.desired.is_some() => rank(KindId::Queue) * WIDTH + WIDTH - 1,
            (Action::Restore, Some(_)) => rank(KindId::Exchange) * WIDTH - 1,
            (Action::Restore, None) => restoration(step, &created),
            _ => phase(step, desired, &downstream),
        };
    }
    plan.steps.sort_by(|a, b| (a.phase, &a.identity).cmp(&(b.phase, &b.identity)));
    let made: HashMap<Identity, StepId> = plan
        .steps
        .iter()
        .enumerate()
        .filter(|(_, step)| step.action.writes())
        .map(|(id, step)| (step.identity.clone(), id))
        .collect();
    // what is there already is no less there for not being changed
    let is_missing = |step: &Step, needed: &Step| match (needed.kind, needed.action) {
        (KindId::Vhost, Action::Change) => takes_default_type(step) && changes_default_type(needed),
        (_, Action::Change) => false,
        _ => true,
    };
    let restored: HashMap<&Identity, (StepId, u32)> = plan
        .steps
        .iter()
        .enumerate()
        .filter(|(_, step)| step.action == Action::Restore)
        .map(|(id, step)| (&step.identity, (id, step.phase)))
        .collect();
    let refilled: HashMap<Identity, StepId> = plan
        .steps
        .iter()
        .enumerate()
        .filter(|(_, step)| step.action == Action::Restore)
        .filter_map(|(id, step)| {
            let to = vec![step.aside.as_ref()?.to.clone()];
            Some([(step.identity.clone(), id), (Identity { parts: to, ..step.identity.clone() }, id)])
        })
        .flatten()
        .collect();
    let removed: Vec<StepId> = (0..plan.steps.len()).filter(|id| is_reweighed(&plan.steps[*id])).collect();
    let needs: Vec<Vec<StepId>> = plan
        .steps
        .iter()
        .enumerate()
        .map(|(id, step)| {
            let mut needs: Vec<StepId> = needed(step)
                .into_iter()
                .filter_map(|identity| made.get(&identity).copied())
                // what is made anew has its bindings before as well as after
                .filter(|needed| {
                    *needed != id
                        && is_missing(step, &plan.steps[*needed])
                        && (step.action != Action::Restore || plan.steps[*needed].action == Action::Create)
                })
                .collect();
            // what goes or is made anew is first as it was before an interrupted run, so that nothing of it is forgotten
            let was = step.live.as_ref().filter(|_| step.action == Action::Move).map(Definition::identity);
            if step.action != Action::Restore
                && let Some((restoration, phase)) = restored.get(was.as_ref().unwrap_or(&step.identity))
                && *phase < step.phase
            {
                needs.push(*restoration);
            }
            if step.kind == KindId::Binding && step.action == Action::Create {
                needs.extend(needed(step).iter().filter_map(|end| refilled.get(end)));
            }
            if step.action == Action::Create
                && let Some(weight) = hash_weight(step)
            {
                needs.extend(removed.iter().filter(|id| hash_weight(&plan.steps[**id]) == Some(weight)));
            }
            needs
        })
        .collect();
    for (step, needs) in plan.steps.iter_mut().zip(needs) {
        step.needs = needs;
    }
}

/// A queue that is made without a type gets its vhost's default one, and keeps it.
fn takes_default_type(step: &Step) -> bool {
    let untyped = step.desired.as_ref().is_some_and(|queue| queue.field("type").is_none());
    step.kind == KindId::Queue && step.action == Action::Create && untyped
}

fn changes_default_type(step: &Step) -> bool {
    step.differences.iter().any(|difference| difference.name == "default-queue-type")
}

/// As soon as both ends of all bindings are there: before anything is made anew, unless something of it is still to be
/// made.
fn restoration(step: &Step, created: &HashSet<Identity>) -> u32 {
    if needed(step).iter().any(|end| created.contains(end)) {
        rank(KindId::Binding) * WIDTH + WIDTH - 1
    } else {
        rank(KindId::Exchange) * WIDTH - 1
    }
}

/// What has to be there before an entity can be made.
fn needed(step: &Step) -> Vec<Identity> {
    if step.action == Action::Restore {
        let ends = step.restores.iter().flat_map(ends);
        return std::iter::once(step.identity.clone()).chain(ends).collect();
    }
    let Some(desired) = step.desired.as_ref().filter(|_| step.action != Action::Refuse) else {
        return Vec::new();
    };
    let mut needed = Vec::new();
    let text = |name| desired.text(name).unwrap_or("").into();
    let vhost = desired.vhost.clone();
    if let Some(vhost) = &vhost {
        needed.push(Identity { kind: KindId::Vhost, vhost: None, parts: vec![vhost.clone()] });
    }
    match desired.kind {
        KindId::Permission | KindId::TopicPermission | KindId::UserLimits => {
            needed.push(Identity { kind: KindId::User, vhost: None, parts: vec![text("user")] });
        }
        KindId::Binding => needed.extend(ends(desired)),
        _ => {}
    }
    needed
}

/// The exchange that a binding starts from, and the queue or exchange that it leads to.
pub(super) fn ends(binding: &Definition) -> [Identity; 2] {
    let text = |name| binding.text(name).unwrap_or("").into();
    let to_exchange = binding.text("destination-type") == Some("exchange");
    let destination = if to_exchange { KindId::Exchange } else { KindId::Queue };
    [(KindId::Exchange, text("source")), (destination, text("destination"))].map(|(kind, name)| Identity {
        kind,
        vhost: binding.vhost.clone(),
        parts: vec![name],
    })
}

fn phase(step: &Step, desired: &Topology, downstream: &Downstream<'_>) -> u32 {
    if step.action == Action::Forget {
        return 2 * REMOVAL * WIDTH;
    }
    if step.action == Action::Delete {
        // the ring of a hash exchange takes the first weight of a queue, and loses all of them with any: the old one
        // goes before the new one comes (rabbit_exchange_type_consistent_hash)
        let reweighs = step.live.as_ref().is_some_and(|binding| {
            let source = binding.text("source").unwrap_or("");
            let vhost = binding.vhost.as_deref().unwrap_or("");
            binding.kind == KindId::Binding
                && desired.exchange(vhost, source).is_some_and(|e| e.exchange_type() == "x-consistent-hash")
                && desired.bindings().any(|other| {
                    other.vhost() == vhost
                        && other.source() == source
                        && Some(other.destination()) == binding.text("destination")
                })
        });
        if reweighs {
            return rank(KindId::Binding) * WIDTH;
        }
        return (REMOVAL - rank(step.kind)) * WIDTH + REMOVAL * WIDTH;
    }
    let Some(definition) = &step.desired else { return rank(step.kind) * WIDTH };
    // a policy that takes the place of another is there before the other lets go
    if matches!(step.kind, KindId::Policy | KindId::OperatorPolicy) {
        return rank(step.kind) * WIDTH + u32::from(step.action == Action::Change);
    }
    rank(step.kind) * WIDTH + downstream.depth(definition).min(WIDTH - 1)
}

/// The order of kinds; policies come before queues, which take some of their keys only when they are declared.
fn rank(kind: KindId) -> u32 {
    match kind {
        KindId::Vhost => 1,
        KindId::User => 2,
        KindId::UserLimits | KindId::VhostLimits => 3,
        KindId::Permission | KindId::TopicPermission => 4,
        KindId::GlobalParameter | KindId::Parameter => 5,
        KindId::FederationUpstream => 6,
        KindId::FederationUpstreamSet => 7,
        KindId::OperatorPolicy => 8,
        KindId::Policy => 9,
        KindId::Exchange => 10,
        KindId::Queue => 11,
        KindId::Binding => 12,
        KindId::Shovel => 13,
        KindId::Type | KindId::Enum | KindId::Message | KindId::Rpc | KindId::Service => 14,
    }
}

/// Whether a binding goes before one of another weight comes in its place.
pub(super) fn is_reweighed(step: &Step) -> bool {
    step.action == Action::Delete && hash_weight(step).is_some()
}

/// The source and destination of a binding from a hash exchange that has the arguments of one.
fn hash_weight(step: &Step) -> Option<(&str, &str, &str)> {
    let binding = step.desired.as_ref().or(step.live.as_ref())?;
    (binding.kind == KindId::Binding && step.phase / WIDTH == rank(KindId::Binding)).then(|| {
        let text = |name| binding.text(name).unwrap_or("");
        (binding.vhost.as_deref().unwrap_or(""), text("source"), text("destination"))
    })
}

/// How far from where messages end.
struct Downstream<'a> {
    topology: &'a Topology,
    /// How many bindings lead on from an exchange to exchanges, at most, by vhost and exchange.
    lengths: HashMap<(&'a str, &'a str), u32>,
    /// Exchanges that get dead letters or what others cannot route.
    backstops: HashSet<(&'a str, &'a str)>,
}

impl<'a> Downstream<'a> {
    fn of(topology: &'a Topology) -> Self {
        let onward: Vec<_> = topology.bindings().filter(|binding| binding.to_exchange()).collect();
        let mut lengths: HashMap<_, u32> = HashMap::new();
        // cycles are legal, so the rounds are bounded and not the lengths
        for _ in 0..WIDTH {
            let mut settled = true;
            for binding in &onward {
                let beyond = lengths.get(&(binding.vhost(), binding.destination())).copied().unwrap_or(0);
                let length = lengths.entry((binding.vhost(), binding.source())).or_default();
                if *length <= beyond {
                    (*length, settled) = (beyond + 1, false);
                }
            }
            if settled {
                break;
            }
        }
        let dead = topology.queues().filter_map(|queue| Some((queue.vhost(), queue.dead_letter_exchange()?)));
        let spare = topology.exchanges().filter_map(|e| Some((e.vhost(), e.alternate_exchange()?)));
        let backstops = dead.chain(spare).collect();
        Self { topology, lengths, backstops }
    }

    /// Targets are made before what leads to them: alternate exchanges, dead-letter queues, the ends of chains of
    /// bindings.
    fn depth(&self, definition: &Definition) -> u32 {
        let vhost = definition.vhost.as_deref().unwrap_or("");
        match definition.kind {
            KindId::Exchange => {
                let mut depth = 0;
                let mut next = definition.text("alternate-exchange");
                while let Some(exchange) = next.and_then(|name| self.topology.exchange(vhost, name)) {
                    depth += 1;
                    next = exchange.alternate_exchange().filter(|_| depth < WIDTH);
                }
                depth
            }
            KindId::Queue => u32::from(definition.text("dead-letter-exchange").is_some()),
            KindId::Binding => {
                let source = definition.text("source").unwrap_or("");
                let backstop = self.backstops.contains(&(vhost, source));
                let to_exchange = definition.text("destination-type") == Some("exchange");
                match (to_exchange, backstop) {
                    // 0 is for weights that are taken from a hash ring
                    (false, true) => 1,
                    (false, false) => 2,
                    (true, _) => {
                        let destination = definition.text("destination").unwrap_or("");
                        3 + self.lengths.get(&(vhost, destination)).copied().unwrap_or(0)
                    }
                }
            }
            _ => 0,
        }
    }
}
