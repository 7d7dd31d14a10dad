//! What somebody changes on the broker is told from what is changed in the file.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
};

use serde_json::{Value, json};
use topoc_test_support::{Version, available_or_skip};

use crate::world::World;

const TEXT: &str = "topology \"drift\"\nvhost \"drift\" {\n exchange \"e\" type=\"topic\"\n queue \"q\" type=\"quorum\" { bind \"e\" routing-key=\"k\" }\n queue \"lost\" type=\"quorum\"\n policy \"p\" pattern=\"^q$\" { max-length 10; message-ttl \"1h\" }\n policy \"r\" pattern=\"^lost$\" { max-length 7 }\n}\nuser \"drifter\" { password env=\"SECRET\"; tags \"monitoring\" }";

fn set(world: &World, name: &str, pattern: &str, definition: Value) {
    let policy = json!({"pattern": pattern, "definition": definition, "apply-to": "all", "priority": 0});
    world.api().put(&format!("/api/policies/drift/{name}"), &policy);
}

fn changes(world: &World, text: &str, flags: &[&str]) -> Value {
    let said = world.run("diff", text, &[&["--format", "json"], flags].concat());
    assert!([0, 3].contains(&said.code), "{}{}", said.out, said.err);
    serde_json::from_str(&said.out).unwrap()
}

fn three_ways_are_compared(world: &World) {
    world.apply(TEXT, &["--revision", "v1"]);
    let none = world.run("diff", TEXT, &["--drift", "--exit-code"]);
    assert_eq!(none.code, 0, "{}{}", none.out, none.err);
    assert!(none.out.starts_with("no drift: nobody has changed or deleted on "), "{}", none.out);
    assert!(none.out.contains("UTC by guest, from v1"), "{}", none.out);
    // an edit is no drift
    let edited = TEXT.replace("max-length 7", "max-length 8");
    let said = world.run("diff", &edited, &["--drift", "--exit-code"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    // a change by hand, of what the file has not touched, and of what it has
    set(world, "p", "^q$", json!({"max-length": 5, "message-ttl": 3_600_000}));
    set(world, "r", "^lost$", json!({"max-length": 6}));
    world.api().delete("/api/queues/drift/lost");
    let said = world.run("diff", &edited, &[]);
    for line in [
        "last applied ",
        "max-length 5 → 10 (changed on the broker)",
        "max-length 6 → 8 (changed in the file and on the broker)",
        "quorum; deleted on the broker since the last apply",
        "1 to create, 2 to change; 3 have drifted on the broker since the last apply.",
    ] {
        assert!(said.out.contains(line), "{line}: {}", said.out);
    }
    let drift = changes(world, &edited, &["--drift", "--exit-code"]);
    let found: Vec<(&Value, &Value)> = drift["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (&c["name"], &c["differences"][0]["changed"]))
        .collect();
    assert_eq!(
        found,
        [(&json!("p"), &json!("broker")), (&json!("r"), &json!("both")), (&json!("lost"), &Value::Null)]
    );
    assert_eq!(drift["applied"]["by"], "guest");
    // what was changed by hand and then written down is no drift, nor is it once it is changed again in the file
    let agreed = TEXT.replace("max-length 10", "max-length 5").replace("max-length 7", "max-length 6");
    world.apply(&agreed, &[]);
    set(world, "p", "^q$", json!({"max-length": 4, "message-ttl": 3_600_000}));
    let agreed = agreed.replace("max-length 5", "max-length 4");
    let said = world.run("apply", &agreed, &["--yes"]);
    assert!(said.out.starts_with("nothing to do"), "{}{}", said.out, said.err);
    let said = world.run("diff", &agreed.replace("max-length 4", "max-length 3"), &["--drift"]);
    assert!(said.out.starts_with("no drift"), "{}", said.out);
    // of passwords nothing is on record, so nothing is said
    world.api().put("/api/users/drifter", &json!({"password": "x", "tags": "monitoring,management"}));
    let said = world.run("diff", &agreed, &[]);
    assert!(said.out.contains(" → monitoring (changed on the broker), password changes"), "{}", said.out);
    let record = world.api().get("/api/global-parameters").to_string();
    for secret in ["p w", "password", "hash"] {
        assert!(!record.contains(secret), "{secret}: {record}");
    }
}

/// Ended with the test, also where it fails.
struct Watching(Child);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Each state is shown, once it is another.
fn drift_is_watched(world: &World) {
    let mut command = world.command("diff", TEXT, &["--drift", "--watch", "1s"]);
    let mut watching = Watching(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(watching.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut until = |wanted: &str| lines.find(|line| line.contains(wanted)).expect("it goes on");
    until("no drift");
    set(world, "p", "^q$", json!({"max-length": 3, "message-ttl": 3_600_000}));
    until("max-length 3 → 10 (changed on the broker)");
    set(world, "p", "^q$", json!({"max-length": 10, "message-ttl": 3_600_000}));
    until("no drift");
}

fn everything(version: Version) {
    if !available_or_skip(version) {
        return;
    }
    let world = World::of(version);
    three_ways_are_compared(&world);
    world.apply(TEXT, &[]);
    drift_is_watched(&world);
}

#[test]
fn drift_on_3_10() {
    everything(Version::V3_10);
}

#[test]
fn drift_on_4_0() {
    everything(Version::V4_0);
}
