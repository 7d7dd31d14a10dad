//! Shovels that carry messages in a circle.

use rustc_hash::FxHashMap;
use topoc_routing::Message;

use super::{Context, Lint, error};
use crate::{
    diag::{Diagnostic, Report, Span},
    graph::circles,
    kind::{Definition, KindId, Secret, Value},
    topology::DEFAULT_VHOST,
};

pub(super) const LINT: Lint = Lint {
    code: error("F013", "shovel-loop", "Shovels carry messages in a circle."),
    page: include_str!("shovel_loop.md"),
    check,
};

/// A queue on a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Place<'a> {
    queue: &'a str,
    broker: Broker<'a>,
}

/// A broker and vhost, as far as the topology can tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Broker<'a> {
    /// The one that the topology is for, in a vhost.
    Here(&'a str),
    /// The one at an address.
    At(&'a str),
    /// The one whose address is kept elsewhere, under this name.
    Named(&'a str),
}

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let mut ways: FxHashMap<(Place<'_>, Place<'_>), (&Definition, Span)> = FxHashMap::default();
    for shovel in context.topology.of(KindId::Shovel) {
        let amqp10 = ["src-protocol", "dest-protocol"].iter().any(|end| shovel.text(end) == Some("amqp10"));
        let (Some(queue), Some(broker), false) =
            (shovel.text("src-queue"), broker(shovel, "src-uri"), amqp10)
        else {
            continue;
        };
        let from = Place { queue, broker };
        for (to, span) in destinations(context, shovel) {
            ways.entry((from, to)).or_insert((shovel, span));
        }
    }
    for circle in circles(ways.keys().copied()) {
        let names: Vec<String> =
            circle.iter().chain(circle.first()).map(|place| format!("`{}`", place.queue)).collect();
        let mut diagnostic =
            Diagnostic::new(LINT.code, format!("shovels carry messages in a circle: {}", names.join(" → ")));
        let mut last = "";
        for (from, to) in circle.iter().zip(circle.iter().cycle().skip(1)) {
            if let Some((shovel, span)) = ways.get(&(*from, *to)) {
                last = shovel.name();
                diagnostic =
                    diagnostic.label(*span, format!("`{last}` carries `{}` to `{}`", from.queue, to.queue));
            }
        }
        report.push(
            diagnostic
                .note("a shovel does not know where a message has been: they go round as fast as the brokers can")
                .help(format!("remove `shovel {last:?}`, or let it take from another queue")),
        );
    }
}

/// The queues that a shovel gives to, and where that is written.
fn destinations<'a>(context: &Context<'_, 'a>, shovel: &'a Definition) -> Vec<(Place<'a>, Span)> {
    let Some(broker) = broker(shovel, "dest-uri") else { return Vec::new() };
    if let Some(queue) = shovel.text("dest-queue") {
        return vec![(Place { queue, broker }, shovel.span_of("dest-queue"))];
    }
    let (Broker::Here(vhost), Some(name), Some(key)) =
        (broker, shovel.text("dest-exchange"), shovel.text("dest-exchange-key"))
    else {
        return Vec::new();
    };
    let Some(routes) = context.graph.routes(vhost) else { return Vec::new() };
    let Some(exchange) = routes.topology.exchange_id(name) else { return Vec::new() };
    let delivered = routes.topology.route(exchange, &Message::new(key));
    let queues = delivered.queues.iter().filter_map(|reached| routes.queue(reached.queue));
    queues.map(|queue| (Place { queue: queue.name(), broker }, shovel.span_of("dest-exchange"))).collect()
}

fn broker<'a>(shovel: &'a Definition, end: &str) -> Option<Broker<'a>> {
    let field = shovel.field(end)?;
    Some(match &field.value {
        // an end without an address has that of its shovel's vhost, and stands where the shovel stands
        Value::Secret(Secret::Literal(_)) if field.span == shovel.span => {
            Broker::Here(shovel.vhost.as_deref().unwrap_or(DEFAULT_VHOST))
        }
        Value::Secret(Secret::Literal(uri)) => Broker::At(uri),
        Value::Secret(Secret::Env(name)) => Broker::Named(name),
        Value::Secret(Secret::File(path)) => Broker::Named(path),
        _ => return None,
    })
}
