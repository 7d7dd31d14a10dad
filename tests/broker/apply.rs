//! Plans carried out on real nodes, by the command itself: its exit codes and words are what users meet.

use assert_cmd::Command;
use serde_json::{Value, json};
use topoc_test_support::{Options, Version, available_or_skip};

use crate::world::{EU_URI, World};

const SHOVEL: &str = "shovel \"drain\" { source queue=\"vip\"; destination queue=\"dead\" }";

/// Every kind that a broker has.
const EVERYTHING: &str = include_str!("everything.kdl");

fn everything_is_applied_once_and_removed_again(world: &World) {
    world.apply(EVERYTHING, &[]);
    let nothing = world.run("apply", EVERYTHING, &["--yes"]);
    assert!(nothing.out.starts_with("nothing to do: "), "{}", nothing.out);
    assert_eq!(nothing.out.lines().count(), 1);
    // changes in place
    let changed = EVERYTHING
        .replace("max-length 10_000 }", "max-length 20_000 }")
        .replace("max-queues=50", "max-connections=5")
        .replace("max-channels=100", "max-connections=9")
        .replace("read=\"^work$\"", "read=\".*\"")
        .replace("\"monitoring\" \"management\"", "\"management\"")
        .replace("a 1; b #true", "a 2")
        .replace("max-hops=1", "max-hops=2")
        .replace("For the test", "For another");
    let plan = world.plan(&changed, &[]);
    assert_eq!(plan.len(), 8, "{plan:#?}");
    assert!(plan.iter().all(|change| change.starts_with("change ")), "{plan:#?}");
    world.apply(&changed, &[]);
    // and all of it goes
    world.apply("topology \"everything\"", &[]);
    assert!(!world.exists("/api/vhosts/all") && !world.exists("/api/users/app"));
    let definitions = world.api().get("/api/definitions");
    let parameters = &definitions["global_parameters"];
    assert!(!parameters.to_string().contains("shop-name"), "{parameters}");
    assert!(!parameters.to_string().contains("topoc:everything"), "its record goes too: {parameters}");
}

fn a_hash_ring_keeps_a_queue_whose_weight_changes(world: &World) {
    let text = |weight: &str| {
        format!(
            "topology \"ring\"\nvhost \"ring\" {{ exchange \"hash\" type=\"x-consistent-hash\"\n queue \"q\" type=\"classic\" {{ bind \"hash\" routing-key=\"{weight}\" }} }}"
        )
    };
    world.apply(&text("1"), &[]);
    world.apply(&text("5"), &[]);
    let message =
        json!({"properties": {}, "routing_key": "any", "payload": "x", "payload_encoding": "string"});
    assert_eq!(world.api().post("/api/exchanges/ring/hash/publish", &message)["routed"], true);
    world.apply("topology \"ring\"", &["--allow-data-loss"]);
}

fn a_password_is_no_change_until_it_changes(world: &World) {
    let user = |name: &str| {
        format!("topology \"users\"\nuser \"u\" tags=\"management\" {{ password env=\"{name}\" }}")
    };
    world.apply(&user("SECRET"), &[]);
    let hash = || world.api().get("/api/users/u")["password_hash"].clone();
    let first = hash();
    // changing something else keeps the password
    world.apply(&user("SECRET").replace("management", "monitoring"), &[]);
    assert!(world.plan(&user("SECRET").replace("management", "monitoring"), &[]).is_empty());
    let said = world.apply(&user("OTHER").replace("management", "monitoring"), &[]);
    assert!(said.out.contains("password changes"), "{}", said.out);
    assert!(!said.out.contains("another"));
    assert_ne!(hash(), first);
    // a user without a password in the file keeps the one that it has
    let second = hash();
    world.apply("topology \"users\"\nuser \"u\" tags=\"management\"", &[]);
    assert_eq!(hash(), second);
    world.apply("topology \"users\"", &[]);
}

fn a_replaced_queue_has_all_its_bindings_and_unknown_arguments(world: &World) {
    let text = |queue: &str| {
        format!(
            "topology \"replaces\"\nvhost \"replaces\" {{\n exchange \"e\" type=\"topic\"\n exchange \"f\" type=\"fanout\" {{ bind \"e\" routing-key=\"f\" }}\n {queue}\n }}"
        )
    };
    let classic = text("queue \"q\" type=\"classic\" { bind \"e\" routing-key=\"k\"; bind \"f\" }");
    world.apply(&classic, &[]);
    // what somebody else knows of
    world.api().put("/api/exchanges/replaces/theirs", &json!({"type": "fanout", "durable": true}));
    world
        .api()
        .post("/api/bindings/replaces/e/theirs/q/q", &json!({"routing_key": "x", "arguments": {"a": 1}}));
    world.api().put("/api/queues/replaces/unknown", &json!({"durable": true, "arguments": {"x-theirs": 7}}));
    let quorum = text(
        "queue \"q\" type=\"quorum\" { bind \"e\" routing-key=\"k\"; bind \"f\" }\n queue \"unknown\" type=\"classic\" max-length=5",
    );
    let said = world.run("apply", &quorum, &["--yes", "--allow-gap"]);
    assert_eq!(said.code, 5, "{}", said.out);
    assert!(said.out.contains("--adopt takes it over"), "{}", said.out);
    world.apply(&quorum, &["--adopt"]);
    let arguments = &world.api().get("/api/queues/replaces/unknown")["arguments"];
    assert_eq!((&arguments["x-theirs"], &arguments["x-max-length"]), (&json!(7), &json!(5)));
    let bindings = || {
        let list = world.api().get("/api/queues/replaces/q/bindings");
        let mut found: Vec<String> = list
            .as_array()
            .unwrap()
            .iter()
            .map(|binding| format!("{} {}", binding["source"], binding["routing_key"]))
            .collect();
        found.sort();
        found
    };
    let all = ["\"\" \"q\"", "\"e\" \"k\"", "\"f\" \"\"", "\"theirs\" \"x\""];
    assert_eq!(bindings(), all);
    assert_eq!(world.api().get("/api/queues/replaces/q")["type"], "quorum");
    // an exchange's bindings come back too, on both sides
    let direct = quorum.replace("exchange \"e\" type=\"topic\"", "exchange \"e\" type=\"direct\"");
    world.apply(&direct, &["--allow-gap"]);
    assert_eq!(bindings(), all);
    world.api().delete("/api/exchanges/replaces/theirs");
    world.apply("topology \"replaces\"", &[]);
}

fn messages_are_not_lost_without_consent(world: &World) {
    let text = |queues: &str| {
        format!("topology \"held\"\nvhost \"held\" {{ exchange \"e\" type=\"fanout\"\n {queues} }}")
    };
    let full = text(
        "queue \"c\" type=\"classic\" { bind \"e\" }\n queue \"q\" type=\"quorum\" { bind \"e\" }\n stream \"s\"\n queue \"empty\" type=\"quorum\"",
    );
    world.apply(&full, &[]);
    for queue in ["c", "q", "s"] {
        world.publish("held", queue, 3);
    }
    // `empty` goes, the others are refused and keep their bindings
    let said = world.run("apply", &text(""), &["--yes"]);
    assert_eq!(said.code, 5, "{}{}", said.out, said.err);
    for queue in ["c", "q", "s"] {
        assert!(world.exists(&format!("/api/queues/held/{queue}")), "{queue} is gone: {}", said.out);
    }
    assert!(!world.exists("/api/queues/held/empty"));
    assert!(said.out.contains("it holds 3 ready and 0 unacknowledged messages"), "{}", said.out);
    assert_eq!(world.api().get("/api/queues/held/q/bindings").as_array().unwrap().len(), 2);
    // what is made anew keeps them, but for a stream
    let replaced = full.replace("\"c\" type=\"classic\"", "\"c\" type=\"quorum\"");
    let replaced = replaced.replace("stream \"s\"", "stream \"s\" max-age=\"7D\"");
    let said = world.run("apply", &replaced, &["--yes"]);
    assert_eq!(said.code, 5, "{}", said.out);
    assert!(said.out.contains("✓ replace queue c") && said.out.contains("≠ replace queue s"), "{}", said.out);
    let full = full.replace("\"c\" type=\"classic\"", "\"c\" type=\"quorum\"");
    // a policy that drops the head
    let policy = full.replace("stream", "policy \"p\" pattern=\"^c$\" { max-length 1 }\n stream");
    let said = world.run("apply", &policy, &["--yes"]);
    assert!(said.out.contains("the oldest 2 are dropped"), "{}", said.out);
    assert!(!world.exists("/api/policies/held/p"));
    // a vhost with messages in it
    let said = world.run("apply", "topology \"held\"", &["--yes"]);
    assert_eq!(said.code, 4, "{}", said.out);
    let said = world.run("apply", &text(""), &["--yes", "--allow-data-loss"]);
    assert_eq!(said.code, 0, "{}", said.out);
    world.apply("topology \"held\"", &["--allow-data-loss"]);
}

fn what_is_not_ours_stays(world: &World) {
    world.api().put("/api/vhosts/shared", &json!({}));
    world.api().put("/api/queues/shared/foreign", &json!({"durable": true}));
    world.api().put("/api/queues/shared/same", &json!({"durable": true}));
    let ours = "topology \"a\"\nvhost \"shared\" { queue \"same\"; queue \"mine\" }";
    assert!(world.plan(ours, &[]).contains(&"adopt queue same".to_owned()));
    world.apply(ours, &[]);
    // another topology describes one alike, and one otherwise
    let other = "topology \"b\"\nvhost \"shared\" { queue \"same\"; queue \"mine\" max-length=3 }";
    let said = world.run("apply", other, &["--yes", "--adopt"]);
    assert_eq!(said.code, 4, "{}", said.out);
    assert!(said.out.contains("it belongs to topology `a`"), "{}", said.out);
    // the vhost was taken over, and holds what is not ours
    let said = world.run("apply", "topology \"a\"", &["--yes"]);
    assert!(said.out.contains("it holds 1 entity that this topology has not made"), "{}", said.out);
    assert!(world.exists("/api/queues/shared/foreign") && !world.exists("/api/queues/shared/mine"));
    // what was deleted by hand is made again
    world.apply(ours, &[]);
    world.api().delete("/api/queues/shared/mine");
    assert_eq!(world.plan(ours, &[]), ["create queue mine"]);
    world.apply(ours, &[]);
    world.api().delete("/api/vhosts/shared");
    world.apply("topology \"a\"", &[]);
}

fn a_refusal_does_not_stop_the_rest(world: &World) {
    let text = |argument: &str| {
        format!(
            "topology \"partly\"\nvhost \"partly\" {{ exchange \"e\" type=\"fanout\"\n queue \"bad\" type=\"quorum\" {{ bind \"e\"\n {argument} }}\n queue \"good\" type=\"classic\" {{ bind \"e\" }} }}"
        )
    };
    world.apply("topology \"partly\"\nvhost \"partly\" { queue \"old\" type=\"classic\" }", &[]);
    world.api().put("/api/vhost-limits/partly/max-queues", &json!({"value": 2}));
    let said = world.run("apply", &text(""), &["--yes", "--format", "json", "--concurrency", "1"]);
    assert_eq!(said.code, 5, "{}{}", said.out, said.err);
    let json: Value = serde_json::from_str(&said.out).unwrap();
    let outcome = |name: &str| {
        let steps = json["changes"].as_array().unwrap();
        let step =
            steps.iter().find(|step| format!("{} {}", step["action"], step["name"]).replace('"', "") == name);
        step.unwrap_or_else(|| panic!("{name}: {json:#}")).clone()
    };
    assert_eq!(outcome("create bad")["outcome"], "done");
    assert_eq!(outcome("create good")["outcome"], "failed");
    assert!(outcome("create good")["trouble"].as_str().unwrap().contains("limit"), "{json:#}");
    assert_eq!(outcome("create e → bad")["outcome"], "done");
    assert_eq!(outcome("create e → good")["outcome"], "skipped");
    assert_eq!(outcome("delete old")["outcome"], "skipped");
    assert!(world.exists("/api/queues/partly/old"));
    world.api().delete("/api/vhost-limits/partly/max-queues");
    world.apply(&text(""), &[]);
    assert!(!world.exists("/api/queues/partly/old"));
    world.apply("topology \"partly\"", &[]);
}

fn an_export_is_what_apply_makes(world: &World) {
    // a shovel starts on import, before the queues of the file are there
    let everything = EVERYTHING.replace(SHOVEL, "");
    let exported = world.run("export", &everything, &[]);
    assert_eq!(exported.code, 2, "`export` names its form: {}", exported.err);
    let path = world.file(&everything);
    let output = world.folder.path().join("definitions.json");
    let said = Command::cargo_bin("topoc")
        .unwrap()
        .args(["export", "definitions", "--with-secrets", "-o"])
        .args([&output, &path])
        .env("SECRET", "p w")
        .env("EU_URI", EU_URI)
        .output()
        .unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let definitions: Value = serde_json::from_str(&std::fs::read_to_string(&output).unwrap()).unwrap();
    assert!(!definitions.to_string().contains("p w"));
    world.api().post("/api/definitions", &definitions);
    let plan = world.plan(&everything, &[]);
    let differing: Vec<&String> =
        plan.iter().filter(|change| !change.starts_with("adopt ") && *change != "refuse vhost all").collect();
    assert!(differing.is_empty(), "{differing:#?}");
    // and the file itself stands for such a broker
    let file = format!("file:{}", output.display());
    let said = world.run("diff", &everything, &["--broker", &file, "--format", "json"]);
    let plan: Value = serde_json::from_str(&said.out).unwrap();
    let others =
        plan["changes"].as_array().unwrap().iter().filter(|change| change["action"] != "adopt").count();
    assert_eq!(others, 0, "{plan:#}");
    world.apply(&everything, &["--adopt"]);
    world.apply("topology \"everything\"", &[]);
}

fn who_may_not_is_told_what_to_do(world: &World) {
    world.api().put("/api/users/weak", &json!({"password": "weak", "tags": "management"}));
    let broker = world.broker.management_url().replace("guest:guest", "weak:weak");
    let text = "topology \"weak\"\nvhost \"/\" { queue \"w\" }";
    let said = world.run("apply", text, &["--yes", "--broker", &broker]);
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
    assert!(said.err.contains("help: "), "{}", said.err);
    assert!(!said.err.contains("weak:weak"));
    let said = world.run("apply", text, &["--broker", &broker.replace("weak:weak", "guest:guest")]);
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    let said = world.run("diff", text, &["--broker", "http://127.0.0.1:1"]);
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
    // a policymaker may keep the record, and sees all but users
    world.api().put("/api/users/maker", &json!({"password": "maker", "tags": "policymaker"}));
    world.api().put("/api/permissions/%2F/maker", &json!({"configure": ".*", "write": ".*", "read": ".*"}));
    let maker = world.broker.management_url().replace("guest:guest", "maker:maker");
    let amqp = world.broker.amqp_url().replace("guest:guest", "maker:maker");
    let text = "topology \"made\"\nqueue \"w\" { bind \"amq.topic\" routing-key=\"a\" }\npolicy \"p\" pattern=\"^w$\" { max-length 5 }";
    let said = world.run("apply", text, &["--yes", "--broker", &maker, "--amqp", &amqp]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let said = world.run("diff", text, &["--exit-code", "--broker", &maker]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    world.assert_settled(text);
    world.apply("topology \"made\"", &[]);
    // what they may not see is not gone
    let both = |hidden: &str| format!("topology \"made\"\nvhost \"hidden\" {{ {hidden} }}\nqueue \"w\"");
    world.apply(&both("queue \"h\"; queue \"i\""), &[]);
    let said = world.run("apply", &both("queue \"h\""), &["--yes", "--broker", &maker, "--amqp", &amqp]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("vhost `hidden` is not compared, and stays on record"), "{}", said.out);
    assert_eq!(world.plan(&both("queue \"h\""), &[]), ["delete queue i"]);
    world.apply("topology \"made\"", &[]);
    assert!(!world.exists("/api/vhosts/hidden"));
}

fn all_of_it(world: &World) {
    everything_is_applied_once_and_removed_again(world);
    a_hash_ring_keeps_a_queue_whose_weight_changes(world);
    a_password_is_no_change_until_it_changes(world);
    a_replaced_queue_has_all_its_bindings_and_unknown_arguments(world);
    messages_are_not_lost_without_consent(world);
    what_is_not_ours_stays(world);
    a_refusal_does_not_stop_the_rest(world);
    an_export_is_what_apply_makes(world);
    who_may_not_is_told_what_to_do(world);
}

/// A hash says how it was made, so that a node that makes its own otherwise does not take it for one of those.
#[test]
fn a_password_is_good_whatever_the_node_makes_hashes_by() {
    let extra_conf = "password_hashing_module = rabbit_password_hashing_sha512";
    let world = World::on(Options { extra_conf, ..Options::default() });
    let text = "topology \"hashes\"\nuser \"u\" tags=\"administrator\" { password env=\"SECRET\" }";
    world.apply(text, &[]);
    assert_eq!(world.api().get("/api/users/u")["hashing_algorithm"], "rabbit_password_hashing_sha256");
    let broker = world.broker.management_url().replace("guest:guest", "u:p%20w");
    let said = world.run("diff", text, &["--exit-code", "--broker", &broker]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
}

/// Who hears a queue is statistics, and these are not kept everywhere.
#[test]
fn a_broker_without_statistics_is_changed_as_any_other() {
    for version in [Version::V3_10, Version::V4_0] {
        if !available_or_skip(version) {
            continue;
        }
        let extra_conf = "management_agent.disable_metrics_collector = true";
        let world = World::on(Options { version, extra_conf, ..Options::default() });
        let text = |classic: u32, quorum: &str| {
            format!(
                "topology \"plain\"\nvhost \"plain\" {{ queue \"c\" type=\"classic\" max-length={classic}\n {quorum} }}"
            )
        };
        let amqp = world.broker.amqp_url();
        world.apply(&text(5, "queue \"q\" type=\"quorum\""), &["--amqp", &amqp]);
        assert!(!world.exists("/api/consumers"), "the setting does nothing");
        assert_eq!(world.plan(&text(6, ""), &[]), ["replace queue c", "delete queue q"]);
        world.apply(&text(6, ""), &["--amqp", &amqp]);
        assert!(!world.exists("/api/queues/plain/q"));
    }
}

#[test]
fn plans_are_carried_out() {
    all_of_it(&World::of(Version::V3_10));
}

#[test]
fn plans_are_carried_out_on_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        all_of_it(&World::of(Version::V4_0));
    }
}
