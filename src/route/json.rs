//! A route as programs read it: `docs/json.md` describes it.

use serde_json::{Value as Json, json};
use topoc_routing::{By, Certainty, DeadLettered, Destination, Hop};

use super::{Consumer, End, Route, bounds, trail::hops};
use crate::diag::{SourceMap, json::place};

/// The version of this form.
const VERSION: u32 = 1;

/// The answer to `route`.
#[must_use]
pub fn json(route: &Route<'_, '_>, sources: &SourceMap) -> Json {
    let topology = &route.routes.topology;
    let mut answer = json!({
        "version": VERSION,
        "vhost": route.vhost,
        "exchange": topology.exchange(route.exchange).name,
        "routing_key": route.publish.key,
        "queues": [],
        "possible_queues": [],
        "unroutable": Json::Null,
        "refused": Json::Null,
        "steps": [],
        "deaths": [],
        "bounds": Json::Null,
    });
    let delivered = match &route.delivered {
        Ok(delivered) => delivered,
        Err(refused) => {
            answer["refused"] = json!({ "code": refused.code(), "reason": refused.to_string() });
            return answer;
        }
    };
    let queues = |certainty| -> Vec<&str> {
        let reached = delivered.queues.iter().filter(|reached| reached.certainty == certainty);
        reached.map(|reached| &*topology.queue(reached.queue).name).collect()
    };
    answer["queues"] = json!(queues(Certainty::Always));
    answer["possible_queues"] = json!(queues(Certainty::Possible));
    answer["unroutable"] = match delivered.unroutable {
        Certainty::Always => json!(true),
        Certainty::Never => json!(false),
        Certainty::Possible => Json::Null,
    };
    let mut steps: Vec<Json> = Vec::new();
    for visit in &delivered.visits {
        for hop in hops(topology, visit) {
            steps.push(step(route, sources, &hop));
        }
    }
    answer["steps"] = json!(steps);
    let mut deaths: Vec<Json> = Vec::new();
    for stay in route.life.iter().flat_map(|life| &life.stays) {
        for (reason, dead, _) in &stay.ends {
            let (exchange, to) = match dead {
                DeadLettered::Discarded => (Json::Null, Vec::new()),
                DeadLettered::NoExchange { name, .. } => (json!(name), Vec::new()),
                DeadLettered::Published { exchange, delivered, .. } => (
                    json!(topology.exchange(*exchange).name),
                    delivered.queues.iter().map(|to| &*topology.queue(to.queue).name).collect(),
                ),
            };
            let death = json!({
                "queue": topology.queue(stay.queue).name,
                "reason": reason.as_str(),
                "exchange": exchange,
                "queues": to,
            });
            // a queue that a message comes to by several ways does the same with it, as a rule
            if !deaths.contains(&death) {
                deaths.push(death);
            }
        }
    }
    answer["deaths"] = json!(deaths);
    if let Some(bounds) = bounds(route) {
        let ends: Vec<Json> = bounds
            .ends
            .iter()
            .map(|end| {
                let (how, queue, reason) = match end {
                    End::Consumed(queue) => ("consumed", queue, None),
                    End::Rests(queue) => ("rests", queue, None),
                    End::Dropped(queue, reason) => ("dropped", queue, Some(reason.as_str())),
                    End::Stuck(queue, reason) => ("stuck", queue, Some(reason.as_str())),
                };
                json!({ "how": how, "queue": topology.queue(*queue).name, "reason": reason })
            })
            .collect();
        let waits: Vec<&str> = bounds.waits_in.iter().map(|queue| &*topology.queue(*queue).name).collect();
        let at_most_once: Vec<&str> =
            bounds.at_most_once.iter().map(|queue| &*topology.queue(*queue).name).collect();
        answer["bounds"] = json!({ "attempts": bounds.attempts, "delay_ms": bounds.delay, "waits_in": waits, "at_most_once": at_most_once, "ends": ends });
    }
    answer
}

fn step(route: &Route<'_, '_>, sources: &SourceMap, hop: &Hop) -> Json {
    let topology = &route.routes.topology;
    let (by, binding) = match hop.by {
        By::Binding(id) => ("binding", Some(id)),
        By::QueueName => ("queue-name", None),
        By::Alternate => ("alternate-exchange", None),
    };
    let (kind, name) = match hop.to {
        Destination::Exchange(id) => ("exchange", &topology.exchange(id).name),
        Destination::Queue(id) => ("queue", &topology.queue(id).name),
    };
    let consumers: Vec<&str> = match hop.to {
        Destination::Queue(id) => route
            .consumers(id)
            .iter()
            .map(|consumer| match consumer {
                Consumer::Consumes(service, _) | Consumer::Answers(service, _) => &*service.name.text,
            })
            .collect(),
        Destination::Exchange(_) => Vec::new(),
    };
    let written = binding.and_then(|id| route.routes.binding(id));
    json!({
        "from": topology.exchange(hop.from).name,
        "to": name,
        "kind": kind,
        "by": by,
        "routing_key": binding.map(|id| &topology.binding(id).routing_key),
        "place": written.and_then(|binding| place(binding.0.span, sources)),
        "consumers": consumers,
    })
}
