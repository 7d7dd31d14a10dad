//! Exchanges that get another type while publishers and consumers go on: every message comes to every queue that it is for.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use topoc_test_support::{Version, available_or_skip};

use crate::{
    load::{Load, Route, rate},
    safety::Client,
    world::World,
};

/// `e` has three ways on, and is led to by `front`; what it does not route goes to `spare`, by a policy.
fn text(exchange: &str, key: &str) -> String {
    let key = if key.is_empty() { String::new() } else { format!(" routing-key=\"{key}\"") };
    format!(
        "topology \"switching\"\nvhost \"switching\" {{
         exchange \"front\" type=\"topic\"
         exchange \"spare\" type=\"fanout\"
         exchange \"e\" {exchange} {{ bind \"front\" routing-key=\"order.#\" }}
         exchange \"further\" type=\"fanout\" {{ bind \"e\"{key} }}
         policy \"spares\" pattern=\"^(e|further)$\" apply-to=\"exchanges\" priority=7 {{ alternate-exchange \"spare\" }}
         queue \"q\" type=\"classic\" {{ bind \"e\"{key} }}
         queue \"r\" type=\"quorum\" {{ bind \"e\"{key}; bind \"further\" }}
         queue \"unrouted\" type=\"classic\" {{ bind \"spare\" }} }}"
    )
}

/// How often each message is in a queue that nobody has consumed from.
fn held(world: &World, queue: &str) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for message in Client::of(world, "switching").take_all(queue) {
        *times.entry(message).or_default() += 1;
    }
    times
}

/// Applies amidst a load on one exchange; `q` is consumed, and `r` is counted afterwards.
#[expect(clippy::print_stdout, reason = "what became of the messages is what there is to see")]
fn under_load(world: &World, what: &str, exchange: &'static str, after: &str) {
    let route = Route {
        url: world.broker.amqp_url().replace("%2f", "switching"),
        exchange,
        key: "order.new",
        queues: &["q"],
        rate: rate(),
        consumers: 1,
        first: 0,
        silence: None,
    };
    let load = Load::start(&route);
    load.go_on_for(600);
    let said = world.run("apply", after, &["--yes"]);
    assert_eq!(said.code, 0, "{what}: {}{}", said.out, said.err);
    load.go_on_for(600);
    let (tally, confirmed, resent) = load.end_with_names();
    world.assert_settled(after);
    let held = held(world, "r");
    let lost = confirmed.iter().filter(|message| !held.contains_key(*message)).count();
    let twice = held.iter().filter(|(message, times)| **times > 1 && !resent.contains(*message)).count();
    println!(
        "{}, {what}, published to {exchange}: {tally:?}; in the other queue {lost} lost, {twice} duplicated; {} published again",
        world.broker.version(),
        resent.len()
    );
    assert_eq!((tally.lost, tally.duplicated, tally.returned), (0, 0, 0), "{what}: {tally:?}\n{}", said.out);
    assert_eq!((lost, twice), (0, 0), "{what}\n{}", said.out);
    // a machine that is busy is told of
    let keeps_order = !said.out.contains("its order was given up");
    assert!(!keeps_order || tally.reordered <= 100, "{what}: {tally:?}\n{}", said.out);
    if exchange != "e" {
        assert!(resent.is_empty(), "{what}: who publishes elsewhere notices nothing");
    }
    assert_eq!(world.api().get("/api/queues/switching/unrouted")["messages"].as_u64().unwrap_or(0), 0);
    nothing_is_left(world, what);
}

fn nothing_is_left(world: &World, what: &str) {
    for list in ["queues", "exchanges", "policies"] {
        let left = world.api().get(&format!("/api/{list}/switching")).to_string();
        assert!(!left.contains(".topoc."), "{what}: {left}");
    }
}

fn exchanges_change_under_load(world: &World) {
    world.apply(&text("type=\"direct\"", "order.new"), &[]);
    let api = world.api();
    // made by others, and kept
    api.post("/api/bindings/switching/e/e/q/r", &json!({"routing_key": "order.old", "arguments": {"a": 1}}));
    let changes = [
        ("direct to topic, with other keys", "e", text("type=\"topic\"", "order.*")),
        ("topic to headers", "front", text("type=\"headers\"", "")),
        ("headers to a fanout exchange that is not durable", "e", text("type=\"fanout\" durable=#false", "")),
        ("fanout to direct", "front", text("type=\"direct\"", "order.new")),
    ];
    // all of them where it is said how much is published
    let tried = if std::env::var_os("TOPOC_LOAD").is_some() { changes.len() } else { 2 };
    for (what, exchange, after) in changes.into_iter().take(tried) {
        under_load(world, what, exchange, &after);
        let kept = world.bindings("switching", "r");
        assert!(kept.contains(&"e order.old".to_owned()), "{what}: {kept:?}");
    }
    let found: Json = api.get("/api/exchanges/switching/e");
    assert_eq!(
        (&found["type"], &found["policy"]),
        (&json!(if tried == 2 { "headers" } else { "direct" }), &json!("spares"))
    );
    api.delete("/api/vhosts/switching");
    world.apply("topology \"switching\"", &[]);
}

/// Publishers of the old name and of the new one go on; the old one goes once nobody uses it.
#[expect(clippy::print_stdout, reason = "what became of the messages is what there is to see")]
fn an_exchange_is_renamed_under_load(world: &World) {
    let before = text("type=\"direct\"", "order.new");
    let after = text("type=\"topic\"", "order.*")
        .replace("exchange \"e\" type=\"topic\" {", "exchange \"e.v2\" type=\"topic\" { moved from=\"e\";")
        .replace("bind \"e\"", "bind \"e.v2\"");
    world.apply(&before, &[]);
    let api = world.api();
    api.post("/api/bindings/switching/e/e/q/r", &json!({"routing_key": "order.old", "arguments": {"a": 1}}));
    let route = |exchange, first| Route {
        url: world.broker.amqp_url().replace("%2f", "switching"),
        exchange,
        key: "order.new",
        queues: &[],
        rate: 500,
        consumers: 0,
        first,
        silence: None,
    };
    let old = Load::start(&route("e", 0));
    // which comes to nothing as long as there is none
    let new = Load::start(&route("e.v2", 2));
    old.go_on_for(300);
    let said = world.run("apply", &after, &["--yes"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(world.exists("/api/exchanges/switching/e"), "{}", said.out);
    old.go_on_for(300);
    new.go_on_for(300);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let is_published_to = || {
        let found = api.get("/api/exchanges/switching/e");
        found["message_stats"]["publish_in_details"]["rate"].as_f64().unwrap_or(0.0) > 0.0
    };
    while !is_published_to() {
        assert!(std::time::Instant::now() < deadline, "the broker tells nothing of what is published");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let said = world.run("diff", &after, &["--exit-code"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("exchange `e` stays until nobody publishes to it:"), "{}", said.out);
    let (old_tally, old_confirmed, old_resent) = old.end_with_names();
    while is_published_to() {
        assert!(std::time::Instant::now() < deadline, "the broker still tells of what is published");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let said = world.run("diff", &after, &[]);
    assert!(
        said.out.contains("- exchange  e  it has another name, and nobody publishes to it"),
        "{}",
        said.out
    );
    world.apply(&after, &[]);
    assert!(!world.exists("/api/exchanges/switching/e"));
    new.go_on_for(300);
    let (new_tally, new_confirmed, new_resent) = new.end_with_names();
    world.assert_settled(&after);
    println!(
        "{}, renamed: {} by the old name, {} by the new one, {} published again",
        world.broker.version(),
        old_confirmed.len(),
        new_confirmed.len(),
        old_resent.len() + new_resent.len()
    );
    assert_eq!((old_tally.returned, new_tally.returned), (0, 0));
    assert!(old_resent.is_empty(), "{old_resent:?}");
    for queue in ["q", "r"] {
        let held = held(world, queue);
        let lost = old_confirmed.union(&new_confirmed).filter(|message| !held.contains_key(*message)).count();
        let twice = held.iter().filter(|(message, times)| **times > 1 && !new_resent.contains(*message));
        assert_eq!((lost, twice.count()), (0, 0), "{queue}");
    }
    assert_eq!(
        world.bindings("switching", "r"),
        ["e.v2 order.*", "e.v2 order.old", "further "],
        "also what others have bound"
    );
    nothing_is_left(world, "renamed");
    api.delete("/api/vhosts/switching");
    world.apply("topology \"switching\"", &[]);
}

/// A type that the broker does not know is refused before anything is away.
fn a_type_that_is_refused_changes_nothing(world: &World) {
    world.apply(&text("type=\"direct\"", "k"), &[]);
    let bindings = |world: &World| world.api().get("/api/bindings/switching").to_string();
    let before = bindings(world);
    let after = text("type=\"topic\"", "k");
    let said = world.run("diff", &after, &[]);
    assert!(said.out.contains("in `e.topoc.limbo`, and is routed afterwards, in order"), "{}", said.out);
    // somebody else's, in the way
    world.api().put("/api/exchanges/switching/e.topoc.topic", &json!({"type": "fanout"}));
    let said = world.run("apply", &after, &["--yes"]);
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
    assert!(said.out.contains("`e.topoc.topic` is there already"), "{}", said.out);
    assert_eq!(bindings(world), before);
    world.api().delete("/api/exchanges/switching/e.topoc.topic");
    world.apply(&after, &[]);
    nothing_is_left(world, "after a refusal");
    // what has dead letters sent there has to be allowed
    let dead =
        after.replace("queue \"q\" type=\"classic\" {", "queue \"q\" type=\"classic\" { dead-letter \"e\";");
    world.apply(&dead, &["--allow-data-loss"]);
    let back = dead.replace("exchange \"e\" type=\"topic\"", "exchange \"e\" type=\"direct\"");
    let said = world.run("apply", &back, &["--yes"]);
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
    assert!(said.out.contains("what queue `q` sends to it while it is away is lost"), "{}", said.out);
    world.apply(&back, &["--allow-gap"]);
    world.apply("topology \"switching\"", &["--allow-data-loss"]);
}

fn all(world: &World) {
    exchanges_change_under_load(world);
    an_exchange_is_renamed_under_load(world);
    a_type_that_is_refused_changes_nothing(world);
}

#[test]
fn nothing_is_lost_while_exchanges_change() {
    all(&World::of(Version::V3_10));
}

#[test]
fn nothing_is_lost_while_exchanges_change_on_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        all(&World::of(Version::V4_0));
    }
}
