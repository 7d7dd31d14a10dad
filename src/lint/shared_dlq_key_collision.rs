//! Dead letters of one queue land in the dead queue that is named for another.

use rustc_hash::FxHashMap;
use topoc_routing::{ExchangeKind, QueueId};

use super::{Context, Lint, dying::InVhost, warning};
use crate::{
    diag::{Diagnostic, Report},
    graph::Routes,
    syntax::quote,
};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "D010",
        "shared-dlq-key-collision",
        "Dead letters keep their key, and so land in another queue's dead queue.",
    ),
    page: include_str!("shared_dlq_key_collision.md"),
    check,
};

/// Last words of the names of dead queues.
const DEAD: &[&str] = &["dead", "dlq", "dl", "dlx", "failed", "parked", "error", "errors"];
/// Last words that say no more than that something is a queue.
const PLAIN: &[&str] = &["queue", "q", "work", "jobs"];

/// Whose dead letters the queues are for, by their names.
struct Owners {
    /// The queue that a dead queue is named for.
    owner: FxHashMap<QueueId, QueueId>,
    /// The dead queue that is named for a queue.
    dead: FxHashMap<QueueId, QueueId>,
}

fn words(name: &str) -> Vec<&str> {
    name.split(['.', '_', '-']).collect()
}

impl Owners {
    fn new(routes: &Routes<'_>) -> Self {
        let mut plain: FxHashMap<Vec<&str>, QueueId> = FxHashMap::default();
        for (id, queue) in routes.topology.queues() {
            let mut stem = words(&queue.name);
            if stem.len() > 1 && stem.last().is_some_and(|word| PLAIN.contains(word)) {
                stem.pop();
            }
            plain.entry(stem).or_insert(id);
        }
        let mut owners = Self { owner: FxHashMap::default(), dead: FxHashMap::default() };
        for (id, queue) in routes.topology.queues() {
            let name = words(&queue.name);
            if let Some((last, stem)) = name.split_last()
                && DEAD.contains(last)
                && let Some(owner) = plain.get(stem)
            {
                owners.owner.insert(id, *owner);
                owners.dead.insert(*owner, id);
            }
        }
        owners
    }
}

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let mut owners: FxHashMap<&str, Owners> = FxHashMap::default();
    for at in context.queues().filter(|at| !at.queue.0.external) {
        let Some(dead) = at.dead.of(at.id) else { continue };
        let kind = at.routes.topology.exchange(dead.exchange).kind.matching();
        if at.known().dead_letter_routing_key.is_some()
            || !matches!(kind, ExchangeKind::Direct | ExchangeKind::Topic)
            || dead.exchange == topoc_routing::Topology::DEFAULT_EXCHANGE
        {
            continue;
        }
        let owners = owners.entry(at.queue.vhost()).or_insert_with(|| Owners::new(at.routes));
        let Some(own) = owners.dead.get(&at.id).and_then(|own| at.other(*own)) else { continue };
        let shares = |other: &QueueId| {
            *other != at.id && at.dead.of(*other).is_some_and(|theirs| theirs.exchange == dead.exchange)
        };
        let collision = at.dead.landings_of(at.id).find_map(|landing| {
            let taken = |queue: &QueueId| Some((*queue, *owners.owner.get(queue).filter(|o| shares(o))?));
            let (into, owner) = landing.queues.iter().find_map(taken)?;
            Some((landing.key.as_deref()?, at.other(into)?, at.other(owner)?))
        });
        if let Some((key, into, owner)) = collision {
            report.push(say(context, at, own, key, into, owner));
        }
    }
}

fn say<'a>(
    context: &Context<'_, 'a>,
    at: InVhost<'_, 'a>,
    own: InVhost<'_, 'a>,
    key: &str,
    into: InVhost<'_, 'a>,
    owner: InVhost<'_, 'a>,
) -> Diagnostic {
    let (name, into_name, own_name) = (at.queue.name(), into.queue.name(), own.queue.name());
    let exchange = at.known().dead_letter_exchange.as_deref().unwrap_or("");
    let binding = context.inbound(into.queue).iter().find(|binding| binding.source() == exchange);
    let mut diagnostic =
        Diagnostic::new(LINT.code, format!("dead letters of `{name}` land in `{into_name}`"))
            .label(context.dead_letter_span(at.queue), format!("they keep their key, such as `{key}` …"));
    if let Some(binding) = binding {
        diagnostic = diagnostic.label(binding.0.span, format!("… which `{into_name}` takes"));
    }
    diagnostic
        .note(format!(
            "whoever replays `{into_name}` gives `{}` what `{name}` has given up",
            owner.queue.name()
        ))
        .help(format!(
            "in `{name}`, write `dead-letter {exchange} routing-key={own}`, and bind {own} with that key",
            exchange = quote(exchange),
            own = quote(own_name)
        ))
}
