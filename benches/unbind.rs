//! What deleting a queue or an exchange with many bindings takes, at once and with its bindings deleted first, and how long
//! others wait meanwhile: publishers for a confirm, through the same exchange and through another, and who binds a queue.
//!
//! `cargo bench --bench unbind [-- BINDINGS …]` starts a real node of each version that is there.

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions},
    types::FieldTable,
};
use serde_json::json;
use topoc_test_support::{Api, Broker, Options, Version, available};

/// As many requests at once as `apply` sends for the bindings of one entity.
const AT_ONCE: usize = 8;

/// What is deleted, and how many bindings it has.
#[derive(Clone, Copy)]
enum Deleted {
    Queue,
    Exchange,
}

fn prepare(api: &Api, bindings: usize) {
    let bound = |index: usize| {
        json!({
            "source": "x", "vhost": "/", "destination": "q", "destination_type": "queue",
            "routing_key": format!("key.{index}"), "arguments": {},
        })
    };
    let exchange = |name: &str| {
        json!({
            "name": name, "vhost": "/", "type": "topic", "durable": true, "auto_delete": false,
            "internal": false, "arguments": {},
        })
    };
    let queue = |name: &str| json!({"name": name, "vhost": "/", "durable": true, "auto_delete": false, "arguments": {}});
    let heard = |source: &str| {
        json!({
            "source": source, "vhost": "/", "destination": "heard", "destination_type": "queue",
            "routing_key": "k", "arguments": {},
        })
    };
    let all: Vec<_> = (0..bindings).map(bound).chain([heard("x"), heard("y")]).collect();
    let ends = json!({
        "exchanges": [exchange("x"), exchange("y")], "queues": [queue("q"), queue("heard")],
    });
    api.post("/api/definitions", &ends);
    for some in all.chunks(500) {
        api.post("/api/definitions", &json!({"bindings": some}));
    }
}

/// What somebody else goes on doing.
#[derive(Clone, Copy)]
enum Other {
    /// Publishes to this exchange, and waits for the confirm.
    Publishes(&'static str),
    /// Binds a queue, and unbinds it.
    Binds,
}

/// Goes on with it: the longest wait.
fn goes_on(other: Other, url: String, stop: Arc<AtomicBool>) -> JoinHandle<Duration> {
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        runtime.expect("threads").block_on(async {
            let connection = Connection::connect(&url, ConnectionProperties::default()).await;
            let channel = connection.expect("a connection").create_channel().await.expect("a channel");
            channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
            let mut longest = Duration::ZERO;
            while !stop.load(Ordering::Relaxed) {
                let start = Instant::now();
                match other {
                    Other::Publishes(exchange) => {
                        let sent = channel.basic_publish(
                            exchange.into(),
                            "k".into(),
                            BasicPublishOptions::default(),
                            b"x",
                            BasicProperties::default(),
                        );
                        sent.await.expect("published").await.expect("confirmed");
                    }
                    Other::Binds => {
                        let (queue, exchange, key) = ("heard".into(), "y".into(), "other".into());
                        let options = QueueBindOptions::default();
                        let bound = channel.queue_bind(queue, exchange, key, options, FieldTable::default());
                        bound.await.expect("bound");
                        let (queue, exchange, key) = ("heard".into(), "y".into(), "other".into());
                        let gone = channel.queue_unbind(queue, exchange, key, FieldTable::default());
                        gone.await.expect("unbound");
                    }
                }
                longest = longest.max(start.elapsed());
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            longest
        })
    })
}

fn unbind(api: &Api, bindings: usize) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= bindings {
                        return;
                    }
                    api.delete(&format!("/api/bindings/%2F/e/x/q/q/key.{index}"));
                }
            });
        }
    });
}

/// How long it takes to delete, how long in all, and how long each of the others waits at most meanwhile.
fn measure(
    broker: &Broker,
    bindings: usize,
    what: Deleted,
    first: bool,
) -> (Duration, Duration, Vec<Duration>) {
    let api = broker.api();
    prepare(&api, bindings);
    let stop = Arc::new(AtomicBool::new(false));
    let others = match what {
        Deleted::Queue => vec![Other::Publishes("x"), Other::Publishes("y"), Other::Binds],
        Deleted::Exchange => vec![Other::Publishes("y"), Other::Binds],
    };
    let others: Vec<_> =
        others.into_iter().map(|other| goes_on(other, broker.amqp_url(), stop.clone())).collect();
    thread::sleep(Duration::from_millis(500));
    let start = Instant::now();
    if first {
        unbind(&api, bindings);
    }
    // one that has idled may have been closed
    let api = broker.api();
    let deletes = Instant::now();
    api.delete(match what {
        Deleted::Queue => "/api/queues/%2F/q",
        Deleted::Exchange => "/api/exchanges/%2F/x",
    });
    let (deleted, all) = (deletes.elapsed(), start.elapsed());
    thread::sleep(Duration::from_millis(300));
    stop.store(true, Ordering::Relaxed);
    let longest = others.into_iter().map(|other| other.join().expect("it goes on")).collect();
    for left in ["/api/queues/%2F/q", "/api/exchanges/%2F/x"] {
        let _ = broker.api().ask("DELETE", left, None);
    }
    (deleted, all, longest)
}

#[expect(clippy::print_stdout, reason = "the figures are what a bench is for")]
fn main() {
    let mut numbers: Vec<usize> = env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    if numbers.is_empty() {
        numbers = vec![1_000, 10_000];
    }
    for version in [Version::V3_10, Version::V4_0] {
        if available(version).is_err() {
            continue;
        }
        let broker = Broker::start_with(Options { version, ..Options::default() });
        for bindings in numbers.iter().copied() {
            for (what, word) in [(Deleted::Queue, "queue"), (Deleted::Exchange, "exchange")] {
                for first in [false, true] {
                    let (deleted, all, longest) = measure(&broker, bindings, what, first);
                    let how = if first { "its bindings first" } else { "at once" };
                    println!(
                        "{version}, {word} with {bindings} bindings, {how}: {:.2} s in all, {:.3} s to delete it; others waited {longest:.3?} at most",
                        all.as_secs_f64(),
                        deleted.as_secs_f64(),
                    );
                }
            }
        }
    }
}
