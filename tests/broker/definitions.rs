//! Definitions files that real brokers wrote, in the place of a broker.

use serde_json::{Value, json};
use topoc_test_support::{Version, available_or_skip};

use crate::world::{Said, World};

fn diff(world: &World, text: &str, definitions: &Value, flags: &[&str]) -> Said {
    let path = world.folder.path().join("definitions.json");
    std::fs::write(&path, definitions.to_string()).unwrap();
    let broker = format!("file:{}", path.display());
    world.run("diff", text, &[&["--exit-code", "--broker", &broker], flags].concat())
}

fn a_file_of_all_vhosts_differs_in_nothing(world: &World) {
    let text = "topology \"filed\"\nvhost \"filed\" { description \"d\"; tags \"a\"\n queue \"q\" type=\"classic\" }";
    world.apply(text, &[]);
    let definitions = world.api().get("/api/definitions");
    let said = diff(world, text, &definitions, &[]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("nothing to do: "), "{}", said.out);
    let undescribed = definitions["vhosts"][0]["metadata"].is_null();
    let note =
        "description, tags of vhost `filed` are not compared: the definitions hold no more than its name";
    assert_eq!(said.out.contains(note), undescribed, "{}", said.out);
    let changed = diff(world, &text.replace("\"d\"", "\"e\""), &definitions, &[]);
    assert_eq!(changed.code, if undescribed { 0 } else { 3 }, "{}{}", changed.out, changed.err);
    world.apply("topology \"filed\"", &[]);
}

fn a_file_of_one_vhost_is_compared_with_it(world: &World) {
    let text = "topology \"one\"\nvhost \"one\" { description \"d\"\n exchange \"e\" type=\"topic\"\n queue \"q\" type=\"classic\" { bind \"e\" routing-key=\"k\" } }\nuser \"u\" { password env=\"SECRET\"; permission vhost=\"one\" configure=\"\" write=\"\" read=\"\" }";
    world.apply(text, &[]);
    let definitions = world.api().get("/api/definitions/one");
    let said = diff(world, text, &definitions, &[]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("user `u` is not compared: the file holds one vhost alone"), "{}", said.out);
    let changed = text.replace("type=\"classic\"", "type=\"classic\" max-length=5");
    let said = diff(world, &changed, &definitions, &["--format", "json"]);
    assert_eq!(said.code, 3, "{}{}", said.out, said.err);
    let plan: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(plan["record"], false);
    assert_eq!(plan["changes"].as_array().unwrap().len(), 1, "{plan:#}");
    // of two vhosts it is either, unless it says which
    let two = format!("{text}\nvhost \"two\" {{ queue \"r\" type=\"classic\" }}");
    let said = diff(world, &two, &definitions, &[]);
    if definitions["original_vhost_name"].is_null() {
        assert_eq!(said.code, 1, "{}{}", said.out, said.err);
        assert!(
            said.err.contains("they do not say of which: write `\"original_vhost_name\""),
            "{}",
            said.err
        );
    }
    let mut named = definitions;
    named["original_vhost_name"] = json!("one");
    let said = diff(world, &two, &named, &[]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("what is described in vhost `two` is not compared"), "{}", said.out);
    let said = diff(world, text, &json!({"queues": 5}), &[]);
    assert!(said.err.contains("definitions.json: `queues` is not a list"), "{}", said.err);
    world.apply("topology \"one\"", &[]);
}

fn all_of_it(world: &World) {
    a_file_of_all_vhosts_differs_in_nothing(world);
    a_file_of_one_vhost_is_compared_with_it(world);
}

#[test]
fn a_file_stands_for_the_broker_that_wrote_it() {
    all_of_it(&World::of(Version::V3_10));
}

#[test]
fn a_file_stands_for_the_broker_that_wrote_it_on_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        all_of_it(&World::of(Version::V4_0));
    }
}
