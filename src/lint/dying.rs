//! What lints ask of messages that die: where they go, in which circles, and whether that matters.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};
use topoc_routing::{Overflow, QueueId, QueueKind, Strategy, language::TooComplex};

use super::{
    Context,
    circles::{self, Circle, Trouble},
};
use crate::{
    diag::{Diagnostic, Span},
    graph::{DeadLetterMap, Flow, Graph, Routes, Source},
    kind::{Derived, KindId, Provenance, show_duration},
    syntax::quote,
    topology::{DEFAULT_VHOST, Message, Queue},
};

/// What becomes of messages that die, worked out once.
#[derive(Debug)]
pub(super) struct Dying<'a> {
    dead_letters: BTreeMap<&'a str, DeadLetterMap>,
    circles: Vec<Circle<'a>>,
    /// By vhost and queue: the first important message that may come to it.
    important: FxHashMap<(&'a str, &'a str), &'a Message>,
    /// Exchanges, by vhost and name, that get dead letters or what others cannot route.
    ends: FxHashSet<(&'a str, &'a str)>,
    /// Queues, by vhost and name, that a shovel takes messages from.
    shovelled: FxHashSet<(&'a str, &'a str)>,
    rounds: BTreeMap<&'a str, Rounds>,
}

/// The groups of queues of a vhost whose dead letters go round among them.
#[derive(Debug)]
struct Rounds {
    groups: Vec<Vec<QueueId>>,
    /// In which of them a queue stands.
    of: FxHashMap<QueueId, usize>,
}

impl<'a> Dying<'a> {
    pub(super) fn new<'g>(
        graph: &'g Graph<'a>,
        flows: &[Option<Result<Flow<'g, 'a>, TooComplex>>],
        is_consumed: impl Fn(Queue<'a>) -> bool,
    ) -> Self {
        let topology = graph.topology;
        let dead_letters = graph.dead_letters(flows);
        let mut important = FxHashMap::default();
        for (message, flow) in topology.contract.messages.iter().zip(flows) {
            let Some(Ok(flow)) = flow.as_ref().filter(|_| message.is_important()) else { continue };
            for queue in flow.queues().filter_map(|queue| flow.routes.queue(queue)) {
                important.entry((queue.vhost(), queue.name())).or_insert(message);
            }
        }
        let ends = [KindId::Queue, KindId::Exchange].into_iter().flat_map(|kind| topology.of(kind));
        let ends = ends.filter_map(|entity| {
            let key =
                if entity.kind == KindId::Queue { "dead-letter-exchange" } else { "alternate-exchange" };
            Some((entity.vhost.as_deref().unwrap_or(DEFAULT_VHOST), graph.effective.text_of(entity, key)?))
        });
        let ends = ends.collect();
        let shovelled = topology.of(KindId::Shovel).filter_map(|shovel| {
            Some((shovel.vhost.as_deref().unwrap_or(DEFAULT_VHOST), shovel.text("src-queue")?))
        });
        let shovelled = shovelled.collect();
        let rounds = dead_letters.iter().map(|(vhost, dead)| {
            let groups = dead.rounds(|_| true);
            (*vhost, Rounds { of: circles::groups(&groups), groups })
        });
        let rounds = rounds.collect();
        let all_rejected = !topology.contract.says_who_consumes();
        let circles = circles::all(
            graph.vhosts().filter_map(|(vhost, routes)| Some((routes, dead_letters.get(vhost)?))),
            |queue| graph.effective.integer(queue.0, "delivery-limit"),
            |queue| all_rejected || is_consumed(queue),
        );
        Self { dead_letters, circles, important, ends, shovelled, rounds }
    }
}

/// A queue with how its vhost routes.
#[derive(Clone, Copy)]
pub(super) struct InVhost<'c, 'a> {
    /// How the vhost routes.
    pub(super) routes: &'c Routes<'a>,
    /// Its dead letters.
    pub(super) dead: &'c DeadLetterMap,
    /// Its place there.
    pub(super) id: QueueId,
    /// What describes it.
    pub(super) queue: Queue<'a>,
}

impl<'c, 'a> InVhost<'c, 'a> {
    /// The queue with its effective values.
    pub(super) fn known(self) -> &'c topoc_routing::Queue {
        self.routes.topology.queue(self.id)
    }

    /// Whether the queue is bounded by length and makes room by dropping its oldest messages.
    pub(super) fn drops_head(self) -> bool {
        let known = self.known();
        known.kind != QueueKind::Stream
            && (known.max_length.is_some() || known.max_length_bytes.is_some())
            && known.effective_overflow() == Overflow::DropHead
    }

    /// Whether messages expire in it and are gone: then what is in it may be lost.
    pub(super) fn lets_expire(self) -> bool {
        let known = self.known();
        known.message_ttl.is_some() && known.dead_letter_exchange.is_none()
    }

    /// Another queue of the vhost.
    pub(super) fn other(self, id: QueueId) -> Option<Self> {
        Some(Self { id, queue: self.routes.queue(id)?, ..self })
    }
}

/// The policy that is the one cause of what is said of several queues, if a policy is it. A queue that allows the lint
/// is spoken of alone.
pub(super) fn cause(source: Option<Source<'_>>, queue: Queue<'_>, lint: &str) -> Option<usize> {
    let policy = source?.policy()?;
    let allowed = queue.0.allows.iter().any(|allow| *allow.lint == *lint);
    (!allowed).then(|| super::policies::identity(policy))
}

/// Whether a queue stands in no file, because a `retry` or a `super-stream` made it.
pub(super) fn is_made(queue: Queue<'_>) -> bool {
    matches!(queue.0.provenance, Provenance::Derived(_))
}

/// Whether a `retry` made a queue to delay messages.
pub(super) fn is_ladder_delay(queue: Queue<'_>) -> bool {
    queue.0.provenance == Provenance::Derived(Derived::RetryLadder) && queue.0.field("message-ttl").is_some()
}

impl<'g, 'a> Context<'g, 'a> {
    /// Every queue with how its vhost routes, in order of vhost and declaration.
    pub(super) fn queues(&self) -> impl Iterator<Item = InVhost<'_, 'a>> {
        self.graph.vhosts().flat_map(|(vhost, routes)| {
            let dead = self.dying.dead_letters.get(vhost);
            let queues = routes.topology.queues();
            queues.filter_map(move |(id, _)| {
                Some(InVhost { routes, dead: dead?, id, queue: routes.queue(id)? })
            })
        })
    }

    /// The circles of dead letters in which that becomes of a message.
    pub(super) fn circles(&self, trouble: Trouble) -> impl Iterator<Item = &Circle<'a>> {
        self.dying.circles.iter().filter(move |circle| circle.trouble == trouble)
    }

    /// The first message marked `important` that may come to a queue.
    pub(super) fn important(&self, queue: Queue<'a>) -> Option<&'a Message> {
        self.dying.important.get(&(queue.vhost(), queue.name())).copied()
    }

    /// Whether an exchange gets dead letters, or what others cannot route.
    pub(super) fn is_end(&self, vhost: &str, exchange: &str) -> bool {
        self.dying.ends.contains(&(vhost, exchange))
    }

    /// Whether a service takes messages from a queue.
    pub(super) fn is_consumed(&self, queue: Queue<'a>) -> bool {
        !self.hearers(queue).is_empty()
    }

    /// Whether a shovel takes messages from a queue.
    pub(super) fn is_shovelled(&self, queue: Queue<'a>) -> bool {
        self.dying.shovelled.contains(&(queue.vhost(), queue.name()))
    }

    /// The other queues with which a queue's dead letters go round.
    pub(super) fn goes_round_with<'c>(&'c self, at: InVhost<'c, 'a>) -> impl Iterator<Item = Queue<'a>> + 'c {
        let rounds = self.dying.rounds.get(at.queue.vhost());
        let round = rounds.and_then(|rounds| rounds.groups.get(*rounds.of.get(&at.id)?));
        let others = round.into_iter().flatten().filter(move |id| **id != at.id);
        others.filter_map(move |id| at.routes.queue(*id))
    }

    /// The value of an attribute that counts for a queue, and where it comes from.
    pub(super) fn value(&self, queue: Queue<'a>, name: &str) -> Option<Source<'a>> {
        self.graph.effective.value(queue.0, name)
    }

    /// Whether a queue is where dead letters or unrouted messages end: every exchange that it is bound to is there
    /// for them, or it gets dead letters and is bound to none.
    pub(super) fn is_parking(&self, at: InVhost<'_, 'a>) -> bool {
        let bindings = self.inbound(at.queue);
        if bindings.is_empty() {
            return at.dead.source_of(at.id).is_some() || is_made(at.queue);
        }
        bindings.iter().all(|binding| self.dying.ends.contains(&(binding.vhost(), binding.source())))
    }

    /// Whether a queue holds messages back for a time and then passes them on.
    pub(super) fn is_delay(&self, queue: Queue<'a>) -> bool {
        is_ladder_delay(queue)
            || self.value(queue, "message-ttl").is_some()
                && self.value(queue, "dead-letter-exchange").is_some()
                && !self.is_consumed(queue)
    }

    /// Where it is written that a queue has dead letters: the whole of `dead-letter` where it is an argument.
    pub(super) fn dead_letter_span(&self, queue: Queue<'a>) -> Span {
        let Some(exchange) = self.value(queue, "dead-letter-exchange") else { return queue.0.span };
        let span = exchange.field().span;
        let key = exchange.policy().map_or(queue.0, |policy| policy.0).field("dead-letter-routing-key");
        key.filter(|key| key.span.start >= span.start).map_or(span, |key| span.to(key.span))
    }

    /// A circle's hops as labels, in order, each in its queue so that an `allow` there silences it.
    pub(super) fn label_circle(&self, mut diagnostic: Diagnostic, circle: &Circle<'a>) -> Diagnostic {
        let next = circle.queues.iter().cycle().skip(1);
        for (queue, next) in circle.queues.iter().zip(next) {
            let by = self.value(*queue, "dead-letter-exchange").and_then(Source::policy);
            let span = if by.is_some() { queue.0.span } else { self.dead_letter_span(*queue) };
            let why = self.why_dead(*queue, circle.trouble);
            let text = format!("{why} in `{}` goes to `{}`", queue.name(), next.name());
            diagnostic = match by {
                Some(policy) => diagnostic
                    .label(span, format!("{text} …"))
                    .label(self.dead_letter_span(*queue), format!("… as policy `{}` says", policy.name())),
                None => diagnostic.label(span, text),
            };
        }
        diagnostic
    }

    /// What the broker does with messages that come back by themselves, as the end of a sentence, and why as a note.
    pub(super) fn fate_of_circle(&self, circle: &Circle<'a>) -> (&'static str, String) {
        let waits = circle.queues.last().is_some_and(|last| {
            let routes = self.graph.routes(last.vhost());
            let known = routes.and_then(|routes| {
                Some(routes.topology.queue(routes.topology.queue_id(last.name())?).effective_strategy())
            });
            known == Some(Strategy::AtLeastOnce)
        });
        let (fate, does) = if waits {
            ("get stuck", "the last queue keeps for ever what would come back")
        } else {
            ("are dropped", "the broker drops what comes back")
        };
        let way = circle.way();
        (fate, format!("{way}: {does} to a queue it died in, unless a consumer has rejected it on the way"))
    }

    /// The edit that opens a circle: its last queue leads elsewhere.
    pub(super) fn open_circle(&self, circle: &Circle<'a>, more: &str) -> String {
        let (Some(first), Some(last)) = (circle.queues.first(), circle.queues.last()) else {
            return String::new();
        };
        let policy = self.value(*last, "dead-letter-exchange").and_then(Source::policy);
        match policy {
            Some(policy) => format!(
                "narrow the pattern of policy `{}`, so that it does not match `{}`",
                policy.name(),
                last.name()
            ),
            None => format!(
                "end the dead letters of `{}` elsewhere: `dead-letter \"\" routing-key={}{more}`",
                last.name(),
                quote(&format!("{}.dead", first.name()))
            ),
        }
    }

    /// How messages die in a queue of a circle, as the beginning of a sentence.
    fn why_dead(&self, queue: Queue<'a>, trouble: Trouble) -> String {
        let number = |name: &str| self.graph.effective.integer(queue.0, name);
        if let Some(ttl) = number("message-ttl") {
            return format!("what is older than {}", show_duration(ttl));
        }
        if let Some(limit) =
            number("delivery-limit").filter(|limit| *limit >= 0 && trouble == Trouble::DeliveryLimit)
        {
            return format!("what is returned more than {limit} times");
        }
        if trouble == Trouble::Automatic {
            return "what is over the limit".to_owned();
        }
        "what is rejected".to_owned()
    }
}
