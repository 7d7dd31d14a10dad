//! Where messages wait while their queue is made anew, and what does not wait there.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Action, Pair, Plan, Step, StepId, limits, show::list};
use crate::{
    diag::Span,
    graph::Effective,
    kind::{Definition, KindId, Provenance, Value},
    topology::QueueType,
};

/// The longest name that AMQP 0-9-1 allows, in bytes.
const LONGEST_NAME: usize = 255;

/// The exchanges and queues that topoc makes beside a queue for as long as it makes that anew. Their names begin with the
/// queue's own, so that whoever may configure what begins so may make them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// What their names begin with.
    pub base: Arc<str>,
    /// The queue that the messages come to afterwards.
    pub to: Arc<str>,
    /// Where messages go that expire meanwhile, as from the queue itself: an exchange, and a key.
    pub dead_letter: Option<(Arc<str>, Option<Arc<str>>)>,
}

impl Aside {
    /// The exchange that stands between what the queue is bound to and the queue: a valve.
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

    fn named(base: &str, to: &str) -> Option<Self> {
        let aside = Self { base: Arc::from(base), to: Arc::from(to), dead_letter: None };
        (aside.limbo().len() <= LONGEST_NAME).then_some(aside)
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

struct Asides<'a> {
    pair: &'a Pair<'a>,
    effective: Option<Effective<'a>>,
}

impl Asides<'_> {
    /// Where the messages of a queue can wait; else why they cannot.
    fn of(&mut self, was: &Definition, to: &str, steps: &[Step]) -> Result<Aside, String> {
        if was.text("type") == Some(QueueType::Stream.word()) {
            return Err("what a stream holds cannot be taken out of it".to_owned());
        }
        let name = was.name();
        let candidates = [format!("{name}.topoc"), format!("topoc.{name}"), format!("topoc-aside.{name}")];
        let mut limited = BTreeSet::new();
        for base in &candidates {
            let Some(mut aside) = Aside::named(base, to) else { continue };
            let queues = [aside.limbo(), aside.hold()];
            let queues = queues.map(|queue| aside.queue(was.vhost.as_ref(), &queue, "classic"));
            if queues.iter().all(|queue| limits::are_none(self.pair, queue, steps)) {
                let effective =
                    self.effective.get_or_insert_with(|| Effective::new(&self.pair.live.topology));
                let text = |name| effective.text_of(was, name).map(Arc::from);
                aside.dead_letter =
                    text("dead-letter-exchange").map(|exchange| (exchange, text("dead-letter-routing-key")));
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

    /// Who is known to send straight to a queue by its name, past what stands before it, and does not wait until it is there.
    fn straight_to(&mut self, queue: &Definition) -> Vec<String> {
        let live = &self.pair.live.topology;
        let effective = self.effective.get_or_insert_with(|| Effective::new(live));
        let dead_letters = live.of(KindId::Queue).filter(|from| {
            let sends = from.vhost == queue.vhost
                && from.name() != queue.name()
                && effective.text_of(from, "dead-letter-exchange") == Some("")
                && effective.text_of(from, "dead-letter-routing-key") == Some(queue.name());
            // else it keeps them until they are confirmed (`rabbit_fifo_dlx`)
            sends && effective.text_of(from, "dead-letter-strategy") != Some("at-least-once")
        });
        let shovels = live
            .of(KindId::Shovel)
            .filter(|shovel| shovel.vhost == queue.vhost && shovel.text("dest-queue") == Some(queue.name()));
        dead_letters.chain(shovels).map(|from| format!("{} `{}`", from.kind.word(), from.name())).collect()
    }
}

/// What is not kept while a queue is made anew.
#[derive(Debug)]
pub(super) enum Bypass {
    /// Nothing of it is: its messages cannot wait aside, and why.
    All(String),
    /// What these send straight to it.
    From(Vec<String>),
}

/// Says of each queue that is made anew where its messages wait, and what is not kept.
pub(super) fn put(pair: &Pair<'_>, plan: &mut Plan) -> BTreeMap<StepId, Bypass> {
    let mut asides = Asides { pair, effective: None };
    let mut bypasses = BTreeMap::new();
    for id in 0..plan.steps.len() {
        let step = &plan.steps[id];
        let anew = step.kind == KindId::Queue && matches!(step.action, Action::Replace | Action::Move);
        let (true, Some(was)) = (anew, &step.live) else { continue };
        let to = step.desired.as_ref().map_or(was.name(), |desired| desired.name());
        match asides.of(was, to, &plan.steps) {
            Ok(aside) => {
                let from = asides.straight_to(was);
                plan.steps[id].aside = Some(aside);
                if !from.is_empty() {
                    bypasses.insert(id, Bypass::From(from));
                }
            }
            Err(why) if step.action == Action::Move => {
                let reason = format!("it is moved from `{}`: {why}", was.name());
                plan.steps[id] = Step { action: Action::Refuse, reason, ..plan.steps[id].clone() };
            }
            Err(why) => drop(bypasses.insert(id, Bypass::All(why))),
        }
    }
    bypasses
}
