//! Queues that nobody can look into, because nodes of the cluster are down.

use serde_json::Value as Json;

use crate::plan::members_online;

/// Why nobody knows what a queue holds of which the broker says this; none where it can be asked. Without a majority a
/// quorum queue is said to be empty, by the lists and by a passive declaration alike (`rabbit_quorum_queue:stat`).
pub(super) fn away(queue: &Json) -> Option<String> {
    let members = queue["members"].as_array().map_or(0, Vec::len);
    let online = queue["online"].as_array().map_or(0, Vec::len);
    if members > 0 {
        let is_lost = online * 2 <= members;
        return is_lost.then(|| format!("it has lost its majority, as {}", members_online(online, members)));
    }
    (queue["state"] == "down").then(|| node_down(queue))
}

/// Of one that is there, and that the broker does not list with what it holds.
pub(super) fn unlisted(queue: &Json) -> String {
    away(queue).unwrap_or_else(|| node_down(queue))
}

/// The nodes of a cluster that are down, as `GET /api/nodes` says: of a queue on one of them RabbitMQ 4.0 says that it runs,
/// unless all queues are listed with their statistics.
pub(super) fn nodes_down(nodes: &Json) -> Vec<String> {
    let nodes = nodes.as_array().into_iter().flatten().filter(|node| node["running"] == false);
    nodes.filter_map(|node| node["name"].as_str()).map(str::to_owned).collect()
}

/// Why nobody knows what a queue holds, with these nodes down.
pub(super) fn away_with(queue: &Json, down: &[String]) -> Option<String> {
    away(queue).or_else(|| {
        let is_replicated = queue["members"].is_array();
        let node = queue["node"].as_str().filter(|_| !is_replicated)?;
        down.iter().any(|down| down == node).then(|| node_down(queue))
    })
}

fn node_down(queue: &Json) -> String {
    match queue["node"].as_str() {
        Some(node) => format!("its node `{node}` is down"),
        None => "its node is down".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn half_of_the_members_are_no_majority() {
        let quorum = |members: usize, online: usize| {
            away(&json!({"members": vec!["n"; members], "online": vec!["n"; online], "state": "running"}))
        };
        assert_eq!(quorum(3, 2), None);
        let two = quorum(2, 1).unwrap();
        assert_eq!(two, "it has lost its majority, as 1 of 2 members is online");
        let one = quorum(1, 0).unwrap();
        assert_eq!(one, "it has lost its majority, as its only member is not online");
    }

    #[test]
    fn a_classic_queue_is_where_its_node_is() {
        // 4.0 says of each queue that it has no members online
        assert_eq!(away(&json!({"state": "running", "node": "n", "online": null})), None);
        let down = json!({"state": "down", "node": "n", "online": null});
        assert_eq!(away(&down).unwrap(), "its node `n` is down");
        let nodes = nodes_down(&json!([{"name": "n", "running": false}, {"name": "m", "running": true}]));
        let on = |node: &str| away_with(&json!({"state": "running", "node": node}), &nodes);
        assert_eq!((on("n").as_deref(), on("m")), (Some("its node `n` is down"), None));
    }
}
