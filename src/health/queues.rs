//! Each queue: whether it is up, whether somebody takes from it what waits there, and whether dead letters heap up.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde_json::Value as Json;

use super::{Finding, Seen, cluster::has_lost_majority};
use crate::{
    dead::dead_queues, diag::one_of, graph::Graph, kind::show_duration, plan::count, topology::Queue,
};

/// States of a queue in which nothing is the matter with it (`rabbit_amqqueue`, `rabbit_quorum_queue`).
const UP: &[&str] = &["running", "idle", "flow", "live"];

/// What a dead queue held, and a while later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growth {
    /// Its vhost.
    pub vhost: Arc<str>,
    /// Its name.
    pub queue: String,
    /// How many messages waited at first.
    pub before: u64,
    /// How many then.
    pub after: u64,
    /// How long that took.
    pub over: Duration,
}

/// A queue that the topology owns, and what the broker says of it.
pub(super) struct Live<'s, 'a> {
    pub(super) queue: Queue<'a>,
    pub(super) live: &'s Json,
}

/// The queues that the topology makes and the broker has, in the order of the topology.
pub(super) fn owned<'s, 'a>(graph: &Graph<'a>, seen: &'s Seen) -> Vec<Live<'s, 'a>> {
    let lists = seen.queues.iter().filter_map(Json::as_array).flatten();
    let live: BTreeMap<(&str, &str), &Json> = lists
        .filter_map(|queue| Some(((queue["vhost"].as_str()?, queue["name"].as_str()?), queue)))
        .collect();
    let queues = graph.topology.queues().filter(|queue| !queue.0.external);
    let both =
        queues.filter_map(|queue| Some(Live { queue, live: live.get(&(queue.vhost(), queue.name()))? }));
    both.collect()
}

/// Who takes messages from which queue, by the contract.
fn hearers<'a>(graph: &Graph<'a>) -> BTreeMap<(&'a str, &'a str), Vec<&'a str>> {
    let topology = graph.topology;
    let mut all: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for service in &topology.contract.services {
        let mut hears = |queue: Queue<'a>| {
            all.entry((queue.vhost(), queue.name())).or_default().push(&service.name.text);
        };
        service.consumes.iter().flat_map(|consumes| topology.queues_of(&consumes.queue)).for_each(&mut hears);
        let rpcs = service.answers.iter().filter_map(|answers| topology.contract.rpc(&answers.rpc.text));
        rpcs.filter_map(|rpc| rpc.queue.as_ref()).flat_map(|queue| topology.queues_of(queue)).for_each(hears);
    }
    all
}

/// Queues that are not up, and those that nobody takes messages from.
pub(super) fn each(graph: &Graph<'_>, seen: &Seen) -> Vec<Finding> {
    let hearers = hearers(graph);
    let dead: BTreeSet<(&str, &str)> =
        dead_queues(graph).iter().map(|dead| (dead.queue.vhost(), dead.queue.name())).collect();
    let mut found = Vec::new();
    for Live { queue, live } in owned(graph, seen) {
        let of = |what, text: String| Finding::of(what, "queue", queue.name(), text).within(queue.vhost());
        // that is told of all members together
        if has_lost_majority(live) {
            continue;
        }
        if let Some(state) = live["state"].as_str().filter(|state| !UP.contains(state)) {
            found.push(of("queue-down", format!("is {state}")));
            continue;
        }
        // what is not known yet, some seconds after it was declared, is no trouble
        if live["consumers"].as_u64() != Some(0) {
            continue;
        }
        let messages = live["messages"].as_u64().unwrap_or(0);
        let waits = match messages {
            0 => String::new(),
            many => format!("; {} there", count(many, "message waits", "messages wait")),
        };
        let services = hearers.get(&(queue.vhost(), queue.name()));
        if let Some(services) = services {
            let text =
                format!("has no consumer, and {} should be one{waits}", one_of(services.iter().copied()));
            found.push(of("no-consumer", text));
        } else if messages > 0
            && !graph.topology.contract.says_who_consumes()
            && !dead.contains(&(queue.vhost(), queue.name()))
            && graph.effective.value(queue.0, "message-ttl").is_none()
        {
            found.push(of("no-consumer", format!("has no consumer{waits}")).remark());
        }
    }
    found
}

/// Dead queues that hold messages, and those that get more.
pub(super) fn dead(seen: &Seen) -> Vec<Finding> {
    let mut found = Vec::new();
    for Growth { vhost, queue, before, after, over } in &seen.dead {
        if *after == 0 {
            continue;
        }
        let all = count(*after, "dead letter", "dead letters");
        let finding = if after > before {
            let over = show_duration(i64::try_from(over.as_millis()).unwrap_or(i64::MAX));
            let more = count(after - before, "more", "more");
            Finding::of(
                "dead-growing",
                "queue",
                queue,
                format!("gets dead letters: {more} in {over}, {all} in all"),
            )
        } else {
            Finding::of("dead-letters", "queue", queue, format!("holds {all}")).remark()
        };
        found.push(finding.within(vhost));
    }
    found
}
