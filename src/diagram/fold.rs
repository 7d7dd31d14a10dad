//! Fewer boxes: a retry ladder in its queue, a super stream in one box, and one box for many that are alike.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Options,
    scene::{Means, Scene, Thing},
};
use crate::{
    diag::Span,
    kind::{Derived, Provenance},
    topology::Topology,
};

/// Above this number of boxes, those that are alike are drawn as one.
const MANY: usize = 40;
/// So many alike are worth one box.
const ALIKE: usize = 3;

/// Which thing stands for which in the picture.
#[derive(Debug)]
pub(super) struct Fold {
    /// By thing, the one that is drawn.
    pub drawn: Vec<usize>,
    /// By thing, the one whose ladder or super stream it is a part of, or itself.
    pub whole: Vec<usize>,
    /// By drawn thing, the things that it stands for, where they are alike.
    pub alike: BTreeMap<usize, Vec<usize>>,
    /// By drawn super stream, its partitions.
    pub partitions: BTreeMap<usize, usize>,
    /// Queues whose retry ladder is drawn in their box.
    pub ladders: BTreeSet<usize>,
}

impl Fold {
    pub(super) fn new(scene: &Scene<'_>, topology: &Topology, options: &Options) -> Self {
        let mut fold = Self {
            drawn: (0..scene.items.len()).collect(),
            whole: Vec::new(),
            alike: BTreeMap::new(),
            partitions: BTreeMap::new(),
            ladders: BTreeSet::new(),
        };
        if !options.expand {
            fold.fold_ladders(scene);
            fold.fold_super_streams(scene);
        }
        fold.whole.clone_from(&fold.drawn);
        if !options.all && fold.count() > MANY {
            fold.fold_alike(scene, topology);
        }
        fold
    }

    /// The things that are drawn.
    pub(super) fn shown(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.drawn.len()).filter(|index| self.drawn[*index] == *index)
    }

    fn count(&self) -> usize {
        self.shown().count()
    }

    /// A delay queue goes into its queue's box, if nothing else has to do with it.
    fn fold_ladders(&mut self, scene: &Scene<'_>) {
        let mut delays: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut busy = BTreeSet::new();
        for link in &scene.links {
            if matches!(link.means, Means::Retry) {
                delays.entry(link.from).or_default().push(link.to);
            }
        }
        let owner: BTreeMap<usize, usize> =
            delays.iter().flat_map(|(owner, delays)| delays.iter().map(|delay| (*delay, *owner))).collect();
        for link in &scene.links {
            for (end, other) in [(link.from, link.to), (link.to, link.from)] {
                if owner.get(&end).is_some_and(|owner| *owner != other) {
                    busy.insert(end);
                }
            }
        }
        for (owner, delays) in delays {
            let derived = |index: &usize| {
                let definition = scene.items[*index].thing.definition();
                definition.is_some_and(|found| found.provenance == Provenance::Derived(Derived::RetryLadder))
            };
            if delays.iter().all(|delay| derived(delay) && !busy.contains(delay)) {
                self.ladders.insert(owner);
                for delay in delays {
                    self.drawn[delay] = owner;
                }
            }
        }
    }

    fn fold_super_streams(&mut self, scene: &Scene<'_>) {
        for (index, item) in scene.items.iter().enumerate() {
            let Thing::Exchange { name, definition: Some(definition) } = item.thing else { continue };
            if definition.provenance != Provenance::Derived(Derived::SuperStream) {
                continue;
            }
            let own = scene.links.iter().filter(|link| link.from == index).map(|link| link.to);
            let partitions: BTreeSet<usize> = own
                .filter(|to| {
                    let thing = &scene.items[*to].thing;
                    thing.name().rsplit_once('-').is_some_and(|(stem, _)| stem == name)
                        && thing.definition().is_some_and(|found| found.provenance == definition.provenance)
                })
                .collect();
            self.partitions.insert(index, partitions.len());
            for partition in partitions {
                self.drawn[partition] = index;
            }
        }
    }

    /// Things of one `for` or with numbered names, that have the same links to the same or to alike things, are one.
    fn fold_alike(&mut self, scene: &Scene<'_>, topology: &Topology) {
        let shown: Vec<usize> = self.shown().collect();
        let mut class: Vec<usize> = (0..scene.items.len()).collect();
        for grouping in [Family::Loop, Family::Numbers] {
            let mut families: BTreeMap<Traits, Vec<usize>> = BTreeMap::new();
            for index in shown.iter().copied().filter(|index| class[*index] == *index) {
                if let Some(traits) = traits(scene, topology, self, index, grouping) {
                    families.entry(traits).or_default().push(index);
                }
            }
            for members in families.values().filter(|members| members.len() >= ALIKE) {
                for member in members {
                    class[*member] = members[0];
                }
            }
        }
        // members part company until all of a class have the same links to the same classes
        loop {
            let links = self.links_by_class(scene, &class);
            let mut classes: BTreeMap<(usize, &Ties), Vec<usize>> = BTreeMap::new();
            for index in &shown {
                classes.entry((class[*index], &links[*index])).or_default().push(*index);
            }
            let mut next = class.clone();
            for members in classes.values() {
                for member in members {
                    next[*member] = if members.len() >= ALIKE { members[0] } else { *member };
                }
            }
            if next == class {
                break;
            }
            class = next;
        }
        for index in shown.iter().copied().filter(|index| class[*index] != *index) {
            self.alike.entry(class[index]).or_insert_with(|| vec![class[index]]).push(index);
        }
        for drawn in &mut self.drawn {
            *drawn = class[*drawn];
        }
    }

    fn links_by_class(&self, scene: &Scene<'_>, class: &[usize]) -> Vec<Ties> {
        let mut links = vec![BTreeSet::new(); scene.items.len()];
        for link in &scene.links {
            let (from, to) = (self.drawn[link.from], self.drawn[link.to]);
            links[from].insert((tag(&link.means), true, class[to]));
            links[to].insert((tag(&link.means), false, class[from]));
        }
        links
    }
}

/// The links of a thing: why, whether they leave it, and the class at the other end.
type Ties = BTreeSet<(u8, bool, usize)>;

#[derive(Clone, Copy, PartialEq)]
enum Family {
    Loop,
    Numbers,
}

/// What alike things have in common besides their links.
type Traits = (u8, Option<String>, String, bool, bool, Option<Span>, Option<String>, Vec<&'static str>);

fn traits(
    scene: &Scene<'_>,
    topology: &Topology,
    fold: &Fold,
    index: usize,
    grouping: Family,
) -> Option<Traits> {
    let item = &scene.items[index];
    let definition = item.thing.definition()?;
    let (tag, word) = match item.thing {
        Thing::Queue(queue) => (0, queue.queue_type(topology).word()),
        Thing::Exchange { .. } => (1, definition.text("type").unwrap_or("direct")),
        Thing::Service(_) => (2, ""),
        Thing::MissingExchange(_) | Thing::MissingQueue(_) | Thing::Elsewhere(_) => return None,
    };
    let (span, masked) = match grouping {
        Family::Loop => (Some(definition.span), None),
        Family::Numbers => {
            let masked = masked(item.thing.name());
            (None, Some(masked.contains('#').then_some(masked)?))
        }
    };
    let mut lints: Vec<&'static str> = item.marks.iter().map(|mark| mark.lint).collect();
    lints.dedup();
    Some((
        tag,
        item.vhost.map(str::to_owned),
        word.to_owned(),
        definition.external,
        fold.ladders.contains(&index) || fold.partitions.contains_key(&index),
        span,
        masked,
        lints,
    ))
}

/// A name with every number in it replaced.
fn masked(name: &str) -> String {
    let mut masked = String::new();
    for c in name.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }) {
        if c != '#' || !masked.ends_with('#') {
            masked.push(c);
        }
    }
    masked
}

fn tag(means: &Means<'_>) -> u8 {
    match means {
        Means::Binding(_) => 0,
        Means::AlternateExchange => 1,
        Means::DeadLetter(_) => 2,
        Means::Retry => 3,
        Means::Publishes(_) => 4,
        Means::Consumes(_) => 5,
        Means::Calls(_) => 6,
        Means::Answers(_) => 7,
        Means::Shovel(_) => 8,
        Means::Federation(_) => 9,
    }
}

const SEPARATORS: [char; 5] = ['.', '-', '_', '/', ':'];

/// What names have in common: `tenant.*.orders`.
pub(super) fn common_name<'s>(names: &[&'s str]) -> String {
    let Some(first) = names.first() else { return String::new() };
    let shared = |a: &'s str, b: &'s str| -> &'s str {
        let end = a.char_indices().zip(b.chars()).find(|((_, x), y)| x != y).map(|((at, _), _)| at);
        &a[..end.unwrap_or(a.len().min(b.len()))]
    };
    let mut prefix = names.iter().fold(*first, |prefix, name| shared(prefix, name));
    // whole words read better: `orders.*`, not `orders.a*e`
    let inside_words =
        names.iter().all(|name| name[prefix.len()..].chars().next().is_some_and(char::is_alphabetic));
    if let (true, Some(at)) = (inside_words, prefix.rfind(SEPARATORS)) {
        prefix = &prefix[..=at];
    }
    let rest: Vec<&str> = names.iter().map(|name| &name[prefix.len()..]).collect();
    let mut suffix: &str = rest.first().copied().unwrap_or("");
    for name in &rest {
        let same = suffix.chars().rev().zip(name.chars().rev()).take_while(|(x, y)| x == y);
        let bytes: usize = same.map(|(c, _)| c.len_utf8()).sum();
        suffix = &suffix[suffix.len() - bytes..];
    }
    let suffix = suffix.find(SEPARATORS).map_or("", |at| &suffix[at..]);
    format!("{prefix}*{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_what_they_share() {
        assert_eq!(common_name(&["orders.1", "orders.22"]), "orders.*");
        assert_eq!(common_name(&["orders.acme", "orders.apple"]), "orders.*");
        assert_eq!(common_name(&["t.acme.in", "t.globe.in"]), "t.*.in");
        assert_eq!(common_name(&["größe-1", "größe-2"]), "größe-*");
        assert_eq!(common_name(&["aa", "a"]), "a*");
        assert_eq!(common_name(&["same", "same"]), "same*");
    }

    #[test]
    fn numbers_are_one() {
        assert_eq!(masked("orders.12.b7"), "orders.#.b#");
    }
}
