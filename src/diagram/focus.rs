//! The neighbourhood of one thing: what leads into it and what it leads to.
//!
//! A step goes from a service or queue through any number of exchanges to the next service or queue, along the
//! bindings that its messages can take. Without a depth, steps go on until they come to a service.

use std::collections::BTreeSet;

use super::{
    scene::{Means, Scene, Thing},
    walk::{Walk, leaving, walk},
};
use crate::graph::Graph;

/// Keeps the neighbourhood of what has a name; else gives the names there are.
pub(super) fn keep<'a>(
    scene: &mut Scene<'a>,
    graph: &Graph<'a>,
    name: &str,
    depth: Option<usize>,
) -> Result<(), Vec<&'a str>> {
    let things: BTreeSet<usize> =
        (0..scene.items.len()).filter(|index| scene.items[*index].thing.name() == name).collect();
    let said: Vec<usize> =
        (0..scene.links.len()).filter(|index| says(&scene.links[*index].means, name)).collect();
    if name.is_empty() || (things.is_empty() && said.is_empty()) {
        return Err(names(scene, graph));
    }
    let leaving = leaving(scene);
    // from services, queues and other brokers; exchanges are only passed
    let walks: Vec<(usize, Walk)> = (0..scene.links.len())
        .filter(|index| !scene.items[scene.links[*index].from].thing.is_exchange())
        .map(|index| (index, walk(scene, graph, &leaving, index)))
        .collect();
    let mut found = Found { items: things.clone(), links: BTreeSet::new() };
    for (start, walk) in walks.iter().filter(|(start, _)| said.contains(start)) {
        found.items.insert(scene.links[*start].from);
        found.add(scene, &walk.links);
    }
    let mut down: BTreeSet<usize> = things.clone();
    for (_, walk) in walks.iter().filter(|(start, _)| said.contains(start)) {
        down.extend(walk.ends.iter().filter(|end| !scene.items[**end].thing.is_service()));
    }
    for exchange in down.clone().into_iter().filter(|index| scene.items[*index].thing.is_exchange()) {
        let (links, ends) = beyond(scene, &leaving, exchange);
        found.add(scene, &links);
        down.extend(ends);
    }
    let steps = depth.unwrap_or(usize::MAX);
    let passes =
        |index: usize, first: bool| first || depth.is_some() || !scene.items[index].thing.is_service();
    let mut seen = down.clone();
    for step in 0..steps {
        let mut next = BTreeSet::new();
        for (start, walk) in &walks {
            let from = scene.links[*start].from;
            if down.contains(&from) && passes(from, step == 0) {
                found.add(scene, &walk.links);
                next.extend(walk.ends.iter().copied().filter(|end| seen.insert(*end)));
            }
        }
        if next.is_empty() {
            break;
        }
        down = next;
    }
    let mut up = things.clone();
    let mut seen = up.clone();
    for step in 0..steps {
        let mut next = BTreeSet::new();
        for target in up.iter().copied().filter(|target| passes(*target, step == 0)) {
            for (start, walk) in &walks {
                if walk.ends.contains(&target) || walk.passed.contains(&target) {
                    found.add(scene, &towards(scene, walk, target));
                    let from = scene.links[*start].from;
                    next.extend(seen.insert(from).then_some(from));
                }
            }
        }
        if next.is_empty() {
            break;
        }
        up = next;
    }
    for index in things {
        found.add(scene, &into(scene, index));
    }
    let items: Vec<bool> = (0..scene.items.len()).map(|index| found.items.contains(&index)).collect();
    let links: Vec<bool> = (0..scene.links.len()).map(|index| found.links.contains(&index)).collect();
    scene.keep(&items, &links);
    Ok(())
}

#[derive(Debug)]
struct Found {
    items: BTreeSet<usize>,
    links: BTreeSet<usize>,
}

impl Found {
    fn add(&mut self, scene: &Scene<'_>, links: &BTreeSet<usize>) {
        for index in links {
            let link = &scene.links[*index];
            self.items.extend([link.from, link.to]);
            self.links.insert(*index);
        }
    }
}

/// Whether a link is there because of a message, rpc, shovel or upstream of that name.
fn says(means: &Means<'_>, name: &str) -> bool {
    match means {
        Means::Publishes(message) => &*message.name.text == name,
        Means::Calls(rpc) | Means::Answers(rpc) => &*rpc.name.text == name,
        Means::Shovel(link) | Means::Federation(link) => link.name() == name,
        Means::Consumes(_)
        | Means::Binding(_)
        | Means::AlternateExchange
        | Means::DeadLetter(_)
        | Means::Retry => false,
    }
}

fn names<'a>(scene: &Scene<'a>, graph: &Graph<'a>) -> Vec<&'a str> {
    let contract = &graph.topology.contract;
    let things = scene.items.iter().filter_map(|item| match item.thing {
        Thing::Exchange { name, .. } => Some(name),
        Thing::Queue(queue) => Some(queue.name()),
        Thing::Service(service) => Some(&*service.name.text),
        Thing::MissingExchange(_) | Thing::MissingQueue(_) | Thing::Elsewhere(_) => None,
    });
    let messages = contract.messages.iter().map(|message| &*message.name.text);
    let rpcs = contract.rpcs.iter().map(|rpc| &*rpc.name.text);
    things.chain(messages).chain(rpcs).filter(|name| !name.is_empty()).collect()
}

/// What an exchange leads to, whatever the key.
fn beyond(scene: &Scene<'_>, leaving: &[Vec<usize>], exchange: usize) -> (BTreeSet<usize>, BTreeSet<usize>) {
    let (mut links, mut ends, mut seen) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut open = vec![exchange];
    while let Some(at) = open.pop() {
        if !scene.items[at].thing.is_exchange() {
            ends.insert(at);
        } else if seen.insert(at) {
            links.extend(&leaving[at]);
            open.extend(leaving[at].iter().map(|link| scene.links[*link].to));
        }
    }
    (links, ends)
}

/// The part of a walk that leads to a thing.
fn towards(scene: &Scene<'_>, walk: &Walk, target: usize) -> BTreeSet<usize> {
    let (mut links, mut reached) = (BTreeSet::new(), BTreeSet::from([target]));
    loop {
        let before = links.len();
        for index in &walk.links {
            let link = &scene.links[*index];
            if reached.contains(&link.to)
                && links.insert(*index)
                && scene.items[link.from].thing.is_exchange()
            {
                reached.insert(link.from);
            }
        }
        if links.len() == before {
            return links;
        }
    }
}

/// The bindings that lead into a thing from exchanges that nobody in the topology publishes to.
fn into(scene: &Scene<'_>, target: usize) -> BTreeSet<usize> {
    let silent = |exchange: usize| {
        let thing = &scene.items[exchange].thing;
        thing.is_exchange()
            && !scene
                .links
                .iter()
                .any(|link| link.to == exchange && !scene.items[link.from].thing.is_exchange())
    };
    let (mut links, mut open, mut seen) = (BTreeSet::new(), vec![target], BTreeSet::new());
    while let Some(at) = open.pop() {
        if !seen.insert(at) {
            continue;
        }
        for (index, link) in scene.links.iter().enumerate().filter(|(_, link)| link.to == at) {
            if silent(link.from) {
                links.insert(index);
                open.push(link.from);
            }
        }
    }
    links
}
