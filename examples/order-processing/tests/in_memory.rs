//! The whole shop in one process, with no broker at all.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
};

use serde_json::Value;

#[test]
fn every_order_reaches_its_end_without_a_broker() {
    let dir = tempfile::tempdir().unwrap();
    let audit = dir.path().join("audit.jsonl");
    let done = Command::new(env!("CARGO_BIN_EXE_order-processing"))
        .args(["--in-memory", "16"])
        // no broker answers there, so nothing may ask for one
        .env("TOPOC_AMQP", "amqp://guest:guest@127.0.0.1:1/shop")
        .env("AUDIT_LOG", &audit)
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{out}{err}");
    for end in [
        "10 orders are completed",
        "2 orders are cancelled (out of stock)",
        "2 orders are cancelled (the card is refused)",
        "2 orders are cancelled (inventory gave it up)",
    ] {
        assert!(out.contains(end), "no `{end}` in {out}");
    }
    let mut events: BTreeMap<String, usize> = BTreeMap::new();
    let mut orders = BTreeSet::new();
    for line in fs::read_to_string(&audit).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        *events.entry(line["event"].as_str().unwrap().to_owned()).or_default() += 1;
        orders.insert(line["payload"]["order-id"].as_str().unwrap().to_owned());
    }
    assert_eq!(orders.len(), 16);
    for (event, count) in
        [("order.created", 16), ("order.completed", 10), ("order.cancelled", 6), ("shipping.delivered", 10)]
    {
        assert_eq!(events.get(event), Some(&count), "{event} of {events:?}");
    }
}
