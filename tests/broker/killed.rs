//! Runs that end amidst: killed at each of their requests, the next run brings all to its end, and whatever others have
//! bound is bound.

use serde_json::json;
use topoc_test_support::{Version, available_or_skip};

use crate::{
    proxy::{End, end_at},
    world::World,
};

fn text(name: &str, exchange: &str, queue: &str) -> String {
    format!(
        "topology \"{name}\"\nvhost \"{name}\" {{\n exchange \"e\" type=\"{exchange}\" {{ bind \"f\" }}\n exchange \"f\" type=\"fanout\"\n queue \"q\" type=\"{queue}\" {{ bind \"e\" routing-key=\"k\"; bind \"f\" }}\n queue \"r\" type=\"classic\"\n }}"
    )
}

/// A topology that is applied, and what others have bound to it.
fn prepared(world: &World, name: &str) {
    let said = world.run("apply", &text(name, "direct", "classic"), &["--yes"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let api = world.api();
    let bind = |path: &str, key: &str| {
        api.post(&format!("/api/bindings/{name}/{path}"), &json!({"routing_key": key, "arguments": {"a": 1}}))
    };
    api.put(&format!("/api/exchanges/{name}/theirs"), &json!({"type": "headers", "durable": true}));
    api.put(&format!("/api/queues/{name}/theirs"), &json!({"durable": true}));
    bind("e/theirs/q/q", "x");
    bind("e/e/q/q", "handmade");
    bind("e/e/q/theirs", "y");
    bind("e/theirs/e/e", "z");
    bind("e/f/q/r", "");
    api.delete(&format!("/api/queues/{name}/r"));
    api.put(
        &format!("/api/queues/{name}/r"),
        &json!({"durable": true, "arguments": {"x-theirs": 7, "x-max-length": 9}}),
    );
    bind("e/f/q/r", "");
}

/// Everything that is bound there, in order.
fn bound(world: &World, name: &str) -> Vec<String> {
    let list = world.api().get(&format!("/api/bindings/{name}"));
    let bindings = list.as_array().unwrap().iter().filter(|binding| binding["source"] != "");
    let mut found: Vec<String> = bindings
        .map(|binding| {
            let word = |name: &str| binding[name].to_string();
            [word("source"), word("destination"), word("routing_key"), word("arguments")].join(" ")
        })
        .collect();
    found.sort();
    found
}

/// Two queues and an exchange that are bound to one another are made anew.
fn a_replacement_that_ends_amidst_is_brought_to_its_end(world: &World, end: End) {
    for request in 1.. {
        let name = format!("{end:?}-{request}").to_lowercase();
        prepared(world, &name);
        let before = bound(world, &name);
        assert_eq!(before.len(), 8, "{before:#?}");
        let wanted = text(&name, "topic", "quorum");
        let mut run = world.command("apply", &wanted, &["--yes", "--allow-gap"]);
        let ended = end_at(&mut run, &world.broker.management_url(), request, end);
        if !ended.was_cut_short {
            assert_eq!(ended.status.code(), Some(0));
            assert!(request > 25, "so few requests: {request}");
            break;
        }
        let said = world.run("apply", &wanted, &["--yes", "--allow-gap"]);
        assert_eq!(said.code, 0, "request {request}: {}{}", said.out, said.err);
        assert_eq!(bound(world, &name), before, "request {request}: {}", said.out);
        world.assert_settled(&wanted);
        let api = world.api();
        assert_eq!(api.get(&format!("/api/exchanges/{name}/e"))["type"], "topic");
        assert_eq!(api.get(&format!("/api/queues/{name}/q"))["type"], "quorum");
        let arguments = &api.get(&format!("/api/queues/{name}/r"))["arguments"];
        assert_eq!(arguments["x-theirs"], 7, "request {request}: {arguments}");
        assert!(arguments["x-max-length"].is_null(), "{arguments}");
        let kept = api.get("/api/global-parameters");
        assert!(!kept.to_string().contains(&format!("topoc:{name}:")), "request {request}: {kept}");
        api.delete(&format!("/api/vhosts/{name}"));
    }
}

/// A queue is to go; after the end a message comes, and it stays: as it was, also what others have bound to it.
fn a_deletion_that_ends_amidst_is_taken_back(world: &World) {
    for request in 1.. {
        let name = format!("deleted-{request}");
        prepared(world, &name);
        let before = world.bindings(&name, "q");
        let all = text(&name, "direct", "classic");
        let (kept, rest) = all.split_once(" queue \"q\"").unwrap();
        let wanted = format!("{kept}{}", rest.split_once('\n').unwrap().1);
        let mut run = world.command("apply", &wanted, &["--yes", "--allow-gap"]);
        let ended = end_at(&mut run, &world.broker.management_url(), request, End::KilledBefore);
        if !ended.was_cut_short {
            assert_eq!(ended.status.code(), Some(0));
            break;
        }
        if world.exists(&format!("/api/queues/{name}/q")) {
            world.publish(&name, "q", 1);
            let said = world.run("apply", &wanted, &["--yes", "--allow-gap"]);
            assert!(matches!(said.code, 4 | 5), "{}{}", said.out, said.err);
            assert!(said.out.contains("it holds 1 ready"), "{}", said.out);
            assert_eq!(world.bindings(&name, "q"), before, "request {request}: {}", said.out);
            world.api().delete(&format!("/api/queues/{name}/q/contents"));
        }
        let said = world.run("apply", &wanted, &["--yes", "--allow-gap"]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        world.assert_settled(&wanted);
        assert!(!world.exists(&format!("/api/queues/{name}/q")));
        world.api().delete(&format!("/api/vhosts/{name}"));
    }
}

/// SIGTERM ends a run after the steps under way: nothing is cut off.
fn a_run_that_is_told_to_end_leaves_nothing_cut_off(world: &World) {
    for request in 1.. {
        let name = format!("terminated-{request}");
        prepared(world, &name);
        let before = bound(world, &name);
        let wanted = text(&name, "topic", "quorum");
        let mut run = world.command("apply", &wanted, &["--yes", "--allow-gap"]);
        let ended = end_at(&mut run, &world.broker.management_url(), request, End::Terminated);
        assert_eq!(bound(world, &name), before, "request {request}");
        let code = ended.status.code();
        assert!(matches!(code, Some(0 | 5)), "request {request}: {code:?}");
        if !ended.was_cut_short {
            break;
        }
        let said = world.run("apply", &wanted, &["--yes", "--allow-gap"]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        world.api().delete(&format!("/api/vhosts/{name}"));
    }
}

fn all_ends(world: &World) {
    a_replacement_that_ends_amidst_is_brought_to_its_end(world, End::KilledBefore);
    a_replacement_that_ends_amidst_is_brought_to_its_end(world, End::KilledAfter);
    a_deletion_that_ends_amidst_is_taken_back(world);
    a_run_that_is_told_to_end_leaves_nothing_cut_off(world);
}

#[test]
fn a_killed_run_loses_no_binding() {
    all_ends(&World::of(Version::V3_10));
}

#[test]
fn a_killed_run_loses_no_binding_on_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        all_ends(&World::of(Version::V4_0));
    }
}
