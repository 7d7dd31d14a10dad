//! Dead letters reach an exchange that gives them to no queue.

use topoc_routing::Destination;

use super::{
    Context, Lint,
    dying::{InVhost, cause},
    edit::{and_others, bind, some_of, together},
    error,
};
use crate::{
    diag::{Diagnostic, Report, nearest},
    graph::{DeadLetters, is_open},
    syntax::quote,
    topology::Queue,
};

pub(super) const LINT: Lint = Lint {
    code: error("D002", "dlx-unroutable", "Dead letters reach no queue, so they are lost."),
    page: include_str!("dlx_unroutable.md"),
    check,
};

/// Of how many bindings the nearest key is sought.
const MOST_COMPARED: usize = 200;

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let found = context.queues().filter(|at| !at.queue.0.external).filter_map(|at| {
        let dead = at.dead.of(at.id)?;
        let lost: Vec<&str> = at
            .dead
            .landings_of(at.id)
            .filter(|landing| landing.is_lost)
            .map(|landing| landing.key.as_deref().unwrap_or(""))
            .collect();
        if lost.is_empty() && !(dead.landings.is_empty() && leads_nowhere(at, dead)) {
            return None;
        }
        let source = context.value(at.queue, "dead-letter-exchange");
        let cause = cause(source, at.queue, LINT.code.name).map(|policy| (policy, lost.clone()));
        Some((cause, (at, dead, lost)))
    });
    for group in together(found) {
        let (at, dead, lost) = &group[0];
        let queues = and_others(at.queue.name(), group.len());
        report.push(if lost.is_empty() {
            unbound(context, *at, dead, &queues)
        } else {
            with_keys(context, *at, dead, lost, &queues)
        });
    }
}

/// Whether nothing at all is bound to an exchange, so that no key needs to be known.
fn leads_nowhere(at: InVhost<'_, '_>, dead: &DeadLetters) -> bool {
    let topology = &at.routes.topology;
    let exchange = topology.exchange(dead.exchange);
    dead.exchange != topoc_routing::Topology::DEFAULT_EXCHANGE
        && exchange.kind.is_known()
        && exchange.alternate_exchange.is_none()
        && topology.bindings_of(dead.exchange).is_empty()
        && !is_open(at.routes, dead.exchange)
}

fn begin(context: &Context<'_, '_>, at: InVhost<'_, '_>, message: String) -> Diagnostic {
    let fate = match at.known().effective_strategy() {
        topoc_routing::Strategy::AtMostOnce => "the broker drops them without an error",
        topoc_routing::Strategy::AtLeastOnce => {
            "the queue keeps them and tries again for ever, until it is full"
        }
    };
    let from = context.value(at.queue, "dead-letter-exchange").and_then(|source| source.policy());
    let mut diagnostic = Diagnostic::new(LINT.code, message);
    if from.is_some() {
        diagnostic = diagnostic.label(at.queue.0.span, "in this queue");
    }
    diagnostic.note(fate)
}

fn with_keys<'a>(
    context: &Context<'_, 'a>,
    at: InVhost<'_, 'a>,
    dead: &DeadLetters,
    lost: &[&str],
    queues: &str,
) -> Diagnostic {
    let topology = &at.routes.topology;
    let (name, exchange) = (at.queue.name(), &*topology.exchange(dead.exchange).name);
    let keys = some_of(lost);
    let stated = at.known().dead_letter_routing_key.is_some();
    let message = if stated || lost.len() == dead.landings.len() {
        format!("messages that die in {queues} reach no queue")
    } else {
        format!("messages with key {keys} that die in {queues} reach no queue")
    };
    let how = if stated { "with this key" } else { "with the key that they came with" };
    let diagnostic = begin(context, at, message)
        .label(context.dead_letter_span(at.queue), format!("dead letters are published {how}, {keys}, …"));
    if exchange.is_empty() {
        let names = topology.queues().take(MOST_COMPARED).map(|(_, queue)| &*queue.name);
        let help = match nearest(lost[0], names) {
            Some(near) => format!("write `dead-letter \"\" routing-key={}`", quote(near)),
            None if stated => format!("declare the queue: `queue {}`", quote(lost[0])),
            None => format!(
                "say where they go: `dead-letter \"\" routing-key={}`",
                quote(&format!("{name}.dead"))
            ),
        };
        let span = diagnostic.primary();
        return diagnostic
            .label(span, format!("… and the default exchange finds no queue named {keys}"))
            .help(help);
    }
    let bound = topology.bindings_of(dead.exchange).iter().take(MOST_COMPARED);
    let bound = bound.map(|id| &*topology.binding(*id).routing_key);
    let quoted = quote(exchange);
    let near = if stated { nearest(lost[0], bound) } else { None };
    let parked_name = format!("{name}.dead");
    let parked = quote(&parked_name);
    let waits = waiting(at, exchange, if stated { lost[0] } else { &parked_name });
    let help = match near {
        _ if waits.is_some() && stated => bind_there(lost[0], exchange, lost[0]),
        None if waits.is_some() => format!(
            "give them a key of their own, and bind the dead queue with it: in `{name}`, write `dead-letter {quoted} routing-key={parked}`, and\n{}",
            bind_there(&parked_name, exchange, &parked_name)
        ),
        Some(near) => format!("write `dead-letter {quoted} routing-key={}`", quote(near)),
        None if stated => {
            format!("bind a dead queue:\nqueue {parked} {{ bind {quoted} routing-key={} }}", quote(lost[0]))
        }
        None => format!(
            "give them a key of their own, and bind a dead queue with it:\ndead-letter {quoted} routing-key={parked}\n\
             queue {parked} {{ bind {quoted} routing-key={parked} }}"
        ),
    };
    let nothing = format!(
        "… and nothing is bound to `{exchange}` with {}",
        if lost.len() > 1 { "these" } else { "it" }
    );
    match at.routes.exchange(dead.exchange) {
        Some(definition) => diagnostic.label(definition.span, nothing),
        None => diagnostic,
    }
    .help(help)
}

fn unbound<'a>(
    context: &Context<'_, 'a>,
    at: InVhost<'_, 'a>,
    dead: &DeadLetters,
    queues: &str,
) -> Diagnostic {
    let exchange = &*at.routes.topology.exchange(dead.exchange).name;
    let mut diagnostic = begin(context, at, format!("messages that die in {queues} reach no queue"))
        .label(context.dead_letter_span(at.queue), "dead letters are published here …");
    if let Some(definition) = at.routes.exchange(dead.exchange) {
        diagnostic = diagnostic.label(definition.span, format!("… and nothing is bound to `{exchange}`"));
    }
    let dead_queue = format!("{}.dead", at.queue.name());
    diagnostic.help(match waiting(at, exchange, &dead_queue) {
        Some(_) => bind_there(&dead_queue, exchange, "#"),
        None => format!(
            "bind a dead queue:\nqueue {} {{ bind {} routing-key=\"#\" }}",
            quote(&dead_queue),
            quote(exchange)
        ),
    })
}

/// A queue of this name that is there and only has to be bound.
fn waiting<'a>(at: InVhost<'_, 'a>, exchange: &str, name: &str) -> Option<Queue<'a>> {
    let id = at.routes.topology.queue_id(name)?;
    let queue = at.routes.queue(id).filter(|queue| !queue.0.external)?;
    let from = at.routes.topology.exchange_id(exchange)?;
    let bound = at.routes.topology.bindings_of(from).iter();
    let mut to = bound.map(|id| at.routes.topology.binding(*id).destination);
    to.all(|to| to != Destination::Queue(id)).then_some(queue)
}

fn bind_there(queue: &str, exchange: &str, key: &str) -> String {
    format!("in `{queue}`, write `{}`", bind(exchange, key))
}
