//! What `diff` offers in the place of making something anew: the edit of the file is taken as it is offered, applied, and
//! counts at once for the very queue or exchange that is there.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use topoc_test_support::{Version, available_or_skip};

use crate::{safety::Client, world::World};

/// A queue or exchange as it was applied and as somebody wants it then.
struct Wish {
    what: &'static str,
    entity: &'static str,
    /// Of each setting its name, as it is and as it is to be; empty: it is not written.
    settings: &'static [(&'static str, &'static str, &'static str)],
}

const FIXED: &str = "exchange \"in\" type=\"direct\"\n exchange \"spare\" type=\"fanout\"\n queue \"spared\" type=\"classic\" { bind \"spare\" }\n";

fn text(entity: &str, settings: &[&str], policy: &str) -> String {
    let settings = settings.join("; ");
    let bind = if entity.starts_with("queue") { "bind \"in\" routing-key=\"k\"; " } else { "" };
    format!(
        "topology \"offers\"\nvhost \"offers\" {{\n {FIXED} {entity} {{ {bind}{settings} }}\n {policy}\n}}"
    )
}

/// The policy that is offered, and the settings that have to be as they were beside it.
fn offer(world: &World, text: &str) -> (String, String) {
    let said = world.run("diff", text, &["--format", "json"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let plan: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(plan["changes"].as_array().unwrap().len(), 1, "{plan:#}");
    let instead = plan["changes"][0]["instead"].as_str().unwrap_or_else(|| panic!("no offer: {plan:#}"));
    let (edits, policy) = instead.split_once("and write ").unwrap();
    (edits.to_owned(), policy.to_owned())
}

/// Follows the offer: what is there stays, with who consumes it and what it holds.
fn is_followed(world: &World, wish: &Wish) -> Client {
    let of = |side: fn(&(&'static str, &'static str, &'static str)) -> &'static str| -> Vec<&str> {
        wish.settings.iter().map(side).filter(|written| !written.is_empty()).collect()
    };
    world.apply(&text(wish.entity, &of(|(_, was, _)| was), ""), &[]);
    let holder = Client::of(world, "offers");
    let is_queue = wish.entity.starts_with("queue");
    if is_queue {
        publish(world, "k", 3);
        holder.take("q", 1);
    }
    let (edits, policy) = offer(world, &text(wish.entity, &of(|(_, _, wanted)| wanted), ""));
    let edited: Vec<&str> = wish
        .settings
        .iter()
        .map(|(name, was, wanted)| {
            let is_named = edits.contains(&format!("`{name}`"));
            let leaves = edits.split("leave ").next().unwrap_or("").contains(&format!("`{name}`"));
            match (is_named, leaves) {
                (true, true) => "",
                (true, false) => was,
                (false, _) => wanted,
            }
        })
        .filter(|written| !written.is_empty())
        .collect();
    let edited = text(wish.entity, &edited, &policy);
    let changes = world.plan(&edited, &[]);
    assert!(
        matches!(changes.as_slice(), [one] if one.starts_with("create policy ")),
        "{}: {changes:?}\n{edited}",
        wish.what
    );
    world.apply(&edited, &[]);
    if is_queue {
        assert_eq!(holder.ready("q"), 2, "{}", wish.what);
        // of a queue that was made anew, this would close the channel
        let all = lapin::options::BasicNackOptions { multiple: true, requeue: true };
        holder.runtime.block_on(holder.channel.basic_nack(0, all)).unwrap();
        until(wish.what, || holder.ready("q") == 3);
        assert_eq!(world.bindings("offers", "q"), ["in k"], "{}", wish.what);
    }
    holder
}

fn publish(world: &World, key: &str, count: usize) {
    for number in 0..count {
        let message = json!({
            "properties": {"delivery_mode": 2}, "routing_key": key, "payload": number.to_string(),
            "payload_encoding": "string",
        });
        let path = "/api/exchanges/offers/in/publish";
        assert_eq!(world.api().post(path, &message)["routed"], true);
    }
}

#[track_caller]
fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10), "{what}: it does not come to be so");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn over(world: &World) {
    world.apply("topology \"offers\"", &["--allow-data-loss"]);
}

fn offers_are_followed(world: &World) {
    for queue_type in ["classic", "quorum"] {
        let entity = if queue_type == "classic" {
            "queue \"q\" type=\"classic\""
        } else {
            "queue \"q\" type=\"quorum\""
        };
        let dead_letters = Wish {
            what: "dead letters",
            entity,
            settings: &[("dead-letter-exchange", "", "dead-letter \"spare\" routing-key=\"dead\"")],
        };
        let holder = is_followed(world, &dead_letters);
        let reject = async || {
            let options = lapin::options::BasicGetOptions { no_ack: false };
            let got = holder.channel.basic_get("q".into(), options).await.unwrap().unwrap();
            let options = lapin::options::BasicRejectOptions { requeue: false };
            holder.channel.basic_reject(got.delivery_tag, options).await.unwrap();
        };
        holder.runtime.block_on(reject());
        until(queue_type, || holder.ready("spared") == 1);
        assert_eq!(holder.ready("q"), 2);
        drop(holder);
        over(world);

        let limit = Wish { what: "a limit", entity, settings: &[("max-length", "", "max-length 5")] };
        let holder = is_followed(world, &limit);
        publish(world, "k", 6);
        until(queue_type, || holder.ready("q") == 5);
        drop(holder);
        over(world);

        let less = Wish {
            what: "a lesser limit, and what else",
            entity,
            settings: &[
                ("max-length", "max-length 100", "max-length 6"),
                ("dead-letter-exchange", "", "dead-letter \"spare\""),
            ],
        };
        let holder = is_followed(world, &less);
        publish(world, "k", 5);
        until(queue_type, || holder.ready("q") == 6 && holder.ready("spared") == 2);
        drop(holder);
        over(world);
    }
    let entity = "exchange \"in2\" type=\"direct\"";
    let spare = Wish {
        what: "an alternate exchange",
        entity,
        settings: &[("alternate-exchange", "", "alternate-exchange \"spare\"")],
    };
    let holder = is_followed(world, &spare);
    let message =
        json!({"properties": {}, "routing_key": "nowhere", "payload": "x", "payload_encoding": "string"});
    assert_eq!(world.api().post("/api/exchanges/offers/in2/publish", &message)["routed"], true);
    until("an alternate exchange", || holder.ready("spared") == 1);
}

#[test]
fn a_policy_that_is_offered_changes_what_is_there() {
    offers_are_followed(&World::of(Version::V3_10));
}

#[test]
fn a_policy_that_is_offered_changes_what_is_there_on_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        offers_are_followed(&World::of(Version::V4_0));
    }
}
