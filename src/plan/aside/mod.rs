//! Where messages wait while a queue or an exchange is made anew, and what does not wait there.

mod exchange;
mod queue;

pub use exchange::STANDARD;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Action, Pair, Plan, Step, StepId, limits, show::list};
use crate::{
    diag::Span,
    graph::Effective,
    kind::{Definition, KindId, Provenance, Value},
};

/// The longest name that AMQP 0-9-1 allows, in bytes.
const LONGEST_NAME: usize = 255;

/// The exchanges and queues that topoc makes beside a queue or an exchange for as long as it makes that anew. Their names
/// begin with its own, so that whoever may configure what begins so may make them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// What their names begin with.
    pub base: Arc<str>,
    /// The queue or exchange that the messages come to afterwards.
    pub to: Arc<str>,
    /// Where messages go that expire meanwhile, as from the queue itself: an exchange, and a key.
    pub dead_letter: Option<(Arc<str>, Option<Arc<str>>)>,
}

impl Aside {
    /// The exchange that stands between what the queue, or exchange, is bound to and itself: a valve.
    #[must_use]
    pub fn valve(&self) -> String {
        format!("{}.in", self.base)
    }

    /// The exchange and the queue of what is published while the valve is shut.
    #[must_use]
    pub fn limbo(&self) -> String {
        format!("{}.limbo", self.base)
    }

    /// The queue of what the old queue held and nobody consumed.
    #[must_use]
    pub fn hold(&self) -> String {
        format!("{}.hold", self.base)
    }

    /// The exchange through which messages are moved, so that they keep their routing keys.
    #[must_use]
    pub fn out(&self) -> String {
        format!("{}.out", self.base)
    }

    /// The shovel that moves messages, where one does, and the exchange that it publishes to.
    #[must_use]
    pub fn shovel(&self) -> String {
        format!("{}.shovel", self.base)
    }

    /// The exchange that routes in an exchange's place, with its bindings, while those are made or taken away one by one.
    #[must_use]
    pub fn via(&self, exchange_type: &str) -> String {
        format!("{}.{exchange_type}", self.base)
    }

    /// The policy by which what an exchange does not route waits in limbo.
    #[must_use]
    pub fn policy(&self) -> String {
        self.limbo()
    }

    fn named(base: &str, to: &str) -> Option<Self> {
        let aside = Self { base: Arc::from(base), to: Arc::from(to), dead_letter: None };
        // the longest of them
        (aside.via("headers").len() <= LONGEST_NAME).then_some(aside)
    }

    /// A queue in which messages wait.
    #[must_use]
    pub fn queue(&self, vhost: Option<&Arc<str>>, name: &str, queue_type: &str) -> Definition {
        let mut queue = Definition::new(KindId::Queue, vhost.cloned(), Span::NONE, Provenance::Live);
        queue.set("name", Value::text(name), Span::NONE);
        queue.set("type", Value::text(queue_type), Span::NONE);
        if let Some((exchange, key)) = &self.dead_letter {
            queue.set("dead-letter-exchange", Value::Text(exchange.clone()), Span::NONE);
            if let Some(key) = key {
                queue.set("dead-letter-routing-key", Value::Text(key.clone()), Span::NONE);
            }
        }
        queue
    }
}

/// What is not kept while something is made anew.
#[derive(Debug)]
pub(super) enum Bypass {
    /// Nothing of it is: its messages cannot wait aside, and why.
    All(String),
    /// What these send straight to it.
    From(Vec<String>),
}

struct Asides<'a> {
    pair: &'a Pair<'a>,
    effective: Option<Effective<'a>>,
}

impl<'a> Asides<'a> {
    fn effective(&mut self) -> &Effective<'a> {
        self.effective.get_or_insert_with(|| Effective::new(&self.pair.live.topology))
    }

    /// Where messages can wait that no policy drops; else why they cannot.
    fn beside(&self, was: &Definition, to: &str, steps: &[Step]) -> Result<Aside, String> {
        let name = was.name();
        let candidates = [format!("{name}.topoc"), format!("topoc.{name}"), format!("topoc-aside.{name}")];
        let mut limited = BTreeSet::new();
        for base in &candidates {
            let Some(aside) = Aside::named(base, to) else { continue };
            let queues = [aside.limbo(), aside.hold()];
            let queues = queues.map(|queue| aside.queue(was.vhost.as_ref(), &queue, "classic"));
            if queues.iter().all(|queue| limits::are_none(self.pair, queue, steps)) {
                return Ok(aside);
            }
            limited.insert(format!("`{}`", aside.limbo()));
        }
        if limited.is_empty() {
            return Err(
                "its name is too long for those of the queues in which messages would wait".to_owned()
            );
        }
        let limited: Vec<String> = limited.into_iter().collect();
        Err(format!(
            "policies would limit the queue in which messages would wait, {}: leave one of these names out of their patterns",
            list(&limited, " or ")
        ))
    }
}

/// Says of each queue and exchange that is made anew where messages wait, and what is not kept.
pub(super) fn put(pair: &Pair<'_>, plan: &mut Plan) -> BTreeMap<StepId, Bypass> {
    let mut asides = Asides { pair, effective: None };
    let mut bypasses = BTreeMap::new();
    for id in 0..plan.steps.len() {
        let step = &plan.steps[id];
        let (Some(was), Some(desired)) = (&step.live, &step.desired) else { continue };
        // the very one that policies are known of
        let Some(was) = pair.live.topology.get(&was.identity()) else { continue };
        let (aside, straight) = match (step.kind, step.action) {
            (KindId::Queue, Action::Replace | Action::Move) => {
                (asides.of_queue(was, desired.name(), &plan.steps), asides.straight_to_queue(was))
            }
            (KindId::Exchange, Action::Replace) => {
                (asides.of_exchange(was, desired, &plan.steps), asides.straight_to_exchange(was))
            }
            // nobody knows it yet, and the old one stays
            (KindId::Exchange, Action::Move) => {
                (asides.of_new_exchange(was, desired, &plan.steps), Vec::new())
            }
            _ => continue,
        };
        match aside {
            Ok(aside) => {
                plan.steps[id].aside = Some(aside);
                if !straight.is_empty() {
                    bypasses.insert(id, Bypass::From(straight));
                }
            }
            Err(why) if (step.kind, step.action) == (KindId::Queue, Action::Move) => {
                let reason = format!("it is moved from `{}`: {why}", was.name());
                plan.steps[id] = Step { action: Action::Refuse, reason, ..plan.steps[id].clone() };
            }
            Err(why) => drop(bypasses.insert(id, Bypass::All(why))),
        }
    }
    exchange::take_along(pair, plan);
    bypasses
}
