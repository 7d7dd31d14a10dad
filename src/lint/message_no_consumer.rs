//! A message reaches queues, and nobody who handles it takes messages from any of them.

use std::collections::{BTreeSet, VecDeque};

use topoc_routing::{Destination, ExchangeId, Message as Published, QueueId, Topology as Net};

use super::{Context, Lint, edit::some_of, warning};
use crate::{
    diag::{Diagnostic, Report},
    graph::{Flow, is_federated, is_open},
    kind::{KindId, Value},
    topology::{DEFAULT_VHOST, Message, Queue, QueueType, delay_queue},
};

pub(super) const LINT: Lint = Lint {
    code: warning("F001", "message-no-consumer", "A message reaches queues, and nobody there handles it."),
    page: include_str!("message_no_consumer.md"),
    check,
};

fn check<'a>(context: &Context<'_, 'a>, report: &mut Report) {
    if !context.says_who_consumes() {
        return;
    }
    let services = &context.topology.contract.services;
    let published: BTreeSet<&str> =
        services.iter().flat_map(|service| &service.publishes).map(|word| &*word.text).collect();
    let shovelled: BTreeSet<(&str, &str)> = context
        .topology
        .of(KindId::Shovel)
        .filter_map(|shovel| {
            Some((shovel.vhost.as_deref().unwrap_or(DEFAULT_VHOST), shovel.text("src-queue")?))
        })
        .collect();
    for (message, flow) in context.flows() {
        let name = &*message.name.text;
        let silent = message.definition.external || flow.through_external || !published.contains(name);
        if silent || flow.reach.queues.is_empty() || !flow.reach.undecidable.is_empty() {
            continue;
        }
        let heard = |queue: Queue<'a>| {
            takes(context, queue, name) || shovelled.contains(&(queue.vhost(), queue.name()))
        };
        if leads_to(flow, heard) {
            continue;
        }
        report.push(finding(context, message, flow));
    }
}

fn takes<'a>(context: &Context<'_, 'a>, queue: Queue<'a>, message: &str) -> bool {
    queue.0.external
        || queue.queue_type(context.topology) == QueueType::Stream
        || is_federated(context.graph, queue.0)
        || context.hearers(queue).iter().any(|hearer| hearer.handles(message))
}

/// Whether a message comes to such a queue, at once or as a dead letter; also where others may have bound more.
fn leads_to<'a>(flow: &Flow<'_, 'a>, wanted: impl Fn(Queue<'a>) -> bool) -> bool {
    let net = &flow.routes.topology;
    let mut found: BTreeSet<QueueId> = flow.queues().collect();
    let mut waiting: VecDeque<QueueId> = found.iter().copied().collect();
    while let Some(id) = waiting.pop_front() {
        let Some(queue) = flow.routes.queue(id) else { continue };
        if wanted(queue) {
            return true;
        }
        let is = net.queue(id);
        let mut next = Vec::new();
        if let Some(Value::List(steps)) = queue.0.value("retry") {
            let delays = (1..=steps.len()).map(|step| delay_queue(&is.name, step));
            next.extend(delays.filter_map(|name| net.queue_id(&name)));
        }
        if let Some(exchange) = is.dead_letter_exchange.as_deref().and_then(|name| net.exchange_id(name)) {
            match is.dead_letter_routing_key.as_deref() {
                Some(key) => {
                    let delivered = net.route(exchange, &Published::new(key));
                    if delivered.visits.iter().any(|visit| is_open(flow.routes, visit.exchange)) {
                        return true;
                    }
                    next.extend(delivered.queues.iter().map(|reached| reached.queue));
                }
                None => match all_behind(flow, net, exchange) {
                    Some(queues) => next.extend(queues),
                    None => return true,
                },
            }
        }
        waiting.extend(next.into_iter().filter(|queue| found.insert(*queue)));
    }
    false
}

/// Every queue that some key may reach from an exchange; none where others may have bound more.
fn all_behind(flow: &Flow<'_, '_>, net: &Net, exchange: ExchangeId) -> Option<Vec<QueueId>> {
    let mut queues = Vec::new();
    let mut seen = BTreeSet::from([exchange]);
    let mut waiting = vec![exchange];
    while let Some(from) = waiting.pop() {
        if is_open(flow.routes, from) || from == Net::DEFAULT_EXCHANGE {
            return None;
        }
        for id in net.bindings_of(from) {
            match net.binding(*id).destination {
                Destination::Queue(queue) => queues.push(queue),
                Destination::Exchange(next) => waiting.extend(seen.insert(next).then_some(next)),
            }
        }
        let alternate =
            net.exchange(from).alternate_exchange.as_deref().and_then(|name| net.exchange_id(name));
        waiting.extend(alternate.filter(|next| seen.insert(*next)));
    }
    Some(queues)
}

fn finding<'a>(context: &Context<'_, 'a>, message: &'a Message, flow: &Flow<'_, 'a>) -> Diagnostic {
    let name = &message.name.text;
    let queues: Vec<Queue<'_>> = flow.queues().filter_map(|id| flow.routes.queue(id)).collect();
    let mut diagnostic = Diagnostic::new(LINT.code, format!("nobody handles `{name}`")).label(
        message.name.span,
        format!("published into {} …", some_of(queues.iter().map(|queue| queue.name()))),
    );
    let first = queues.first();
    if let Some(queue) = first {
        let text = if context.hearers(*queue).is_empty() {
            "… which no service consumes"
        } else {
            "… whose consumers name other messages"
        };
        diagnostic = diagnostic.label(queue.0.span, text);
    }
    let queue = first.map_or("queue", |queue| queue.name());
    diagnostic
        .note("the messages are stored, and then expire, are dropped by the bound, or pile up")
        .help(format!("write `consumes {queue:?} {{ on {:?} }}` in the service that handles it, or mark the queue `external` if another system reads it", &**name))
}
