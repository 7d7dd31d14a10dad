//! What a running broker tells of itself: its queues and policies, deprecated features, feature flags, channels.

use std::{thread, time::Duration};

use lapin::options::BasicQosOptions;
use serde_json::{Value, json};
use topoc_test_support::{Version, available_or_skip};

use crate::{safety::Client, world::World};

/// Nothing here is topoc's: it is asked what somebody else has made.
fn verdict(world: &World, flags: &[&str]) -> (i32, Value) {
    let said = world.run("readiness", "", &[&["--live", "--to", "4.3", "--format", "json"], flags].concat());
    (said.code, serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}{}", said.out, said.err)))
}

fn messages(verdict: &Value, effect: &str) -> Vec<String> {
    let findings = verdict["findings"].as_array().unwrap().iter().filter(|found| found["effect"] == effect);
    findings.map(|found| found["message"].as_str().unwrap().to_owned()).collect()
}

fn a_running_broker_is_asked(world: &World) {
    let api = world.api();
    for vhost in ["one", "two"] {
        api.put(&format!("/api/vhosts/{vhost}"), &json!({}));
        let queue = |name: &str, body: Value| api.put(&format!("/api/queues/{vhost}/{name}"), &body);
        queue("sessions", json!({ "durable": false, "arguments": { "x-queue-type": "classic" } }));
        queue("orders", json!({ "durable": true, "arguments": { "x-queue-type": "quorum" } }));
        queue(
            "lazy",
            json!({ "durable": true, "arguments": { "x-queue-type": "classic", "x-queue-mode": "lazy" } }),
        );
    }
    let locator = json!({ "pattern": "^lazy$", "apply-to": "queues", "definition": { "queue-master-locator": "client-local" } });
    api.put("/api/policies/one/locator", &locator);
    let (code, found) = verdict(world, &[]);
    assert_eq!((code, &found["ready"]), (1, &json!(false)), "{found:#}");
    let of = world.broker.version();
    assert_eq!(found["from"], of.as_str());
    let transient =
        found["findings"].as_array().unwrap().iter().filter(|found| found["lint"] == "feature-denied");
    let places: Vec<String> = transient
        .map(|found| {
            let entity = &found["entities"][0];
            format!("{} {} in {}", entity["kind"], entity["name"], entity["vhost"]).replace('"', "")
        })
        .collect();
    assert_eq!(
        places,
        ["policy locator in one", "queue sessions in one", "queue sessions in two"],
        "{found:#}"
    );
    assert_eq!(messages(&found, "ignored").len(), 2, "{found:#}");
    let changes = messages(&found, "changes");
    let limit = "`delivery-limit` of `orders` and 1 other becomes 20 by default".to_owned();
    assert_eq!(changes.contains(&limit), of == Version::V3_10, "{changes:#?}");
    assert!(!messages(&found, "refused").iter().any(|message| message.contains("channel")), "{found:#}");

    // clients that limit their consumers together
    let client = Client::of(world, "one");
    let global = BasicQosOptions { global: true };
    client.runtime.block_on(client.channel.basic_qos(7, global)).unwrap();
    let told = (0..60).any(|_| {
        thread::sleep(Duration::from_millis(500));
        let (_, found) = verdict(world, &[]);
        // the statistics of 4.x leave it out, and the broker's log has it
        if of == Version::V3_10 {
            messages(&found, "refused").contains(&"1 channel limits its consumers together".to_owned())
        } else {
            found["notes"].to_string().contains("does not tell which channels limit")
                && world.broker.log().contains("`global_qos`")
        }
    });
    assert!(told, "{:#}", verdict(world, &[]).1);

    // what a broker does not tell is said, and is no error
    let notes = verdict(world, &[]).1["notes"].to_string();
    let untold = notes.contains("this broker does not tell which deprecated features are in use");
    assert_eq!(untold, of == Version::V3_10, "{notes}");
    api.put("/api/users/watcher", &json!({ "password": "watcher", "tags": "management" }));
    let all = json!({ "configure": "", "write": "", "read": "" });
    api.put("/api/permissions/two/watcher", &all);
    let broker = world.broker.management_url().replace("guest:guest", "watcher:watcher");
    let (_, found) = verdict(world, &["--broker", &broker]);
    let vhosts: Vec<&Value> =
        found["findings"].as_array().unwrap().iter().map(|f| &f["entities"][0]["vhost"]).collect();
    assert!(vhosts.contains(&&json!("two")) && !vhosts.contains(&&json!("one")), "{found:#}");

    // a file holds the entities alone
    let path = world.folder.path().join("definitions.json");
    std::fs::write(&path, api.get("/api/definitions").to_string()).unwrap();
    let (code, found) = verdict(world, &["--broker", &format!("file:{}", path.display())]);
    assert_eq!(code, 1);
    assert!(found["notes"].to_string().contains("does not tell which deprecated features"), "{found:#}");
}

#[test]
fn a_running_broker_is_asked_what_it_is_ready_for() {
    a_running_broker_is_asked(&World::of(Version::V3_10));
}

#[test]
fn a_running_broker_is_asked_what_it_is_ready_for_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        a_running_broker_is_asked(&World::of(Version::V4_0));
    }
}
