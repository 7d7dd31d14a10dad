//! Questions about a live broker get the answer that the file they were applied from gives.

use std::{collections::BTreeSet, process::Command};

use assert_cmd::cargo::CommandCargoExt;
use serde_json::{Value, json};
use topoc_test_support::{Broker, Options, SHIPPED_PLUGINS};

const EXAMPLE: &str = "examples/order-processing/topology.kdl";

fn ask(broker: &Broker, arguments: &[&str]) -> Value {
    let output = Command::cargo_bin("topoc")
        .unwrap()
        .args(arguments)
        .args(["--format", "json"])
        .env("TOPOC_BROKER", broker.management_url())
        .env_remove("TOPOC_AMQP")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What does not hang on where something is written, or in which order a broker lists it.
fn essence(mut route: Value) -> Value {
    for list in ["steps", "queues", "possible_queues", "deaths"] {
        for item in route[list].as_array_mut().into_iter().flatten() {
            if let Some(item) = item.as_object_mut() {
                item.remove("place");
            }
        }
        let sorted: BTreeSet<String> =
            route[list].as_array().into_iter().flatten().map(Value::to_string).collect();
        route[list] = json!(sorted);
    }
    route["bounds"] = json!([route["bounds"]["attempts"], route["bounds"]["delay_ms"]]);
    route
}

#[test]
fn a_broker_is_asked_as_a_file_is() {
    let broker = Broker::start_with(Options { plugins: SHIPPED_PLUGINS, ..Options::default() });
    ask(&broker, &["apply", EXAMPLE, "--yes"]);
    for message in ["OrderCreated", "PaymentSucceeded", "OrderPaid"] {
        let file = ask(&broker, &["route", EXAMPLE, "--message", message]);
        let live = ask(&broker, &["route", EXAMPLE, "--message", message, "--live"]);
        assert_ne!(file["queues"], json!([]), "{message}");
        assert_eq!(essence(live), essence(file), "{message}");
    }
    // what somebody binds by hand counts on the broker alone
    let binding = json!({"routing_key": "order.created"});
    broker.api().post("/api/bindings/shop/e/order.exchange/q/audit.dead", &binding);
    let question = ["--vhost", "shop", "--exchange", "order.exchange", "--key", "order.created"];
    let live = ask(&broker, &[&["route", "--live"], &question[..]].concat());
    assert!(live["queues"].as_array().unwrap().contains(&json!("audit.dead")), "{live:#}");
    let why = ask(&broker, &[&["why-not", "audit.dead", EXAMPLE], &question[..]].concat());
    assert_eq!(why["gets"], json!(false), "{why:#}");
}
