//! Tests of one process share a node and never see each other's objects.

use serde_json::json;
use topoc_test_support::{Shared, Version};

#[test]
fn a_vhost_is_ours_alone_and_goes_with_the_test() {
    isolated(Shared::get());
}

#[test]
fn rabbitmq_4_0_is_shared_too() {
    if let Some(shared) = Shared::get_or_skip(Version::V4_0) {
        isolated(shared);
    }
}

fn isolated(shared: &'static Shared) {
    let api = shared.api();
    let [mine, yours] = [shared.vhost(), shared.vhost()];
    assert_ne!(mine.name(), yours.name());
    assert!(mine.amqp_url().ends_with(mine.name()));
    api.put(&format!("/api/queues/{}/orders", mine.name()), &json!({"durable": true}));
    assert_eq!(api.get(&format!("/api/queues/{}", yours.name())), json!([]));

    let name = mine.name().to_owned();
    drop(mine);
    assert_eq!(api.ask("GET", &format!("/api/vhosts/{name}"), None).expect("an answer").0, 404);
}

#[test]
fn every_shipped_exchange_type_is_there() {
    let vhost = Shared::get().vhost();
    for kind in ["x-consistent-hash", "x-modulus-hash", "x-random", "x-recent-history"] {
        vhost.api().put(&format!("/api/exchanges/{}/{kind}", vhost.name()), &json!({"type": kind}));
    }
}
