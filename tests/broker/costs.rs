//! What a plan says that it costs is what the broker has, and what has many bindings goes without them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use topoc_test_support::{Version, available_or_skip};

use crate::{safety::Client, world::World};

fn with(what: &str) -> String {
    format!("topology \"costs\"\nvhost \"costs\" {{ exchange \"e\" type=\"topic\"\n {what} }}")
}

fn changes(world: &World, text: &str) -> Vec<Value> {
    let said = world.run("diff", text, &["--format", "json"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let mut plan: Value = serde_json::from_str(&said.out).unwrap();
    plan["changes"].as_array_mut().map(std::mem::take).unwrap()
}

fn figures_are_the_brokers(world: &World) {
    let api = world.api();
    for queue_type in ["classic", "quorum"] {
        let queue = format!("queue \"q\" type=\"{queue_type}\" {{ bind \"e\" routing-key=\"k\" }}");
        world.apply(&with(&queue), &[]);
        world.publish("costs", "q", 5);
        let bind = json!({"routing_key": "theirs", "arguments": {}});
        api.post("/api/bindings/costs/e/amq.topic/q/q", &bind);
        let holder = Client::of(world, "costs");
        holder.take("q", 2);
        let start = Instant::now();
        loop {
            let found = changes(world, &with(""));
            let costs = found[0]["costs"].clone();
            // the size, and what a quorum queue's consumers hold, come late
            let wanted = json!({
                "ready": 3, "unacknowledged": 2, "bytes": 5, "consumers": 0, "bindings": 2, "seconds": null,
            });
            if costs == wanted {
                assert_eq!(found[0]["loses"], 5, "{queue_type}: {found:#?}");
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "{queue_type}: {costs}");
            std::thread::sleep(Duration::from_millis(500));
        }
        let said = world.run("diff", &with(""), &[]);
        for text in ["3 ready and 2 unacknowledged messages (5 B)", "2 bindings go with it, 1 of which"] {
            assert!(said.out.contains(text), "{text}: {}", said.out);
        }
        drop(holder);
        world.apply(&with(""), &["--allow-data-loss"]);
    }
}

/// More than are left to the broker at once.
fn an_exchange_with_many_bindings_goes(world: &World) {
    let queue = "queue \"q\" type=\"classic\"";
    world.apply(&with(&format!("exchange \"many\" type=\"topic\"\n {queue}")), &[]);
    let bindings: Vec<Value> = (0..250)
        .map(|index| {
            json!({
                "source": "many", "vhost": "costs", "destination": "q", "destination_type": "queue",
                "routing_key": format!("key.{index}"), "arguments": {},
            })
        })
        .collect();
    world.api().post("/api/definitions", &json!({"bindings": bindings}));
    let found = changes(world, &with(queue));
    assert_eq!(found[0]["costs"]["bindings"], 250, "{found:#?}");
    assert!(found[0]["danger"].as_str().unwrap().contains("250 bindings that this topology has not made go"));
    world.apply(&with(queue), &[]);
    assert!(!world.exists("/api/exchanges/costs/many"));
    assert_eq!(world.bindings("costs", "q"), [""; 0]);
    let left = world.api().get("/api/global-parameters").to_string();
    assert!(!left.contains(":was:"), "{left}");
}

/// What is moved aside and back again is moved no faster than it may be.
fn a_rate_is_kept(world: &World) {
    let queue = |queue_type: &str| {
        with(&format!("queue \"q\" type=\"{queue_type}\" {{ bind \"e\" routing-key=\"k\" }}"))
    };
    world.apply(&queue("classic"), &[]);
    world.publish("costs", "q", 60);
    let start = Instant::now();
    world.apply(&queue("quorum"), &["--rate", "40"]);
    // into the queue where they wait, and back
    let least = Duration::from_secs(3);
    assert!(start.elapsed() >= least, "{:?}", start.elapsed());
    assert_eq!(Client::of(world, "costs").ready("q"), 60);
    world.apply(&with(""), &["--allow-data-loss"]);
}

fn costs(world: &World) {
    figures_are_the_brokers(world);
    an_exchange_with_many_bindings_goes(world);
    a_rate_is_kept(world);
}

#[test]
fn costs_are_what_they_are() {
    costs(&World::of(Version::V3_10));
}

#[test]
fn costs_are_what_they_are_on_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        costs(&World::of(Version::V4_0));
    }
}
