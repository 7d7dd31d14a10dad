//! Federation: a policy has an exchange or queue take messages from other brokers.

use fancy_regex::Regex;

use super::{
    loose::broker,
    scene::{Link, Means, Scene},
};
use crate::{
    graph::{Graph, Ways},
    kind::{Definition, KindId, Value},
    topology::{Policy, Topology},
};

/// The set of all upstreams of a vhost, which is always there.
const ALL: &str = "all";

impl<'a> Scene<'a> {
    /// A link from each upstream to what takes messages from it.
    pub(super) fn add_federation(&mut self, ways: &Ways<'_, 'a>) {
        let graph = ways.graph;
        let federated: Vec<(usize, &'a Definition)> = (self.items.iter().enumerate())
            .filter_map(|(index, item)| Some((index, item.thing.definition()?)))
            .filter(|(_, definition)| matches!(definition.kind, KindId::Exchange | KindId::Queue))
            .collect();
        for (to, definition) in federated {
            let Some(policy) = graph.effective.applied(definition).policy else { continue };
            for upstream in upstreams(graph, policy) {
                let from = self.elsewhere(broker(upstream, "uri"));
                self.links.push(Link::new(from, to, Means::Federation(upstream)));
            }
        }
    }
}

/// The upstreams that a policy names, by themselves, by a set or by a pattern, in the order of the topology.
fn upstreams<'a>(graph: &Graph<'a>, policy: Policy<'a>) -> Vec<&'a Definition> {
    let topology: &'a Topology = graph.topology;
    let all = topology.of(KindId::FederationUpstream).filter(|upstream| upstream.vhost == policy.0.vhost);
    let one = policy.0.text("federation-upstream");
    let set = policy.0.text("federation-upstream-set");
    let pattern = policy.0.text("federation-upstream-pattern").and_then(|pattern| Regex::new(pattern).ok());
    let members: Vec<&str> = set.map_or_else(Vec::new, |set| members(topology, policy.0, set));
    all.filter(|upstream| {
        let name = upstream.name();
        one == Some(name)
            || set == Some(ALL)
            || members.contains(&name)
            || pattern.as_ref().is_some_and(|pattern| pattern.is_match(name).unwrap_or(false))
    })
    .collect()
}

fn members<'a>(topology: &'a Topology, policy: &Definition, set: &str) -> Vec<&'a str> {
    let found = topology
        .of(KindId::FederationUpstreamSet)
        .find(|found| found.vhost == policy.vhost && found.name() == set);
    let Some(Value::List(members)) = found.and_then(|set| set.field("upstreams")).map(|field| &field.value)
    else {
        return Vec::new();
    };
    let name = |member: &'a Value| match member {
        Value::Table(table) => table.get("upstream")?.as_text().map(|name| &**name),
        _ => None,
    };
    members.iter().filter_map(name).collect()
}
