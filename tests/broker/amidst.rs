//! A migration that ends at any moment while it moves thousands of messages and others publish: the run is killed, its AMQP
//! connections are cut, or the node is killed and started again. The next run brings all to its end, and nothing is lost.
//!
//! `TOPOC_AMIDST=60` tries so many moments; without it none is, as the moments are not the same in two runs of the suite, and
//! take half a minute each.

use std::{
    env,
    process::{Child, Stdio},
    time::{Duration, Instant, SystemTime},
};

use topoc_test_support::{Fate, Version, available_or_skip};

use crate::{
    load::{Load, Route},
    world::{Said, World},
};

/// How many messages are there from the start; those of the publishers come on top.
const MESSAGES: u64 = 4_000;

/// As many as may be under way at once.
const WINDOW: usize = 800;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Killed,
    Cut,
    NodeKilled,
}

fn text(queue_type: &str) -> String {
    format!(
        "topology \"amidst\"\nvhost \"amidst\" {{ exchange \"e\" type=\"topic\"\n queue \"q\" type=\"{queue_type}\" {{ bind \"e\" routing-key=\"#\" }} }}"
    )
}

/// Some number below a thousand.
fn random() -> u32 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    now.subsec_micros() % 1_000
}

/// How it ends by itself; one that does not is at fault.
fn code(run: &mut Child, end: End) -> Option<i32> {
    let start = Instant::now();
    loop {
        if let Some(status) = run.try_wait().unwrap() {
            return status.code();
        }
        if start.elapsed() > Duration::from_secs(120) {
            run.kill().unwrap();
            panic!("{end:?}: it does not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[expect(clippy::print_stdout, reason = "what became of the messages is what there is to see")]
fn nothing_is_lost(version: Version) {
    let moments: Option<usize> = env::var("TOPOC_AMIDST").ok().and_then(|text| text.parse().ok());
    let Some(moments) = moments else { return println!("skipped: TOPOC_AMIDST is not set") };
    let mut world = World::of(version);
    world.apply(&text("classic"), &[]);
    let route = Route {
        url: world.broker.amqp_url().replace("%2f", "amidst"),
        exchange: "e",
        key: "k",
        queues: &["q"],
        rate: 100,
        consumers: 0,
        first: 0,
        silence: None,
    };
    let mut load = Load::start(&route);
    load.fill(&route, MESSAGES);
    let start = Instant::now();
    world.apply(&text("quorum"), &[]);
    world.apply(&text("classic"), &[]);
    let takes = start.elapsed() / 2;
    let (mut cut_short, mut forgot, first) = (0, false, random() as usize);
    for moment in 0..moments {
        let end = [End::Killed, End::Cut, End::NodeKilled][(moment + first) % 3];
        forgot |= end == End::NodeKilled;
        let wanted = text(["quorum", "classic"][moment % 2]);
        let at = takes * random() / 1_000;
        let proxy = world.proxy(|_| Fate::Pass);
        let mut run = world.command("apply", &wanted, &["--yes"]);
        run.env("TOPOC_BROKER", proxy.management_url()).env("TOPOC_AMQP", proxy.amqp_url());
        run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut run = run.spawn().unwrap();
        std::thread::sleep(at);
        match end {
            End::Killed => run.kill().unwrap(),
            End::Cut => proxy.cut_amqp(),
            End::NodeKilled => {
                world.broker.kill();
                std::thread::sleep(Duration::from_millis(300));
                world.broker.restart();
            }
        }
        let code = code(&mut run, end);
        cut_short += usize::from(code != Some(0));
        let said = Said::of(&mut world.command("apply", &wanted, &["--yes"]));
        println!("{version}, {end:?} at {at:?} of {takes:?}: it left with {code:?}, then with {}", said.code);
        assert_eq!(said.code, 0, "{end:?} at {at:?}: {}{}", said.out, said.err);
        world.assert_settled(&wanted);
    }
    load.hear(&route, 2);
    let tally = load.end();
    println!(
        "{version}, {moments} ends, {cut_short} of them cut a run short; one takes {takes:?}: {tally:?}"
    );
    assert_eq!((tally.lost, tally.returned), (0, 0), "{tally:?}");
    // a node that is killed forgets of acknowledgements what it has not written down
    assert!(forgot || tally.duplicated <= WINDOW * moments, "{tally:?}");
    assert!(tally.confirmed as u64 > MESSAGES, "{tally:?}");
    for list in ["queues", "exchanges"] {
        let left = world.api().get(&format!("/api/{list}/amidst")).to_string();
        assert!(!left.contains(".topoc."), "{left}");
    }
}

#[test]
fn a_migration_may_end_at_any_moment() {
    nothing_is_lost(Version::V3_10);
}

#[test]
fn a_migration_may_end_at_any_moment_on_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        nothing_is_lost(Version::V4_0);
    }
}
