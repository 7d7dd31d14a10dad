//! Time and memory of a plan, between a topology and definitions as a broker gives them, for topologies of growing size.
//!
//! `cargo bench --bench plan` prints the table that docs/performance.md holds. There is no broker: its answer is made.
//! Each row is a process of its own, so that its peak of memory is its own.

use std::{
    env,
    fmt::Write as _,
    fs,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value as Json, json};
use topoc::{
    Compiled,
    plan::{self, Content, Live, Pair, Record, Shown},
    syntax::{Inputs, MemorySources},
};

// as the command has it
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many queues and bindings there are.
const CASES: [usize; 3] = [1_000, 10_000, 100_000];

/// Of ten queues, one is made anew, one is new, and one is no longer described.
const CHANGED: usize = 0;
const NEW: usize = 1;
const OLD: usize = 2;

/// One queue and its binding.
fn described(queues: impl Iterator<Item = usize>, changes: bool) -> Compiled {
    let mut text = String::from(
        "topology \"bench\" { rabbitmq \"3.10\" }\nvhost \"bench\" {\n    exchange \"events\" type=\"topic\"\n",
    );
    for index in queues {
        let length = if changes && index % 10 == CHANGED { 20_000 } else { 10_000 };
        let _ = writeln!(
            text,
            "queue \"work.{index}\" type=\"quorum\" max-length={length} {{ bind \"events\" routing-key=\"work.{index}.*\" }}"
        );
    }
    text.push('}');
    topoc::compile(
        &["bench.kdl".to_owned()],
        &MemorySources::default().with("bench.kdl", text),
        &Inputs::default(),
    )
}

/// What a broker says after these were applied, with the record of it.
fn live(queues: impl Iterator<Item = usize> + Clone) -> String {
    let queue = |index: usize| {
        json!({
            "name": format!("work.{index}"), "vhost": "bench", "durable": true, "auto_delete": false,
            "arguments": {"x-queue-type": "quorum", "x-max-length": 10_000},
        })
    };
    let binding = |index: usize| {
        json!({
            "source": "events", "vhost": "bench", "destination": format!("work.{index}"), "destination_type": "queue",
            "routing_key": format!("work.{index}.*"), "arguments": {},
        })
    };
    let compiled = described(queues.clone(), false);
    let mut record = Record { topology: "bench".into(), ..Record::default() };
    for definition in compiled.topology.definitions() {
        record.entries.insert(definition.identity(), Some(Content::of(definition)));
    }
    let kept = record.parameters();
    let parameters: Vec<Json> =
        kept.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    json!({
        "rabbitmq_version": "3.10.8",
        "vhosts": [{"name": "bench"}],
        "exchanges": [{
            "name": "events", "vhost": "bench", "type": "topic", "durable": true, "auto_delete": false,
            "internal": false, "arguments": {},
        }],
        "queues": queues.clone().map(queue).collect::<Vec<_>>(),
        "bindings": queues.map(binding).collect::<Vec<_>>(),
        "global_parameters": parameters,
    })
    .to_string()
}

#[expect(clippy::print_stdout, reason = "the table is what a bench is for")]
fn main() {
    // cargo passes `--bench`; a number makes this the process that measures it
    if let Some(objects) = env::args().skip(1).find_map(|argument| argument.parse().ok()) {
        println!("{}", measure(objects));
        return;
    }
    let heads = ["MB", "read", "nothing", "all that", "shown", "peak MiB"];
    println!("{:<18}{}", "objects", heads.map(|head| format!("{head:>10}")).concat());
    let this = env::current_exe().expect("this program");
    for objects in CASES {
        assert!(Command::new(&this).arg(objects.to_string()).status().expect("a child").success());
    }
}

fn measure(objects: usize) -> String {
    let queues = objects / 2;
    let there = || (0..queues).filter(|index| index % 10 != NEW);
    let definitions = live(there());
    let same = described(there(), false);
    let moved = described((0..queues).filter(|index| index % 10 != OLD), true);
    let made_ready = peak_mib();
    let best = |run: &dyn Fn() -> Duration| (0..3).map(|_| run()).min().unwrap_or_default();
    let read = best(&|| timed(|| drop(Live::from_text(&definitions, None).expect("definitions"))));
    let live = Live::from_text(&definitions, None).expect("definitions");
    let plan = |compiled: &Compiled| {
        plan::plan(Pair {
            live: &live,
            desired: &compiled.topology,
            same_secret: &|_, _, _| Ok(true),
            adopt: false,
        })
    };
    assert_eq!(plan(&same).steps.len(), 0, "nothing to do");
    let nothing = best(&|| timed(|| drop(plan(&same))));
    let all = plan(&moved);
    // a queue that goes takes its binding along
    assert_eq!(all.steps.len(), queues / 10 * 4, "{}", all.totals());
    let changes = best(&|| timed(|| drop(plan(&moved))));
    let shown = best(&|| {
        timed(|| {
            let paint = |_, sign: &str| sign.to_owned();
            drop(plan::human(&all, &moved.sources, Shown { all: true, paint: &paint }));
            drop(plan::json(&all, &moved.sources).to_string());
        })
    });
    let megabytes = format!("{:.1}", definitions.len() as f64 / 1e6);
    let times = [read, nothing, changes, shown].map(|time| format!("{:.0} ms", time.as_secs_f64() * 1e3));
    let peak = format!("{} ({made_ready})", peak_mib());
    let cells = [megabytes].into_iter().chain(times).chain([peak]);
    format!("{objects:<18}{}", cells.map(|cell| format!("{cell:>10}")).collect::<String>())
}

fn timed(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

/// The most memory that this process has had, in MiB (`VmHWM`).
fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)).and_then(|kib| kib.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}
