//! A whole topology → a constant that a broker in memory is made of.

use std::collections::BTreeSet;

use serde::Serialize;

use super::declaration::{Argument, Declared, all};
use crate::{
    graph::{Graph, policy_keys},
    kind::{Definition, KindId, to_wire_value},
    topology::{DEFAULT_VHOST, Policy, QueueType, Topology},
};

/// What `whole.rs.hbs` fills in.
#[derive(Debug, Serialize)]
pub(super) struct Whole {
    imports: BTreeSet<&'static str>,
    major: u16,
    minor: u16,
    vhosts: Vec<Vhost>,
}

#[derive(Debug, Serialize)]
struct Vhost {
    name: String,
    default_queue_type: &'static str,
    declared: Declared,
    policies: Vec<Policies>,
}

/// The policies that apply to one queue or exchange.
#[derive(Debug, Serialize)]
struct Policies {
    exchange: bool,
    name: String,
    policy: Vec<Argument>,
    operator: Vec<Argument>,
}

/// All of a topology, with the policies that apply to what stands in it.
pub(super) fn whole(graph: &Graph<'_>) -> Whole {
    let topology = graph.topology;
    let version = topology.target_version();
    let vhosts: Vec<Vhost> = vhosts(topology)
        .into_iter()
        .map(|name| Vhost {
            name: name.to_owned(),
            default_queue_type: topology.default_queue_type(name).unwrap_or(QueueType::Classic).word(),
            declared: all(topology, name),
            policies: policies(graph, name),
        })
        .collect();
    let mut imports: BTreeSet<&str> = vhosts.iter().flat_map(|vhost| vhost.declared.names()).collect();
    imports.insert("Topology");
    imports.extend((!vhosts.is_empty()).then_some("Vhost"));
    if vhosts.iter().any(|vhost| !vhost.policies.is_empty()) {
        imports.extend(["Argument", "Destination", "Policies"]);
    }
    Whole { imports, major: version.major, minor: version.minor, vhosts }
}

/// The vhosts that are declared, and those in which something stands.
fn vhosts(topology: &Topology) -> BTreeSet<&str> {
    let stands = [KindId::Exchange, KindId::Queue, KindId::Binding];
    let used = stands.into_iter().flat_map(|kind| topology.of(kind));
    let used = used.map(|definition| definition.vhost.as_deref().unwrap_or(DEFAULT_VHOST));
    used.chain(topology.of(KindId::Vhost).map(Definition::name)).collect()
}

fn policies(graph: &Graph<'_>, vhost: &str) -> Vec<Policies> {
    let topology = graph.topology;
    let entities = topology.of(KindId::Exchange).chain(topology.of(KindId::Queue));
    let here = entities.filter(|entity| entity.vhost.as_deref().unwrap_or(DEFAULT_VHOST) == vhost);
    here.filter_map(|entity| {
        let applied = graph.effective.applied(entity);
        (applied.policy.is_some() || applied.operator.is_some()).then(|| Policies {
            exchange: entity.kind == KindId::Exchange,
            name: entity.name().to_owned(),
            policy: applied.policy.map(says).unwrap_or_default(),
            operator: applied.operator.map(says).unwrap_or_default(),
        })
    })
    .collect()
}

/// What a policy says, as the broker is told.
fn says(policy: Policy<'_>) -> Vec<Argument> {
    let keys: BTreeSet<&str> = policy_keys(policy).map(|(key, _)| key).collect();
    let none = |_: &_, _: &_| Err(crate::kind::WireError::Secret("policies have no secrets".to_owned()));
    let Ok(wire) = to_wire_value(policy.0, &none) else { return Vec::new() };
    let definition = wire.get("definition").and_then(serde_json::Value::as_object);
    let said = definition.into_iter().flatten().filter(|(key, _)| keys.contains(key.as_str()));
    said.filter_map(|(key, json)| Argument::new(key, json)).collect()
}
