//! A plan that was reviewed is carried out as it was, or not at all.

use serde_json::json;
use topoc_test_support::{Version, available_or_skip};

use crate::world::{Said, World};

const TEXT: &str = "topology \"reviewed\"\nvhost \"reviewed\" { queue \"q\" type=\"classic\"\n queue \"r\" type=\"classic\"\n policy \"p\" pattern=\"^q$\" { max-length 10 } }\nuser \"reviewed\" { password env=\"SECRET\" }\nglobal-parameter \"reviewed\" { allow \"uri-credentials\" because=\"it is planted\"\n value { uri \"amqp://u:pl4nted@127.0.0.1\" } }";

fn only_what_was_reviewed_is_done(world: &World) {
    let kept = world.folder.path().join("plan.json");
    let path = kept.to_str().unwrap();
    let plan = |text: &str| {
        let said = world.run("plan", text, &["-o", path]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        said
    };
    let carry_out = |text: &str| {
        world.file(text);
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_topoc"));
        command.args(["apply", path]).env("TOPOC_BROKER", world.broker.management_url());
        Said::of(command.env("SECRET", "p w").env_remove("TOPOC_AMQP"))
    };
    let said = plan(TEXT);
    assert!(said.out.contains("6 to create.\nwritten to "), "{}", said.out);
    let written = std::fs::read_to_string(&kept).unwrap();
    for secret in ["p w", "pl4nted", "guest:guest"] {
        assert!(!written.contains(secret), "{secret}: {written}");
    }
    let said = carry_out(TEXT);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    world.assert_settled(TEXT);
    // a plan that is carried out has nothing left to do
    let said = carry_out(TEXT);
    assert!(said.out.starts_with("nothing to do"), "{}{}", said.out, said.err);
    // the broker moves on
    let edited = TEXT.replace("max-length 10", "max-length 20");
    plan(&edited);
    world.api().delete("/api/queues/reviewed/r");
    let said = carry_out(&edited);
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
    for words in [
        "now also: create queue r",
        "nothing has been changed",
        "help: plan anew, and review that: topoc plan ",
    ] {
        assert!(said.err.contains(words), "{words}: {}", said.err);
    }
    assert_eq!(world.api().get("/api/policies/reviewed/p")["definition"], json!({"max-length": 10}));
    // the same step is another where what is changed was changed meanwhile
    plan(&edited);
    let policy =
        json!({"pattern": "^q$", "definition": {"max-length": 15}, "apply-to": "all", "priority": 0});
    world.api().put("/api/policies/reviewed/p", &policy);
    let said = carry_out(&edited);
    assert!(
        said.err.contains("now also: change policy p; no longer, or not so: change policy p"),
        "{}",
        said.err
    );
    // the files move on
    plan(&edited);
    let said = carry_out(TEXT);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.err.contains("the files are not those that "), "{}", said.err);
    // what is no plan
    for text in ["{}", "[", "{\"plan\": 1}", "{\"plan\": 2, \"changes\": []}"] {
        std::fs::write(&kept, text).unwrap();
        let said = carry_out(TEXT);
        assert_eq!(said.code, 1, "{}{}", said.out, said.err);
        assert!(said.err.contains("is no plan of this version of topoc"), "{}", said.err);
    }
    std::fs::remove_file(&kept).unwrap();
    assert!(carry_out(TEXT).err.contains("cannot be read"));
}

fn everything(version: Version) {
    if available_or_skip(version) {
        only_what_was_reviewed_is_done(&World::of(version));
    }
}

#[test]
fn a_reviewed_plan_on_3_10() {
    everything(Version::V3_10);
}

#[test]
fn a_reviewed_plan_on_4_0() {
    everything(Version::V4_0);
}
