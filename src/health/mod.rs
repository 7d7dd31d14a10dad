//! What the management API says → what is the matter with what a topology owns.
//!
//! This room knows topologies, their graphs and the broker's JSON. It may not know how a broker is reached.

mod cluster;
mod queues;
#[cfg(test)]
mod tests;

pub use queues::Growth;

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value as Json, json};

use crate::graph::Graph;

/// What the broker says of itself, as far as it is known.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// `GET /api/nodes`; none where it may not be seen.
    pub nodes: Option<Json>,
    /// `GET /api/queues` of the topology's vhosts.
    pub queues: Vec<Json>,
    /// `GET /api/connections`; none where they may not be seen.
    pub connections: Option<Json>,
    /// Who applies to which vhost just now.
    pub applying: Vec<(Arc<str>, String)>,
    /// What dead queues hold, in two looks.
    pub dead: Vec<Growth>,
}

/// Something that is the matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What, one word for programs: `node-down`.
    pub what: &'static str,
    /// Whether it needs somebody now; else it is a remark.
    pub is_trouble: bool,
    /// What it is about: `queue`, `node`, `vhost`, `connection` or `cluster`.
    pub kind: &'static str,
    /// In which vhost, where it is in one.
    pub vhost: Option<Arc<str>>,
    /// Its name.
    pub name: String,
    /// In one sentence.
    pub text: String,
    /// A command that leads on.
    pub help: Option<String>,
}

impl Finding {
    fn of(what: &'static str, kind: &'static str, name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { what, is_trouble: true, kind, vhost: None, name: name.into(), text: text.into(), help: None }
    }

    fn remark(mut self) -> Self {
        self.is_trouble = false;
        self
    }

    fn within(mut self, vhost: &str) -> Self {
        self.vhost = Some(Arc::from(vhost));
        self
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// For programs.
    #[must_use]
    pub fn to_json(&self) -> Json {
        json!({
            "what": self.what,
            "trouble": self.is_trouble,
            "kind": self.kind,
            "vhost": self.vhost.as_deref(),
            "name": self.name,
            "text": self.text,
            "help": self.help,
        })
    }
}

/// What is the matter with what a topology owns, troubles first.
#[must_use]
pub fn judge(graph: &Graph<'_>, seen: &Seen) -> Vec<Finding> {
    let mut found = cluster::nodes(seen);
    found.extend(cluster::connections(graph, seen));
    found.extend(queues::each(graph, seen));
    found.extend(queues::dead(seen));
    found.extend(cluster::members(graph, seen));
    found.extend(cluster::leaders(graph, seen));
    for (vhost, holder) in &seen.applying {
        let finding = Finding::of("applying", "vhost", &**vhost, format!("{holder} is applying to it"));
        found.push(finding.remark());
    }
    found.sort_by_key(|finding| !finding.is_trouble);
    found
}

/// The names of those nodes that run; none where that is not known.
fn running(seen: &Seen) -> Option<BTreeSet<&str>> {
    let nodes = seen.nodes.as_ref()?.as_array()?;
    Some(
        nodes
            .iter()
            .filter(|node| node["running"] == true)
            .filter_map(|node| node["name"].as_str())
            .collect(),
    )
}
