//! A node starts, comes back, and leaves nothing behind.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use serde_json::{Value, json};
use topoc_test_support::{Broker, Options, Version, available_or_skip};

#[test]
fn a_node_survives_kill_and_restart_and_leaves_nothing() {
    let mut broker = Broker::start();
    starts_survives_and_leaves_nothing(&mut broker, "3.10.");
    gone_after(broker);
}

#[test]
fn rabbitmq_4_0_survives_kill_and_restart_and_leaves_nothing() {
    if !available_or_skip(Version::V4_0) {
        return;
    }
    let mut broker = Broker::start_with(Options { version: Version::V4_0, ..Options::default() });
    starts_survives_and_leaves_nothing(&mut broker, "4.0.");
    gone_after(broker);
}

fn starts_survives_and_leaves_nothing(broker: &mut Broker, version: &str) {
    let overview = broker.api().get("/api/overview");
    assert!(
        overview["rabbitmq_version"].as_str().is_some_and(|actual| actual.starts_with(version)),
        "{overview}"
    );
    let queue = "/api/queues/%2F/kept";
    broker.api().put(queue, &json!({"durable": true}));
    let [epmd, first] = broker.processes()[..] else { panic!("{broker:?}") };

    fs::write(broker.dir().join("more.json"), r#"{"vhosts": [{"name": "more"}]}"#).expect("it is writable");
    let import = broker.rabbitmqctl().args(["import_definitions", "more.json"]).output().expect("it runs");
    assert!(import.status.success(), "{import:?}");
    assert_eq!(broker.api().get("/api/vhosts/more")["name"], "more");

    broker.kill();
    assert_eq!(broker.processes(), [epmd]);
    assert!(broker.api().ask("GET", queue, None).is_err(), "nothing answers after a kill");

    broker.restart();
    assert_eq!(broker.api().get(queue)["name"], "kept");
    assert_ne!(broker.processes()[1], first);

    // from a node that is up, and so in good order
    broker.restart();
    assert_eq!(broker.api().get(queue)["name"], "kept");
    assert!(broker.log().contains("SIGTERM received"), "{}", broker.log());
}

fn gone_after(broker: Broker) {
    let (dir, processes) = (broker.dir().to_owned(), broker.processes());
    let tree: Vec<u32> = processes.into_iter().flat_map(descendants).collect();
    assert!(tree.len() > 2 && tree.iter().all(|process| exists(*process)), "{tree:?}");
    broker.stop();
    assert_gone(&dir, &tree);
}

#[test]
fn a_killed_owner_leaves_nothing() {
    let mut owner = Command::new(env!("CARGO_BIN_EXE_throwaway-broker"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(owner.stdout.take().expect("a pipe")).lines();
    let broker = lines.next().expect("a line").expect("a line");
    assert!(broker.starts_with("export TOPOC_BROKER='http://guest:guest@127.0.0.1:"), "{broker}");
    let amqp = lines.next().expect("a line").expect("a line");
    assert!(amqp.starts_with("export TOPOC_AMQP='amqp://guest:guest@127.0.0.1:"), "{amqp}");
    let tree: Vec<u32> =
        descendants(owner.id()).into_iter().filter(|process| *process != owner.id()).collect();
    let dir = dir_of(&tree);

    owner.kill().expect("it is killed");
    owner.wait().expect("it ends");
    assert_gone(&dir, &tree);
}

#[test]
fn a_killed_owner_takes_its_command_along() {
    let mut owner = Command::new(env!("CARGO_BIN_EXE_throwaway-broker"))
        .args(["--", "sh", "-c", "echo ready; exec sleep 1000"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(owner.stdout.take().expect("a pipe")).lines();
    assert_eq!(lines.next().expect("a line").expect("a line"), "ready");
    let tree: Vec<u32> =
        descendants(owner.id()).into_iter().filter(|process| *process != owner.id()).collect();
    let dir = dir_of(&tree);

    owner.kill().expect("it is killed");
    owner.wait().expect("it ends");
    assert_gone(&dir, &tree);
}

#[test]
fn a_broker_for_the_time_of_a_command() {
    let command = r#"echo "$TOPOC_BROKER $TOPOC_AMQP"; exit 7"#;
    let output = Command::new(env!("CARGO_BIN_EXE_throwaway-broker"))
        .args(["--", "sh", "-c", command])
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(7));
    let urls = String::from_utf8(output.stdout).expect("text");
    let (management, amqp) = urls.trim().split_once(' ').expect("two URLs");
    assert!(management.starts_with("http://guest:guest@127.0.0.1:"), "{urls}");
    assert!(amqp.ends_with("/%2f"), "{urls}");
    let gone = std::net::TcpStream::connect(management.trim_start_matches("http://guest:guest@"));
    assert!(gone.is_err(), "its port is closed");
}

#[test]
fn a_configuration_that_the_broker_refuses_is_told_with_the_log() {
    let options = Options { extra_conf: "no.such.key = 1", ..Options::default() };
    let error = Broker::try_start_with(options).expect_err("it does not start").to_string();
    assert!(error.contains("the node ended while it started"), "{error}");
    assert!(error.contains("no.such.key"), "{error}");
}

#[test]
fn the_runs_nodes_are_described_to_a_command() {
    let output = Command::new(env!("CARGO_BIN_EXE_with-brokers"))
        .args(["sh", "-c", r#"echo "$TOPOC_TEST_BROKER_3_10""#])
        .output()
        .expect("it runs");
    let described: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(described["version"], "3.10");
    assert!(
        described["management_url"].as_str().is_some_and(|url| url.starts_with("http://guest:guest@127"))
    );
}

/// The directory that a process of the node has as its home.
fn dir_of(tree: &[u32]) -> PathBuf {
    let environment = tree.iter().filter_map(|process| fs::read(format!("/proc/{process}/environ")).ok());
    let homes = environment.flat_map(|variables| {
        let text = String::from_utf8_lossy(&variables).into_owned();
        text.split('\0')
            .filter_map(|variable| variable.strip_prefix("HOME=").map(PathBuf::from))
            .collect::<Vec<_>>()
    });
    let mut dirs = homes.filter_map(|home| home.parent().map(Path::to_owned));
    dirs.find(|dir| dir.join("rabbitmq.conf").exists()).expect("a node with a directory")
}

fn descendants(of: u32) -> Vec<u32> {
    let children = fs::read_dir(format!("/proc/{of}/task"))
        .into_iter()
        .flatten()
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok());
    let children: Vec<u32> = children
        .flat_map(|ids| ids.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
        .collect();
    [of].into_iter().chain(children.into_iter().flat_map(descendants)).collect()
}

fn exists(process: u32) -> bool {
    Path::new(&format!("/proc/{process}")).exists()
}

#[track_caller]
fn assert_gone(dir: &Path, processes: &[u32]) {
    let start = Instant::now();
    while dir.exists() || processes.iter().any(|process| exists(*process)) {
        let left: Vec<_> = processes.iter().filter(|process| exists(**process)).collect();
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "left behind: {left:?}, {}: {}",
            dir.display(),
            dir.exists()
        );
        thread::sleep(Duration::from_millis(20));
    }
}
