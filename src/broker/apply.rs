//! Carrying out a plan: its very steps, in its order, several at once, each accounted for.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream};

use super::{
    Applied, Client, Error, NoTurn, Outcome, Overview, Progress, Secrets, Turn, entity,
    guard::Guard,
    ledger,
    pace::Pace,
    read::published,
    tools::{Tools, Trouble},
    turn::QUEUE_LIMIT,
};
use crate::{
    kind::{Definition, KindId},
    plan::{Action, Consent, Content, Entries, Plan, Stamp, Step, StepId},
    topology::Topology,
};

/// The pattern of a permission that holds for every name.
const EVERYTHING: &str = ".*";

/// How a plan is carried out.
#[derive(Clone, Copy)]
pub struct Apply<'a> {
    /// To which broker.
    pub client: &'a Client,
    /// Who it is.
    pub overview: &'a Overview,
    /// What the plan leads to.
    pub desired: &'a Topology,
    /// What is put on record besides: when, by whom, from what.
    pub stamp: &'a Stamp,
    /// The locks by which nobody else applies meanwhile.
    pub turn: Option<&'a Turn<'a>>,
    /// Where secrets are found.
    pub secrets: &'a Secrets,
    /// How many requests are under way at once.
    pub concurrency: usize,
    /// Whether messages may be lost.
    pub allow_data_loss: bool,
    /// Whether what is published while something is made anew may be lost.
    pub allow_gap: bool,
    /// How long consumers may take to empty a queue that is made anew, before its messages are put aside.
    pub drain_timeout: Duration,
    /// Whether the messages of queues are moved by a shovel of the broker's.
    pub shovel: bool,
    /// No more messages than so many are moved in a second, over all queues.
    pub rate: Option<u32>,
    /// Is told how far a long step is.
    pub progress: &'a (dyn Fn(Progress<'_>) + Sync),
    /// Once it is true, no further step is started.
    pub stop: &'a AtomicBool,
    /// Is told of each step as it ends.
    pub ended: &'a (dyn Fn(StepId, &Outcome) + Sync),
}

/// Carries out a plan. What it makes is put on record before it is made, so that a crash at any moment loses track of
/// nothing.
///
/// # Errors
/// When the record cannot be written beforehand: then nothing has been changed.
pub async fn apply(plan: &Plan, how: Apply<'_>) -> Result<Applied, Error> {
    let mut intent = plan.owned.clone();
    intent.extend(plan.settled.clone());
    for step in plan.steps.iter().filter(|step| step.action.makes_ours()) {
        intent.entry(step.identity.clone()).or_default();
    }
    if let Some(topology) = plan.topology.as_ref().filter(|_| intent != plan.owned) {
        ledger::write(how.client, topology, &plan.owned, &intent, how.stamp).await?;
    }
    let guard = Guard::new(how.client, how.overview);
    let leaving = plan
        .steps
        .iter()
        .filter(|step| matches!(step.action, Action::Delete | Action::Forget))
        .map(|step| step.identity.clone())
        .collect();
    let run = Run {
        plan,
        how,
        outcomes: Mutex::new(vec![None; plan.steps.len()]),
        troubled: Mutex::default(),
        lost: AtomicBool::new(false),
        no_turn: Mutex::default(),
        tools: Tools {
            client: how.client,
            secrets: how.secrets,
            guard: &guard,
            guarded: !how.allow_data_loss,
            gapless: !how.allow_data_loss && !how.allow_gap,
            topology: plan.topology.as_ref(),
            leaving: &leaving,
            one_exchange: tokio::sync::Mutex::default(),
            stop: how.stop,
            drain_timeout: how.drain_timeout,
            shovel: how.shovel,
            pace: Arc::new(Pace::new(how.rate)),
            progress: how.progress,
            changed: AtomicBool::new(false),
            remarks: Mutex::default(),
            unrecorded: Mutex::default(),
        },
    };
    let ids: Vec<StepId> = (0..plan.steps.len()).collect();
    for phase in ids.chunk_by(|a, b| plan.steps[*a].phase == plan.steps[*b].phase) {
        if !run.is_our_turn(phase).await {
            break;
        }
        // the broker applies policies to all queues at once: several at a time get in each other's way
        let policies = matches!(plan.steps[phase[0]].kind, KindId::Policy | KindId::OperatorPolicy);
        let concurrency = if policies { 1 } else { how.concurrency.max(1) };
        stream::iter(phase).for_each_concurrent(concurrency, |id| run.step(*id)).await;
    }
    let outcomes: Vec<Outcome> = run
        .outcomes
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .into_iter()
        .map(|outcome| outcome.unwrap_or(Outcome::NotStarted))
        .collect();
    let owned = owned_after(plan, how.desired, &outcomes, &intent);
    let changed = run.tools.changed.load(Ordering::Relaxed);
    let mut unrecorded = run.tools.unrecorded.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(topology) = plan.topology.as_ref().filter(|_| owned != intent) {
        unrecorded =
            ledger::write(how.client, topology, &intent, &owned, how.stamp).await.err().or(unrecorded);
    }
    let stopped = run.no_turn.into_inner().unwrap_or_else(PoisonError::into_inner);
    let remarks = run.tools.remarks.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Applied { outcomes, unrecorded, changed, stopped, remarks })
}

/// Puts on record what is as described already, where the record says otherwise.
///
/// # Errors
/// When the record cannot be written.
pub async fn settle(plan: &Plan, client: &Client, stamp: &Stamp) -> Result<(), Error> {
    let Some(topology) = plan.topology.as_ref().filter(|_| !plan.settled.is_empty()) else { return Ok(()) };
    let mut owned = plan.owned.clone();
    owned.extend(plan.settled.clone());
    ledger::write(client, topology, &plan.owned, &owned, stamp).await
}

/// What the topology owns once its steps have ended so. What the broker has plainly refused to make was not made; what is
/// in doubt stays on record.
fn owned_after(plan: &Plan, desired: &Topology, outcomes: &[Outcome], intent: &Entries) -> Entries {
    let mut owned = intent.clone();
    for (step, outcome) in plan.steps.iter().zip(outcomes) {
        let in_doubt = matches!(outcome, Outcome::Failed { in_doubt: true, .. });
        match step.action {
            Action::Delete | Action::Forget if *outcome == Outcome::Done => {
                owned.remove(&step.identity);
                for implied in &step.implies {
                    owned.remove(implied);
                }
            }
            _ if !step.action.makes_ours() || in_doubt => {}
            _ if *outcome == Outcome::Done => {
                // what a queue was under its old name
                for implied in &step.implies {
                    owned.remove(implied);
                }
                owned.insert(step.identity.clone(), desired.get(&step.identity).map(Content::of));
            }
            _ if !plan.owned.contains_key(&step.identity) => drop(owned.remove(&step.identity)),
            _ => {}
        }
    }
    owned
}

struct Run<'a> {
    plan: &'a Plan,
    how: Apply<'a>,
    outcomes: Mutex<Vec<Option<Outcome>>>,
    /// The first step that is not done, by vhost: nothing is deleted where something is missing.
    troubled: Mutex<BTreeMap<Option<String>, StepId>>,
    /// The broker is gone: further steps would only wait for it.
    lost: AtomicBool,
    no_turn: Mutex<Option<NoTurn>>,
    tools: Tools<'a>,
}

impl Run<'_> {
    /// Whether nobody else applies to the vhosts of these steps: they may have been made just now, or the connection that
    /// held a lock may be gone.
    async fn is_our_turn(&self, steps: &[StepId]) -> bool {
        let Some(turn) = self.how.turn else { return true };
        if self.how.stop.load(Ordering::Relaxed) || self.lost.load(Ordering::Relaxed) {
            return true;
        }
        let vhosts = steps.iter().filter_map(|id| self.plan.steps[*id].vhost().cloned()).collect();
        match turn.take(&vhosts, Duration::ZERO).await {
            Ok(()) => true,
            Err(why) => {
                *self.no_turn.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
                false
            }
        }
    }

    async fn step(&self, id: StepId) {
        let step = &self.plan.steps[id];
        if self.how.stop.load(Ordering::Relaxed) || self.lost.load(Ordering::Relaxed) {
            return;
        }
        let outcome = match self.obstacle(step) {
            Some(outcome) => outcome,
            None => self.carry_out(step).await,
        };
        // a vhost that is there holds what it holds, whatever is said of it
        let harmless = matches!(step.action, Action::Refuse | Action::Delete)
            || (step.kind, step.action) == (KindId::Vhost, Action::Change);
        if outcome != Outcome::Done && !harmless {
            let vhost = step.vhost().map(ToString::to_string);
            let mut troubled = self.troubled.lock().unwrap_or_else(PoisonError::into_inner);
            troubled.entry(vhost).or_insert(id);
        }
        (self.how.ended)(id, &outcome);
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)[id] = Some(outcome);
    }

    /// Why a step is not even tried.
    fn obstacle(&self, step: &Step) -> Option<Outcome> {
        if step.action == Action::Refuse {
            let lacks = step.lacks.into_iter().collect();
            return Some(Outcome::Refused { reason: step.reason.clone(), lacks });
        }
        if self.locks_out(step) {
            let reason = "topoc speaks to the broker as this user, and might not go on: apply it as another";
            return Some(Outcome::Refused { reason: reason.to_owned(), lacks: Vec::new() });
        }
        let outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = step.needs.iter().find(|id| outcomes[**id] != Some(Outcome::Done));
        if let Some(missing) = missing {
            return Some(Outcome::Skipped(format!(
                "it needs `{}`, which is not done",
                self.plan.steps[*missing].title()
            )));
        }
        if step.action == Action::Delete {
            let troubled = self.troubled.lock().unwrap_or_else(PoisonError::into_inner);
            let vhost = match step.kind {
                // a vhost and a user may be what any other thing rests on
                KindId::Vhost | KindId::User => troubled.values().next(),
                _ => troubled.get(&step.vhost().map(ToString::to_string)).or_else(|| troubled.get(&None)),
            };
            if let Some(first) = vhost {
                let title = self.plan.steps[*first].title();
                return Some(Outcome::Skipped(format!(
                    "nothing is deleted as long as `{title}` is not done"
                )));
            }
        }
        // queues are looked into just before; of the rest the plan knows as much as can be known
        let looked_into =
            matches!(step.kind, KindId::Queue | KindId::Vhost | KindId::Policy | KindId::OperatorPolicy);
        if !looked_into && step.loses() > 0 && !self.how.allow_data_loss {
            let danger = step.danger.as_ref().map_or("", |danger| &danger.text);
            let reason = format!("{danger}; --allow-data-loss does it all the same");
            return Some(Outcome::Refused { reason, lacks: vec![Consent::DataLoss] });
        }
        None
    }

    /// Whether what comes after a step would be refused: the record too, which is written last.
    fn locks_out(&self, step: &Step) -> bool {
        let user = &self.how.client.access().credentials().username;
        // each of these kinds names its user first
        let is_own = step.identity.parts.first().is_some_and(|name| **name == **user);
        let changes = |names: &[&str]| step.differences.iter().any(|found| names.contains(&&*found.name));
        // that is never less than it was
        let may_all =
            |name: &str| step.desired.as_ref().and_then(|desired| desired.text(name)) == Some(EVERYTHING);
        let narrows = |name: &&str| changes(&[*name]) && !may_all(name);
        is_own
            && match (step.kind, step.action) {
                (KindId::User | KindId::Permission, Action::Delete) => true,
                (KindId::User, Action::Change) => changes(&["password", "hashing-algorithm", "tags"]),
                (KindId::Permission, Action::Change) => ["configure", "write", "read"].iter().any(narrows),
                // whoever binds to a topic exchange has to read the key there; without such a permission, all are
                (KindId::TopicPermission, Action::Create) => !may_all("read"),
                (KindId::TopicPermission, Action::Change) => narrows(&"read"),
                _ => false,
            }
    }

    async fn carry_out(&self, step: &Step) -> Outcome {
        let mut result = match self.object(step).await {
            Ok(()) => self.do_it(step).await,
            Err(trouble) => Err(trouble),
        };
        if self.is_in_the_locks_place(step, &result).await {
            result = self.do_it(step).await;
        }
        self.outcome(result)
    }

    /// Whether a queue was refused because the lock is one too many: that then is no more.
    async fn is_in_the_locks_place(&self, step: &Step, result: &Result<(), Trouble>) -> bool {
        let Err(Trouble::Broker(error)) = result else { return false };
        let full = error.reason().is_some_and(|reason| reason.contains(QUEUE_LIMIT));
        match (self.how.turn, step.vhost()) {
            (Some(turn), Some(vhost)) if full => turn.make_room(vhost).await,
            _ => false,
        }
    }

    /// Deletes an exchange that has another name now, unless somebody publishes to it again.
    async fn delete_left_behind(&self, step: &Step, live: &Definition) -> Result<(), Trouble> {
        let only = BTreeSet::from([step.identity.clone()]);
        let published = published(self.how.client, &only).await?;
        match published.get(&step.identity) {
            Some(Some(rate)) if *rate > 0.0 => Err(Trouble::Back(format!(
                "{rate:.1} messages a second are published to it again: it stays, and goes once nobody does"
            ))),
            _ => self.tools.delete_exchange(live).await,
        }
    }

    /// Looks into the queues that a policy holds to less.
    async fn object(&self, step: &Step) -> Result<(), Trouble> {
        if self.tools.guarded
            && let Some(objection) = self.tools.guard.objection_to(&step.tightens).await?
        {
            return Err(Trouble::Objection(objection));
        }
        Ok(())
    }

    async fn do_it(&self, step: &Step) -> Result<(), Trouble> {
        match (step.action, &step.desired, &step.live) {
            (Action::Adopt | Action::Forget | Action::Refuse, ..) => Ok(()),
            (Action::Create, Some(binding), _) if step.kind == KindId::Binding => {
                self.tools.add(binding).await
            }
            (Action::Create | Action::Change, Some(desired), live) => {
                let live = live.as_ref();
                match entity::put(desired, live, self.how.secrets) {
                    Ok(requests) => self.tools.change_all(&requests).await.map_err(Trouble::Broker),
                    Err(error) => Err(error.into()),
                }
            }
            (Action::Replace, ..) => self.tools.replace(step).await,
            (Action::Move, ..) => self.tools.rename(step).await,
            (Action::Restore, ..) => self.tools.restore(step).await,
            (Action::Delete, _, Some(live)) => match step.kind {
                KindId::Queue => self.tools.delete_queue(live).await,
                KindId::Binding => self.tools.delete_binding(live).await.map_err(Trouble::Broker),
                KindId::Vhost => self.delete_vhost(step).await,
                KindId::Exchange if self.plan.left_behind.contains(&step.identity) => {
                    self.delete_left_behind(step, live).await
                }
                KindId::Exchange => self.tools.delete_exchange(live).await,
                _ => self.tools.change_all(&entity::delete(live)).await.map_err(Trouble::Broker),
            },
            (Action::Create | Action::Change | Action::Delete, ..) => Ok(()),
        }
    }

    fn outcome(&self, result: Result<(), Trouble>) -> Outcome {
        match result {
            Ok(()) => Outcome::Done,
            Err(trouble @ Trouble::Objection(_)) => {
                Outcome::Refused { reason: trouble.to_string(), lacks: vec![Consent::DataLoss] }
            }
            Err(trouble @ Trouble::Gap(_)) => {
                let holds = matches!(trouble, Trouble::Gap(Some(_)));
                let lacks = [Consent::Gap].into_iter().chain(holds.then_some(Consent::DataLoss)).collect();
                Outcome::Refused { reason: trouble.to_string(), lacks }
            }
            Err(trouble @ Trouble::Amqp { .. }) => {
                Outcome::Failed { reason: trouble.to_string(), help: None, in_doubt: false }
            }
            Err(Trouble::Secret(reason) | Trouble::Back(reason)) => {
                Outcome::Failed { reason, help: None, in_doubt: false }
            }
            Err(Trouble::Halfway(reason)) => Outcome::Failed { reason, help: None, in_doubt: true },
            Err(Trouble::Broker(error)) => {
                if matches!(error, Error::Unreachable { .. }) {
                    self.lost.store(true, Ordering::Relaxed);
                }
                let reason = error.reason().map_or_else(|| error.to_string(), ToOwned::to_owned);
                let in_doubt = matches!(error, Error::Lost { .. } | Error::Unreachable { .. });
                Outcome::Failed { reason, help: error.help(), in_doubt }
            }
        }
    }

    /// A vhost takes all that is in it along, so its queues are looked into just before.
    async fn delete_vhost(&self, step: &Step) -> Result<(), Trouble> {
        let name = step.identity.parts.first().cloned().unwrap_or_else(|| "".into());
        if self.tools.guarded
            && let Some(objection) = self.tools.guard.objection_in(&name).await?
        {
            return Err(Trouble::Objection(objection));
        }
        let Some(live) = &step.live else { return Ok(()) };
        Ok(self.tools.change_all(&entity::delete(live)).await?)
    }
}
