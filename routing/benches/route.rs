//! Routing one key through 10,000 topic bindings: the trie, against looking at every binding in turn.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use topoc_routing::language::{KeyPattern, KeyTemplate, Language, Limits};
use topoc_routing::topic::{self, TopicTrie};
use topoc_routing::{
    Destination, Exchange, ExchangeKind, Message, Queue, QueueKind, Table, Topology, Version,
};

/// Bindings as a shop with many tenants has them: most by literal words, some with wildcards.
fn patterns(count: usize) -> Vec<String> {
    let regions = ["eu", "us", "ap", "sa"];
    let events = ["created", "paid", "shipped", "returned", "closed"];
    (0..count)
        .map(|i| {
            let (tenant, region, event) = (i / 20, regions[i % 4], events[i % 5]);
            match i % 20 {
                0 => format!("tenant-{tenant}.#"),
                1 => format!("tenant-{tenant}.*.{event}"),
                2 => format!("#.{event}.tenant-{tenant}"),
                3 => format!("*.{region}.{event}.v{tenant}"),
                _ => format!("tenant-{tenant}.{region}.{event}"),
            }
        })
        .collect()
}

fn route(criterion: &mut Criterion) {
    for count in [100, 1_000, 10_000] {
        let patterns = patterns(count);
        let mut trie = TopicTrie::default();
        for (i, pattern) in patterns.iter().enumerate() {
            trie.insert(pattern, i);
        }
        let mut net = Topology::new(Version::V4_0);
        let exchange = net.add_exchange(Exchange::new("x", ExchangeKind::Topic)).expect("a new exchange");
        for (i, pattern) in patterns.iter().enumerate() {
            let queue = Queue::new(format!("q{i}"), QueueKind::Classic);
            let queue = net.add_queue(queue).expect("a new queue");
            net.bind(exchange, Destination::Queue(queue), pattern, Table::new()).expect("a binding");
        }
        for (name, key) in [("matched", "tenant-3.eu.paid"), ("lost", "nobody.asks.for.this")] {
            let mut group = criterion.benchmark_group(format!("{count} topic bindings, {name} key"));
            group.bench_function("trie", |bench| {
                let mut found = Vec::new();
                bench.iter(|| {
                    found.clear();
                    trie.find(black_box(key), &mut found);
                    found.len()
                });
            });
            group.bench_function("route", |bench| {
                bench.iter(|| net.route(exchange, &Message::new(black_box(key))).queues.len());
            });
            group.bench_function("naive scan", |bench| {
                bench.iter(|| {
                    patterns.iter().filter(|pattern| topic::matches(pattern, black_box(key))).count()
                });
            });
            group.finish();
        }
    }
}

fn languages(criterion: &mut Criterion) {
    let bound: Vec<KeyPattern> = patterns(1_000).into_iter().map(KeyPattern::Topic).collect();
    let template = KeyTemplate::parse("{tenant}.{region}.{event}", |_| None).expect("a template");
    let mut group = criterion.benchmark_group("keys {a}.{b}.{c} over 1000 topic bindings");
    group.sample_size(20);
    group.bench_function("a lost key", |bench| {
        let keys = Language::of_template(&template).expect("a small language");
        bench.iter(|| keys.example_missed_by(black_box(&bound)));
    });
    group.bench_function("every class of keys", |bench| {
        let keys = Language::of_template(&template).expect("a small language");
        bench.iter(|| {
            let mut count = 0;
            let each = |_| {
                count += 1;
                std::ops::ControlFlow::Continue(())
            };
            let done = keys.classes(black_box(&bound), Limits::default(), each);
            (done, count)
        });
    });
    group.bench_function("each binding within all the others", |bench| {
        bench.iter(|| {
            let within = bound.iter().filter(|one| {
                let others: Vec<KeyPattern> =
                    bound.iter().filter(|other| other != one).take(20).cloned().collect();
                one.example_beyond(&others) == Ok(None)
            });
            within.count()
        });
    });
    group.finish();
}

criterion_group!(benches, route, languages);
criterion_main!(benches);
