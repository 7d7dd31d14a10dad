//! Time and memory of `check`, by phase, for topologies of growing size.
//!
//! `cargo bench --bench check` prints the table that docs/performance.md holds. Each row is a process of its own,
//! so that its peak of memory is its own.

use std::{
    env,
    fmt::Write as _,
    fs,
    process::Command,
    time::{Duration, Instant},
};

use topoc::{
    diag::{Report, SourceMap},
    graph::Graph,
    kind, lint,
    syntax::{self, Inputs, MemorySources},
    topology,
};

// as the command has it
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Makes the text of a topology.
type Make = fn() -> String;

/// What is measured.
const CASES: &[(&str, Make)] = &[
    ("flat 1 000", || flat(1_000)),
    ("flat 10 000", || flat(10_000)),
    ("flat 100 000", || flat(100_000)),
    ("templates 100 000", || templates(100_000)),
];

/// One node a queue, each with a binding of its own, as an import would write them.
fn flat(queues: usize) -> String {
    let mut text = String::from(
        "topology \"bench\" { rabbitmq \"3.10\" }\nvhost \"bench\" {\n    exchange \"events\" type=\"topic\"\n",
    );
    for index in 0..queues {
        let _ = writeln!(
            text,
            "    queue \"work.{index}\" type=\"quorum\" max-length=10_000 {{
        bind \"events\" routing-key=\"work.{index}.*\"
        dead-letter \"\" routing-key=\"dead\"
    }}"
        );
    }
    text.push_str("    queue \"dead\" type=\"quorum\" max-length=10_000\n}\n");
    text
}

/// The same, made by loops and a template.
fn templates(queues: usize) -> String {
    format!(
        "topology \"bench\" {{ rabbitmq \"3.10\" }}
template \"work\" {{
    type \"quorum\"
    max-length 10_000
    bind \"events\" routing-key=\"${{name}}.*\"
    dead-letter \"\" routing-key=\"dead\"
}}
vhost \"bench\" {{
    exchange \"events\" type=\"topic\"
    for \"tenant\" from=1 to={} {{
        for \"n\" from=1 to=100 {{
            queue \"work.${{tenant}}.${{n}}\" use=\"work\"
        }}
    }}
    queue \"dead\" type=\"quorum\" max-length=10_000
}}
",
        queues / 100
    )
}

#[expect(clippy::print_stdout, reason = "the table is what a bench is for")]
fn main() {
    // cargo passes `--bench`; a case's name makes this the process that measures it
    if let Some(case) = env::args().skip(1).find(|argument| !argument.starts_with('-')) {
        println!("{}", measure(&case));
        return;
    }
    let heads = ["MB", "parse", "resolve", "graph", "lint", "all", "peak MiB"];
    println!("{:<18}{}", "queues", heads.map(|head| format!("{head:>10}")).concat());
    let this = env::current_exe().expect("this program");
    for (case, _) in CASES {
        assert!(Command::new(&this).arg(case).status().expect("a child").success(), "{case}");
    }
}

fn measure(case: &str) -> String {
    let (name, make) = CASES.iter().find(|(name, _)| *name == case).expect("a case");
    let text = make();
    let megabytes = format!("{:.1}", text.len() as f64 / 1e6);
    let sources = MemorySources::default().with("bench.kdl", text);
    let runs = (0..3).map(|_| phases(&sources));
    let best = runs.min_by_key(|times| times.iter().sum::<Duration>()).expect("three runs");
    let all = best.iter().sum();
    let times = best.into_iter().chain([all]).map(|time| format!("{:.0} ms", time.as_secs_f64() * 1e3));
    let cells = [megabytes].into_iter().chain(times).chain([peak_mib().to_string()]);
    format!("{name:<18}{}", cells.map(|cell| format!("{cell:>10}")).collect::<String>())
}

/// Parse, resolve, graph, lint.
fn phases(from: &MemorySources) -> [Duration; 4] {
    let mut report = Report::default();
    let start = Instant::now();
    let loaded = syntax::load(&["bench.kdl".to_owned()], from, &mut report);
    let parse = start.elapsed();
    let start = Instant::now();
    let mut sources = loaded.sources;
    let secrets = topology::secrets::written(&loaded.nodes);
    let expansion = syntax::expand(loaded.nodes, &Inputs::default(), kind::repeats, &mut report);
    let topology = topology::decode(expansion, &mut report);
    for (span, secret) in secrets {
        sources.mask(span, &secret);
    }
    for open in topology::secrets::in_the_open(&topology) {
        sources.mask(open.span, open.text);
    }
    let resolve = start.elapsed();
    let start = Instant::now();
    let graph = Graph::new(&topology);
    let graphed = start.elapsed();
    let start = Instant::now();
    lint::run(&graph, &mut report);
    report.sort();
    let linted = start.elapsed();
    assert!(!report.has_errors(), "{:?}", first(&report, &sources));
    [parse, resolve, graphed, linted]
}

fn first(report: &Report, sources: &SourceMap) -> Option<String> {
    let found = report.diagnostics().first()?;
    Some(format!("{:?} {}", sources.line_of(found.primary()), found.message))
}

/// The most memory that this process has had, in MiB (`VmHWM`).
fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)).and_then(|kib| kib.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}
