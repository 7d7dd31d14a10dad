//! The crate against a naive reference and against real brokers, on made-up topologies and messages.
//!
//! The runs on brokers are bounded. `TOPOC_ROUTING_TOPOLOGIES=500` makes them longer, `TOPOC_ROUTING_SEED=7` starts at
//! another seed; a disagreement prints the seed that replays it alone, and the smallest topology that still shows it.

mod behaviour;
mod broker;
mod deaths;
mod kdl;
mod made;
mod memory;
mod naive;
mod policies;
mod shrink;

use std::env;

use made::Random;
use topoc_routing::Version;
use topoc_test_support::{Shared, Version as Release};

#[test]
fn routes_as_the_naive_reference_does() {
    let (mut listed, mut reached_some, mut open) = (0, 0, 0);
    for seed in 0..1500 {
        let mut random = Random::new(seed);
        let version = *random.pick(&[Version::V3_10, Version::V4_0]);
        let net = made::topology(&mut random, version);
        for _ in 0..10 {
            let published = made::message(&mut random, &net);
            let Some(exchange) = net.exchange_id(&published.exchange) else { continue };
            let delivered = net.route(exchange, &published.message());
            let Some(outcomes) = naive::outcomes(&net, exchange, &published.message()) else { continue };
            listed += 1;
            reached_some += usize::from(!delivered.queues.is_empty());
            open += usize::from(outcomes.len() > 1);
            if let Some(why) = naive::disagreement(&delivered, &outcomes) {
                panic!("seed {seed}: {why}\n{}", kdl::shown(&net, &published));
            }
            for reached in &delivered.queues {
                let path = delivered.path(reached.queue);
                assert_eq!(path.first().map(|hop| hop.from), Some(exchange), "seed {seed}: {published:?}");
            }
        }
    }
    // a comparison of messages that reach nothing would say little
    let counts =
        format!("{listed} messages, {reached_some} of them reach a queue, {open} leave it open which");
    assert!(listed > 12_000 && reached_some > listed / 2 && open > listed / 20, "{counts}");
    report(&counts);
}

#[tokio::test]
async fn dead_letters_go_as_on_rabbitmq_3_10() {
    dead_letters_as(Shared::get()).await;
}

#[tokio::test]
async fn dead_letters_go_as_on_rabbitmq_4_0() {
    if let Some(shared) = Shared::get_or_skip(Release::V4_0) {
        dead_letters_as(shared).await;
    }
}

#[test]
fn policies_apply_as_on_rabbitmq_3_10() {
    policies_as(Shared::get());
}

#[test]
fn policies_apply_as_on_rabbitmq_4_0() {
    if let Some(shared) = Shared::get_or_skip(Release::V4_0) {
        policies_as(shared);
    }
}

#[tokio::test]
async fn arguments_meet_policies_as_on_rabbitmq_3_10() {
    arguments_meet_policies_as(Shared::get()).await;
}

#[tokio::test]
async fn arguments_meet_policies_as_on_rabbitmq_4_0() {
    if let Some(shared) = Shared::get_or_skip(Release::V4_0) {
        arguments_meet_policies_as(shared).await;
    }
}

#[tokio::test]
async fn routes_as_rabbitmq_3_10_does() {
    routes_as(Shared::get()).await;
}

#[tokio::test]
async fn routes_as_rabbitmq_4_0_does() {
    if let Some(shared) = Shared::get_or_skip(Release::V4_0) {
        routes_as(shared).await;
    }
}

#[expect(clippy::print_stdout, reason = "how much was compared belongs to the result")]
fn report(what: &str) {
    println!("{what}");
}

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

async fn routes_as(shared: &'static Shared) {
    let version = shared.version().as_str().parse().expect("a version");
    let (first, topologies) = (number("TOPOC_ROUTING_SEED", 1), number("TOPOC_ROUTING_TOPOLOGIES", 12));
    let (mut messages, mut wrong) = (0, Vec::new());
    for seed in first..first + topologies {
        let mut random = Random::new(seed);
        let net = made::topology(&mut random, version);
        let published: Vec<_> = (0..20).map(|_| made::message(&mut random, &net)).collect();
        messages += published.len();
        let disagreements = broker::compare(&shared.vhost(), &net, &published).await;
        let Some(first) = disagreements.first() else { continue };
        let message = &published[first.message];
        let net = shrink::shrink(net, |smaller| async move {
            !broker::compare(&shared.vhost(), &smaller, std::slice::from_ref(message)).await.is_empty()
        });
        let net = net.await;
        wrong.push(format!(
            "TOPOC_ROUTING_SEED={seed} TOPOC_ROUTING_TOPOLOGIES=1: {} of {} messages; {}\n{}",
            disagreements.len(),
            published.len(),
            first.why,
            kdl::shown(&net, message)
        ));
    }
    report(&format!(
        "RabbitMQ {version}: {topologies} topologies from seed {first}, {messages} messages, {} disagree",
        wrong.len()
    ));
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Most of the time is waiting for messages to expire, so several run at once.
async fn dead_letters_as(shared: &'static Shared) {
    let version = shared.version().as_str().parse().expect("a version");
    let (first, topologies) = (number("TOPOC_ROUTING_SEED", 1), number("TOPOC_ROUTING_TOPOLOGIES", 24));
    let (mut compared, mut wrong) = (0, Vec::new());
    let seeds: Vec<u64> = (first..first + topologies).collect();
    for seeds in seeds.chunks(8) {
        let mut running = tokio::task::JoinSet::new();
        for seed in seeds.iter().copied() {
            running.spawn(async move { (seed, dead_letter_run(shared, version, seed).await) });
        }
        while let Some(done) = running.join_next().await {
            match done.expect("a run without a panic") {
                (_, None) => {}
                (_, Some(Ok(()))) => compared += 1,
                (seed, Some(Err(why))) => {
                    wrong.push(format!("TOPOC_ROUTING_SEED={seed} TOPOC_ROUTING_TOPOLOGIES=1: {why}"))
                }
            }
        }
    }
    report(&format!(
        "RabbitMQ {version}: dead letters of {compared} topologies from seed {first}, {} disagree",
        wrong.len()
    ));
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

async fn dead_letter_run(shared: &'static Shared, version: Version, seed: u64) -> Option<Result<(), String>> {
    let mut random = Random::new(seed);
    let net = made::graveyard(&mut random, version);
    let (published, expiration) = made::mortal(&mut random, &net);
    let verdict = deaths::compare(&shared.vhost(), &net, &published, expiration, seed).await?;
    let Err(why) = verdict else { return Some(Ok(())) };
    let published = &published;
    let net = shrink::shrink(net, |smaller| async move {
        matches!(deaths::compare(&shared.vhost(), &smaller, published, expiration, seed).await, Some(Err(_)))
    });
    Some(Err(format!("{why}\n{}\n// expiration: {expiration:?}", kdl::shown(&net.await, published))))
}

/// The management API shows merged definitions some seconds late, so all runs wait at once.
fn policies_as(shared: &'static Shared) {
    let version: Version = shared.version().as_str().parse().expect("a version");
    let (first, runs) = (number("TOPOC_ROUTING_SEED", 1), number("TOPOC_ROUTING_TOPOLOGIES", 6));
    let run = |seed| {
        let compared = policies::compare(&shared.vhost(), version, seed);
        compared.map_err(|why| format!("TOPOC_ROUTING_SEED={seed} TOPOC_ROUTING_TOPOLOGIES=1: {why}"))
    };
    let seeds: Vec<u64> = (first..first + runs).collect();
    let mut objects = 0;
    for seeds in seeds.chunks(12) {
        let compared: Vec<Result<usize, String>> = std::thread::scope(|scope| {
            let running: Vec<_> = seeds.iter().map(|seed| scope.spawn(move || run(*seed))).collect();
            running.into_iter().map(|thread| thread.join().expect("a run without a panic")).collect()
        });
        for result in compared {
            objects += result.unwrap_or_else(|why| panic!("{why}"));
        }
    }
    report(&format!(
        "RabbitMQ {version}: policies of {objects} queues and exchanges from seed {first}, 0 disagree"
    ));
}

async fn arguments_meet_policies_as(shared: &'static Shared) {
    let version: Version = shared.version().as_str().parse().expect("a version");
    let mut running = tokio::task::JoinSet::new();
    for case in behaviour::cases(version) {
        running.spawn(behaviour::check(shared, version, case));
    }
    let wrong: Vec<String> = running.join_all().await.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
