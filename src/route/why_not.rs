//! Why a queue does not get a message.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};
use topoc_routing::{
    Alternate, BindingId, Certainty, DeadLettered, Delivered, Destination, ExchangeId, QueueId, Topology,
};

use super::{Publish, Route, Unknown, ask, names, place, said};
use crate::{
    diag::{SourceMap, Span, did_you_mean, json::place as json_place, visible},
    graph::Graph,
    kind::KindId,
};

/// The answer: whether a queue gets a message, and why not.
#[derive(Debug)]
pub struct WhyNot<'g, 'a> {
    /// Where the message goes.
    pub route: Route<'g, 'a>,
    /// The queue.
    pub queue: QueueId,
    /// Whether it gets it.
    pub gets: Certainty,
    /// Why not: what stands in each way to the queue, those that nearly lead there first; where it does get the
    /// message, the ways.
    pub reasons: Vec<Reason>,
}

/// What stands in one way to a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// In a sentence.
    pub text: String,
    /// Where it is written.
    pub span: Option<Span>,
}

/// Why a queue does not get a message.
///
/// # Errors
/// When the queue, exchange or vhost is not there or is ambiguous.
pub fn why_not<'g, 'a>(
    graph: &'g Graph<'a>,
    mut publish: Publish,
    queue: &str,
) -> Result<WhyNot<'g, 'a>, Unknown> {
    let (vhost, routes) = place(graph, publish.vhost.as_deref(), KindId::Queue, queue)?;
    let id = routes.topology.queue_id(queue).ok_or_else(|| Unknown {
        message: format!("no queue is called `{queue}`"),
        help: did_you_mean(queue, names(routes, KindId::Queue), "queue"),
    })?;
    // messages do not leave a vhost
    publish.vhost = Some(vhost.to_owned());
    let route = ask(graph, publish)?;
    let gets = route.delivered.as_ref().map_or(Certainty::Never, |delivered| delivered.reaches(id));
    let reasons = match &route.delivered {
        Err(refused) => vec![Reason { text: format!("{}: {refused}", refused.code()), span: None }],
        Ok(delivered) if gets != Certainty::Never => ways(&route, delivered, id),
        Ok(delivered) => {
            let mut reasons = obstacles(&route, delivered, id);
            reasons.extend(by_death(&route, id));
            reasons
        }
    };
    Ok(WhyNot { route, queue: id, gets, reasons })
}

/// The ways on which the queue gets the message.
fn ways(route: &Route<'_, '_>, delivered: &Delivered, queue: QueueId) -> Vec<Reason> {
    let topology = &route.routes.topology;
    let hops = delivered.path(queue);
    let reasons = hops.iter().map(|hop| {
        let from = said::exchange(&topology.exchange(hop.from).name);
        let to = said::destination(topology, hop.to);
        let (by, span) = match hop.by {
            topoc_routing::By::Binding(id) => (
                said::by(topology, topology.binding(id)).unwrap_or_else(|| "by its binding".to_owned()),
                route.routes.binding(id).map(|binding| binding.0.span),
            ),
            topoc_routing::By::QueueName => ("by its name".to_owned(), None),
            topoc_routing::By::Alternate => ("as alternate exchange".to_owned(), None),
        };
        Reason { text: format!("{from} → {to}   {by}"), span }
    });
    reasons.collect()
}

/// What stands in each way to the queue, from the exchanges that the message does come to.
fn obstacles(route: &Route<'_, '_>, delivered: &Delivered, queue: QueueId) -> Vec<Reason> {
    let topology = &route.routes.topology;
    let name = &topology.queue(queue).name;
    if route.exchange == Topology::DEFAULT_EXCHANGE {
        let key = &route.publish.key;
        let text =
            format!("the default exchange goes by the queue's name, which is {name:?}: the key is {key:?}");
        return vec![Reason { text, span: None }];
    }
    let visited: BTreeSet<ExchangeId> = delivered.visits.iter().map(|visit| visit.exchange).collect();
    let inbound = inbound(topology);
    let bound = inbound.get(&Destination::Queue(queue)).map_or(&[] as &[BindingId], Vec::as_slice);
    if bound.is_empty() {
        let text =
            format!("nothing is bound to it: only the default exchange leads there, with the key {name:?}");
        return vec![Reason { text, span: route.queue(queue).map(|queue| queue.0.span) }];
    }
    let mut found = Vec::new();
    let mut asked = BTreeSet::new();
    let mut waiting = vec![Destination::Queue(queue)];
    let mut leads = false;
    while let Some(to) = waiting.pop() {
        if !asked.insert(to) {
            continue;
        }
        for id in inbound.get(&to).into_iter().flatten() {
            let source = topology.binding(*id).source;
            if visited.contains(&source) {
                leads = true;
                found.extend(no_match(route, *id));
            } else {
                waiting.push(Destination::Exchange(source));
            }
        }
        if let Destination::Exchange(exchange) = to {
            let before = found.len();
            found.extend(not_alternate(route, delivered, exchange));
            leads |= found.len() > before;
        }
    }
    if !leads {
        let from = said::exchange(&topology.exchange(route.exchange).name);
        let sources: BTreeSet<&str> = bound
            .iter()
            .map(|id| said::exchange(&topology.exchange(topology.binding(*id).source).name))
            .collect();
        let sources: Vec<String> = sources.into_iter().map(|name| format!("`{name}`")).collect();
        let text = format!("no way leads there from `{from}`: it is bound to {}", sources.join(", "));
        return vec![Reason { text, span: route.queue(queue).map(|queue| queue.0.span) }];
    }
    found.sort_by_key(|(distance, _)| *distance);
    found.into_iter().map(|(_, reason)| reason).collect()
}

fn inbound(topology: &Topology) -> BTreeMap<Destination, Vec<BindingId>> {
    let mut inbound: BTreeMap<Destination, Vec<BindingId>> = BTreeMap::new();
    for (id, binding) in topology.bindings() {
        inbound.entry(binding.destination).or_default().push(id);
    }
    inbound
}

/// Why a binding of an exchange that the message comes to does not take it, and by how much.
fn no_match(route: &Route<'_, '_>, id: BindingId) -> Option<(usize, Reason)> {
    let topology = &route.routes.topology;
    let binding = topology.binding(id);
    let mismatch = topology.mismatch(id, &route.publish.letter())?;
    let distance = match &mismatch {
        topoc_routing::Mismatch::Key => strsim::damerau_levenshtein(&route.publish.key, &binding.routing_key),
        topoc_routing::Mismatch::Words { count, .. } => *count,
        topoc_routing::Mismatch::Headers(headers) | topoc_routing::Mismatch::NoHeader(headers) => {
            headers.len()
        }
    };
    let source = said::exchange(&topology.exchange(binding.source).name);
    let to = said::destination(topology, binding.destination);
    let by = said::by(topology, binding).unwrap_or_default().replacen("by", "with", 1);
    let why = said::why(&mismatch, &route.publish.key);
    let text = format!("`{source}` does not pass it on to `{to}`, bound {by}: {why}");
    Some((distance, Reason { text, span: route.routes.binding(id).map(|binding| binding.0.span) }))
}

/// Exchanges whose alternate this one is, and that had somewhere else to send the message.
fn not_alternate(route: &Route<'_, '_>, delivered: &Delivered, exchange: ExchangeId) -> Vec<(usize, Reason)> {
    let topology = &route.routes.topology;
    let name = &topology.exchange(exchange).name;
    let of = delivered.visits.iter().filter(|visit| {
        topology.exchange(visit.exchange).alternate_exchange.as_deref() == Some(name)
            && !matches!(visit.alternate, Some(Alternate::Exchange(_)))
    });
    of.map(|visit| {
        let from = &topology.exchange(visit.exchange).name;
        let text =
            format!("`{name}` is the alternate exchange of `{from}`, which has a binding that matches");
        let span = route.routes.exchange(visit.exchange).map(|exchange| exchange.span);
        (1, Reason { text, span })
    })
    .collect()
}

/// How the queue gets the message after all, when it dies elsewhere.
fn by_death(route: &Route<'_, '_>, queue: QueueId) -> Option<Reason> {
    let topology = &route.routes.topology;
    let life = route.life.as_ref()?;
    life.stays.iter().find_map(|stay| {
        let (reason, ..) = stay.ends.iter().find(|(_, dead, _)| match dead {
            DeadLettered::Published { delivered, .. } => delivered.reaches(queue) != Certainty::Never,
            DeadLettered::Discarded | DeadLettered::NoExchange { .. } => false,
        })?;
        let from = &topology.queue(stay.queue).name;
        let how = said::death(*reason, topology.queue(stay.queue), topology, route.publish.expiration);
        let text = format!("it gets it as a dead letter of `{from}`: {how}");
        Some(Reason { text, span: route.queue(stay.queue).map(|queue| queue.0.span) })
    })
}

impl WhyNot<'_, '_> {
    /// The answer as people read it.
    #[must_use]
    pub fn human(&self, sources: &SourceMap) -> String {
        let queue = &self.route.routes.topology.queue(self.queue).name;
        let key = &self.route.publish.key;
        let exchange = said::exchange(&self.route.publish.exchange);
        let head = match self.gets {
            Certainty::Always => format!("`{queue}` gets {key:?} from `{exchange}`:"),
            Certainty::Possible => format!("`{queue}` may get {key:?} from `{exchange}`:"),
            Certainty::Never => format!("`{queue}` does not get {key:?} from `{exchange}`:"),
        };
        let mut out = visible(&head) + "\n";
        for reason in &self.reasons {
            let place = reason.span.and_then(|span| sources.line_of(span));
            let place = place.map_or_else(String::new, |place| format!("   {place}"));
            out.push_str(&visible(&format!(" - {}{place}", reason.text)));
            out.push('\n');
        }
        out
    }

    /// The answer as programs read it: `docs/json.md` describes it.
    #[must_use]
    pub fn json(&self, sources: &SourceMap) -> Json {
        let reasons: Vec<Json> = self
            .reasons
            .iter()
            .map(|reason| {
                json!({
                    "text": reason.text,
                    "place": reason.span.and_then(|span| json_place(span, sources)),
                })
            })
            .collect();
        let gets = match self.gets {
            Certainty::Always => json!(true),
            Certainty::Never => json!(false),
            Certainty::Possible => Json::Null,
        };
        json!({
            "version": 1,
            "vhost": self.route.vhost,
            "queue": self.route.routes.topology.queue(self.queue).name,
            "exchange": self.route.publish.exchange,
            "routing_key": self.route.publish.key,
            "gets": gets,
            "reasons": reasons,
        })
    }
}
