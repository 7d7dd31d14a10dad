//! One message's trail through a picture: the rest stands aside.

use super::scene::{Item, Link, Means, Scene, Thing};
use crate::graph::Trail;

/// Marks all that a message does not come to, or does not take.
pub(super) fn attach(scene: &mut Scene<'_>, trail: &Trail<'_>) {
    let on: Vec<bool> = scene.items.iter().map(|item| is_on(item, trail)).collect();
    let links: Vec<bool> = scene.links.iter().map(|link| takes(link, scene, &on, trail)).collect();
    let mut touched = on;
    for (link, taken) in scene.links.iter_mut().zip(links) {
        link.aside = !taken;
        touched[link.from] |= taken;
        touched[link.to] |= taken;
    }
    for (item, on) in scene.items.iter_mut().zip(touched) {
        item.aside = !on;
    }
}

fn is_on(item: &Item<'_>, trail: &Trail<'_>) -> bool {
    let here = item.vhost == Some(trail.vhost);
    match &item.thing {
        Thing::Exchange { name, .. } => here && trail.exchanges.contains(name),
        Thing::Queue(queue) => here && trail.queues.contains(queue.name()),
        // who speaks and hears is on it by what they say and hear
        Thing::Service(_) | Thing::MissingExchange(_) | Thing::MissingQueue(_) | Thing::Elsewhere(_) => false,
    }
}

fn takes(link: &Link<'_>, scene: &Scene<'_>, on: &[bool], trail: &Trail<'_>) -> bool {
    let from = scene.items[link.from].thing.name();
    match link.means {
        Means::Binding(binding) => trail.bindings.contains(&binding.0.identity()),
        Means::AlternateExchange => on[link.from] && trail.alternates.contains(from),
        Means::DeadLetter(_) => on[link.from] && trail.dead_lettered.contains(from),
        Means::Publishes(message) => trail.message == Some(&*message.name.text),
        // a consumer sends it there
        Means::Retry | Means::Consumes(_) | Means::Answers(_) => on[link.from],
        Means::Calls(_) => on[link.to] && trail.exchanges.contains(""),
        Means::Shovel(_) | Means::Federation(_) => on[link.from],
    }
}
