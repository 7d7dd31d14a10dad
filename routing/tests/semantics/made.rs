//! Topologies and messages made up from a seed: the same seed makes the same ones on every machine.

use topoc_routing::{
    Destination, Exchange, ExchangeId, ExchangeKind, Message, Overflow, Queue, QueueId, QueueKind, Strategy,
    Table, Topology, Value, Version,
};

/// xorshift64*.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // zero would stay zero; mixing parts seeds that follow each other
        let mut random = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..8 {
            random.below(2);
        }
        random
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n
    }

    pub(crate) fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// A message with what it is published to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Published {
    pub(crate) exchange: String,
    pub(crate) routing_key: String,
    pub(crate) headers: Table,
    pub(crate) cc: Vec<String>,
    pub(crate) bcc: Vec<String>,
}

impl Published {
    pub(crate) fn message(&self) -> Message<'_> {
        Message::new(&self.routing_key).with_headers(&self.headers).with_cc(&self.cc).with_bcc(&self.bcc)
    }
}

/// Words of keys: few, so that they meet; empty, unicode, wildcards, and what only looks like one.
const WORDS: &[&str] = &["a", "b", "c", "", "é", "日本", "A", "a b", "a-b", "x#", "*a"];
const NAMES: &[&str] = &[
    "a",
    "b",
    "a.b",
    "orders",
    "Orders",
    "é.日本",
    " padded ",
    "with/slash",
    "a b",
    "%2F",
    "quote\"d",
    "#",
    "*",
    "naïve.*",
    "amqp",
    "line",
    "ta\tb",
];
const HEADERS: &[&str] = &["a", "b", "tier", "x-tier", "x-", "X-a", "é", "x-match-not"];
const KINDS: &[&str] = &[
    "direct",
    "direct",
    "topic",
    "topic",
    "topic",
    "topic",
    "fanout",
    "headers",
    "headers",
    "headers",
    "x-consistent-hash",
    "x-modulus-hash",
    "x-random",
    "x-recent-history",
];

fn key(random: &mut Random) -> String {
    if random.one_in(40) {
        // as long as a key may be
        return ["a.", &"b".repeat(253)].concat();
    }
    let words = random.between(0, 4);
    (0..words).map(|_| *random.pick(WORDS)).collect::<Vec<_>>().join(".")
}

/// A key that may hold the wildcards as words: a pattern at a topic exchange, a key like any other elsewhere.
fn pattern(random: &mut Random) -> String {
    if random.one_in(40) {
        return random.pick(&[["a.", &"b".repeat(253)].concat(), ["*.", &"b".repeat(253)].concat()]).clone();
    }
    let words = random.between(0, 5);
    let word = |random: &mut Random| match random.below(5) {
        0 => "*",
        1 => "#",
        _ => random.pick(WORDS),
    };
    (0..words).map(|_| word(random)).collect::<Vec<_>>().join(".")
}

fn value(random: &mut Random) -> Value {
    // an array of one long string, a decimal, a table of one string: as on the wire
    let opaque: [&[u8]; 4] =
        [b"A\0\0\0\x06S\0\0\0\x01a", b"A\0\0\0\0", b"D\x02\0\0\0\x64", b"F\0\0\0\x08\x01kS\0\0\0\x01v"];
    match random.below(14) {
        0 => Value::Void,
        1 | 2 => Value::Bool(random.one_in(2)),
        3 | 4 => Value::Integer(*random.pick(&[0, 1, -1, 5, 5000, 300, 70_000, i64::MAX, i64::MIN])),
        5 | 6 => Value::Float(*random.pick(&[0.0, 1.0, 5.0, -1.0, 1.5, 5000.0, 9_223_372_036_854_775_808.0])),
        7 => Value::Timestamp(*random.pick(&[0, 1, 5, 5000])),
        8 => Value::Opaque(random.pick(&opaque).to_vec()),
        _ => Value::from(*random.pick(&["", "a", "1", "true", "gold", "é", "5.0"])),
    }
}

/// A value that looks the same in print.
fn alike(random: &mut Random, value: &Value) -> Value {
    let number = match value {
        Value::Integer(n) => *n,
        Value::Float(n) => *n as i64,
        Value::Timestamp(n) => *n as i64,
        Value::String(text) => return if text == b"true" { true.into() } else { Value::Void },
        Value::Bool(yes) => return yes.to_string().into(),
        _ => return value.clone(),
    };
    match random.below(6) {
        0 => Value::Integer(number),
        1 => Value::Float(number as f64),
        2 => Value::Timestamp(number.unsigned_abs()),
        3 => Value::Integer(number.saturating_mul(1000)),
        4 => Value::Integer(number.saturating_add(1)),
        _ => number.to_string().into(),
    }
}

fn table(random: &mut Random, most: usize) -> Table {
    let entries = random.between(0, most);
    (0..entries).map(|_| ((*random.pick(HEADERS)).to_owned(), value(random))).collect()
}

fn keys(random: &mut Random) -> Vec<String> {
    let count = if random.one_in(5) { random.between(1, 3) } else { 0 };
    (0..count).map(|_| key(random)).collect()
}

/// Exchanges of every type that this version ships, in any order and cycle, with alternate exchanges and queues.
pub(crate) fn topology(random: &mut Random, version: Version) -> Topology {
    let mut net = Topology::new(version);
    let mut names = NAMES.to_vec();
    let mut take = |random: &mut Random| match random.one_in(20) {
        true => format!("{}{}", "n".repeat(250), random.below(10_000)),
        false if names.is_empty() => format!("queue.{}", random.below(10_000)),
        false => names.remove(random.below(names.len())).to_owned(),
    };
    let exchanges: Vec<String> = (0..random.between(2, 8)).map(|_| take(random)).collect();
    for name in &exchanges {
        let kind = match *random.pick(KINDS) {
            _ if version >= Version::V4_0 && random.one_in(14) => "x-local-random",
            kind => kind,
        };
        let alternate_exchange = match random.below(10) {
            0..=3 => Some(random.pick(&exchanges).clone()),
            4 => Some("missing".to_owned()),
            5 if random.one_in(2) => Some(String::new()),
            _ => None,
        };
        let internal = random.one_in(10);
        let kind = ExchangeKind::of(kind, None);
        // a name that is taken twice is declared once
        let _ = net.add_exchange(Exchange { alternate_exchange, internal, ..Exchange::new(name, kind) });
    }
    for _ in 0..random.between(1, 8) {
        let name = if random.one_in(3) { key(random) } else { take(random) };
        if !name.is_empty() {
            let kind = if random.one_in(12) { QueueKind::Quorum } else { QueueKind::Classic };
            let _ = net.add_queue(Queue::new(name, kind));
        }
    }
    if net.queues().len() == 0 {
        let _ = net.add_queue(Queue::new("only", QueueKind::Classic));
    }
    let exchanges: Vec<(ExchangeId, ExchangeKind)> =
        net.exchanges().skip(1).map(|(id, exchange)| (id, exchange.kind.clone())).collect();
    // the predeclared ones are six of them: most bindings should be elsewhere
    let (predeclared, own) = exchanges.split_at(6);
    let queues: Vec<QueueId> = net.queues().map(|(id, _)| id).collect();
    for _ in 0..random.between(2, 30) {
        let some = if random.one_in(8) || own.is_empty() { predeclared } else { own };
        let (source, kind) = random.pick(some).clone();
        let destination = match random.below(10) {
            0..=2 => Destination::Exchange(random.pick(&exchanges).0),
            _ => Destination::Queue(*random.pick(&queues)),
        };
        let routing_key = match kind {
            ExchangeKind::ConsistentHash => random.between(1, 20).to_string(),
            ExchangeKind::LocalRandom => String::new(),
            ExchangeKind::Topic => pattern(random),
            _ if random.one_in(4) => pattern(random),
            _ => key(random),
        };
        let mut arguments = match kind {
            ExchangeKind::Headers => table(random, 3),
            _ if random.one_in(8) => table(random, 1),
            _ => Table::new(),
        };
        if kind == ExchangeKind::Headers {
            let modes = ["", "all", "any", "all-with-x", "any-with-x"];
            let mode = **random.pick(&modes.each_ref());
            if !mode.is_empty() {
                arguments.insert("x-match".to_owned(), mode.into());
            }
        }
        // a local-random exchange refuses some
        let _ = net.bind(source, destination, routing_key, arguments);
    }
    net
}

/// A message to some exchange of the topology, seldom to one that refuses it.
pub(crate) fn message(random: &mut Random, net: &Topology) -> Published {
    let exchanges: Vec<&Exchange> = net.exchanges().map(|(_, exchange)| exchange).collect();
    let exchange = match random.below(20) {
        0 => "there is none".to_owned(),
        1 | 2 => String::new(),
        3..=5 => random.pick(&exchanges).name.clone(),
        _ if exchanges.len() > 7 => random.pick(&exchanges[7..]).name.clone(),
        _ => random.pick(&exchanges).name.clone(),
    };
    let queues: Vec<&Queue> = net.queues().map(|(_, queue)| queue).collect();
    let bindings: Vec<&str> = net.bindings().map(|(_, binding)| binding.routing_key.as_str()).collect();
    let routing_key = match random.below(10) {
        0 => random.pick(&queues).name.clone(),
        // what a binding asks for, word by word
        1..=3 if !bindings.is_empty() => {
            let words = random.pick(&bindings).split('.').map(|word| match word {
                "*" | "#" if !random.one_in(4) => *random.pick(WORDS),
                word => word,
            });
            words.collect::<Vec<_>>().join(".")
        }
        _ if exchange.is_empty() => random.pick(&queues).name.clone(),
        _ => key(random),
    };
    let headers = match random.one_in(3) {
        true => table(random, 4),
        // what a binding asks for
        false => {
            let arguments: Vec<&Table> = net.bindings().map(|(_, binding)| &binding.arguments).collect();
            let mut headers =
                arguments.get(random.below(arguments.len().max(1))).map_or_else(Table::new, |t| (*t).clone());
            headers.remove("x-match");
            for value in headers.values_mut() {
                if random.one_in(3) {
                    *value = alike(random, value);
                }
            }
            headers.extend(table(random, 1));
            headers
        }
    };
    Published { exchange, routing_key: cut(routing_key), headers, cc: keys(random), bcc: keys(random) }
}

/// A key has at most 255 bytes; a word put in for a wildcard may make it longer.
fn cut(mut key: String) -> String {
    while key.len() > 255 {
        key.pop();
    }
    key
}

/// Queues that dead-letter into each other, by every reason, along exchanges that pick nothing.
pub(crate) fn graveyard(random: &mut Random, version: Version) -> Topology {
    let mut net = Topology::new(version);
    let exchanges: Vec<String> = (0..random.between(1, 3)).map(|i| format!("x{i}")).collect();
    for name in &exchanges {
        let kinds = ["direct", "topic", "fanout", "headers"];
        let kind = *random.pick(&kinds);
        let kind = ExchangeKind::of(kind, None);
        let alternate_exchange = random.one_in(4).then(|| random.pick(&exchanges).clone());
        let internal = random.one_in(6);
        let _ = net.add_exchange(Exchange { alternate_exchange, internal, ..Exchange::new(name, kind) });
    }
    for i in 0..random.between(2, 5) {
        let kind = if random.one_in(3) { QueueKind::Quorum } else { QueueKind::Classic };
        let mut queue = Queue::new(format!("q{i}"), kind);
        queue.dead_letter_exchange = match random.below(8) {
            0 => None,
            1 => Some("missing".to_owned()),
            2 | 3 => Some(String::new()),
            _ => Some(random.pick(&exchanges).clone()),
        };
        if queue.dead_letter_exchange.is_some() && random.one_in(2) {
            let keys = ["a", "b", "q0", "q1", "q2"];
            queue.dead_letter_routing_key = Some((*random.pick(&keys)).to_owned());
        }
        match random.below(6) {
            0 | 1 => queue.message_ttl = Some(*random.pick(&[0, 20, 60])),
            2 => queue.max_length = Some(0),
            3 if kind == QueueKind::Quorum => queue.delivery_limit = Some(*random.pick(&[-1, 1, 2])),
            _ => {}
        }
        if kind == QueueKind::Quorum && queue.max_length.is_none() && random.one_in(2) {
            queue.overflow = Overflow::RejectPublish;
            queue.dead_letter_strategy = Strategy::AtLeastOnce;
        }
        let _ = net.add_queue(queue);
    }
    let sources: Vec<ExchangeId> = net.exchanges().skip(7).map(|(id, _)| id).collect();
    let queues: Vec<QueueId> = net.queues().map(|(id, _)| id).collect();
    for _ in 0..random.between(2, 8) {
        let destination = match random.one_in(5) {
            true => Destination::Exchange(*random.pick(&sources)),
            false => Destination::Queue(*random.pick(&queues)),
        };
        let source = *random.pick(&sources);
        let key = *random.pick(&["a", "b", "#", "*", "q0"]);
        let mut arguments = Table::new();
        if net.exchange(source).kind == ExchangeKind::Headers {
            let mode = *random.pick(&["all", "any", "all-with-x", "any-with-x"]);
            arguments.insert("x-match".to_owned(), mode.into());
            let died =
                ["x-death", "x-first-death-queue", "x-first-death-reason", "x-last-death-queue", "CC", "BCC"];
            let wanted = [Value::Void, "q0".into(), "expired".into()];
            arguments.insert((*random.pick(&died)).to_owned(), random.pick(&wanted).clone());
        }
        let _ = net.bind(source, destination, key, arguments);
    }
    net
}

/// A message into such queues, with what makes it expire by itself.
pub(crate) fn mortal(random: &mut Random, net: &Topology) -> (Published, Option<u64>) {
    let open: Vec<&str> = net
        .exchanges()
        .filter(|(_, exchange)| !exchange.internal && !exchange.name.starts_with("amq."))
        .map(|(_, exchange)| exchange.name.as_str())
        .collect();
    let keys = ["a", "b", "q0", "q1", "q2", "q3"];
    let mut some =
        |n| (0..random.below(n)).map(|_| (*random.pick(&keys)).to_owned()).collect::<Vec<String>>();
    let (mut key, cc, bcc) = (some(2), some(3), some(2));
    let published = Published {
        exchange: (*random.pick(&open)).to_owned(),
        routing_key: key.pop().unwrap_or_else(|| "q1".to_owned()),
        headers: Table::new(),
        cc,
        bcc,
    };
    (published, random.one_in(4).then(|| *random.pick(&[0, 30])))
}
