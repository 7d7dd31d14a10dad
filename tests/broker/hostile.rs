//! Whoever answers in a broker's place: no answer makes a verb panic, hang, take all memory, or write on the terminal what
//! it did not mean to.
//!
//! The answers are a real broker's, made into others on their way. `TOPOC_HOSTILE=500` tries more of them,
//! `TOPOC_HOSTILE_SEED=7` others.

mod bytes;
mod made;

use std::{
    env,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use topoc::diag::visible_lines;
use topoc_test_support::{Fate, Protocol, Proxy, Version, available_or_skip};

use crate::world::{Said, World};
use made::{ALL, FORGED, Made};

/// Every verb that asks a broker, as it is called.
const VERBS: &[&[&str]] = &[
    &["diff", "FILE"],
    &["diff", "FILE", "--format", "json"],
    &["diff", "FILE", "--drift", "--all"],
    &["apply", "FILE", "--yes", "--adopt", "--allow-gap"],
    &["apply", "FILE", "--yes", "--format", "json"],
    &["plan", "FILE", "-o", "OUT.json"],
    &["import"],
    &["import", "--split", "-o", "OUT"],
    &["route", "--live", "--vhost", "all", "--exchange", "order", "--key", "order.x"],
    &["route", "--live", "--vhost", "all", "--exchange", "order", "--key", "order.x", "--format", "json"],
    &["why-not", "work", "--live", "--vhost", "all", "--exchange", "order", "--key", "x"],
    &["policies", "--live"],
    &["policies", "--live", "--format", "json"],
    &["readiness", "--live", "--to", "4.3", "--all"],
    &["adopt", "FILE", "--yes", "--force"],
    &["adopt", "FILE", "--yes", "--format", "json"],
    &["status", "FILE", "--over", "0s"],
    &["status", "FILE", "--over", "0s", "--format", "json"],
    &["dead", "list"],
    &["dead", "list", "FILE", "--look", "1", "--format", "json"],
    &["dead", "peek", "work", "--vhost", "all"],
    &["dead", "redrive", "work", "--vhost", "all", "--dry-run"],
    &["dead", "redrive", "work", "--vhost", "all", "--yes"],
];

/// What a verb may take of the machine's memory, in KiB of addresses; an allocator takes some that it never uses.
const ADDRESSES: &str = "6000000";

const AT_ONCE: usize = 4;

/// No verb waits longer for one who answers, be it nonsense.
const PATIENCE: Duration = Duration::from_secs(60);

fn number(variable: &str, default: usize) -> usize {
    env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// `topoc WORDS` in the reach of a limit, through this proxy. What is asked about has its name as this makes it.
fn command(world: &World, words: &[&str], made: Made, proxy: &Proxy, run: usize) -> Command {
    let file = world.folder.path().join("all.kdl");
    let out = |ending: &str| world.folder.path().join(format!("out{run}{ending}")).display().to_string();
    let words: Vec<String> = words
        .iter()
        .map(|word| match *word {
            "FILE" => file.display().to_string(),
            "OUT" => out(""),

            "OUT.json" => out(".json"),
            word @ ("all" | "order" | "work") => made.name(word),
            word => word.to_owned(),
        })
        .collect();
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -v {ADDRESSES}; exec \"$@\""), "sh", env!("CARGO_BIN_EXE_topoc")]);
    command.args(words).current_dir(world.folder.path());
    command.env("TOPOC_BROKER", proxy.management_url()).env("TOPOC_AMQP", proxy.amqp_url());
    command.env("SECRET", "p w").env("OTHER", "another").env("EU_URI", crate::world::EU_URI);
    command
}

/// What is wrong with what a verb said.
fn fault(said: &Said) -> Option<String> {
    let all = format!("{}{}", said.out, said.err);
    // a name that is not there is a mistake of who asks for it
    let what = if !matches!(said.code, 0..=5) {
        "it leaves with another code"
    } else if all.contains("panicked") {
        "it panics"
    } else if visible_lines(&all) != all {
        "it writes what speaks to a terminal"
    } else if all.lines().any(|line| line.starts_with(FORGED)) {
        "a name writes a line of its own"
    } else if said.code == 4 && !said.err.is_empty() && said.err.trim() == "error:" {
        "it does not say what happened"
    } else {
        return None;
    };
    Some(format!("{what}; code {}\n{}\n{}", said.code, visible_lines(&said.out), visible_lines(&said.err)))
}

/// A world in which all is applied.
fn applied(version: Version) -> World {
    let world = World::of(version);
    let text = include_str!("everything.kdl");
    let said = world.run("apply", text, &["--yes"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    std::fs::write(world.folder.path().join("all.kdl"), text).unwrap();
    world
}

/// Every verb with names that speak to a terminal, and some of them, `more`, with everything else.
fn no_answer_is_believed(version: Version, seed: usize, more: usize) {
    let world = applied(version);
    let seed = number("TOPOC_HOSTILE_SEED", seed);
    let more = number("TOPOC_HOSTILE", more);
    let every = VERBS.iter().map(|words| (*words, Made::Named, 0));
    let others = (seed..seed + more).map(|seed| (VERBS[seed % VERBS.len()], ALL[seed % ALL.len()], seed));
    let runs: Vec<_> = every.chain(others).collect();
    let (next, troubles) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((words, made, seed)) = runs.get(next.fetch_add(1, Ordering::Relaxed)).copied()
                {
                    let proxy = world.proxy(move |passing| match passing.protocol {
                        Protocol::Http => made.fate(seed, passing.number),
                        Protocol::Amqp => Fate::Pass,
                    });
                    let run = next.load(Ordering::Relaxed);
                    let start = Instant::now();
                    let said = Said::of(&mut command(&world, words, made, &proxy, run));
                    let late = (start.elapsed() > PATIENCE).then(|| format!("{:?}", start.elapsed()));
                    if let Some(what) = fault(&said).or(late) {
                        troubles.lock().unwrap().push(format!("{words:?} {made:?} {seed}: {what}"));
                    }
                }
            });
        }
    });
    let troubles = troubles.into_inner().unwrap();
    assert!(troubles.is_empty(), "{} of {}:\n{}", troubles.len(), runs.len(), troubles.join("\n\n"));
}

#[test]
fn no_answer_is_believed_to_be_sane() {
    no_answer_is_believed(Version::V3_10, 1, 40);
}

#[test]
fn no_answer_is_believed_to_be_sane_on_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        // others than those on 3.10
        no_answer_is_believed(Version::V4_0, 101, 20);
    }
}
