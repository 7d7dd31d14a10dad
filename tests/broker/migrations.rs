//! Changes that the broker does not make in place: carried out while publishers and consumers go on, they lose nothing.

use serde_json::json;
use topoc_test_support::{Version, available_or_skip};

use crate::{
    load::{Load, Route, Tally, rate},
    world::World,
};

fn text(vhost: &str, rest: &str) -> String {
    format!(
        "topology \"moving\"\nvhost \"moving\" {vhost} {{ exchange \"e\" type=\"topic\"\n exchange \"f\" type=\"fanout\" {{ bind \"e\" routing-key=\"order.#\" }}\n {rest} }}"
    )
}

/// Three bindings, by which each message comes once all the same.
fn queue(name: &str, settings: &str) -> String {
    format!(
        "queue \"{name}\" {settings} {{ bind \"e\" routing-key=\"order.*\"; bind \"e\" routing-key=\"order.new\"; bind \"f\" }}"
    )
}

const DEAD: &str = "exchange \"dlx\" type=\"fanout\"\n queue \"dead\" type=\"classic\" { bind \"dlx\" }\n ";

/// Applies amidst a load on which nobody waits, and accounts for every message.
#[expect(clippy::print_stdout, reason = "what became of the messages is what there is to see")]
fn under_load(world: &World, what: &str, after: &str, consumers: usize) -> Tally {
    let load = Load::start(&Route {
        url: world.broker.amqp_url().replace("%2f", "moving"),
        exchange: "e",
        key: "order.new",
        queues: &["q", "r"],
        rate: rate(),
        consumers,
        first: 0,
        silence: None,
    });
    load.go_on_for(600);
    let said = world.run("apply", after, &["--yes"]);
    assert_eq!(said.code, 0, "{what}: {}{}", said.out, said.err);
    load.go_on_for(600);
    let tally = load.end();
    println!("{}, {what}: {tally:?}", world.broker.version());
    world.assert_settled(after);
    assert_eq!((tally.lost, tally.duplicated, tally.returned), (0, 0, 0), "{what}: {tally:?}\n{}", said.out);
    // a machine that is busy is told of
    if consumers == 1 && !said.out.contains("its order was given up") {
        assert!(tally.reordered <= 100, "{what}: what overtakes the last few: {tally:?}");
    }
    for list in ["queues", "exchanges"] {
        let left = world.api().get(&format!("/api/{list}/moving")).to_string();
        assert!(!left.contains(".topoc."), "{what}: {left}");
    }
    tally
}

fn queues_change_under_load(world: &World) {
    let limited = "type=\"classic\" message-ttl=\"1h\" max-length=1_000_000";
    let with_dead = |settings: &str| {
        let queue = queue("q", settings).replace("{ bind", "{ dead-letter \"dlx\"; bind");
        text("", &format!("{DEAD}{queue}"))
    };
    world.apply(&text("", &queue("q", "type=\"classic\"")), &[]);
    for (what, after, consumers) in [
        ("classic to quorum", text("", &queue("q", "type=\"quorum\"")), 2),
        ("quorum to classic", text("", &queue("q", "type=\"classic\"")), 1),
        ("dead letters, a TTL and a limit", with_dead(limited), 1),
        ("other arguments, and nobody consumes", with_dead("type=\"quorum\""), 0),
    ] {
        // without consumers, those that come afterwards take what is there
        if consumers == 0 {
            unheard(world, what, &after);
        } else {
            under_load(world, what, &after, consumers);
        }
        assert_eq!(world.bindings("moving", "q"), ["e order.*", "e order.new", "f "], "{what}");
    }
}

/// Messages that nobody consumes are moved, and keep their order, properties and keys.
fn unheard(world: &World, what: &str, after: &str) {
    let api = world.api();
    let publish = |number: u32| {
        let properties = json!({
            "headers": {"n": number, "CC": ["order.also"]}, "priority": 3, "message_id": format!("m-{number}"),
            "expiration": "3600000", "delivery_mode": 2, "correlation_id": "c", "type": "t",
        });
        let message = json!({
            "properties": properties, "routing_key": "order.new", "payload": format!("0:{number}"),
            "payload_encoding": "string",
        });
        assert_eq!(api.post("/api/exchanges/moving/e/publish", &message)["routed"], true);
    };
    (0..200).for_each(publish);
    let said = world.run("apply", after, &["--yes"]);
    assert_eq!(said.code, 0, "{what}: {}{}", said.out, said.err);
    let body = json!({"count": 1000, "ackmode": "ack_requeue_false", "encoding": "auto"});
    let found = api.post("/api/queues/moving/q/get", &body);
    let found = found.as_array().unwrap();
    assert_eq!(found.len(), 200, "{what}: {}", said.out);
    for (number, message) in found.iter().enumerate() {
        let properties = &message["properties"];
        assert_eq!(message["payload"], format!("0:{number}"), "{what}");
        assert_eq!(message["routing_key"], "order.new");
        assert_eq!(properties["message_id"], format!("m-{number}"));
        assert_eq!(properties["headers"]["CC"], json!(["order.also"]));
        assert_eq!((&properties["priority"], &properties["expiration"]), (&json!(3), &json!("3600000")));
    }
}

/// The consumers of the old name go on until it is gone; those of the new one are there before or after.
fn a_queue_is_renamed_under_load(world: &World) {
    let renamed = |settings: &str| queue("r", settings).replace("{ bind", "{ moved from=\"q\"; bind");
    world.apply(&text("", &queue("q", "type=\"classic\"")), &[]);
    let api = world.api();
    api.post("/api/bindings/moving/e/e/q/q", &json!({"routing_key": "handmade", "arguments": {}}));
    let after = text("", &renamed("type=\"quorum\""));
    let said = world.run("diff", &after, &[]);
    for line in ["→ queue    r ", "moved from q, type classic → quorum", "3 to create, 1 to move."] {
        assert!(said.out.contains(line), "{line}: {}", said.out);
    }
    let tally = under_load(world, "renamed", &after, 1);
    assert!(tally.confirmed > 500, "{tally:?}");
    assert!(!world.exists("/api/queues/moving/q"));
    assert_eq!(world.bindings("moving", "r"), ["e handmade", "e order.*", "e order.new", "f "]);
    // what the file has moved on from is no more to be said
    world.assert_settled(&text("", &queue("r", "type=\"quorum\"")));
    api.delete("/api/vhosts/moving");
    world.apply("topology \"moving\"", &[]);
}

/// Queues keep the type that they were made with; only those that are made later get another.
fn a_default_type_changes_under_load(world: &World) {
    let with = |default: &str, more: &str| {
        text(&format!("default-queue-type=\"{default}\""), &format!("{}{more}", queue("q", "")))
    };
    world.apply(&with("classic", ""), &[]);
    under_load(world, "another default type", &with("quorum", "\n queue \"later\""), 1);
    let api = world.api();
    assert_eq!(api.get("/api/queues/moving/q")["type"], "classic");
    let heeds = world.broker.version() != Version::V3_10;
    assert_eq!(api.get("/api/queues/moving/later")["type"], if heeds { "quorum" } else { "classic" });
    world.apply("topology \"moving\"", &[]);
}

/// The policies of mirrors, which RabbitMQ 4.0 has no more, go; then the queue becomes a replicated one.
fn mirrors_go_under_load(world: &World) {
    let policy = "policy \"mirrored\" pattern=\"^q$\" apply-to=\"queues\" { ha-mode \"all\" }\n ";
    let before = text("", &format!("{policy}{}", queue("q", "type=\"classic\"")));
    world.apply(&before.replace("topology \"moving\"", "topology \"moving\" { rabbitmq \"3.10\"; }"), &[]);
    under_load(world, "mirrors", &text("", &queue("q", "type=\"quorum\"")), 1);
    world.apply("topology \"moving\"", &[]);
}

/// Who holds a message without acknowledging it stops a migration, which goes back.
fn a_message_that_is_held_stops_it(world: &World) {
    world.apply(&text("", &queue("q", "type=\"quorum\"")), &[]);
    world.publish("moving", "q", 3);
    let holder = crate::safety::Client::of(world, "moving");
    holder.take("q", 1);
    let after = text("", &queue("q", "type=\"classic\""));
    let said = world.run("apply", &after, &["--yes", "--drain-timeout", "1s"]);
    assert_eq!(said.code, 5, "{}{}", said.out, said.err);
    assert!(said.out.contains("unacknowledged"), "{}", said.out);
    assert_eq!(holder.ready("q"), 2, "{}", said.out);
    assert_eq!(world.bindings("moving", "q"), ["e order.*", "e order.new", "f "]);
    drop(holder);
    world.apply(&after, &[]);
    assert_eq!(crate::safety::Client::of(world, "moving").ready("q"), 3);
    world.apply("topology \"moving\"", &["--allow-data-loss"]);
}

/// A policy that would drop what waits aside keeps it from waiting there.
fn a_policy_that_would_drop_what_waits_is_evaded(world: &World) {
    let policy = |pattern: &str| {
        format!("policy \"short\" pattern=\"{pattern}\" apply-to=\"queues\" {{ max-length 1 }}\n ")
    };
    let with = |pattern: &str, queue_type: &str| {
        let queue = queue("q", &format!("type=\"{queue_type}\""));
        text("", &format!("{}{queue}", policy(pattern)))
    };
    world.apply(&with("^q\\\\.", "classic"), &[]);
    let said = world.run("diff", &with("^q\\\\.", "quorum"), &[]);
    assert!(said.out.contains("in `topoc.q.limbo`, and come back in order"), "{}", said.out);
    world.apply(&with("limbo", "classic"), &[]);
    let said = world.run("apply", &with("limbo", "quorum"), &["--yes"]);
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
    assert!(said.out.contains("leave one of these names out of their patterns"), "{}", said.out);
    world.apply("topology \"moving\"", &[]);
}

fn nothing_is_lost(world: &World) {
    queues_change_under_load(world);
    world.apply("topology \"moving\"", &["--allow-data-loss"]);
    a_queue_is_renamed_under_load(world);
    a_default_type_changes_under_load(world);
    if world.broker.version() == Version::V3_10 {
        mirrors_go_under_load(world);
    }
    a_message_that_is_held_stops_it(world);
    a_policy_that_would_drop_what_waits_is_evaded(world);
}

#[test]
fn nothing_is_lost_while_topologies_change() {
    nothing_is_lost(&World::of(Version::V3_10));
}

#[test]
fn nothing_is_lost_while_topologies_change_on_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        nothing_is_lost(&World::of(Version::V4_0));
    }
}
