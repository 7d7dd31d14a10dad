//! The node itself dies amidst an apply, as by a power cut, and comes back.

use std::{
    sync::{
        Arc, Mutex,
        mpsc::{self, Sender},
    },
    thread,
};

use topoc_test_support::{Event, Fate, Passing, Version, available_or_skip};

use super::scenario::{Run, Scenario, end};
use crate::world::World;

/// Amidst what is made anew and amidst what is deleted; and whether the broker has carried the request out.
const AT: [(&str, bool); 2] = [("DELETE /api/exchanges/", false), ("DELETE /api/queues/", true)];

/// Asks for the end of the node, and waits until it has come.
fn ask(asked: &Sender<Sender<()>>) -> Event {
    let asked = Mutex::new(asked.clone());
    Arc::new(move || {
        let (done, ended) = mpsc::channel();
        asked.lock().unwrap().send(done).unwrap();
        let _ = ended.recv();
    })
}

fn everything(version: Version) {
    let mut scenario = Scenario::new(World::of(version));
    let points = AT.map(|(place, after)| (place, after, scenario.prepare()));
    // a quorum queue that was declared a moment before a power cut is there afterwards, and never answers: theirs are older
    scenario.world.broker.restart();
    for (place, after, name) in points {
        let (asked, asks) = mpsc::channel();
        let kill = ask(&asked);
        let once = Mutex::new(true);
        let rule = move |passing: &Passing| {
            let is_it = passing.what.starts_with(place) && std::mem::take(&mut *once.lock().unwrap());
            match (is_it, after) {
                (false, _) => Fate::Pass,
                (true, false) => Fate::Before(kill.clone()),
                (true, true) => Fate::After(kill.clone()),
            }
        };
        let proxy = scenario.world.proxy(rule);
        let mut command = scenario.apply(&name, &proxy);
        let run = thread::spawn(move || end(&mut command, &Run::default()));
        let done = asks.recv().unwrap();
        scenario.world.broker.kill();
        done.send(()).unwrap();
        scenario.world.broker.restart();
        let said = run.join().unwrap().unwrap();
        assert!(matches!(said.code, 0 | 4 | 5), "{place}: {}\n{}{}", said.code, said.out, said.err);
        assert!(!said.err.contains("panicked"), "{place}: {}", said.err);
        if let Err(what) = scenario.recover(&name) {
            panic!("{place}, after: {after}: {what}\n{}\n{}{}", said.code, said.out, said.err);
        }
    }
}

#[test]
fn a_node_that_dies_takes_nothing_along() {
    everything(Version::V3_10);
}

#[test]
fn a_node_that_dies_takes_nothing_along_on_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        everything(Version::V4_0);
    }
}
