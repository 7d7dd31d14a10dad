//! A service handles one publish of a message twice, out of two queues.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use topoc_routing::{Destination, QueueId};

use super::{
    Context, Lint,
    context::Hears,
    edit::{publish_span, some_of},
    warning,
};
use crate::{
    diag::{Diagnostic, Report, Span},
    graph::Flow,
    kind::{Derived, Provenance},
    topology::{Consumes, Message, Queue, QueueType, Service},
};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "R009",
        "duplicate-delivery",
        "A service handles one publish of a message twice, out of two queues.",
    ),
    page: include_str!("duplicate_delivery.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let mut found: BTreeMap<(Span, Span), Twice<'_>> = BTreeMap::new();
    for (message, flow) in context.flows() {
        let mut heard: FxHashMap<&str, (&Consumes, QueueId)> = FxHashMap::default();
        for id in flow.queues() {
            let Some(queue) = flow.routes.queue(id).filter(|queue| counts(context, *queue)) else { continue };
            for hearer in context.hearers(queue).iter().filter(|hearer| hearer.handles(&message.name.text)) {
                let Hears::Consumes(consumes) = hearer.how else { continue };
                let Some((first, other)) = heard.get(&*hearer.service.name.text).copied() else {
                    heard.insert(&hearer.service.name.text, (consumes, id));
                    continue;
                };
                if meant(context, flow, other, id) {
                    continue;
                }
                if let Some(key) = flow.key_to_both(message, other, id) {
                    let mut queues = [first, consumes];
                    queues.sort_by_key(|consumes| consumes.span);
                    let twice = Twice { service: hearer.service, queues, key, messages: Vec::new() };
                    found.entry((queues[0].span, queues[1].span)).or_insert(twice).add(message);
                }
            }
        }
    }
    found.values().for_each(|twice| report.push(finding(twice)));
}

/// One service, two of its queues, and what comes into both.
struct Twice<'a> {
    service: &'a Service,
    queues: [&'a Consumes; 2],
    key: String,
    messages: Vec<&'a Message>,
}

impl<'a> Twice<'a> {
    fn add(&mut self, message: &'a Message) {
        // a loop's queues come here once each
        if !self.messages.iter().any(|known| known.name == message.name) {
            self.messages.push(message);
        }
    }
}

/// Whether two queues are to get the same: somebody wrote a `bind` into each of them, one for the mail and one for
/// the text message, or all their bindings are alike, one queue for each display.
fn meant(context: &Context<'_, '_>, flow: &Flow<'_, '_>, first: QueueId, second: QueueId) -> bool {
    let taken = |queue: QueueId| {
        let ids = flow.reach.bindings.keys().copied();
        ids.filter(move |id| flow.routes.topology.binding(*id).destination == Destination::Queue(queue))
            .filter_map(|id| flow.routes.binding(id))
    };
    let wrote_both = taken(first).any(|one| {
        taken(second).any(|other| {
            (one.source(), one.routing_key()) == (other.source(), other.routing_key())
                && one.0.span != other.0.span
        })
    });
    let all = |queue: QueueId| -> Option<BTreeSet<(&str, &str)>> {
        let bindings = context.inbound(flow.routes.queue(queue)?).iter();
        Some(bindings.map(|binding| (binding.source(), binding.routing_key())).collect())
    };
    wrote_both || all(first).is_some_and(|bindings| !bindings.is_empty() && Some(bindings) == all(second))
}

/// A stream is read and not emptied, and a delay queue holds what has been heard once.
fn counts(context: &Context<'_, '_>, queue: Queue<'_>) -> bool {
    queue.queue_type(context.topology) != QueueType::Stream
        && queue.0.provenance != Provenance::Derived(Derived::RetryLadder)
}

fn finding(twice: &Twice<'_>) -> Diagnostic {
    let Twice { service, queues: [first, second], key, messages } = twice;
    let shown = if key.is_empty() { "without a key".to_owned() } else { format!("with key `{key}`") };
    let names = some_of(messages.iter().map(|message| &message.name.text));
    let diagnostic =
        Diagnostic::new(LINT.code, format!("`{}` handles each {names} twice", service.name.text))
            .label(second.span, format!("`{}` gets a copy …", second.queue.name.text))
            .label(first.span, format!("… and so does `{}`", first.queue.name.text));
    let published = messages.first().map_or(Span::NONE, |message| publish_span(message));
    diagnostic
        .label(published, format!("of one publish {shown}"))
        .note("each queue gets its own copy: the broker drops duplicates within one queue only")
        .help("consume one queue that has the bindings of both, or name in each `on` only what that queue is for")
}
