//! `--mover shovel`: the broker moves what waits, and keeps what topoc keeps.

use std::{process::Stdio, time::Duration};

use serde_json::{Value, json};
use topoc_test_support::{Options, Version, available_or_skip};

use crate::{
    load::{Load, Route, Tally},
    safety::Client,
    world::{Said, World},
};

const SHOVEL: &[&str] = &["--yes", "--mover", "shovel"];

fn text(queue_type: &str) -> String {
    format!(
        "topology \"shoveled\"\nvhost \"shoveled\" {{ exchange \"e\" type=\"topic\"\n queue \"q\" type=\"{queue_type}\" {{ bind \"e\" routing-key=\"#\" }} }}"
    )
}

fn route(world: &World, rate: u32) -> Route {
    Route {
        url: world.broker.amqp_url().replace("%2f", "shoveled"),
        exchange: "e",
        key: "k",
        queues: &["q"],
        rate,
        consumers: 0,
        first: 0,
        silence: None,
    }
}

fn nothing_is_left(world: &World) {
    for list in ["queues", "exchanges", "parameters/shovel"] {
        let left = world.api().get(&format!("/api/{list}/shoveled")).to_string();
        assert!(!left.contains(".topoc."), "{left}");
    }
}

/// Nobody consumes, so all of it is shoveled aside and back, while others publish.
fn under_load(world: &World, wanted: &str, stays_in_order: bool) -> Tally {
    let route = route(world, 200);
    let mut load = Load::start(&route);
    load.fill(&route, 1_000);
    let said = world.run("apply", wanted, SHOVEL);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(!said.out.contains("did not get on"), "{}", said.out);
    load.hear(&route, 1);
    let tally = load.end();
    assert_eq!((tally.lost, tally.duplicated, tally.returned), (0, 0, 0), "{tally:?}\n{}", said.out);
    assert!(
        !stays_in_order || said.out.contains("its order was given up") || tally.reordered <= 60,
        "{tally:?}"
    );
    world.assert_settled(wanted);
    nothing_is_left(world);
    tally
}

/// What a message is it stays.
fn messages_stay_as_they_are(world: &World, wanted: &str) {
    let api = world.api();
    for number in 0..20 {
        let properties = json!({
            "headers": {"n": number, "CC": ["order.also"]}, "priority": 3, "message_id": format!("m-{number}"),
            "expiration": "3600000", "delivery_mode": 2, "correlation_id": "c", "type": "t",
        });
        let message = json!({
            "properties": properties, "routing_key": "order.new", "payload": number.to_string(),
            "payload_encoding": "string",
        });
        assert_eq!(api.post("/api/exchanges/shoveled/e/publish", &message)["routed"], true);
    }
    let said = world.run("apply", wanted, SHOVEL);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(!said.out.contains("did not get on"), "{}", said.out);
    let found = taken(world);
    assert_eq!(found.len(), 20, "{}", said.out);
    for (number, message) in found.iter().enumerate() {
        let properties = &message["properties"];
        assert_eq!(
            (&message["payload"], &message["routing_key"]),
            (&json!(number.to_string()), &json!("order.new"))
        );
        let headers = &properties["headers"];
        assert_eq!((&headers["n"], &headers["CC"]), (&json!(number), &json!(["order.also"])), "{message}");
        // a quorum queue counts what it delivers
        let known = ["n", "CC", "x-delivery-count"];
        assert!(headers.as_object().unwrap().keys().all(|name| known.contains(&&**name)), "{message}");
        assert_eq!(properties["message_id"], format!("m-{number}"));
        assert_eq!(
            (
                &properties["priority"],
                &properties["expiration"],
                &properties["correlation_id"],
                &properties["type"]
            ),
            (&json!(3), &json!("3600000"), &json!("c"), &json!("t"))
        );
    }
}

fn taken(world: &World) -> Vec<Value> {
    let body = json!({"count": 1000, "ackmode": "ack_requeue_false", "encoding": "auto"});
    let found = world.api().post("/api/queues/shoveled/q/get", &body);
    found.as_array().unwrap().clone()
}

/// The broker takes what somebody has signed from a shovel within it.
fn what_is_signed_is_moved(world: &World, wanted: &str) {
    for properties in [json!({}), json!({"user_id": "guest"}), json!({})] {
        let message = json!({
            "properties": properties, "routing_key": "k", "payload": "x", "payload_encoding": "string",
        });
        assert_eq!(world.api().post("/api/exchanges/shoveled/e/publish", &message)["routed"], true);
    }
    let said = world.run("apply", wanted, SHOVEL);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(!said.out.contains("did not get on"), "{}", said.out);
    let users: Vec<Value> = taken(world).iter().map(|found| found["properties"]["user_id"].clone()).collect();
    assert_eq!(users, [Value::Null, json!("guest"), Value::Null]);
    nothing_is_left(world);
}

/// Somebody deletes the shovel amidst: topoc moves the rest.
fn a_shovel_goes_amidst(world: &World, wanted: &str) {
    let route = route(world, 100);
    let mut load = Load::start(&route);
    load.fill(&route, 3_000);
    let mut run = world.command("apply", wanted, SHOVEL);
    let run = run.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let shovel = "/api/parameters/shovel/shoveled/q.topoc.shovel";
    while !world.exists(shovel) {
        std::thread::sleep(Duration::from_millis(5));
    }
    world.api().delete(shovel);
    let ended = run.wait_with_output().unwrap();
    let out = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{out}{}", String::from_utf8_lossy(&ended.stderr));
    assert!(out.contains("the shovel did not get on, so topoc moved the rest itself"), "{out}");
    load.hear(&route, 1);
    let tally = load.end();
    assert_eq!((tally.lost, tally.returned), (0, 0), "{tally:?}");
    assert!(tally.duplicated <= 50, "{tally:?}");
    nothing_is_left(world);
}

/// The shovel of a run that was killed is deleted by the next one, with or without the option.
#[expect(clippy::print_stdout, reason = "what became of the messages is what there is to see")]
fn a_shovel_outlives_its_run(world: &World) {
    let route = route(world, 100);
    let mut load = Load::start(&route);
    load.fill(&route, 2_000);
    let mut left_behind = 0;
    let types = ["quorum", "classic"];
    for (index, wanted) in types.into_iter().map(text).enumerate() {
        let mut run = world.command("apply", &wanted, SHOVEL);
        run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut run = run.spawn().unwrap();
        let shovels = || world.api().get("/api/parameters/shovel/shoveled").to_string();
        while !shovels().contains(".topoc.") && run.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(100 * index as u64));
        run.kill().unwrap();
        run.wait().unwrap();
        left_behind += usize::from(shovels().contains(".topoc."));
        let flags = if index == 0 { &SHOVEL[..1] } else { SHOVEL };
        let said = Said::of(&mut world.command("apply", &wanted, flags));
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        world.assert_settled(&wanted);
        nothing_is_left(world);
    }
    load.hear(&route, 2);
    let tally = load.end();
    println!("{}, {left_behind} shovels were left behind: {tally:?}", world.broker.version());
    assert!(left_behind > 0);
    assert_eq!((tally.lost, tally.returned), (0, 0), "{tally:?}");
    assert!(tally.duplicated <= 50 * types.len(), "{tally:?}");
}

#[expect(clippy::print_stdout, reason = "what became of the messages is what there is to see")]
fn a_shovel_moves(version: Version) {
    let world = World::of(version);
    world.apply(&text("classic"), &[]);
    println!("{version}, classic to quorum: {:?}", under_load(&world, &text("quorum"), true));
    println!("{version}, quorum to classic: {:?}", under_load(&world, &text("classic"), true));
    messages_stay_as_they_are(&world, &text("quorum"));
    what_is_signed_is_moved(&world, &text("classic"));
    a_shovel_goes_amidst(&world, &text("quorum"));
    world.apply(&text("classic"), &[]);
    a_shovel_outlives_its_run(&world);
}

#[test]
fn a_shovel_moves_what_waits() {
    a_shovel_moves(Version::V3_10);
}

#[test]
fn a_shovel_moves_what_waits_on_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        a_shovel_moves(Version::V4_0);
    }
}

#[test]
fn a_broker_without_shovels_is_told_of() {
    let world = World::on(Options { plugins: &["rabbitmq_management"], ..Options::default() });
    world.apply(&text("classic"), &[]);
    world.publish("shoveled", "q", 1);
    let said = world.run("apply", &text("quorum"), SHOVEL);
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
    assert!(said.err.contains("the broker has no shovels"), "{}", said.err);
    assert_eq!(Client::of(&world, "shoveled").ready("q"), 1);
    assert_eq!(world.api().get("/api/queues/shoveled/q")["type"], "classic");
}
