//! Nodes, connections, and how quorum queues are spread over a cluster.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::{
    Finding, Seen,
    queues::{Live, owned},
    running,
};
use crate::{
    diag::{counted, shell_word},
    graph::Graph,
    plan::{list, members_online},
};

/// Fewer members than this outlive the end of no node.
const ENOUGH: usize = 3;

/// Nodes that are down, alarms and partitions.
pub(super) fn nodes(seen: &Seen) -> Vec<Finding> {
    let mut found = Vec::new();
    for node in seen.nodes.iter().filter_map(Json::as_array).flatten() {
        let name = node["name"].as_str().unwrap_or("?");
        let of = |what, text: &str| Finding::of(what, "node", name, text);
        if node["running"] == false {
            found.push(of("node-down", "is down"));
            continue;
        }
        if node["mem_alarm"] == true {
            let finding = of("memory-alarm", "has too little memory left: the cluster takes no messages");
            found.push(finding.help("rabbitmq-diagnostics memory_breakdown"));
        }
        if node["disk_free_alarm"] == true {
            let finding = of("disk-alarm", "has too little disk left: the cluster takes no messages");
            found.push(
                finding.help("make room on its disk: rabbitmq-diagnostics status says how much it wants"),
            );
        }
        let parted: Vec<String> = node["partitions"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect();
        if !parted.is_empty() {
            let finding = of("partition", &format!("does not see {}", list(&parted, ", ")));
            found.push(finding.help(
                "choose whose side is trusted, and restart the others: rabbitmqctl stop_app, start_app",
            ));
        }
    }
    found
}

/// Publishers that the broker holds up.
pub(super) fn connections(graph: &Graph<'_>, seen: &Seen) -> Vec<Finding> {
    let vhosts: BTreeSet<&str> = graph.vhosts().map(|(vhost, _)| vhost).collect();
    let mut blocked: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for connection in seen.connections.iter().filter_map(Json::as_array).flatten() {
        let vhost = connection["vhost"].as_str().unwrap_or("");
        if let Some(vhost) = vhosts.get(vhost)
            && matches!(connection["state"].as_str(), Some("blocked" | "blocking"))
        {
            blocked.entry(vhost).or_default().push(connection["name"].as_str().unwrap_or("?").to_owned());
        }
    }
    let told = blocked.into_iter().map(|(vhost, names)| {
        let text =
            format!("{} held up by an alarm: {}", one_or_many(names.len(), "connection"), list(&names, ", "));
        Finding::of("blocked-connections", "vhost", vhost, text)
    });
    told.collect()
}

fn one_or_many(number: usize, noun: &str) -> String {
    format!("{} {}", counted(number, noun), if number == 1 { "is" } else { "are" })
}

/// Whether a queue has members, and half of them or more are not online.
pub(super) fn has_lost_majority(queue: &Json) -> bool {
    let count = |list: &str| queue[list].as_array().map(Vec::len);
    matches!((count("online"), count("members")), (Some(online), Some(members)) if online * 2 <= members)
}

/// Quorum queues that have lost members, and those that never had enough.
pub(super) fn members(graph: &Graph<'_>, seen: &Seen) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut missing: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut few = Vec::new();
    let nodes = seen.nodes.as_ref().and_then(Json::as_array).map_or(1, Vec::len);
    for Live { queue, live } in owned(graph, seen) {
        let (Some(members), Some(online)) = (live["members"].as_array(), live["online"].as_array()) else {
            continue;
        };
        if has_lost_majority(live) {
            let text = format!(
                "has lost its majority, as {}: it takes and gives nothing",
                members_online(online.len(), members.len())
            );
            found.push(Finding::of("no-majority", "queue", queue.name(), text).within(queue.vhost()));
            continue;
        }
        for member in members.iter().filter(|member| !online.contains(member)).filter_map(Json::as_str) {
            missing.entry(member).or_default().push(format!("`{}`", queue.name()));
        }
        if members.len() < nodes.min(ENOUGH) {
            few.push((queue, members.len()));
        }
    }
    for (node, queues) in missing {
        let text = format!(
            "members of {} on it are not online: {}",
            counted(queues.len(), "queue"),
            list(&queues, ", ")
        );
        found.push(Finding::of("member-down", "node", node, text).remark());
    }
    if let Some((first, members)) = few.first() {
        let names: Vec<String> = few.iter().map(|(queue, _)| format!("`{}`", queue.name())).collect();
        let text = format!(
            "{} too few members for {nodes} nodes, {members} in `{}`: {}",
            if few.len() == 1 {
                "1 quorum queue has".to_owned()
            } else {
                format!("{} quorum queues have", few.len())
            },
            first.name(),
            list(&names, ", ")
        );
        let finding = Finding::of("few-members", "cluster", "members", text).remark();
        found.push(finding.help("rabbitmq-queues grow NODE all"));
    }
    found
}

/// Whether one node leads more than twice its share of the queues that have several members.
pub(super) fn leaders(graph: &Graph<'_>, seen: &Seen) -> Vec<Finding> {
    let Some(nodes) = running(seen).filter(|nodes| nodes.len() > 1) else { return Vec::new() };
    let mut led: BTreeMap<&str, usize> = BTreeMap::new();
    let mut vhosts = BTreeSet::new();
    for Live { queue, live } in owned(graph, seen) {
        if live["members"].as_array().is_some_and(|members| members.len() > 1)
            && let Some(leader) = live["leader"].as_str()
        {
            *led.entry(leader).or_default() += 1;
            vhosts.insert(queue.vhost());
        }
    }
    let all: usize = led.values().sum();
    let share = all.div_ceil(nodes.len());
    let most = led.iter().max_by_key(|(_, number)| **number);
    let Some((node, number)) = most.filter(|(_, number)| **number > 2 * share) else { return Vec::new() };
    let text =
        format!("leads {number} of {}, and there are {} nodes", counted(all, "quorum queue"), nodes.len());
    let vhosts = match vhosts.iter().collect::<Vec<_>>().as_slice() {
        [one] => format!(" --vhost-pattern {}", shell_word(one)),
        _ => String::new(),
    };
    let finding = Finding::of("leaders-unbalanced", "node", *node, text).remark();
    vec![finding.help(format!("rabbitmq-queues rebalance quorum{vhosts}"))]
}
