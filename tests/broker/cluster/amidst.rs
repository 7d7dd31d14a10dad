//! The node that is spoken to ends amidst an apply, or is out of reach of the others for a while. Publishers and consumers
//! go on through another.

use std::{
    process::Stdio,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use topoc_test_support::{Fate, Protocol, Proxy};

use super::{PATIENCE, Three};
use crate::{
    load::{Load, Route, Tally},
    world::Said,
};

/// Ten queues besides, which come first.
fn text(queue: &str, others: usize) -> String {
    let others: String = (0..others)
        .map(|number| {
            let queue_type = if number % 2 == 0 { "quorum" } else { "classic" };
            format!(" queue \"n{number}\" type=\"{queue_type}\" {{ bind \"e\" routing-key=\"n.*\" }}\n")
        })
        .collect();
    format!(
        "topology \"amidst\"\nvhost \"amidst\" {{\n exchange \"e\" type=\"topic\"\n queue \"q\" type=\"quorum\" {queue} {{ bind \"e\" routing-key=\"k.*\"; bind \"e\" routing-key=\"k.a\" }}\n{others}}}"
    )
}

/// Applies through the first node; before it gets this request, something happens to it, and something more a while later.
fn apply_with(
    three: &mut Three,
    wanted: &str,
    at: &'static str,
    event: impl FnOnce(&mut Three),
    then: impl FnOnce(&mut Three),
) -> Said {
    let ((say, asked), (go, gone)) = (mpsc::channel(), mpsc::channel());
    let waits = std::sync::Arc::new(Mutex::new((say, gone)));
    let is_over = AtomicBool::new(false);
    let event_of_rule = std::sync::Arc::new(move || {
        let waits = waits.lock().unwrap();
        waits.0.send(()).unwrap();
        waits.1.recv_timeout(PATIENCE).unwrap();
    });
    let node = &three.cluster[0];
    let proxy = Proxy::new(&node.management_url(), &node.amqp_url(), move |passing| {
        let is_it = passing.protocol == Protocol::Http && passing.what.starts_with(at);
        if is_it && !is_over.swap(true, Ordering::SeqCst) {
            Fate::Before(event_of_rule.clone())
        } else {
            Fate::Pass
        }
    });
    let broker =
        [proxy.management_url(), three.cluster[1].management_url(), three.cluster[2].management_url()];
    let mut run = three.command(&broker.join(","), &["apply"], wanted, &["--yes"]);
    let run = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    asked.recv_timeout(PATIENCE).unwrap();
    event(three);
    go.send(()).unwrap();
    then(three);
    Said::from(run.wait_with_output().unwrap())
}

fn load(three: &Three) -> Load {
    let load = Load::start(&Route {
        url: three.cluster[1].amqp_url().replace("%2f", "amidst"),
        exchange: "e",
        key: "k.a",
        queues: &["q"],
        rate: 100,
        consumers: 1,
        first: 0,
        silence: Some(Duration::from_secs(5)),
    });
    load.go_on_for(100);
    load
}

/// Every message is accounted for, and nothing is left behind.
#[expect(clippy::print_stdout, reason = "what became of the messages is what there is to see")]
fn ends_well(three: &Three, what: &str, wanted: &str, load: Load) -> Tally {
    load.go_on_for(100);
    let tally = load.end();
    println!("{}, {what}: {tally:?}", three.version());
    assert_eq!(tally.returned, 0, "{what}: {tally:?}");
    // what stands with a consumer that the broker has not told is in the queue
    if tally.lost > 0 {
        three.until_it_holds("amidst", "q", tally.lost as u64);
    }
    three.assert_settled(wanted);
    for list in ["queues", "exchanges"] {
        let left = three.api(1).get(&format!("/api/{list}/amidst")).to_string();
        assert!(!left.contains(".topoc."), "{what}: {left}");
    }
    tally
}

/// The next run finishes what this one may have left; right after a node is back, its queues may not be ready yet.
fn finish(three: &Three, wanted: &str, said: &Said) {
    assert!(matches!(said.code, 0 | 4 | 5), "{}{}", said.out, said.err);
    if said.code != 0 {
        assert!(said.out.contains("go on with: topoc apply"), "{}{}", said.out, said.err);
    }
    let mut runs = format!("{}{}", said.out, said.err);
    for _ in 0..RUNS {
        let again = three.run(&three.from(1), &["apply"], wanted, &["--yes"]);
        if again.code == 0 {
            return;
        }
        runs.push_str(&format!("\n{}{}", again.out, again.err));
        thread::sleep(Duration::from_secs(2));
    }
    panic!("{runs}");
}

/// How many runs there are until a cluster has settled.
const RUNS: usize = 3;

/// Messages of which a run that ends amidst may move some twice.
const TWICE: usize = 800;

/// A queue is made anew while all nodes are there: what waits aside is replicated.
pub(super) fn nothing_happens(three: &Three) {
    three.apply(&three.from(1), &text("", 0));
    let under_load = load(three);
    let wanted = text("max-length=1_000_000", 0);
    three.apply(&three.from(0), &wanted);
    let tally = ends_well(three, "nothing happens", &wanted, under_load);
    assert_eq!(tally.duplicated, 0, "{tally:?}");
    let said = three.run(&three.from(0), &["apply"], "topology \"amidst\"", &["--yes", "--allow-data-loss"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
}

pub(super) fn a_node_ends(three: &mut Three) {
    three.apply(&three.from(1), &text("max-length=1_000_000", 0));
    // amidst plain steps: through the next endpoint all of it is done
    let wanted = text("max-length=1_000_000", 10);
    let kill = |three: &mut Three| three.cluster[0].kill();
    let said = apply_with(three, &wanted, "PUT /api/queues/amidst/n5", kill, |_| {});
    // but for a queue that the node had made by then, and not said so
    let done = said.out.contains("applied 20 changes to three");
    let is_there = said.out.contains("home node 'rabbit1@localhost' of durable queue");
    assert!(done || (said.code == 5 && is_there), "{}: {}{}", said.code, said.out, said.err);
    // consumers would not learn of it now
    let under_load = load(three);
    let wanted = text("max-length=1_000_001", 10);
    let said = three.run(&three.from(0), &["apply"], &wanted, &["--yes"]);
    let why = "✗ replace queue q: its member on `rabbit1@localhost` is not online, and the broker would then not tell its 1 consumer that it is deleted: apply again once all members are back";
    assert!(matches!(said.code, 4 | 5) && said.out.contains(why), "{}{}", said.out, said.err);
    three.restart(0);
    // amidst a queue that is made anew
    let said = apply_with(three, &wanted, "DELETE /api/queues/amidst/q", kill, |_| {});
    three.restart(0);
    finish(three, &wanted, &said);
    let tally = ends_well(three, "a node ends", &wanted, under_load);
    assert!(tally.duplicated <= TWICE, "{tally:?}");
    let said = three.run(&three.from(0), &["apply"], "topology \"amidst\"", &["--yes", "--allow-data-loss"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
}

pub(super) fn a_node_is_parted_for_a_while(three: &mut Three) {
    three.apply(&three.from(1), &text("", 0));
    let under_load = load(three);
    let wanted = text("message-ttl=\"1h\"", 0);
    let said = apply_with(
        three,
        &wanted,
        "DELETE /api/queues/amidst/q",
        |three| three.cluster.part(0),
        |three| {
            thread::sleep(Duration::from_secs(4));
            three.cluster.heal(0);
        },
    );
    (0..3).for_each(|by| three.cluster.until_seen(by, 3));
    finish(three, &wanted, &said);
    let tally = ends_well(three, "a node is parted", &wanted, under_load);
    assert!(tally.duplicated <= TWICE, "{tally:?}");
    // amidst plain steps
    let wanted = text("message-ttl=\"1h\"", 10);
    let said = apply_with(
        three,
        &wanted,
        "PUT /api/queues/amidst/n5",
        |three| three.cluster.part(0),
        |three| three.cluster.heal(0),
    );
    (0..3).for_each(|by| three.cluster.until_seen(by, 3));
    finish(three, &wanted, &said);
    three.assert_settled(&wanted);
    let said = three.run(&three.from(0), &["apply"], "topology \"amidst\"", &["--yes", "--allow-data-loss"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
}
