//! Where a link leads through exchanges: which bindings its keys can take, and the queues they end in.

use std::collections::{BTreeSet, HashSet};

use topoc_routing::{
    KeyReach,
    language::{KeyTemplate, Language, Limits},
};

use super::scene::{Link, Means, Scene};
use crate::{graph::Graph, kind::Definition};

/// What a message passes on its way through exchanges.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The links on the way, the first one with them.
    pub links: BTreeSet<usize>,
    /// The exchanges on the way.
    pub passed: BTreeSet<usize>,
    /// The queues, streams, services and brokers at the end.
    pub ends: BTreeSet<usize>,
}

/// The links that leave each thing.
pub(super) fn leaving(scene: &Scene<'_>) -> Vec<Vec<usize>> {
    let mut leaving = vec![Vec::new(); scene.items.len()];
    for (index, link) in scene.links.iter().enumerate() {
        leaving[link.from].push(index);
    }
    leaving
}

/// Follows a link on through exchanges. Where its keys are known, only the bindings that they can take count.
pub(super) fn walk(scene: &Scene<'_>, graph: &Graph<'_>, leaving: &[Vec<usize>], start: usize) -> Walk {
    let allowed = bindings(scene, graph, &scene.links[start]);
    let mut walk = Walk { links: BTreeSet::from([start]), ..Walk::default() };
    let mut open = vec![scene.links[start].to];
    while let Some(at) = open.pop() {
        if !scene.items[at].thing.is_exchange() {
            walk.ends.insert(at);
            continue;
        }
        if !walk.passed.insert(at) {
            continue;
        }
        for next in &leaving[at] {
            let link = &scene.links[*next];
            let taken = match (link.means, &allowed) {
                (Means::Binding(binding), Some(allowed)) => allowed.contains(&std::ptr::from_ref(binding.0)),
                (Means::AlternateExchange, Some(allowed)) => leaving[link.to].iter().any(|after| {
                    let Means::Binding(binding) = scene.links[*after].means else { return false };
                    allowed.contains(&std::ptr::from_ref(binding.0))
                }),
                _ => true,
            };
            if taken {
                walk.links.insert(*next);
                open.push(link.to);
            }
        }
    }
    walk
}

/// The bindings that a link's keys can take; none when that is not known.
fn bindings(scene: &Scene<'_>, graph: &Graph<'_>, link: &Link<'_>) -> Option<HashSet<*const Definition>> {
    let (routes, reach) = match link.means {
        Means::Publishes(message) => {
            let flow = graph.flow(message)?.ok()?;
            (flow.routes, flow.reach)
        }
        Means::DeadLetter(Some(key)) => {
            let item = &scene.items[link.to];
            let routes = graph.routes(item.vhost?)?;
            let exchange = routes.topology.exchange_id(item.thing.name())?;
            let keys = Language::of_template(&KeyTemplate::literal(key)).ok()?;
            let reach: KeyReach = routes.topology.reach(exchange, &keys, None, Limits::default()).ok()?;
            (routes, reach)
        }
        _ => return None,
    };
    if !reach.undecidable.is_empty() {
        return None;
    }
    Some(reach.bindings.keys().filter_map(|id| Some(std::ptr::from_ref(routes.binding(*id)?.0))).collect())
}
