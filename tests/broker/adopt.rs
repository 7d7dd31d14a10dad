//! What others made becomes a topology's, and nothing changes on the broker.

use serde_json::{Value as Json, json};
use topoc_test_support::{Version, available_or_skip};

use crate::world::World;

const TEXT: &str = "topology \"late\"\nvhost \"late\" {\n exchange \"e\" type=\"topic\"\n queue \"same\" type=\"quorum\" { bind \"e\" routing-key=\"k\" }\n queue \"other\" type=\"classic\" max-length=5\n queue \"missing\" type=\"classic\"\n policy \"p\" pattern=\"^same$\" { max-length 10 }\n}";

/// All that is there but for statistics, records and what is told of nodes.
fn state(world: &World) -> Json {
    let mut all = world.api().get("/api/definitions");
    for list in ["global_parameters", "rabbit_version", "rabbitmq_version"] {
        all[list].take();
    }
    all
}

fn made_by_hand(world: &World) {
    let api = world.api();
    api.put("/api/vhosts/late", &json!({}));
    api.put("/api/exchanges/late/e", &json!({"type": "topic", "durable": true}));
    api.put("/api/queues/late/same", &json!({"durable": true, "arguments": {"x-queue-type": "quorum"}}));
    api.put("/api/queues/late/other", &json!({"durable": true, "arguments": {"x-max-length": 7}}));
    api.post("/api/bindings/late/e/e/q/same", &json!({"routing_key": "k"}));
    let policy =
        json!({"pattern": "^same$", "definition": {"max-length": 9}, "apply-to": "all", "priority": 0});
    api.put("/api/policies/late/p", &policy);
}

fn adopted(world: &World) {
    made_by_hand(world);
    let before = state(world);
    // who is not asked does nothing
    let said = world.run("adopt", TEXT, &[]);
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    assert!(said.err.contains("nobody is there to be asked whether to adopt this"), "{}", said.err);
    assert!(!world.api().get("/api/global-parameters").to_string().contains("topoc:late"));
    // what is as described, and not what differs
    let said = world.run("adopt", TEXT, &["--yes"]);
    assert_eq!(said.code, 5, "{}{}", said.out, said.err);
    for line in [
        "= exchange  e           as described",
        "= queue     same        as described",
        "= binding   e → same key k  as described",
        "≠ queue     other       max-length is 7, described as 5: --force adopts it as it is",
        "≠ policy    p           max-length is 9, described as 10: --force adopts it as it is",
        "adopted 4 entities on ",
    ] {
        let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(squeezed(&said.out).contains(&squeezed(line)), "{line}: {}", said.out);
    }
    assert_eq!(state(world), before);
    let said = world.run("diff", TEXT, &[]);
    assert!(said.out.contains("1 to create, 2 refused"), "{}", said.out);
    // by name, as it is: then it is a change like any other, and no drift
    let said = world.run("adopt", TEXT, &["--yes", "--name", "p", "--format", "json"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let answer: Json = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&answer["adopted"], &answer["entities"][0]["state"]), (&json!(1), &json!("as-it-is")));
    let said = world.run("diff", TEXT, &[]);
    assert!(said.out.contains("1 to create, 1 to change, 1 refused."), "{}", said.out);
    assert!(said.out.contains("max-length 9 → 10"), "{}", said.out);
    assert!(!said.out.contains("changed on the broker"), "{}", said.out);
    for (name, code, words) in [
        ("missing", 4, "nothing that is called `missing` is on "),
        ("otter", 1, "the topology describes nothing that is called `otter`"),
    ] {
        let said = world.run("adopt", TEXT, &["--yes", "--name", name]);
        assert_eq!(said.code, code, "{}{}", said.out, said.err);
        assert!(said.err.contains(words), "{}", said.err);
    }
    let said = world.run("adopt", TEXT, &["--yes", "--force"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("what differs is shown by: topoc diff "), "{}", said.out);
    assert_eq!(state(world), before);
    let again = world.run("adopt", TEXT, &["--yes"]);
    assert_eq!(again.code, 0, "{}{}", again.out, again.err);
    assert!(again.out.starts_with("nothing to adopt: "), "{}", again.out);
    // it is the topology's: what leaves the file leaves the broker
    let less = TEXT.replace(" policy \"p\" pattern=\"^same$\" { max-length 10 }\n", "");
    assert_eq!(world.plan(&less, &[]), ["create queue missing", "replace queue other", "delete policy p"]);
    // what another topology has is its own, alike or not
    let theirs =
        TEXT.replace("\"late\"\nvhost", "\"theirs\"\nvhost").replace("max-length 10", "max-length 9");
    let said = world.run("adopt", &theirs, &["--yes", "--force"]);
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
    assert!(said.out.contains("belongs to topology `late`"), "{}", said.out);
    assert!(!said.out.contains("= "), "{}", said.out);
    assert_eq!(state(world), before);
}

#[test]
fn what_others_made_is_adopted_as_it_is() {
    adopted(&World::of(Version::V3_10));
}

#[test]
fn what_others_made_is_adopted_as_it_is_on_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        adopted(&World::of(Version::V4_0));
    }
}
