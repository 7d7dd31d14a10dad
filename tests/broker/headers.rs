//! Bindings that the management API can neither make nor tell apart.

use serde_json::json;
use topoc_test_support::{Version, available_or_skip};

use crate::{
    safety::Client,
    world::{Said, World},
};

/// A header without a value is bound by AMQP alone, and shown by the broker as a text, which is another binding.
fn a_header_without_a_value_is_bound_and_comes_back(world: &World) {
    let text = |queue_type: &str| {
        format!(
            "topology \"void\"\nvhost \"void\" {{ exchange \"h\" type=\"headers\"\n exchange \"i\" type=\"fanout\" {{ bind \"h\" match=\"any\" {{ header \"x\" }} }}\n queue \"q\" type=\"{queue_type}\" {{ bind \"h\" match=\"any\" {{ header \"e\"; header \"n\" 1; header \"f\" 1.5; header \"b\" #true }}\n bind \"h\" match=\"all\" {{ header \"t\" \"undefined\" }} }} }}"
        )
    };
    let said = world.apply(&text("classic"), &[]);
    assert!(said.out.contains("create binding h → q b=true e f=1.5 n=1"), "{}", said.out);
    let publish = |headers: serde_json::Value| {
        let message = json!({"properties": {"headers": headers}, "routing_key": "", "payload": "x", "payload_encoding": "string"});
        world.api().post("/api/exchanges/void/h/publish", &message)["routed"].clone()
    };
    assert_eq!((publish(json!({"e": "anything"})), publish(json!({"z": 1}))), (json!(true), json!(false)));
    // others' too, that read like one of ours
    let others = Client::of(world, "void");
    let bind = |key: &str, value: lapin::types::AMQPValue| {
        let mut arguments = lapin::types::FieldTable::default();
        arguments.insert("deep".into(), value);
        let options = lapin::options::QueueBindOptions::default();
        others
            .runtime
            .block_on(others.channel.queue_bind("q".into(), "h".into(), key.into(), options, arguments))
            .unwrap();
    };
    bind("void", lapin::types::AMQPValue::Void);
    bind("text", lapin::types::AMQPValue::LongString("undefined".into()));
    let handles = || {
        let list = world.api().get("/api/queues/void/q/bindings");
        let list = list.as_array().unwrap().iter().filter(|binding| binding["source"] != "");
        let mut found: Vec<String> = list.map(|binding| binding["properties_key"].to_string()).collect();
        found.sort();
        found
    };
    let before = handles();
    assert_eq!(before.len(), 4);
    world.api().delete("/api/queues/void/q/contents");
    world.apply(&text("quorum"), &["--allow-gap"]);
    assert_eq!(handles(), before);
    // without AMQP nothing is taken away that only AMQP puts back
    let said = world.run(
        "apply",
        &text("classic"),
        &["--yes", "--no-lock", "--allow-data-loss", "--amqp", "amqp://127.0.0.1:1"],
    );
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
    assert!(said.out.contains("a header without a value is bound by AMQP alone, and"), "{}", said.out);
    assert_eq!(handles(), before);
    // no import takes it
    let exported = Said::of(
        std::process::Command::new(env!("CARGO_BIN_EXE_topoc"))
            .args(["export", "definitions"])
            .arg(world.file(&text("quorum"))),
    );
    assert!(exported.err.contains("binding `h → i x` is left out: no import takes"), "{}", exported.err);
    let definitions: serde_json::Value = serde_json::from_str(&exported.out).unwrap();
    assert_eq!(definitions["bindings"].as_array().unwrap().len(), 1);
    world.api().post("/api/definitions", &definitions);
    world.api().delete("/api/vhosts/void");
    world.apply("topology \"void\"", &[]);
}

#[test]
fn headers_without_values_are_bound() {
    a_header_without_a_value_is_bound_and_comes_back(&World::of(Version::V3_10));
}

#[test]
fn headers_without_values_are_bound_on_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        a_header_without_a_value_is_bound_and_comes_back(&World::of(Version::V4_0));
    }
}
