//! What a queue is for: the service that it belongs to, and whether dead letters alone come to it.
//!
//! A queue belongs to the only service that consumes it, else to the only one whose queues it is the dead queue of,
//! else to the one to whose queues alone its own dead letters go.

use std::collections::BTreeSet;

use super::{
    scene::{Means, Scene, Thing},
    walk::{leaving, walk},
};
use crate::graph::Graph;

/// Gives every thing its owner, and says which get dead letters alone.
pub(super) fn attach<'a>(scene: &mut Scene<'a>, graph: &Graph<'a>) {
    let owners = owners(scene, graph);
    let dead = dead(scene);
    for (index, item) in scene.items.iter_mut().enumerate() {
        item.owner = owners[index];
        item.dead = dead.contains(&index);
    }
}

fn owners<'a>(scene: &Scene<'a>, graph: &Graph<'a>) -> Vec<Option<&'a str>> {
    let leaving = leaving(scene);
    let nobody = vec![BTreeSet::new(); scene.items.len()];
    let mut consumers: Vec<BTreeSet<&'a str>> = vec![BTreeSet::new(); scene.items.len()];
    // which queue's dead letters come to a queue, and where a queue's own go
    let (mut feeders, mut fed) = (nobody.clone(), nobody);
    for (index, link) in scene.links.iter().enumerate() {
        match link.means {
            Means::Consumes(_) | Means::Answers(_) => {
                if let Thing::Service(service) = scene.items[link.to].thing {
                    consumers[link.from].insert(&service.name.text);
                }
            }
            Means::Retry => {
                feeders[link.to].insert(link.from);
            }
            Means::DeadLetter(_) => {
                for end in walk(scene, graph, &leaving, index).ends {
                    feeders[end].insert(link.from);
                    fed[link.from].insert(end);
                }
            }
            Means::Binding(_)
            | Means::AlternateExchange
            | Means::Publishes(_)
            | Means::Calls(_)
            | Means::Shovel(_)
            | Means::Federation(_) => {}
        }
    }
    let is_queue = |index: usize| matches!(scene.items[index].thing, Thing::Queue(_));
    let mut owners: Vec<Option<&'a str>> = consumers
        .iter()
        .enumerate()
        .map(|(index, services)| services.first().copied().filter(|_| services.len() == 1 && is_queue(index)))
        .collect();
    // a dead queue's own dead queue is one step further
    loop {
        let mut next = owners.clone();
        for index in (0..owners.len()).filter(|index| consumers[*index].is_empty() && is_queue(*index)) {
            let only = |others: &BTreeSet<usize>| {
                let of: BTreeSet<Option<&'a str>> =
                    others.iter().filter(|other| **other != index).map(|other| owners[*other]).collect();
                if of.len() == 1 { of.first().copied().flatten() } else { None }
            };
            next[index] = owners[index].or_else(|| only(&feeders[index])).or_else(|| only(&fed[index]));
        }
        if next == owners {
            return owners;
        }
        owners = next;
    }
}

/// The queues and exchanges to which dead letters alone come.
fn dead(scene: &Scene<'_>) -> BTreeSet<usize> {
    let ladders: BTreeSet<(usize, usize)> = scene
        .links
        .iter()
        .filter(|link| matches!(link.means, Means::Retry))
        .map(|link| (link.to, link.from))
        .collect();
    let mut dead = BTreeSet::new();
    loop {
        let (mut some, mut other) = (BTreeSet::new(), BTreeSet::new());
        // what a delay queue gives back has been in the queue before
        for link in scene.links.iter().filter(|link| !ladders.contains(&(link.from, link.to))) {
            let by_exchange = dead.contains(&link.from) && scene.items[link.from].thing.is_exchange();
            if matches!(link.means, Means::DeadLetter(_)) || by_exchange {
                some.insert(link.to);
            } else {
                other.insert(link.to);
            }
        }
        let next: BTreeSet<usize> = some.difference(&other).copied().collect();
        if next == dead {
            return dead;
        }
        dead = next;
    }
}
