//! A node is down: what can be done without it is done, the rest is said, and done once it is back.

use serde_json::json;
use topoc_test_support::Version;

use super::{Three, fares::until, number};
use crate::world::Said;

const EXCHANGE: &str = "exchange \"e\" type=\"topic\"";
/// On the node that goes.
const THERE: &str =
    "queue \"there\" type=\"classic\" { bind \"e\" routing-key=\"a\"; bind \"e\" routing-key=\"b\" }";
/// Its only member is on that node.
const ONE: &str =
    "queue \"one\" type=\"quorum\" quorum-initial-group-size=1 { bind \"e\" routing-key=\"a\" }";
/// One of its two members is.
const TWO: &str =
    "queue \"two\" type=\"quorum\" quorum-initial-group-size=2 { bind \"e\" routing-key=\"a\" }";
/// One of its three members is.
const ALL: &str = "queue \"all\" type=\"quorum\" { bind \"e\" routing-key=\"a\" }";
const NEW: &str = "queue \"new\" type=\"quorum\" { bind \"e\" routing-key=\"n\" }\n queue \"newer\" type=\"classic\" { bind \"e\" routing-key=\"n\" }";

fn text(entities: &[&str]) -> String {
    format!("topology \"down\"\nvhost \"down\" {{\n {EXCHANGE}\n {}\n}}", entities.join("\n "))
}

pub(super) fn a_node_is_down(three: &mut Three) {
    three.apply(&three.cluster[0].management_url(), &text(&[TWO, ALL]));
    let members = three.queue(0, "down", "two")["members"].clone();
    let others = members.as_array().unwrap().iter().map(|node| number(node.as_str().unwrap()));
    let gone = others.into_iter().find(|node| *node != 0).unwrap();
    // a queue with one place is where it was made
    let before = text(&[TWO, ALL, THERE, ONE]);
    three.apply(&three.cluster[gone].management_url(), &before);
    let queues = ["all", "one", "there", "two"];
    for queue in queues {
        publish(three, queue);
        three.until_it_holds("down", queue, 1);
    }
    three.cluster[gone].kill();
    three.cluster.until_seen(0, 2);
    // the first endpoint is the one that is gone
    let broker = three.from(gone);
    it_is_told(three, &broker, gone, &before);
    what_needs_it_is_left_alone(three, &broker, &before);
    // nothing that was there is missing
    three.restart(gone);
    for queue in queues {
        three.until_it_holds("down", queue, 1);
    }
    three.assert_settled(&before);
    assert_eq!(bindings(three, "there"), ["a", "b"]);
    assert_eq!(bindings(three, "two"), ["a"]);
    // and what was left alone is done now
    let changed = text(&[&limited(TWO), ALL, &limited(THERE)]);
    let said = three.run(&broker, &["apply"], &changed, &["--yes"]);
    assert_eq!(said.code, 5, "{}{}", said.out, said.err);
    assert!(said.out.contains("✓ replace queue two\n"), "{}", said.out);
    assert!(said.out.contains("✓ replace queue there\n"), "{}", said.out);
    assert!(
        said.out.contains("≠ delete queue one: it holds 1 ready and 0 unacknowledged messages"),
        "{}",
        said.out
    );
    for queue in queues {
        three.until_it_holds("down", queue, 1);
    }
    let said = three.run(&broker, &["apply"], "topology \"down\"", &["--yes", "--allow-data-loss"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
}

fn limited(queue: &str) -> String {
    queue.replacen(" {", " max-length=1_000 {", 1)
}

fn publish(three: &Three, queue: &str) {
    let message = json!({
        "properties": {"delivery_mode": 2}, "routing_key": queue, "payload": "x", "payload_encoding": "string",
    });
    assert_eq!(
        three.api(0).post("/api/exchanges/down/amq.default/publish", &message)["routed"],
        true,
        "{queue}"
    );
}

/// The keys that a queue is bound with.
fn bindings(three: &Three, queue: &str) -> Vec<String> {
    let list = three.api(0).get(&format!("/api/queues/down/{queue}/bindings"));
    let list = list.as_array().unwrap().iter().filter(|binding| binding["source"] == "e");
    let mut keys: Vec<String> =
        list.map(|binding| binding["routing_key"].as_str().unwrap().to_owned()).collect();
    keys.sort();
    keys
}

fn it_is_told(three: &Three, broker: &str, gone: usize, before: &str) {
    let node = three.cluster[gone].name();
    let old = three.version() == Version::V3_10;
    let note = "what is bound to queue `there` in vhost `down` is not compared, and stays on record: its node is down, and the broker does not show it";
    let noted = if old { format!("  · {note}\n") } else { String::new() };
    until(
        three,
        broker,
        before,
        &format!(
            "\
down on three: 4 queues

  ✗ node   {node}  is down
  ✗ queue  there              is down
  ✗ queue  two                has lost its majority, as 1 of 2 members is online: it takes and gives nothing
  ✗ queue  one                has lost its majority, as its only member is not online: it takes and gives nothing
  ! queue  all                has no consumer; 1 message waits there
  ! node   {node}  members of 1 queue on it are not online: `all`
{noted}
as described: nothing has drifted
4 troubles, 2 remarks"
        ),
    );
    let said = three.run(broker, &["diff"], before, &["--exit-code"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert_eq!(said.out.contains(note), old, "{}", said.out);
}

#[track_caller]
fn assert_says(said: &Said, code: i32, lines: &[&str]) {
    assert_eq!(said.code, code, "{}{}", said.out, said.err);
    for line in lines {
        assert!(said.out.contains(line) || said.err.contains(line), "{line}:\n{}{}", said.out, said.err);
    }
}

fn what_needs_it_is_left_alone(three: &Three, broker: &str, before: &str) {
    // new ones have a place
    let said = three.run(broker, &["apply"], &text(&[TWO, ALL, THERE, ONE, NEW]), &["--yes"]);
    assert_says(&said, 0, &["applied 4 changes to three"]);
    let [two, one, there] = [
        "it has lost its majority, as 1 of 2 members is online, so nobody knows what it holds",
        "it has lost its majority, as its only member is not online, so nobody knows what it holds",
        " is down, so nobody knows what it holds",
    ];
    let later = "apply again once its nodes are back, or say --allow-data-loss to lose it";
    // what nobody can look into is not deleted
    let said = three.run(broker, &["apply"], &text(&[ALL, NEW]), &["--yes"]);
    assert_says(
        &said,
        4,
        &[
            &format!("- queue  one    no longer in the file\n           ! {one}"),
            &format!("≠ delete queue one: {one}: {later}\n"),
            &format!("≠ delete queue two: {two}: {later}\n"),
            "≠ delete queue there: its node `rabbit",
            &format!("{there}: {later}\n"),
            "3 refused",
        ],
    );
    // nor made anew, nor moved
    let changed = text(&[&limited(TWO), ALL, &limited(THERE), ONE, NEW]);
    let said = three.run(broker, &["apply"], &changed, &["--yes"]);
    assert_says(
        &said,
        4,
        &[&format!("≠ replace queue two: {two}: {later}\n"), "≠ replace queue there: ", "2 refused"],
    );
    let moved = text(&[
        &TWO.replace("\"two\"", "\"moved\"").replace("{", "{ moved from=\"two\";"),
        ALL,
        THERE,
        ONE,
        NEW,
    ]);
    let said = three.run(broker, &["apply"], &moved, &["--yes"]);
    assert_says(&said, 4, &[&format!("✗ move queue moved: {two}: apply again once its nodes are back\n")]);
    // where the broker says of a queue that it is gone, which will be back with its node
    if three.version() == Version::V3_10 {
        let said =
            three.run(broker, &["apply"], &text(&[TWO, ALL, ONE, NEW]), &["--yes", "--allow-data-loss"]);
        let only_then =
            "✗ delete queue there: its node is down, and the broker deletes it only once that is back";
        assert_says(&said, 4, &[only_then]);
    }
    it_is_not_looked_into(three, broker, before);
    let said = three.run(broker, &["apply"], before, &["--yes"]);
    assert_says(&said, 0, &["✓ delete queue new\n", "✓ delete queue newer\n", "applied 2 changes to three"]);
}

fn it_is_not_looked_into(three: &Three, broker: &str, before: &str) {
    let lost = "cannot be looked into: it has lost its majority, as 1 of 2 members is online";
    let help = "help: topoc status says which nodes are down: start them, and try again";
    assert_says(&three.run(broker, &["dead", "peek", "two"], before, &[]), 4, &[lost, help]);
    let redriven = three.run(broker, &["dead", "redrive", "two"], before, &["--yes", "--to", "all"]);
    assert_says(&redriven, 4, &[lost, help]);
    let there = three.run(broker, &["dead", "peek", "there"], before, &[]);
    assert_says(&there, 4, &["`there` cannot be looked into: its node `rabbit", "` is down"]);
    // what cannot be taken stays where it is
    let redriven = three.run(broker, &["dead", "redrive", "all"], before, &["--yes", "--to", "two"]);
    assert_says(&redriven, 4, &["1 stays: queue two refuses them"]);
    let dead = before.replace(
        "queue \"all\" type=\"quorum\" {",
        "queue \"all\" type=\"quorum\" { dead-letter \"\" routing-key=\"two\";",
    );
    let listed = three.run(broker, &["dead", "list"], &dead, &[]);
    assert_says(
        &listed,
        0,
        &["two           ?          ?       ?  it has lost its majority, as 1 of 2 members is online  all"],
    );
}
