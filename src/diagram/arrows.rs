//! From a scene to a picture: its arrows. Many links between the same two boxes are one arrow.

use std::collections::BTreeMap;

use super::{
    boxes::{Drawing, Ends, flag, said},
    facts,
    marks::Mark,
    picture::{Arrow, Flag, Line, Picture},
    scene::{Link, Means, Thing},
};
use crate::{
    graph::predeclared_type,
    kind::{Definition, Type},
    topology::Binding,
};

impl Drawing<'_, '_> {
    pub(super) fn arrows(&self, picture: &mut Picture, ends: &[Ends]) {
        let mut at: BTreeMap<(usize, usize, Line), usize> = BTreeMap::new();
        let mut marks: Vec<Vec<&Mark>> = Vec::new();
        // by arrow, the labels of those links that a drawn trail takes
        let mut taken: Vec<Vec<String>> = Vec::new();
        for link in &self.scene.links {
            let (from, to) = (self.fold.drawn[link.from], self.fold.drawn[link.to]);
            // a folded ladder or super stream keeps its inner links to itself
            if link.from != link.to && self.fold.whole[link.from] == self.fold.whole[link.to] {
                continue;
            }
            let line = line(&link.means);
            let (Some(from), Some(to)) = (ends[from].out, ends[to].into) else { continue };
            let index = *at.entry((from, to, line)).or_insert_with(|| {
                picture.arrows.push(Arrow {
                    from,
                    to,
                    from_frame: None,
                    to_frame: None,
                    line,
                    labels: Vec::new(),
                    tooltip: Vec::new(),
                    flag: Flag::default(),
                    pale: true,
                });
                marks.push(Vec::new());
                taken.push(Vec::new());
                picture.arrows.len() - 1
            });
            let arrow = &mut picture.arrows[index];
            arrow.pale &= link.aside;
            let label = self.label(link);
            if !link.aside {
                taken[index].extend(label.clone());
            }
            arrow.labels.extend(label.filter(|label| !arrow.labels.contains(label)));
            let fact = self.fact(link);
            if !arrow.tooltip.contains(&fact) {
                arrow.tooltip.push(fact);
            }
            marks[index].extend(&link.marks);
        }
        for ((arrow, marks), taken) in picture.arrows.iter_mut().zip(marks).zip(taken) {
            if !arrow.pale {
                arrow.labels.retain(|label| taken.contains(label));
            }
            if arrow.tooltip.len() > FACTS {
                let rest = arrow.tooltip.len() - FACTS;
                arrow.tooltip.truncate(FACTS);
                arrow.tooltip.push(format!("… and {rest} more"));
            }
            arrow.flag = flag(&marks);
            arrow.tooltip.extend(said(&marks));
        }
    }

    fn label(&self, link: &Link<'_>) -> Option<String> {
        match link.means {
            Means::Binding(binding) => self.key(link.from, binding),
            Means::DeadLetter(key) => {
                let key = key.map(|key| if key.is_empty() { "(empty key)" } else { key })?;
                (self.scene.items[link.to].thing.name() != key).then(|| key.to_owned())
            }
            Means::Publishes(message) => Some(message.name.text.to_string()),
            Means::Calls(rpc) | Means::Answers(rpc) => Some(rpc.name.text.to_string()),
            Means::Shovel(shovel) => Some(format!("shovel {}", shovel.name())),
            Means::Federation(upstream) => Some(self.federation(link, upstream)),
            Means::Consumes(_) | Means::AlternateExchange | Means::Retry => None,
        }
    }

    /// `federation eu`, with the name that the exchange or queue has there where it is another.
    fn federation(&self, link: &Link<'_>, upstream: &Definition) -> String {
        let thing = &self.scene.items[link.to].thing;
        let there = upstream.text(if thing.is_exchange() { "exchange" } else { "queue" });
        let there = there.filter(|there| *there != thing.name());
        let there = there.map_or_else(String::new, |there| format!(", its {there}"));
        format!("federation {}{there}", upstream.name())
    }

    /// What a binding asks of a message, where its exchange asks anything.
    fn key(&self, source: usize, binding: Binding<'_>) -> Option<String> {
        let exchange_type = match &self.scene.items[source].thing {
            Thing::Exchange { name, definition: None } => predeclared_type(name).unwrap_or("direct"),
            Thing::Exchange { definition: Some(definition), .. } => {
                crate::topology::Exchange(definition).routing_type()
            }
            _ => "",
        };
        let key = binding.routing_key();
        match exchange_type {
            "fanout" | "x-random" | "x-local-random" | "x-modulus-hash" => None,
            "x-consistent-hash" => Some(format!("weight {key}")),
            "headers" => {
                let headers: Vec<String> = binding
                    .arguments()
                    .map(|(name, field)| format!("{name}={}", field.value.show(Type::Text)))
                    .collect();
                let how = binding.header_match().trim_end_matches("-with-x");
                Some(match headers.is_empty() {
                    true => "every message".to_owned(),
                    false => format!("{how} of {}", headers.join(", ")),
                })
            }
            "topic" | "direct" if key.is_empty() => Some("(empty key)".to_owned()),
            _ => Some(key.to_owned()).filter(|key| !key.is_empty()),
        }
    }

    fn fact(&self, link: &Link<'_>) -> String {
        let name = |index: usize| self.scene.items[index].thing.name();
        match link.means {
            Means::Binding(binding) => facts::of_binding(binding, self.sources),
            Means::AlternateExchange => {
                format!("what {} cannot route goes to {}", name(link.from), name(link.to))
            }
            Means::DeadLetter(key) => {
                let key = key.map_or_else(String::new, |key| format!(" key {key}"));
                format!("dead letters of {} → {}{key}", name(link.from), name(link.to))
            }
            Means::Retry => format!("{} waits in {}", name(link.from), name(link.to)),
            Means::Publishes(message) => facts::of_message(message, self.graph, self.sources),
            Means::Consumes(consumes) => facts::of_consumer(consumes, self.sources),
            Means::Calls(rpc) | Means::Answers(rpc) => facts::of_rpc(rpc, self.sources),
            Means::Shovel(shovel) => format!("shovel {}", shovel.name()),
            Means::Federation(upstream) => self.federation(link, upstream),
        }
    }
}

/// So many facts fit beside an arrow.
const FACTS: usize = 20;

fn line(means: &Means<'_>) -> Line {
    match means {
        Means::Binding(_) => Line::Bind,
        Means::AlternateExchange => Line::Alternate,
        Means::DeadLetter(_) => Line::DeadLetter,
        Means::Retry => Line::Retry,
        Means::Publishes(_) => Line::Publish,
        Means::Consumes(_) => Line::Consume,
        Means::Calls(_) | Means::Answers(_) => Line::Call,
        Means::Shovel(_) => Line::Shovel,
        Means::Federation(_) => Line::Federation,
    }
}
