//! A queue that no message can get into.

use std::collections::BTreeSet;

use super::{
    Context, Lint,
    dying::is_ladder_delay,
    edit::{COMPARED, bind, pattern},
    warning,
};
use crate::{
    diag::{Diagnostic, Report},
    graph::is_predeclared,
    kind::Provenance,
    topology::{Message, Queue},
};

pub(super) const LINT: Lint = Lint {
    code: warning("R002", "unreachable-queue", "No declared message can get into a queue."),
    page: include_str!("unreachable_queue.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    if !context.says_what_is_published() {
        return;
    }
    let expecting = expecting(context);
    for queue in context.topology.queues() {
        if expecting.contains(&(queue.vhost(), queue.name().to_owned())) {
            continue;
        }
        if queue.0.external || queue.0.provenance != Provenance::Written || arrives(context, queue) {
            continue;
        }
        let (hearers, inbound) = (context.hearers(queue), context.inbound(queue));
        // a binding from nowhere is told where it stands
        let broken = inbound.iter().any(|binding| {
            !is_predeclared(binding.source())
                && context.topology.exchange(binding.vhost(), binding.source()).is_none()
        });
        if broken || (hearers.is_empty() && !inbound.is_empty()) {
            continue;
        }
        let why = if inbound.is_empty() {
            "nothing is bound to it, and nobody publishes to it by name"
        } else {
            "no declared message, dead letter or shovel takes one of its bindings"
        };
        let mut diagnostic =
            Diagnostic::new(LINT.code, format!("no message can get into `{}`", queue.name()))
                .label(queue.0.span, why);
        if let Some(hearer) = hearers.first() {
            diagnostic = diagnostic
                .label(hearer.span(), format!("`{}` waits here for ever", hearer.service.name.text));
        }
        report.push(
            diagnostic
                .note("the broker sees nothing wrong: the queue is there and stays empty")
                .help(help(context, queue)),
        );
    }
}

/// The queues, by vhost and name, to which dead letters would come, if anything came to the queue that they are of, or if
/// its dead-letter exchange had a binding for them: that is told there.
fn expecting<'a>(context: &Context<'_, 'a>) -> BTreeSet<(&'a str, String)> {
    let mut found = BTreeSet::new();
    for at in context.queues() {
        let lost = at.dead.landings_of(at.id).filter(|landing| landing.is_lost);
        let mut names: Vec<String> =
            lost.filter_map(|landing| landing.key.as_deref().map(str::to_owned)).collect();
        // a delay queue gives back what came from the queue itself
        if !is_ladder_delay(at.queue) && !arrives(context, at.queue) {
            names.extend(at.queue.0.text("retry-then").map(str::to_owned));
            let targets = at.dead.targets(at.id).filter_map(|to| at.routes.queue(to));
            names.extend(targets.map(|queue| queue.name().to_owned()));
        }
        found.extend(names.into_iter().map(|name| (at.queue.vhost(), name)));
    }
    found
}

fn arrives(context: &Context<'_, '_>, queue: Queue<'_>) -> bool {
    let id = context.graph.routes(queue.vhost()).and_then(|routes| routes.topology.queue_id(queue.name()));
    let arrivals = context.arrivals(queue.vhost());
    id.zip(arrivals).is_none_or(|(id, arrivals)| arrivals.queues.contains(&id))
}

/// A binding that brings what its consumer waits for, else what sounds most like it.
fn help<'a>(context: &Context<'_, 'a>, queue: Queue<'a>) -> String {
    let contract = &context.topology.contract;
    let wanted = context.hearers(queue).iter().flat_map(|hearer| hearer.on());
    let here = |message: &&Message| {
        message
            .exchange
            .as_ref()
            .is_some_and(|e| !e.name.text.is_empty() && e.found.as_deref() == Some(queue.vhost()))
    };
    let named = wanted.filter_map(|word| contract.message(&word.text)).find(here);
    let near = || {
        let published = contract.messages.iter().filter(here);
        published
            .take(COMPARED)
            .min_by_key(|message| strsim::levenshtein(&message.routing_key.text, queue.name()))
    };
    let edit = named.or_else(near).and_then(|message| {
        let exchange = message.exchange.as_ref()?;
        Some(format!("bind it: `{}`", bind(&exchange.name.text, &pattern(message))))
    });
    let edit = edit.unwrap_or_else(|| "bind it to an exchange".to_owned());
    format!("{edit}; if others publish to it, declare their message with `external`")
}
