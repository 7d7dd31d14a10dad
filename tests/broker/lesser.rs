//! Users who may not see or change everything, and secrets that are not there: what can be done is done.

use serde_json::{Value, json};
use topoc_test_support::{Version, available_or_skip};

use crate::world::World;

fn as_user(world: &World, name: &str, tags: &str, vhost: &str, all: &str) -> String {
    let api = world.api();
    api.put(&format!("/api/users/{name}"), &json!({"password": name, "tags": tags}));
    api.put(
        &format!("/api/permissions/{vhost}/{name}"),
        &json!({"configure": all, "write": all, "read": all}),
    );
    world.broker.management_url().replace("guest:guest", &format!("{name}:{name}"))
}

/// Only an administrator may change a vhost's description: what is in it does not wait for that.
fn a_vhost_that_cannot_be_described_holds_nothing_up(world: &World) {
    let text = |description: &str, queue: &str| {
        format!(
            "topology \"words\"\nvhost \"words\" {{ description \"{description}\"\n queue \"{queue}\" type=\"classic\"\n policy \"p\" pattern=\"^{queue}$\" {{ max-length 5 }} }}"
        )
    };
    world.apply(&text("one", "a"), &[]);
    let broker = as_user(world, "maker", "policymaker", "words", ".*");
    let said = world.run("apply", &text("two", "b"), &["--yes", "--no-lock", "--broker", &broker]);
    assert_eq!(said.code, 5, "{}{}", said.out, said.err);
    assert!(said.out.contains("✗ change vhost words: "), "{}", said.out);
    for done in ["✓ create queue b", "✓ change policy p", "✓ delete queue a"] {
        assert!(said.out.contains(done), "{done}: {}", said.out);
    }
    // but who declares a queue without a type takes the type that the vhost gives
    let untyped = text("one", "b").replace("queue \"b\" type=\"classic\"", "queue \"c\"");
    let untyped = untyped.replace("description", "default-queue-type \"quorum\"; description");
    if world.plan(&untyped, &[]).contains(&"change vhost words".to_owned()) {
        let said = world.run("apply", &untyped, &["--yes", "--no-lock", "--broker", &broker]);
        assert!(said.out.contains("create queue c: it needs `change vhost words`"), "{}", said.out);
    }
    world.apply(&text("two", "b"), &[]);
    world.apply("topology \"words\"", &[]);
}

/// Who only watches sees what differs, and cannot tell whose it is.
fn a_user_who_only_watches_sees_what_differs(world: &World) {
    let text = "topology \"watched\"\nvhost \"watched\" { limits max-queues=9\n exchange \"e\" type=\"topic\"\n queue \"q\" type=\"classic\" { bind \"e\" routing-key=\"k\" }\n policy \"p\" pattern=\"^q$\" { max-length 5 }\n operator-policy \"o\" pattern=\"^q$\" { max-length 50 } }\nvhost \"closed\" { queue \"h\" }\nglobal-parameter \"g\" { value 1 }\nuser \"w\" { password env=\"SECRET\" }";
    world.apply(text, &[]);
    for tags in ["monitoring", "management"] {
        let broker = as_user(world, "watcher", tags, "watched", "^$");
        let diff = |text: &str, flags: &[&str]| {
            world.run("diff", text, &[&["--exit-code", "--broker", &broker], flags].concat())
        };
        let said = diff(text, &[]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        for note in [
            "what this topology has made is not known",
            "global-parameter `g` is not compared: only a policymaker may see it",
            "user `w` is not compared: only an administrator may see it",
            "what is described in vhost `closed` is not compared",
        ] {
            assert!(said.out.contains(note), "{note}: {}", said.out);
        }
        let changed = text
            .replace("max-length 50", "max-length 60")
            .replace("max-queues=9", "max-queues=8")
            .replace("queue \"q\"", "queue \"new\" type=\"classic\"\n queue \"q\"")
            .replace("{ max-length 5 }", "{ max-length 6 }");
        let said = diff(&changed, &["--format", "json"]);
        assert_eq!(said.code, 3, "{}{}", said.out, said.err);
        let plan: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(plan["record"], false);
        let changes: Vec<String> = plan["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|change| {
                format!("{} {} {}", change["action"], change["kind"], change["name"]).replace('"', "")
            })
            .collect();
        let wanted =
            ["change limits watched", "change operator-policy o", "change policy p", "create queue new"];
        assert_eq!(changes, wanted);
        let said = world.run("apply", text, &["--yes", "--broker", &broker]);
        assert_eq!(said.code, 4, "{}{}", said.out, said.err);
        let help = format!("help: rabbitmqctl set_user_tags watcher {tags} policymaker");
        assert!(said.err.contains(&help), "{}", said.err);
    }
    let seen = world.run("diff", text, &["--format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&seen.out).unwrap()["record"], true);
    world.apply("topology \"watched\"", &[]);
}

/// A secret is wanted where it is written, and nowhere else.
fn a_secret_is_asked_for_when_it_is_written(world: &World) {
    let text = |env: &str, vhost: &str| {
        format!("topology \"quiet\"\nvhost \"{vhost}\"\nuser \"quiet\" {{ password env=\"{env}\" }}")
    };
    world.apply(&text("SECRET", "quiet"), &[]);
    let said = world.run("apply", &text("UNSET", "quiet"), &["--yes"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(
        said.out.contains(
            "the password of user `quiet` is not compared: the environment variable UNSET is not set"
        ),
        "{}",
        said.out
    );
    assert!(said.out.contains("nothing to do: "), "{}", said.out);
    // what else there is to do does not need it
    let said = world.run("apply", &text("UNSET", "louder"), &["--yes"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(!world.exists("/api/vhosts/quiet") && world.exists("/api/vhosts/louder"));
    world.api().delete("/api/users/quiet");
    let said = world.run("apply", &text("UNSET", "quiet"), &["--yes"]);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.err.contains("nothing has been changed") && !world.exists("/api/vhosts/quiet"));
    world.apply("topology \"quiet\"", &[]);
}

/// Who would lock themselves out is told so before.
fn a_user_does_not_shut_out_who_applies(world: &World) {
    let text =
        |user: &str| format!("topology \"own\"\nvhost \"own\" {{ queue \"q\" type=\"classic\" }}\n{user}");
    let user =
        |env: &str| text(&format!("user \"owner\" tags=\"administrator\" {{ password env=\"{env}\" }}"));
    world.apply(&user("SECRET"), &[]);
    world.api().put("/api/permissions/own/owner", &json!({"configure": ".*", "write": ".*", "read": ".*"}));
    let broker = world.broker.management_url().replace("guest:guest", "owner:p%20w");
    for wanted in [user("OTHER"), user("SECRET").replace("administrator", "management"), text("")] {
        let wanted = wanted.replace("\"q\"", "\"r\"");
        world.apply(&user("SECRET"), &[]);
        let said = world.run("apply", &wanted, &["--yes", "--broker", &broker]);
        assert_eq!(said.code, 5, "{}{}", said.out, said.err);
        assert!(said.out.contains("user owner: topoc speaks to the broker as this user"), "{}", said.out);
        assert!(said.out.contains("✓ create queue r"), "{}", said.out);
        // another may
        world.apply(&wanted, &[]);
    }
    world.apply("topology \"own\"", &[]);
}

/// Nor by permissions, which the rest of the plan needs; another may take them away.
fn a_user_keeps_the_permissions_by_which_they_apply(world: &World) {
    let text = |queue: &str, permissions: &str| {
        format!(
            "topology \"boss\"\nvhost \"boss\" {{ exchange \"t\" type=\"topic\"\n queue \"q\" type=\"classic\" {{ bind \"t\" routing-key=\"k\" }}\n {queue} }}\nuser \"boss\" tags=\"administrator\" {{ password env=\"SECRET\"\n {permissions} }}"
        )
    };
    let all = "permission vhost=\"boss\" configure=\".*\" write=\".*\" read=\".*\"";
    let less = all.replacen(".*", "^q", 1);
    let keys = format!("{all}\n topic-permission \"t\" vhost=\"boss\" write=\"\" read=\"^z\"");
    let more = "queue \"r\" type=\"classic\" { bind \"t\" routing-key=\"k\" }";
    let broker = world.broker.management_url().replace("guest:guest", "boss:p%20w");
    for permissions in [&*less, "", &*keys] {
        world.apply(&text("", all), &[]);
        let said = world.run("apply", &text(more, permissions), &["--yes", "--no-lock", "--broker", &broker]);
        assert_eq!(said.code, 5, "{permissions}: {}{}", said.out, said.err);
        assert!(said.out.contains("topoc speaks to the broker as this user"), "{}", said.out);
        for done in ["✓ create queue r", "✓ create binding t → r"] {
            assert!(said.out.contains(done), "{done}: {}", said.out);
        }
        world.apply(&text(more, permissions), &[]);
    }
    // what is not less is theirs to change
    world.apply(&text("", &less), &[]);
    let said = world.run("apply", &text("", all), &["--yes", "--no-lock", "--broker", &broker]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    world.apply("topology \"boss\"", &[]);
}

/// What the firehose copies is not for a change of words to end.
fn a_traced_vhost_stays_as_it_is(world: &World) {
    let text = |traced: &str, words: &str| {
        format!("topology \"traced\"\nvhost \"traced\" {{ {traced} description \"{words}\" }}")
    };
    world.apply(&text("tracing #true;", "one"), &[]);
    let said = world.run("diff", &text("", "two"), &[]);
    assert!(said.out.contains("description one → two, tracing true → false"), "{}", said.out);
    world.apply("topology \"traced\"", &[]);
}

/// Who gets dead letters, or what others cannot route, is missed when it goes.
fn what_others_lose_with_an_exchange_is_said(world: &World) {
    world.apply("topology \"missed\"\nvhost \"missed\" { exchange \"x\" type=\"fanout\"; exchange \"kept\" type=\"fanout\" }", &[]);
    let api = world.api();
    api.put(
        "/api/queues/missed/theirs",
        &json!({"durable": true, "arguments": {"x-dead-letter-exchange": "x"}}),
    );
    api.put(
        "/api/exchanges/missed/fed",
        &json!({"type": "fanout", "durable": true, "arguments": {"alternate-exchange": "x"}}),
    );
    api.put("/api/policies/missed/p", &json!({"pattern": "^z", "definition": {"dead-letter-exchange": "x"}}));
    let said =
        world.run("diff", "topology \"missed\"\nvhost \"missed\" { exchange \"kept\" type=\"fanout\" }", &[]);
    for words in [
        "dead letters sent to it by queue `theirs`, policy `p`, which this topology has not made, would be dropped",
        "what they cannot route sent to it by exchange `fed`",
    ] {
        assert!(said.out.contains(words), "{}", said.out);
    }
    api.delete("/api/vhosts/missed");
    world.apply("topology \"missed\"", &[]);
}

fn all_of_it(world: &World) {
    a_user_does_not_shut_out_who_applies(world);
    a_user_keeps_the_permissions_by_which_they_apply(world);
    a_traced_vhost_stays_as_it_is(world);
    what_others_lose_with_an_exchange_is_said(world);
    a_secret_is_asked_for_when_it_is_written(world);
    a_user_who_only_watches_sees_what_differs(world);
    a_vhost_that_cannot_be_described_holds_nothing_up(world);
}

#[test]
fn who_may_do_less_does_what_they_may() {
    all_of_it(&World::of(Version::V3_10));
}

#[test]
fn who_may_do_less_does_what_they_may_on_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        all_of_it(&World::of(Version::V4_0));
    }
}
