//! What was found in a topology, at the things and links that it was found in.

use super::scene::{Means, Scene};
use crate::{
    diag::{Diagnostic, Report, Severity, Span},
    kind::{Definition, Provenance},
};

/// A finding, as a picture shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub severity: Severity,
    pub lint: &'static str,
    pub message: String,
}

#[derive(Clone, Copy)]
enum Target {
    Item(usize),
    Link(usize),
}

/// A piece of text that speaks of a thing or link.
struct Spot {
    span: Span,
    target: Target,
    name: String,
    written: bool,
}

/// Gives every finding to what it was found in: the smallest piece of text around its place decides, and where
/// one text describes many, as in a `for`, those that the finding names. Gives the number of findings that have
/// no place in the picture.
pub(super) fn attach(scene: &mut Scene<'_>, report: &Report) -> usize {
    let spots = spots(scene);
    let mut elsewhere = 0;
    for diagnostic in report.diagnostics() {
        let targets = targets(&spots, diagnostic);
        elsewhere += usize::from(targets.is_empty());
        for target in targets {
            let marks = match target {
                Target::Item(index) => &mut scene.items[index].marks,
                Target::Link(index) => &mut scene.links[index].marks,
            };
            marks.push(Mark {
                severity: diagnostic.severity,
                lint: diagnostic.code.name,
                message: diagnostic.message.clone(),
            });
        }
    }
    let items = scene.items.iter_mut().map(|item| &mut item.marks);
    for marks in items.chain(scene.links.iter_mut().map(|link| &mut link.marks)) {
        marks.sort();
        marks.dedup();
    }
    elsewhere
}

fn spots(scene: &Scene<'_>) -> Vec<Spot> {
    let mut spots = Vec::new();
    let mut add = |target: Target, definition: &Definition, name: &str| {
        let fields = definition.fields().map(|(_, field)| field.span);
        let arguments = definition.arguments.values().map(|field| field.span);
        for span in [definition.span, definition.extent].into_iter().chain(fields).chain(arguments) {
            let written = definition.provenance == Provenance::Written;
            spots.push(Spot { span, target, name: name.to_owned(), written });
        }
    };
    for (index, item) in scene.items.iter().enumerate() {
        if let Some(definition) = item.thing.definition() {
            add(Target::Item(index), definition, item.thing.name());
        }
    }
    for (index, link) in scene.links.iter().enumerate() {
        let target = Target::Link(index);
        match link.means {
            Means::Binding(binding) => add(target, binding.0, binding.destination()),
            Means::Publishes(message) => add(target, &message.definition, &message.name.text),
            Means::Calls(rpc) | Means::Answers(rpc) => add(target, &rpc.definition, &rpc.name.text),
            Means::Shovel(link) | Means::Federation(link) => add(target, link, link.name()),
            Means::Consumes(_) | Means::AlternateExchange | Means::DeadLetter(_) | Means::Retry => {}
        }
    }
    for (index, link) in scene.links.iter().enumerate() {
        if let Means::Consumes(consumes) = link.means {
            let name = consumes.queue.name.text.to_string();
            spots.push(Spot { span: consumes.span, target: Target::Link(index), name, written: true });
        }
    }
    spots.retain(|spot| spot.span.is_known());
    spots
}

fn targets(spots: &[Spot], diagnostic: &Diagnostic) -> Vec<Target> {
    for label in &diagnostic.labels {
        let around = |spot: &&Spot| {
            spot.span.file == label.span.file
                && spot.span.start <= label.span.start
                && label.span.end <= spot.span.end
        };
        let size = |spot: &Spot| spot.span.end - spot.span.start;
        let Some(least) = spots.iter().filter(around).map(size).min() else { continue };
        let nearest: Vec<&Spot> = spots.iter().filter(around).filter(|spot| size(spot) == least).collect();
        let named = |spot: &&&Spot| diagnostic.message.contains(&format!("`{}`", spot.name));
        let written = |spot: &&&Spot| spot.written;
        let some = |spots: Vec<&&Spot>| -> Option<Vec<Target>> {
            (!spots.is_empty()).then(|| spots.iter().map(|spot| spot.target).collect())
        };
        return some(nearest.iter().filter(named).collect())
            .or_else(|| some(nearest.iter().filter(written).collect()))
            .unwrap_or_else(|| nearest.iter().map(|spot| spot.target).collect());
    }
    Vec::new()
}
