//! Dead letters reach an exchange that gives them to no queue.

use super::{Context, Lint, dying::InVhost, error};
use crate::{
    diag::{Diagnostic, Report, nearest},
    graph::{DeadLetters, is_open},
    syntax::quote,
};

pub(super) const LINT: Lint = Lint {
    code: error("D002", "dlx-unroutable", "Dead letters reach no queue, so they are lost."),
    page: include_str!("dlx_unroutable.md"),
    check,
};

/// Of how many bindings the nearest key is sought.
const MOST_COMPARED: usize = 200;

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for at in context.queues().filter(|at| !at.queue.0.external) {
        let Some(dead) = at.dead.of(at.id) else { continue };
        let lost: Vec<&str> = at
            .dead
            .landings_of(at.id)
            .filter(|landing| landing.is_lost)
            .map(|landing| landing.key.as_deref().unwrap_or(""))
            .collect();
        if !lost.is_empty() {
            report.push(with_keys(context, at, dead, &lost));
        } else if dead.landings.is_empty() && leads_nowhere(at, dead) {
            report.push(unbound(context, at, dead));
        }
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
) -> Diagnostic {
    let topology = &at.routes.topology;
    let (name, exchange) = (at.queue.name(), &*topology.exchange(dead.exchange).name);
    let keys = listed(lost);
    let stated = at.known().dead_letter_routing_key.is_some();
    let message = if stated || lost.len() == dead.landings.len() {
        format!("messages that die in `{name}` are lost")
    } else {
        format!("messages with {keys} that die in `{name}` are lost")
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
    let help = match nearest(lost[0], bound) {
        Some(near) => format!("write `dead-letter {quoted} routing-key={}`", quote(near)),
        None => format!(
            "bind a dead queue:\nqueue {} {{ bind {quoted} routing-key={} }}",
            quote(&format!("{name}.dead")),
            quote(lost[0])
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

fn unbound<'a>(context: &Context<'_, 'a>, at: InVhost<'_, 'a>, dead: &DeadLetters) -> Diagnostic {
    let exchange = &*at.routes.topology.exchange(dead.exchange).name;
    let mut diagnostic = begin(context, at, format!("messages that die in `{}` are lost", at.queue.name()))
        .label(context.dead_letter_span(at.queue), "dead letters are published here …");
    if let Some(definition) = at.routes.exchange(dead.exchange) {
        diagnostic = diagnostic.label(definition.span, format!("… and nothing is bound to `{exchange}`"));
    }
    diagnostic.help(format!(
        "bind a dead queue:\nqueue {} {{ bind {} routing-key=\"#\" }}",
        quote(&format!("{}.dead", at.queue.name())),
        quote(exchange)
    ))
}

/// A few keys as text.
fn listed(keys: &[&str]) -> String {
    let shown: Vec<String> = keys.iter().take(3).map(|key| format!("`{key}`")).collect();
    let more = if keys.len() > 3 { format!(" and {} more", keys.len() - 3) } else { String::new() };
    shown.join(", ") + &more
}
