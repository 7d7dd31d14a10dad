//! What must not be lost: messages, and bindings, whoever made them.

use serde_json::json;
use topoc_test_support::{Version, available_or_skip};

use crate::world::World;

/// One binding may not be taken away, so the queue cannot be replaced: it has all of them again.
fn a_queue_that_cannot_be_cut_off_keeps_its_bindings(world: &World) {
    let text = |queue: &str| {
        format!(
            "topology \"cut\"\nvhost \"cut\" {{ exchange \"e\" type=\"topic\"\n exchange \"f\" type=\"fanout\"\n {queue} }}"
        )
    };
    let queue = |queue_type: &str| {
        text(&format!("queue \"q\" type=\"{queue_type}\" {{ bind \"e\" routing-key=\"k\"; bind \"f\" }}"))
    };
    world.apply(&queue("classic"), &[]);
    let api = world.api();
    api.put("/api/exchanges/cut/theirs", &json!({"type": "fanout", "durable": true}));
    api.post("/api/bindings/cut/e/theirs/q/q", &json!({"routing_key": "", "arguments": {}}));
    api.post("/api/bindings/cut/e/e/q/q", &json!({"routing_key": "handmade", "arguments": {}}));
    api.put("/api/users/careful", &json!({"password": "careful", "tags": "policymaker"}));
    api.put("/api/permissions/cut/careful", &json!({"configure": ".*", "write": ".*", "read": "^(e|f|q)$"}));
    let broker = world.broker.management_url().replace("guest:guest", "careful:careful");
    for (wanted, action) in [(queue("quorum"), "replace"), (text(""), "delete")] {
        let said = world.run("apply", &wanted, &["--yes", "--broker", &broker]);
        assert_eq!(said.code, 5, "{}{}", said.out, said.err);
        assert!(said.out.contains(&format!("{action} queue q: ")), "{}", said.out);
        assert_eq!(world.bindings("cut", "q"), ["e handmade", "e k", "f ", "theirs "], "{}", said.out);
        assert_eq!(api.get("/api/queues/cut/q")["type"], "classic");
    }
    api.delete("/api/vhosts/cut");
    world.apply("topology \"cut\"", &[]);
}

fn nothing_is_lost(world: &World) {
    a_queue_that_cannot_be_cut_off_keeps_its_bindings(world);
}

#[test]
fn nothing_is_lost_unsaid() {
    nothing_is_lost(&World::of(Version::V3_10));
}

#[test]
fn nothing_is_lost_unsaid_on_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        nothing_is_lost(&World::of(Version::V4_0));
    }
}
