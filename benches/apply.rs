//! `apply` of many queues beside what the broker itself does in the same time.
//!
//! `cargo bench --bench apply [-- QUEUES [RUNS]]` starts real nodes, one for each fresh measurement, and prints ratios
//! of the medians: a fresh apply against `rabbitmqctl import_definitions` of the same; an apply with nothing to do against
//! one GET of the definitions and one of the bindings; and one of a queue more against the two GETs that it needs, of the
//! definitions and of the vhosts.

use std::{
    env,
    fmt::Write as _,
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use topoc_test_support::Broker;

fn topology(queues: usize) -> String {
    let mut text =
        String::from("topology \"bench\" { rabbitmq \"3.10\" }\nexchange \"events\" type=\"direct\"\n");
    for index in 0..queues {
        let _ = writeln!(
            text,
            "queue \"work.{index}\" type=\"classic\" max-length=10_000 {{ bind \"events\" routing-key=\"work.{index}\" }}"
        );
    }
    text
}

#[expect(clippy::print_stdout, reason = "the figures are what a bench is for")]
fn main() {
    let numbers: Vec<usize> = env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let queues = numbers.first().copied().unwrap_or(10_000);
    let runs = numbers.get(1).copied().unwrap_or(3);
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("bench.kdl");
    fs::write(&file, topology(queues)).expect("a topology");
    let longer = dir.path().join("longer.kdl");
    fs::write(&longer, topology(queues + 1)).expect("a topology");
    let definitions = dir.path().join("definitions.json");
    timed(topoc("export").arg("definitions").arg(&file).arg("-o").arg(&definitions));

    let (mut import, mut fresh, mut again, mut reads) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut line, mut needed) = (Vec::new(), Vec::new());
    for run in 1..=runs {
        let broker = Broker::start();
        import.push(timed(broker.rabbitmqctl().arg("import_definitions").arg(&definitions)));
        drop(broker);
        let broker = Broker::start();
        let mut apply = topoc("apply");
        apply.arg(&file).arg("--yes").env("TOPOC_BROKER", broker.management_url());
        fresh.push(timed(&mut apply));
        again.push(timed(&mut apply));
        let start = Instant::now();
        broker.api().get("/api/definitions");
        broker.api().get("/api/bindings");
        reads.push(start.elapsed());
        let start = Instant::now();
        broker.api().get("/api/definitions");
        broker.api().get("/api/vhosts");
        needed.push(start.elapsed());
        let mut apply = topoc("apply");
        apply.arg(&longer).arg("--yes").env("TOPOC_BROKER", broker.management_url());
        line.push(timed(&mut apply));
        let all = [&import, &fresh, &again, &reads, &line, &needed].map(|times| s(times));
        println!("run {run}: {}", all.join(" "));
    }
    let [import, fresh, again, reads, line, needed] = [import, fresh, again, reads, line, needed].map(median);
    println!("{queues} queues with a binding each, RabbitMQ 3.10, medians of {runs}:");
    println!("  rabbitmqctl import_definitions   {import:.2} s");
    println!("  topoc apply, fresh               {fresh:.2} s   {:.2} of the import", fresh / import);
    println!("  GET definitions, GET bindings    {reads:.2} s");
    println!("  topoc apply, nothing to do       {again:.2} s   {:.2} of the two GETs", again / reads);
    println!("  GET definitions, GET vhosts      {needed:.2} s");
    println!("  topoc apply, one queue more      {line:.2} s   {:.2} of these two", line / needed);
}

/// The `topoc` of this build.
fn topoc(verb: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_topoc"));
    command.arg(verb).stdin(Stdio::null());
    command
}

fn timed(command: &mut Command) -> Duration {
    let start = Instant::now();
    let done = command.stdout(Stdio::null()).stderr(Stdio::inherit()).status().expect("a command that runs");
    assert!(done.success(), "{command:?}");
    start.elapsed()
}

fn s(times: &[Duration]) -> String {
    times.last().map_or_else(String::new, |time| format!("{:.2} s", time.as_secs_f64()))
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64)
}
