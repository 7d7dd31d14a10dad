//! From a scene to a picture: its boxes, their frames, and the words around them.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Options, facts,
    fold::{Fold, common_name},
    marks::Mark,
    picture::{Box, Flag, Group, Picture, Shape},
    scene::{Item, Scene, Thing},
};
use crate::{
    diag::{Severity, SourceMap, counted},
    graph::{Graph, predeclared_type},
    kind::{Definition, Value, show_duration},
    topology::{DEFAULT_VHOST, Exchange, Queue, QueueType, delay_queue},
};

/// All that a picture is made of.
pub(super) struct Drawing<'d, 'a> {
    pub graph: &'d Graph<'a>,
    pub sources: &'d SourceMap,
    pub scene: &'d Scene<'a>,
    pub fold: &'d Fold,
}

/// The boxes of a drawn thing. A service that publishes and consumes has two, so that a picture reads in one
/// direction: it speaks on one side and hears on the other.
#[derive(Clone, Copy, Default)]
pub(super) struct Ends {
    pub out: Option<usize>,
    pub into: Option<usize>,
}

impl<'a> Drawing<'_, 'a> {
    pub(super) fn picture(&self, unplaced: usize, options: &Options) -> Picture {
        let mut picture = Picture { legend: !options.bare, ..Picture::default() };
        let name = self.graph.topology.name.as_ref().map_or("topology", |name| &*name.text);
        picture.title = match (&options.focus, &options.vhost) {
            (Some(focus), _) => format!("{name}: around {focus}"),
            (None, Some(vhost)) => format!("{name}: vhost {vhost}"),
            (None, None) => name.to_owned(),
        };
        picture.subtitle = self.subtitle();
        let groups = self.groups(&mut picture);
        let ends = self.boxes(&mut picture, &groups);
        self.arrows(&mut picture, &ends);
        picture.fade_services();
        picture.wrap();
        for (first, members) in &self.fold.alike {
            let names: Vec<&str> =
                members.iter().map(|index| self.scene.items[*index].thing.name()).collect();
            let what = noun(&self.scene.items[*first].thing, members.len());
            picture.notes.push(format!(
                "`{}` stands for {} {what} that are alike",
                common_name(&names),
                members.len()
            ));
        }
        // of a part, nobody expects to see all
        if unplaced > 0 && options.focus.is_none() && options.vhost.is_none() {
            let (count, verb) = if unplaced == 1 { ("1 finding", "has") } else { ("findings", "have") };
            let count = if unplaced == 1 { count.to_owned() } else { format!("{unplaced} {count}") };
            picture.notes.push(format!("{count} of the check {verb} no place in the picture"));
        }
        picture
    }

    /// `6 services, 5 exchanges, 12 queues; 1 error`: what is in the picture, and what the check found.
    fn subtitle(&self) -> String {
        // a queue's delay queues and a super stream's partitions are parts of one box
        let of = |index: usize| self.fold.alike.get(&index).map_or(1, Vec::len);
        let count = |is: &dyn Fn(usize, &Thing<'_>) -> bool| -> usize {
            self.fold.shown().filter(|index| is(*index, &self.scene.items[*index].thing)).map(of).sum()
        };
        let stream = |index: usize| self.fold.partitions.contains_key(&index);
        let counts = [
            (count(&|_, thing| thing.is_service()), "service"),
            (count(&|index, thing| matches!(thing, Thing::Exchange { .. }) && !stream(index)), "exchange"),
            (count(&|_, thing| matches!(thing, Thing::Queue(_))), "queue"),
            (count(&|index, _| stream(index)), "super stream"),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let items = self.scene.items.iter().flat_map(|item| &item.marks);
        let marks: BTreeSet<&Mark> =
            items.chain(self.scene.links.iter().flat_map(|link| &link.marks)).collect();
        let found = [Severity::Error, Severity::Warning].into_iter();
        let found = found
            .map(|severity| (marks.iter().filter(|mark| mark.severity == severity).count(), severity.word()))
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| counted(count, word));
        let things: Vec<String> = counts.map(|(count, word)| counted(count, word)).collect();
        let found: Vec<String> = found.collect();
        if things.is_empty() {
            return "nothing to draw".to_owned();
        }
        match found.is_empty() {
            true => things.join(", "),
            false => format!("{}; {}", things.join(", "), found.join(", ")),
        }
    }

    /// A frame for each vhost, and in it one for the queues of each service; by thing, its frame.
    fn groups(&self, picture: &mut Picture) -> Vec<Option<usize>> {
        let mut frame = vec![None; self.scene.items.len()];
        let mut vhosts = BTreeMap::new();
        let all = self.scene.vhosts();
        if all.iter().any(|vhost| *vhost != DEFAULT_VHOST) {
            for vhost in all {
                vhosts.insert(vhost, picture.groups.len());
                picture.groups.push(Group {
                    label: format!("vhost {vhost}"),
                    tooltip: format!("vhost {vhost}"),
                    parent: None,
                    rows: Vec::new(),
                });
            }
        }
        for index in self.fold.shown() {
            frame[index] = self.scene.items[index].vhost.and_then(|vhost| vhosts.get(vhost).copied());
        }
        let mut of_service: BTreeMap<usize, BTreeMap<Option<&str>, Vec<usize>>> = BTreeMap::new();
        for (index, owner) in self.owners() {
            let vhost = self.scene.items[index].vhost;
            of_service.entry(owner).or_default().entry(vhost).or_default().push(index);
        }
        for (service, by_vhost) in of_service {
            let name = self.scene.items[service].thing.name();
            let one = by_vhost.len() == 1;
            for (vhost, queues) in by_vhost {
                let parent = vhost.and_then(|vhost| vhosts.get(vhost).copied());
                let tooltip = format!("service {name} and its queues");
                picture.groups.push(Group { label: String::new(), tooltip, parent, rows: Vec::new() });
                let group = Some(picture.groups.len() - 1);
                for queue in queues {
                    frame[queue] = group;
                }
                // a service with queues in several vhosts stands in none
                if one {
                    frame[service] = group;
                }
            }
        }
        frame
    }

    /// By drawn thing, the drawn service that it and all that it stands for belong to.
    fn owners(&self) -> BTreeMap<usize, usize> {
        let items = self.scene.items.iter().zip(&self.fold.drawn);
        let services: BTreeMap<&str, usize> = items
            .clone()
            .filter(|(item, _)| item.thing.is_service())
            .map(|(item, drawn)| (item.thing.name(), *drawn))
            .collect();
        let mut owners: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for (item, drawn) in items {
            owners.entry(*drawn).or_default().extend(item.owner.and_then(|name| services.get(name)));
        }
        owners
            .into_iter()
            .filter_map(|(drawn, owners)| {
                owners.first().copied().filter(|_| owners.len() == 1).map(|owner| (drawn, owner))
            })
            .collect()
    }

    fn boxes(&self, picture: &mut Picture, groups: &[Option<usize>]) -> Vec<Ends> {
        let (mut speaks, mut hears) = (BTreeSet::new(), BTreeSet::new());
        for link in &self.scene.links {
            speaks.insert(self.fold.drawn[link.from]);
            hears.insert(self.fold.drawn[link.to]);
        }
        let mut taken = BTreeSet::new();
        let mut ends = vec![Ends::default(); self.scene.items.len()];
        let mut shown: Vec<usize> = self.fold.shown().collect();
        // who speaks comes first
        shown.sort_by_key(|index| !self.scene.items[*index].thing.is_service());
        for index in shown.iter().copied().filter(|index| self.scene.items[*index].thing.is_service()) {
            if speaks.contains(&index) {
                ends[index].out = Some(picture.boxes.len());
                picture.boxes.push(self.one(index, None, &mut taken));
            }
        }
        for index in shown {
            let is_service = self.scene.items[index].thing.is_service();
            if is_service && !hears.contains(&index) && ends[index].out.is_some() {
                continue;
            }
            ends[index].into = Some(picture.boxes.len());
            ends[index].out = ends[index].out.or(ends[index].into);
            picture.boxes.push(self.one(index, groups[index], &mut taken));
        }
        ends
    }

    fn one(&self, index: usize, group: Option<usize>, taken: &mut BTreeSet<String>) -> Box {
        let item = &self.scene.items[index];
        let members: Vec<usize> = self.fold.alike.get(&index).cloned().unwrap_or_else(|| vec![index]);
        let names: Vec<&str> = members.iter().map(|member| self.scene.items[*member].thing.name()).collect();
        let name = if names.len() == 1 { names[0].to_owned() } else { common_name(&names) };
        let (prefix, shape) = self.shape(index, item);
        let count =
            (members.len() > 1).then(|| format!("{} {}", members.len(), noun(&item.thing, members.len())));
        let (details, missing) = match &item.thing {
            Thing::MissingExchange(_) => (vec!["no such exchange".to_owned()], true),
            Thing::MissingQueue(_) => (vec!["no such queue".to_owned()], true),
            thing => (self.details(index, thing), false),
        };
        let details = count.into_iter().chain(details).collect();
        let definition = item.thing.definition();
        let ladder = definition.filter(|_| self.fold.ladders.contains(&index)).and_then(|queue| {
            let Some(Value::List(steps)) = queue.value("retry") else { return None };
            Some(format!("retry {}", facts::ladder(&steps)))
        });
        let marks: Vec<&Mark> = members.iter().flat_map(|member| &self.scene.items[*member].marks).collect();
        let mut tooltip = match members.len() {
            1 => self.facts(index, item),
            _ => {
                let shown: Vec<&str> = names.iter().take(12).copied().collect();
                let rest = if names.len() > 12 {
                    format!(", … and {} more", names.len() - 12)
                } else {
                    String::new()
                };
                vec![format!("{}{rest}", shown.join(", "))]
            }
        };
        tooltip.extend(said(&marks));
        let label = match (&item.thing, name.is_empty()) {
            (Thing::Exchange { .. }, true) => "(default exchange)".to_owned(),
            (_, true) => "\"\"".to_owned(),
            (_, false) => name.clone(),
        };
        Box {
            id: Picture::identifier(prefix, &name, taken),
            shape,
            name: label,
            details,
            keys: Vec::new(),
            ladder,
            dead: members.iter().all(|member| self.scene.items[*member].dead),
            external: definition.is_some_and(|found| found.external) || shape == Shape::Elsewhere,
            missing,
            group,
            tooltip,
            flag: flag(&marks),
            pale: members.iter().all(|member| self.scene.items[*member].aside),
        }
    }

    fn shape(&self, index: usize, item: &Item<'a>) -> (&'static str, Shape) {
        match &item.thing {
            Thing::Service(_) => ("service", Shape::Service),
            Thing::Elsewhere(_) => ("elsewhere", Shape::Elsewhere),
            _ if self.fold.partitions.contains_key(&index) => ("stream", Shape::SuperStream),
            Thing::Exchange { name, definition } => {
                let shape = match exchange_type(name, *definition) {
                    "direct" => Shape::Direct,
                    "topic" => Shape::Topic,
                    "fanout" => Shape::Fanout,
                    "headers" => Shape::Headers,
                    _ => Shape::OtherExchange,
                };
                ("exchange", shape)
            }
            Thing::MissingExchange(_) => ("exchange", Shape::OtherExchange),
            Thing::Queue(queue) => match queue.queue_type(self.graph.topology) {
                QueueType::Classic => ("queue", Shape::Classic),
                QueueType::Quorum => ("queue", Shape::Quorum),
                QueueType::Stream => ("stream", Shape::Stream),
            },
            Thing::MissingQueue(_) => ("queue", Shape::Classic),
        }
    }

    /// What decides a message's fate, in a few words.
    fn details(&self, index: usize, thing: &Thing<'a>) -> Vec<String> {
        if let Some(count) = self.fold.partitions.get(&index) {
            return vec![format!("super stream, {}", counted(*count, "partition"))];
        }
        match thing {
            Thing::Exchange { name, definition } => {
                let mut words = vec![exchange_type(name, *definition).to_owned()];
                if let Some(definition) = definition {
                    words.extend(definition.text("delayed-type").map(|delayed| format!("as {delayed}")));
                    words.extend(definition.flag("internal").then(|| "internal".to_owned()));
                    words.extend(definition.external.then(|| "external".to_owned()));
                }
                vec![words.join(", ")]
            }
            Thing::Queue(queue) => vec![self.queue_words(*queue).join(", ")],
            Thing::Service(service) => {
                service.definition.external.then(|| "external".to_owned()).into_iter().collect()
            }
            Thing::MissingExchange(_) | Thing::MissingQueue(_) | Thing::Elsewhere(_) => Vec::new(),
        }
    }

    fn queue_words(&self, queue: Queue<'a>) -> Vec<String> {
        let effective = &self.graph.effective;
        let mut words = vec![queue.queue_type(self.graph.topology).word().to_owned()];
        if queue.0.external {
            words.push("external".to_owned());
        }
        if let Some(priorities) = effective.integer(queue.0, "max-priority") {
            words.push(format!("priorities to {priorities}"));
        }
        if let Some(ttl) = effective.integer(queue.0, "message-ttl") {
            words.push(format!("ttl {}", show_duration(ttl)));
        }
        if let Some(age) = effective.text_of(queue.0, "max-age") {
            words.push(format!("kept {age}"));
        }
        words.extend(queue.0.flag("exclusive").then(|| "exclusive".to_owned()));
        words.extend(queue.0.flag("auto-delete").then(|| "auto-delete".to_owned()));
        words
    }

    fn facts(&self, index: usize, item: &Item<'a>) -> Vec<String> {
        let of = |definition: &Definition, what: &str| {
            facts::of_entity(definition, what, &self.graph.effective, self.sources)
        };
        match &item.thing {
            Thing::Exchange { definition: Some(definition), .. } => {
                match self.fold.partitions.contains_key(&index) {
                    true => of(definition, "super stream"),
                    false => of(definition, &format!("{} exchange", Exchange(definition).exchange_type())),
                }
            }
            Thing::Exchange { name, definition: None } => {
                let what = predeclared_type(name).unwrap_or("direct");
                vec![format!("{what} exchange that every vhost has")]
            }
            Thing::Queue(queue) => {
                let mut facts =
                    of(queue.0, &format!("{} queue", queue.queue_type(self.graph.topology).word()));
                if self.fold.ladders.contains(&index) {
                    facts.push(format!("the delay queues are {} and so on", delay_queue(queue.name(), 1)));
                }
                facts
            }
            Thing::Service(service) => of(&service.definition, "service"),
            Thing::MissingExchange(name) => vec![format!("no exchange `{name}` is declared")],
            Thing::MissingQueue(name) => vec![format!("no queue `{name}` is declared")],
            Thing::Elsewhere(name) => vec![name.clone()],
        }
    }
}

fn exchange_type<'a>(name: &str, definition: Option<&'a Definition>) -> &'a str {
    match definition {
        Some(definition) => Exchange(definition).exchange_type(),
        None => predeclared_type(name).unwrap_or("direct"),
    }
}

fn noun(thing: &Thing<'_>, count: usize) -> &'static str {
    match (thing, count) {
        (Thing::Exchange { .. } | Thing::MissingExchange(_), 1) => "exchange",
        (Thing::Exchange { .. } | Thing::MissingExchange(_), _) => "exchanges",
        (Thing::Service(_), 1) => "service",
        (Thing::Service(_), _) => "services",
        (_, 1) => "queue",
        (_, _) => "queues",
    }
}

/// The worst of some findings.
pub(super) fn flag(marks: &[&Mark]) -> Flag {
    let worst = marks.iter().map(|mark| mark.severity).min().filter(|severity| *severity < Severity::Hint);
    let lints: BTreeSet<&'static str> =
        marks.iter().filter(|mark| Some(mark.severity) == worst).map(|mark| mark.lint).collect();
    Flag { severity: worst, lints: lints.into_iter().collect() }
}

/// `error unknown-exchange: no exchange …`.
pub(super) fn said(marks: &[&Mark]) -> Vec<String> {
    marks.iter().map(|mark| format!("{} {}: {}", mark.severity.word(), mark.lint, mark.message)).collect()
}
