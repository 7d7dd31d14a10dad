//! Runs that end amidst: killed at each of their requests, the next run brings all to its end, and whatever others have
//! bound is bound.

use std::{
    ops::Deref,
    process::Command,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use serde_json::json;
use topoc_test_support::{Version, available_or_skip};

use crate::{
    proxy::{End, end_at},
    world::{Said, World},
};

fn text(name: &str, exchange: &str, queue: &str) -> String {
    format!(
        "topology \"{name}\"\nvhost \"{name}\" {{\n exchange \"e\" type=\"{exchange}\" {{ bind \"f\" }}\n exchange \"f\" type=\"fanout\"\n queue \"q\" type=\"{queue}\" {{ bind \"e\" routing-key=\"k\"; bind \"f\" }}\n queue \"r\" type=\"classic\"\n }}"
    )
}

/// The same broker, with files of its own: several are under way at once.
struct Apart<'a> {
    world: &'a World,
    folder: tempfile::TempDir,
}

impl<'a> Apart<'a> {
    fn of(world: &'a World) -> Self {
        Self { world, folder: tempfile::tempdir().unwrap() }
    }

    fn command(&self, verb: &str, text: &str, flags: &[&str]) -> Command {
        let file = self.folder.path().join("topology.kdl");
        std::fs::write(&file, text).unwrap();
        self.world.command_on(verb, &file, flags)
    }

    fn run(&self, verb: &str, text: &str, flags: &[&str]) -> Said {
        Said::of(&mut self.command(verb, text, flags))
    }

    #[track_caller]
    fn assert_settled(&self, text: &str) {
        let again = self.run("diff", text, &["--exit-code"]);
        assert_eq!(again.code, 0, "{}{}", again.out, again.err);
    }
}

impl Deref for Apart<'_> {
    type Target = World;

    fn deref(&self) -> &World {
        self.world
    }
}

/// A topology that is applied, and what others have bound to it.
fn prepared(world: &Apart<'_>, name: &str) {
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

/// How many ends are tried at once: a run mostly waits.
const AT_ONCE: usize = 6;

/// Tries a run that ends at its first request that changes something, and so on by this stride, until one is not cut short;
/// with `TOPOC_EVERY_POINT` at every request. Gives how many ends there were.
fn at_requests(stride: usize, was_cut_short: impl Fn(usize) -> bool + Sync) -> usize {
    let stride = if std::env::var_os("TOPOC_EVERY_POINT").is_some() { 1 } else { stride };
    let (next, points, is_over) = (AtomicUsize::new(1), AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    if was_cut_short(next.fetch_add(stride, Ordering::Relaxed)) {
                        points.fetch_add(1, Ordering::Relaxed);
                    } else {
                        is_over.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    points.into_inner()
}

/// Two queues and an exchange that are bound to one another are made anew.
fn a_replacement_that_ends_amidst_is_brought_to_its_end(world: &World, end: End) -> usize {
    at_requests(25, |request| {
        let world = &Apart::of(world);
        let name = format!("{end:?}-{request}").to_lowercase();
        prepared(world, &name);
        let before = bound(world, &name);
        assert_eq!(before.len(), 8, "{before:#?}");
        (0..3).for_each(|number| publish(world, &name, number));
        let wanted = text(&name, "topic", "quorum");
        let mut run = world.command("apply", &wanted, &["--yes", "--allow-gap"]);
        let ended = end_at(&mut run, &world.broker.management_url(), request, end);
        let api = world.api();
        let mut held = vec!["0", "1", "2"];
        if ended.was_cut_short {
            // what is published while nobody is at it finds its way, too
            if publish_to(world, &name, "e", "handmade", 3) {
                held.push("3");
            }
            let said = world.run("apply", &wanted, &["--yes", "--allow-gap"]);
            assert_eq!(said.code, 0, "request {request}: {}{}", said.out, said.err);
            assert_eq!(bound(world, &name), before, "request {request}: {}", said.out);
            world.assert_settled(&wanted);
        } else {
            assert_eq!(ended.status.code(), Some(0));
        }
        assert_eq!(api.get(&format!("/api/exchanges/{name}/e"))["type"], "topic");
        assert_eq!(api.get(&format!("/api/queues/{name}/q"))["type"], "quorum");
        // what was being moved may be there twice
        assert_eq!(taken(world, &name), held, "request {request}");
        let arguments = &api.get(&format!("/api/queues/{name}/r"))["arguments"];
        assert_eq!(arguments["x-theirs"], 7, "request {request}: {arguments}");
        assert!(arguments["x-max-length"].is_null(), "{arguments}");
        nothing_is_left(world, &name, request);
        api.delete(&format!("/api/vhosts/{name}"));
        ended.was_cut_short
    })
}

/// An exchange gets another name; as soon as it is there, it routes all that comes.
fn a_rename_of_an_exchange_that_ends_amidst_is_brought_to_its_end(world: &World) -> usize {
    at_requests(11, |request| {
        let world = &Apart::of(world);
        let name = format!("renamed-{request}");
        prepared(world, &name);
        let after = text(&name, "direct", "classic")
            .replace("exchange \"e\" type=\"direct\" {", "exchange \"n\" type=\"topic\" { moved from=\"e\";")
            .replace("bind \"e\"", "bind \"n\"");
        let mut run = world.command("apply", &after, &["--yes"]);
        let ended = end_at(&mut run, &world.broker.management_url(), request, End::KilledAfter);
        let mut held = vec!["0"];
        publish_to(world, &name, "e", "handmade", 0);
        if ended.was_cut_short {
            if publish_to(world, &name, "n", "handmade", 1) {
                held.push("1");
            }
            let said = world.run("apply", &after, &["--yes"]);
            assert_eq!(said.code, 0, "request {request}: {}{}", said.out, said.err);
        } else {
            assert_eq!(ended.status.code(), Some(0));
        }
        assert_eq!(taken(world, &name), held, "request {request}");
        let all = bound(world, &name);
        for way in ["n q handmade", "n q k", "n theirs y", "theirs n z", "f n "] {
            let is_there = all.iter().any(|binding| binding.replace('"', "").starts_with(way));
            assert!(is_there, "request {request}: {way}: {all:#?}");
        }
        nothing_is_left(world, &name, request);
        world.api().delete(&format!("/api/vhosts/{name}"));
        ended.was_cut_short
    })
}

/// Neither marks of the run, nor what messages waited in.
fn nothing_is_left(world: &World, name: &str, request: usize) {
    let api = world.api();
    let left = api.get("/api/global-parameters").to_string();
    assert!(!left.contains(&format!("topoc:{name}:")), "request {request}: {left}");
    for list in ["queues", "exchanges", "policies"] {
        let left = api.get(&format!("/api/{list}/{name}")).to_string();
        assert!(!left.contains(".topoc."), "request {request}: {left}");
    }
}

fn publish(world: &World, name: &str, number: usize) {
    assert!(publish_to(world, name, "amq.default", "q", number));
}

/// Whether the exchange is there; if it is, the message is routed.
fn publish_to(world: &World, name: &str, exchange: &str, key: &str, number: usize) -> bool {
    if !world.exists(&format!("/api/exchanges/{name}/{exchange}")) {
        return false;
    }
    let message = json!({
        "properties": {}, "routing_key": key, "payload": number.to_string(), "payload_encoding": "string",
    });
    let path = format!("/api/exchanges/{name}/{exchange}/publish");
    assert_eq!(world.api().post(&path, &message)["routed"], true, "{name}: `{exchange}` by `{key}`");
    true
}

/// What the queue holds, in order, each once.
fn taken(world: &World, name: &str) -> Vec<String> {
    let body = json!({"count": 100, "ackmode": "ack_requeue_false", "encoding": "auto"});
    let messages = world.api().post(&format!("/api/queues/{name}/q/get"), &body);
    let mut found: Vec<String> = Vec::new();
    for message in messages.as_array().unwrap() {
        let payload = message["payload"].as_str().unwrap().to_owned();
        if !found.contains(&payload) {
            found.push(payload);
        }
    }
    found.sort();
    found
}

/// A queue is to go; after the end a message comes, and it stays: as it was, also what others have bound to it.
fn a_deletion_that_ends_amidst_is_taken_back(world: &World) -> usize {
    at_requests(6, |request| {
        let world = &Apart::of(world);
        let name = format!("deleted-{request}");
        prepared(world, &name);
        let before = world.bindings(&name, "q");
        let all = text(&name, "direct", "classic");
        let (kept, rest) = all.split_once(" queue \"q\"").unwrap();
        let wanted = format!("{kept}{}", rest.split_once('\n').unwrap().1);
        let mut run = world.command("apply", &wanted, &["--yes", "--allow-gap"]);
        let ended = end_at(&mut run, &world.broker.management_url(), request, End::KilledBefore);
        if ended.was_cut_short {
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
        } else {
            assert_eq!(ended.status.code(), Some(0));
        }
        world.api().delete(&format!("/api/vhosts/{name}"));
        ended.was_cut_short
    })
}

/// SIGTERM ends a run after the steps under way: nothing is cut off.
fn a_run_that_is_told_to_end_leaves_nothing_cut_off(world: &World) -> usize {
    at_requests(19, |request| {
        let world = &Apart::of(world);
        let name = format!("terminated-{request}");
        prepared(world, &name);
        let before = bound(world, &name);
        let wanted = text(&name, "topic", "quorum");
        let mut run = world.command("apply", &wanted, &["--yes", "--allow-gap"]);
        let ended = end_at(&mut run, &world.broker.management_url(), request, End::Terminated);
        assert_eq!(bound(world, &name), before, "request {request}");
        let code = ended.status.code();
        assert!(matches!(code, Some(0 | 4 | 5)), "request {request}: {code:?}");
        if ended.was_cut_short {
            let said = world.run("apply", &wanted, &["--yes", "--allow-gap"]);
            assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        }
        world.api().delete(&format!("/api/vhosts/{name}"));
        ended.was_cut_short
    })
}

#[expect(clippy::print_stdout, reason = "how many ends were tried is what there is to see")]
fn all_ends(world: &World) {
    let replaced = [End::KilledBefore, End::KilledAfter]
        .map(|end| a_replacement_that_ends_amidst_is_brought_to_its_end(world, end));
    let deleted = a_deletion_that_ends_amidst_is_taken_back(world);
    let terminated = a_run_that_is_told_to_end_leaves_nothing_cut_off(world);
    let renamed = a_rename_of_an_exchange_that_ends_amidst_is_brought_to_its_end(world);
    println!("ended at {replaced:?} + {deleted} + {terminated} + {renamed} requests");
    assert!(replaced.iter().all(|points| *points > 3) && deleted > 3 && terminated > 3 && renamed > 2);
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
