//! What payloads look like on the wire.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use topoc_runtime::codegen::serde::{Serialize, de::DeserializeOwned};
use topoc_test_generated::{n2nd_self_test as names, payloads, schemas};

/// Reads a payload, and writes it as it was read.
fn same<T: Serialize + DeserializeOwned>(json: Value) -> T {
    let payload: T = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&payload).unwrap(), json);
    payload
}

fn everything() -> Value {
    json!({
        "a-string": "é", "a-bool": true, "an-i32": -1, "an-i64": -5_000_000_000_i64, "a-u32": 1,
        "a-u64": 18_446_744_073_709_551_615_u64, "an-f64": 0.5, "a-decimal": "19.95", "bytes": "AP8=",
        "uuid": "6c6ac60e-5b0b-4b7f-8f5e-2f1f4a1f1c55", "timestamp": "2026-11-21T12:00:00Z",
        "date": "2026-11-21", "duration": "PT1.5S",
    })
}

#[test]
fn every_type_is_read_and_written_alike() {
    let leaf = json!({"label": "leaf", "leaves": [], "named": {}});
    let tree = json!({"label": "root", "left": leaf, "leaves": [leaf], "named": {"a": leaf}});
    let all: payloads::AllThere = same(json!({
        "everything": everything(),
        "tree": tree,
        "egg": {"chicken": {"egg": {}}},
    }));
    assert_eq!(all.everything.a_u64, u64::MAX);
    assert_eq!(all.tree.named["a"].label, "leaf");
}

#[test]
fn what_may_be_absent_is_absent() {
    let none: payloads::PerhapsThere =
        same(json!({"list-of-perhaps": [null, "x"], "map": {"a": 1}, "map-of-lists": {"b": ["1.5"]}}));
    assert_eq!(none.a_string, None);
    assert_eq!(none.map, BTreeMap::from([("a".to_owned(), 1)]));
    let null: payloads::PerhapsThere = serde_json::from_value(json!({
        "a-string": null, "list-of-perhaps": [], "map": {}, "map-of-lists": {},
    }))
    .unwrap();
    assert_eq!(null.a_string, None);
}

#[test]
fn names_stay_as_they_are_on_the_wire() {
    let vec = json!({
        "order-id": "6c6ac60e-5b0b-4b7f-8f5e-2f1f4a1f1c55",
        "order_id": "6c6ac60e-5b0b-4b7f-8f5e-2f1f4a1f1c56",
        "orderId": "6c6ac60e-5b0b-4b7f-8f5e-2f1f4a1f1c57",
        "order id": "6c6ac60e-5b0b-4b7f-8f5e-2f1f4a1f1c58",
        "2fa": true, "größe": 1.5, "数量": 3, "+": "plus", "a\"quote\\": "q",
    });
    same::<names::VecType>(vec);
    same::<names::StringType>(json!({"type": "t", "self": true, "Self": 1, "crate": "c", "gen": 2}));
    for word in ["OK", "ok", "Ok", "some-thing", "some_thing", "self", "1", "2.5", "", "+", "with \"quotes\""]
    {
        let read: names::ResultType = same(json!(word));
        assert_eq!(read.as_str(), word);
    }
}

#[test]
fn a_json_schema_is_a_type() {
    let moved: schemas::ShipmentMoved = same(json!({
        "shipment-id": "6c6ac60e-5b0b-4b7f-8f5e-2f1f4a1f1c55",
        "moved-at": "2026-11-21T12:00:00Z",
        "from": {"country": "de", "within": {"country": "eu"}},
        "to": {"country": "fr"},
        "state": "lost?",
        "nothing": null,
        "parcels": [{"weight": 1.5, "pieces": 2, "type": "parcel"}],
        "tags": {"a": "b"},
        "anything": [1, {"x": null}],
        "history": {"before": {}, "all": [{}]},
        "day": "2026-11-21", "took": "PT2H", "value": "1.10", "label": "AP8=",
    }));
    assert_eq!(moved.state, schemas::ShipmentMovedState::Lost);
    same::<schemas::Readings>(json!([1.5, -2.0]));
    same::<schemas::Sketch>(json!({"lines": [[0.0, 1.0]]}));
    assert!(serde_json::from_value::<schemas::ShipmentMovedState>(json!("elsewhere")).is_err());
}
