//! A broker of three nodes, of which one is down, out of reach of the others, or ends amidst: topoc says so, does no damage,
//! and finishes with the next run once the node is back.

mod amidst;
mod down;
mod fares;

use std::{
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value as Json;
use topoc_test_support::{Api, Cluster, Options, Version, available_or_skip};

use crate::world::Said;

/// No run takes longer, whatever is down.
const PATIENCE: Duration = Duration::from_secs(60);

struct Three {
    cluster: Cluster,
    folder: tempfile::TempDir,
}

impl Three {
    fn of(version: Version) -> Self {
        let cluster = Cluster::start(&Options { version, ..Options::default() });
        Self { cluster, folder: tempfile::tempdir().unwrap() }
    }

    fn version(&self) -> Version {
        self.cluster[0].version()
    }

    fn api(&self, node: usize) -> Api {
        self.cluster[node].api()
    }

    /// All endpoints, that of this node first.
    fn from(&self, first: usize) -> String {
        let nodes = (0..3).map(|step| self.cluster[(first + step) % 3].management_url());
        nodes.collect::<Vec<_>>().join(",")
    }

    fn command(&self, broker: &str, words: &[&str], text: &str, flags: &[&str]) -> Command {
        let file = self.folder.path().join("topology.kdl");
        std::fs::write(file, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_topoc"));
        command.current_dir(self.folder.path()).args(words).arg("topology.kdl").args(flags);
        command.env("TOPOC_BROKER", broker).env_remove("TOPOC_AMQP");
        command
    }

    /// A run through these endpoints, which ends in time.
    #[track_caller]
    fn run(&self, broker: &str, words: &[&str], text: &str, flags: &[&str]) -> Said {
        let start = Instant::now();
        let said = Said::of(&mut self.command(broker, words, text, flags));
        let took = start.elapsed();
        assert!(took < PATIENCE, "{words:?} took {took:?}: {}{}", said.out, said.err);
        said
    }

    #[track_caller]
    fn apply(&self, broker: &str, text: &str) -> Said {
        let said = self.run(broker, &["apply"], text, &["--yes"]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        said
    }

    #[track_caller]
    fn assert_settled(&self, text: &str) {
        let said = self.run(&self.from(0), &["diff"], text, &["--exit-code"]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    }

    fn restart(&mut self, node: usize) {
        self.cluster[node].restart();
        (0..3).for_each(|by| self.cluster.until_seen(by, 3));
    }

    /// A queue as the management API of a node has it.
    fn queue(&self, node: usize, vhost: &str, queue: &str) -> Json {
        self.api(node).get(&format!("/api/queues/{vhost}/{queue}"))
    }

    /// How many messages a queue has at least after a while.
    #[track_caller]
    fn until_it_holds(&self, vhost: &str, queue: &str, wanted: u64) {
        let path = format!("/api/queues/{vhost}?disable_stats=true&enable_queue_totals=true");
        let start = Instant::now();
        loop {
            let list = self.api(0).get(&path);
            let found = list.as_array().unwrap().iter().find(|found| found["name"] == queue);
            match found.and_then(|found| found["messages"].as_u64()) {
                Some(held) if held == wanted => return,
                _ if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(200)),
                held => panic!("{queue} holds {held:?}, not {wanted}: {list}"),
            }
        }
    }
}

/// The number of the node that is called so.
fn number(node: &str) -> usize {
    ["rabbit1@localhost", "rabbit2@localhost", "rabbit3@localhost"]
        .iter()
        .position(|name| *name == node)
        .unwrap_or_else(|| panic!("{node}"))
}

fn down(version: Version) {
    let mut three = Three::of(version);
    fares::leaders_are_balanced_anew(&three);
    amidst::nothing_happens(&three);
    down::a_node_is_down(&mut three);
}

#[test]
fn what_a_node_that_is_down_has_is_left_alone() {
    down(Version::V3_10);
}

#[test]
fn what_a_node_that_is_down_has_is_left_alone_on_rabbitmq_4_0() {
    if is_asked_for() && available_or_skip(Version::V4_0) {
        down(Version::V4_0);
    }
}

/// Three nodes on two cores take minutes: all but one test of them is for `TOPOC_CLUSTER_ENDS=1`.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn is_asked_for() -> bool {
    let asked = std::env::var_os("TOPOC_CLUSTER_ENDS").is_some();
    if !asked {
        println!("skipped: TOPOC_CLUSTER_ENDS is not set");
    }
    asked
}

/// Nodes that end or are parted amidst a run.
fn amidst(version: Version) {
    let mut three = Three::of(version);
    amidst::a_node_ends(&mut three);
    amidst::a_node_is_parted_for_a_while(&mut three);
    fares::a_partition_is_told(&mut three);
}

#[test]
fn nodes_may_go_and_come_back_amidst() {
    if is_asked_for() {
        amidst(Version::V3_10);
    }
}

#[test]
fn nodes_may_go_and_come_back_amidst_on_rabbitmq_4_0() {
    if is_asked_for() && available_or_skip(Version::V4_0) {
        amidst(Version::V4_0);
    }
}
