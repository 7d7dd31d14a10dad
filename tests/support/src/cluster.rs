use std::ops::{Index, IndexMut};
use std::time::{Duration, Instant};
use std::{fmt::Write as _, thread};

use serde_json::Value;

use crate::broker::{Broker, again_if_a_port_is_taken};
use crate::conf::Name;
use crate::version::Installation;
use crate::{Error, Options};

/// How many nodes there are.
const NODES: usize = 3;

/// How long nodes may take to see one another again, or no more.
const PATIENCE: Duration = Duration::from_secs(90);

/// Three nodes on loopback that are one broker. The part of it that sees fewer than two of them pauses
/// (`pause_minority`). Nodes are counted from 0. Everything is gone when it is dropped, and also when this process ends
/// in any other way.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Broker>,
}

impl Cluster {
    /// A cluster as `options` say, in which each node sees the others.
    ///
    /// # Panics
    /// When it does not start; the message has the log's errors of the node at fault.
    #[must_use]
    #[track_caller]
    pub fn start(options: &Options<'_>) -> Self {
        match Self::try_start(options) {
            Ok(cluster) => cluster,
            Err(error) => panic!("{error}"),
        }
    }

    /// The same.
    ///
    /// # Errors
    /// When the version is not available or a node does not start; the message has its log's errors.
    pub fn try_start(options: &Options<'_>) -> Result<Self, Error> {
        let installation = Installation::find(options.version)?;
        let names: Vec<String> = (1..=NODES).map(|number| format!("rabbit{number}@localhost")).collect();
        let mut conf = format!(
            "cluster_name = three\n\
             cluster_partition_handling = pause_minority\n\
             cluster_formation.peer_discovery_backend = classic_config\n\
             cluster_formation.target_cluster_size_hint = {NODES}\n"
        );
        for (index, name) in names.iter().enumerate() {
            // writing to a String cannot fail
            let _ = writeln!(conf, "cluster_formation.classic_config.nodes.{} = {name}", index + 1);
        }
        conf.push_str(options.extra_conf);
        let options = Options { extra_conf: &conf, ..options.clone() };
        let cookie = Name::of("").cookie;
        again_if_a_port_is_taken(|| {
            let mut nodes: Vec<Broker> = Vec::new();
            for name in &names {
                let name = Name { node: name.clone(), cookie: cookie.clone() };
                let epmd = nodes.first().map(Broker::epmd_port);
                nodes.push(Broker::ready_to_start(&installation, &options, name, epmd)?);
            }
            // the first is the one that the others join
            for node in &mut nodes {
                node.begin()?;
            }
            for node in &nodes {
                node.until_ready(0)?;
            }
            let cluster = Self { nodes };
            cluster.until_seen(0, NODES);
            Ok(cluster)
        })
    }

    /// The management API of all nodes, in their order, as `--broker` takes them.
    pub fn management_urls(&self) -> String {
        let urls: Vec<String> = self.nodes.iter().map(Broker::management_url).collect();
        urls.join(",")
    }

    /// Cuts a node off from the others: connections between them end, and none comes about until [`Cluster::heal`]. Nodes
    /// refuse one another by their cookies, so that it needs nothing of the machine. Clients reach all of them.
    ///
    /// # Panics
    /// When the node does not answer.
    pub fn part(&self, node: usize) {
        self.nodes[node].eval(&format!(
            "[begin erlang:set_cookie(N, parted), erlang:disconnect_node(N) end || N <- [{}]].",
            self.peers(node)
        ));
    }

    /// Ends what [`Cluster::part`] has begun. The nodes find one another by themselves.
    ///
    /// # Panics
    /// When the node does not answer.
    pub fn heal(&self, node: usize) {
        self.nodes[node]
            .eval(&format!("[erlang:set_cookie(N, erlang:get_cookie()) || N <- [{}]].", self.peers(node)));
    }

    /// What nodes do that see too few others, from now on: `pause_minority` or `ignore`.
    ///
    /// # Panics
    /// When a node does not answer.
    pub fn handle_partitions(&self, how: &str) {
        for node in &self.nodes {
            node.eval(&format!("application:set_env(rabbit, cluster_partition_handling, {how})."));
        }
    }

    fn peers(&self, node: usize) -> String {
        let peers = self.nodes.iter().enumerate().filter(|(index, _)| *index != node);
        peers.map(|(_, peer)| format!("'{}'", peer.name())).collect::<Vec<_>>().join(", ")
    }

    /// Waits until a node's management API says that so many nodes run.
    ///
    /// # Panics
    /// When that takes too long.
    #[track_caller]
    pub fn until_seen(&self, by: usize, running: usize) {
        let start = Instant::now();
        let mut last = String::new();
        while start.elapsed() < PATIENCE {
            match self.nodes[by].api().ask("GET", "/api/nodes?columns=name,running", None) {
                Ok((200, Value::Array(nodes))) => {
                    if nodes.iter().filter(|node| node["running"] == true).count() == running {
                        return;
                    }
                    last = Value::Array(nodes).to_string();
                }
                Ok((status, _)) => last = status.to_string(),
                Err(error) => last = error.to_string(),
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("{} does not see {running} nodes: {last}", self.nodes[by].name());
    }
}

impl Index<usize> for Cluster {
    type Output = Broker;

    fn index(&self, node: usize) -> &Broker {
        &self.nodes[node]
    }
}

impl IndexMut<usize> for Cluster {
    fn index_mut(&mut self, node: usize) -> &mut Broker {
        &mut self.nodes[node]
    }
}
