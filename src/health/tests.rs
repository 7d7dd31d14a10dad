//! What a cluster of three says, as one of RabbitMQ 3.10 said it, and what is made of it.

use serde_json::{Value as Json, json};

use super::*;
use crate::{
    graph::Graph,
    syntax::{Inputs, MemorySources},
};

const TEXT: &str = r#"
    queue "billing" type="quorum" { dead-letter "" routing-key="billing.dead" }
    queue "billing.dead" type="quorum"
    queue "mail" type="quorum"
    queue "mine" type="classic"
"#;

fn judged(text: &str, seen: &Seen) -> Vec<String> {
    let sources = MemorySources::default().with("t.kdl", text);
    let compiled = crate::compile(&["t.kdl".to_owned()], &sources, &Inputs::default());
    assert!(!compiled.report.has_errors(), "{:?}", compiled.report);
    let found = judge(&Graph::new(&compiled.topology), seen);
    let told = found.iter().map(|finding| {
        let sign = if finding.is_trouble { "✗" } else { "!" };
        format!("{sign} {} {} {}", finding.what, finding.name, finding.text)
    });
    told.collect()
}

/// A quorum queue with its members on three nodes, of which so many are online, led by one.
fn quorum(name: &str, online: usize, leader: usize) -> Json {
    let nodes = ["rabbit1@localhost", "rabbit2@localhost", "rabbit3@localhost"];
    json!({
        "name": name, "vhost": "/", "type": "quorum", "members": nodes, "online": nodes[..online],
        "leader": nodes[leader], "state": "running", "consumers": 1, "messages": 0
    })
}

fn cluster(up: usize) -> Option<Json> {
    let node = |number: usize| {
        let name = format!("rabbit{number}@localhost");
        if number <= up {
            json!({"partitions": [], "mem_alarm": false, "disk_free_alarm": false, "name": name, "type": "disc", "running": true})
        } else {
            json!({"name": name, "type": "disc", "running": false})
        }
    };
    Some((1..=3).map(node).collect())
}

#[test]
fn a_cluster_that_is_whole_is_healthy() {
    let seen = Seen {
        nodes: cluster(3),
        queues: vec![json!([quorum("billing", 3, 0), quorum("billing.dead", 3, 1), quorum("mail", 3, 2)])],
        ..Seen::default()
    };
    assert_eq!(judged(TEXT, &seen), Vec::<String>::new());
}

#[test]
fn a_node_that_is_down_takes_members_along() {
    let queues = json!([
        quorum("billing", 2, 0),
        quorum("billing.dead", 2, 1),
        quorum("others", 1, 0),
        quorum("mail", 1, 0)
    ]);
    let seen = Seen { nodes: cluster(2), queues: vec![queues], ..Seen::default() };
    let wanted = [
        "✗ node-down rabbit3@localhost is down",
        "✗ no-majority mail has lost its majority, as 1 of 3 members is online: it takes and gives nothing",
        "! member-down rabbit3@localhost members of 2 queues on it are not online: `billing`, `billing.dead`",
    ];
    assert_eq!(judged(TEXT, &seen), wanted);
}

#[test]
fn leaders_on_one_node_and_single_members_are_remarked_on() {
    let mut single = quorum("mail", 1, 0);
    single["members"] = json!(["rabbit1@localhost"]);
    let text = format!("{TEXT}\n for \"n\" from=1 to=6 {{ queue \"q${{n}}\" type=\"quorum\" }}");
    let mut queues: Vec<Json> = (1..=6).map(|n| quorum(&format!("q{n}"), 3, 0)).collect();
    queues.push(single);
    let seen = Seen { nodes: cluster(3), queues: vec![queues.into()], ..Seen::default() };
    let wanted = [
        "! few-members members 1 quorum queue has too few members for 3 nodes, 1 in `mail`: `mail`",
        "! leaders-unbalanced rabbit1@localhost leads 6 of 6 quorum queues, and there are 3 nodes",
    ];
    assert_eq!(judged(&text, &seen), wanted);
}

#[test]
fn alarms_partitions_and_blocked_connections() {
    let nodes = json!([
        {"name": "a", "running": true, "mem_alarm": true, "disk_free_alarm": true, "partitions": ["b"]}
    ]);
    let connections = json!([
        {"name": "1.2.3.4:5 -> 6.7.8.9:5672", "vhost": "/", "state": "blocked"},
        {"name": "x", "vhost": "/", "state": "running"}, {"name": "y", "vhost": "others", "state": "blocked"}
    ]);
    let seen = Seen { nodes: Some(nodes), connections: Some(connections), ..Seen::default() };
    let wanted = [
        "✗ memory-alarm a has too little memory left: the cluster takes no messages",
        "✗ disk-alarm a has too little disk left: the cluster takes no messages",
        "✗ partition a does not see b",
        "✗ blocked-connections / 1 connection is held up by an alarm: 1.2.3.4:5 -> 6.7.8.9:5672",
    ];
    assert_eq!(judged(TEXT, &seen), wanted);
}

#[test]
fn queues_that_nobody_reads_and_dead_letters() {
    let text = format!("{TEXT}\n service \"biller\" {{ consumes \"billing\" }}");
    let queue = |name: &str, state: &str, messages: u64| json!({"name": name, "vhost": "/", "state": state, "consumers": 0, "messages": messages});
    let growth = |queue: &str, before, after| Growth {
        vhost: "/".into(),
        queue: queue.to_owned(),
        before,
        after,
        over: std::time::Duration::from_secs(2),
    };
    let seen = Seen {
        queues: vec![json!([
            queue("billing", "running", 1),
            queue("mail", "running", 2),
            queue("mine", "down", 0)
        ])],
        dead: vec![growth("billing.dead", 3, 5), growth("quiet.dead", 1, 1), growth("none.dead", 0, 0)],
        applying: vec![("/".into(), "`alice` since 2026-11-02 14:03:12 UTC".to_owned())],
        ..Seen::default()
    };
    let wanted = [
        "✗ no-consumer billing has no consumer, and `biller` should be one; 1 message waits there",
        "✗ queue-down mine is down",
        "✗ dead-growing billing.dead gets dead letters: 2 more in 2s, 5 dead letters in all",
        "! dead-letters quiet.dead holds 1 dead letter",
        "! applying / `alice` since 2026-11-02 14:03:12 UTC is applying to it",
    ];
    assert_eq!(judged(&text, &seen), wanted);
    // without a contract nobody knows who should
    assert_eq!(judged(TEXT, &seen)[2], "! no-consumer billing has no consumer; 1 message waits there");
}
