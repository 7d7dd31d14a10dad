//! Whatever happens at any request of an apply, the next apply brings all to its end, and nothing is lost.
//!
//! The suite tries a sample of all requests and faults. `TOPOC_FAULTS=all` tries each; `TOPOC_FAULTS_SEED=7` samples
//! others. A trouble names its points: `TOPOC_FAULTS="17 half, 30 killed-before"` tries those alone.

mod outage;
mod scenario;
mod trial;

use std::{
    collections::{BTreeMap, VecDeque},
    env,
    sync::Mutex,
    thread,
};

use topoc_test_support::{Version, available_or_skip};

use crate::world::World;
use scenario::Scenario;
use trial::{ALL, BRIEF, Point, Trial};

/// How many points are tried at once: each waits for the broker most of its time.
const AT_ONCE: usize = 4;

/// How many points a run of the suite tries on each broker.
const SAMPLED: usize = 10;

/// No run of the scenario has fewer requests than that.
const REQUESTS: usize = 80;

#[test]
fn no_fault_leaves_anything_behind() {
    walk(Version::V3_10);
}

#[test]
fn no_fault_leaves_anything_behind_on_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        walk(Version::V4_0);
    }
}

#[expect(clippy::print_stdout, reason = "how many points were tried is what there is to see")]
fn walk(version: Version) {
    let scenario = Scenario::new(World::of(version));
    let requests = scenario.requests();
    assert!(requests >= REQUESTS, "so few requests: {requests}");
    let points = points(requests);
    let (wanted, all) = (points.len(), requests * ALL.len());
    let (queue, troubles) = (Mutex::new(VecDeque::from(points)), Mutex::new(Vec::new()));
    let ends: Mutex<BTreeMap<String, usize>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(point) = queue.lock().unwrap().pop_front() else { return };
                    match scenario.attempt(point) {
                        Ok(None) => {}
                        Ok(Some(end)) => *ends.lock().unwrap().entry(end).or_default() += 1,
                        Err(trouble) => troubles.lock().unwrap().push(format!("{point}: {trouble}")),
                    }
                }
            });
        }
    });
    let (ends, troubles) = (ends.into_inner().unwrap(), troubles.into_inner().unwrap());
    let met: usize = ends.values().sum::<usize>() + troubles.len();
    println!("RabbitMQ {version}: {met} points tried, of {all} at {requests} requests: {ends:?}");
    assert!(troubles.is_empty(), "{} of {wanted} points:\n{}", troubles.len(), troubles.join("\n\n"));
    // a run that is cut short has a request less now and then than the one that was counted
    assert!(met * 10 >= wanted * 9, "{met} of {wanted} points were met");
}

fn points(requests: usize) -> Vec<Point> {
    let every = || {
        let trials = |number| ALL.iter().map(move |trial| Point { number, trial: *trial });
        (1..=requests).flat_map(trials)
    };
    match env::var("TOPOC_FAULTS").as_deref() {
        Ok("all") => every().collect(),
        Ok(named) => named.split(',').map(|point| point.trim().parse().unwrap()).collect(),
        Err(_) => sampled(requests),
    }
}

/// As many of each fault that costs no patience, each at other requests, and one of each of the rest.
fn sampled(requests: usize) -> Vec<Point> {
    let seed = env::var("TOPOC_FAULTS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1_u64);
    let mut state = seed;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let patient: Vec<Trial> = ALL.iter().copied().filter(|trial| !BRIEF.contains(trial)).collect();
    let mut points: Vec<Point> =
        patient.into_iter().map(|trial| Point { number: random() % requests + 1, trial }).collect();
    for index in 0..SAMPLED - points.len() {
        let (trial, each) = (BRIEF[index % BRIEF.len()], SAMPLED / BRIEF.len() + 1);
        // spread over all requests
        let width = requests.div_ceil(each);
        let number = (index / BRIEF.len()) * width + random() % width + 1;
        points.push(Point { number: number.min(requests), trial });
    }
    points
}
