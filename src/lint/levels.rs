//! `allow` and `lint … level=`: which findings are kept, and at which severity.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use super::{LINTS, find};
use crate::{
    diag::{Change, Diagnostic, FileId, Report, Severity, Span, codes, did_you_mean, surely},
    kind::{Allow, Definition},
    syntax::quote,
    topology::Topology,
};

/// Moves findings into the report, as the topology's levels and allows have it.
pub(super) fn apply(topology: &Topology, found: Report, report: &mut Report) {
    let names = || LINTS.iter().map(|lint| lint.code.name);
    for level in &topology.levels {
        if find(&level.lint.text).is_none() {
            report.push(
                Diagnostic::new(codes::UNKNOWN_LINT, format!("there is no lint `{}`", level.lint.text))
                    .label(level.lint.span, "")
                    .mend(meant(&level.lint.text, level.lint.span))
                    .help(did_you_mean(&level.lint.text, names(), "lint")),
            );
        }
    }
    let mut allows = Allows::new(topology);
    let levels: HashMap<&str, Option<Severity>> =
        topology.levels.iter().map(|level| (&*level.lint.text, level.level)).collect();
    for mut diagnostic in found.into_diagnostics() {
        if allows.silence(&diagnostic) {
            continue;
        }
        match levels.get(diagnostic.code.name) {
            Some(None) => continue,
            Some(Some(severity)) => diagnostic.severity = *severity,
            None => {}
        }
        report.push(diagnostic);
    }
    for (allow, used) in allows.all() {
        if find(&allow.lint).is_none() {
            report.push(
                Diagnostic::new(codes::UNKNOWN_LINT, format!("there is no lint `{}`", allow.lint))
                    .label(allow.span, "")
                    .mend(meant(&allow.lint, allow.named))
                    .help(did_you_mean(&allow.lint, names(), "lint")),
            );
        } else if !used {
            report.push(
                Diagnostic::new(codes::STALE_ALLOW, format!("`allow \"{}\"` silences nothing", allow.lint))
                    .label(allow.span, "")
                    .help("remove it, so that the next finding is seen")
                    .mend(Change::Remove(allow.span))
                    .given_every_run(),
            );
        }
    }
}

/// The lint that is certainly meant.
fn meant(lint: &str, place: Span) -> Option<Change> {
    let near = surely(lint, LINTS.iter().map(|lint| lint.code.name))?;
    Some(Change::Value(place, quote(near)))
}

/// Every `allow`, with the places that belong to its entity.
struct Allows<'a> {
    /// An `allow`, and where in `places` those of its entity are.
    all: Vec<(&'a Allow, Vec<usize>)>,
    /// The places of each lint's allows, each once.
    places: Vec<Place>,
    lints: HashMap<&'a str, Vec<usize>>,
}

/// A part of a source. Those of a lint lie within one another or apart, as nodes do.
struct Place {
    span: Span,
    /// The smallest place around it.
    around: Option<usize>,
    /// Whether something was found in it.
    hit: bool,
}

impl<'a> Allows<'a> {
    fn new(topology: &'a Topology) -> Self {
        let mut places: BTreeMap<(&str, FileId, u32, Reverse<u32>), Vec<usize>> = BTreeMap::new();
        let mut all = Vec::new();
        for definition in definitions(topology) {
            for allow in &definition.allows {
                for span in spans(definition).chain([allow.within]) {
                    let place = (&*allow.lint, span.file, span.start, Reverse(span.end));
                    places.entry(place).or_default().push(all.len());
                }
                all.push((allow, Vec::new()));
            }
        }
        let mut found = Self { all, places: Vec::with_capacity(places.len()), lints: HashMap::new() };
        for ((lint, file, start, Reverse(end)), allows) in places {
            let index = found.places.len();
            let before = found.lints.entry(lint).or_default();
            let mut around = before.last().copied();
            while let Some(at) = around
                && !found.places[at].span.contains(Span { file, start, end })
            {
                around = found.places[at].around;
            }
            before.push(index);
            found.places.push(Place { span: Span { file, start, end }, around, hit: false });
            for allow in allows {
                found.all[allow].1.push(index);
            }
        }
        found
    }

    /// Whether a finding is silenced; it is by every `allow` around any of its places.
    fn silence(&mut self, diagnostic: &Diagnostic) -> bool {
        let Some(places) = self.lints.get(diagnostic.code.name) else { return false };
        let mut silenced = false;
        for label in &diagnostic.labels {
            let begin = (label.span.file, label.span.start);
            let after = places.partition_point(|at| {
                let span = self.places[*at].span;
                (span.file, span.start) <= begin
            });
            let mut around = after.checked_sub(1).map(|at| places[at]);
            while let Some(at) = around {
                let place = &mut self.places[at];
                if place.span.contains(label.span) {
                    place.hit = true;
                    silenced = true;
                }
                around = place.around;
            }
        }
        silenced
    }

    /// Every `allow` as it is written, and whether it has silenced anything: one in a template or loop stands for
    /// many.
    fn all(&self) -> Vec<(&'a Allow, bool)> {
        let mut all: BTreeMap<Span, (&Allow, bool)> = BTreeMap::new();
        for (allow, places) in &self.all {
            let used = places.iter().any(|place| self.places[*place].hit);
            all.entry(allow.span).or_insert((*allow, false)).1 |= used;
        }
        all.into_values().collect()
    }
}

fn definitions(topology: &Topology) -> impl Iterator<Item = &Definition> {
    let contract = &topology.contract;
    let contracts = contract
        .types
        .iter()
        .map(|found| &found.definition)
        .chain(contract.enums.iter().map(|found| &found.definition))
        .chain(contract.messages.iter().map(|found| &found.definition))
        .chain(contract.rpcs.iter().map(|found| &found.definition))
        .chain(contract.services.iter().map(|found| &found.definition));
    topology.definitions().iter().chain(contracts)
}

/// What is said of an entity, wherever that is written: templates are elsewhere, and a vhost has several nodes.
fn spans(definition: &Definition) -> impl Iterator<Item = Span> {
    let fields = definition.fields().map(|(_, field)| field.span);
    fields.chain(definition.arguments.values().map(|field| field.span)).filter(|span| span.is_known())
}
