//! `allow` and `lint … level=`: which findings are kept, and at which severity.

use std::collections::BTreeSet;

use super::{LINTS, find};
use crate::{
    diag::{Diagnostic, Report, Span, codes, did_you_mean},
    kind::{Allow, Definition},
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
                    .help(did_you_mean(&level.lint.text, names(), "lint")),
            );
        }
    }
    let allows = allows(topology);
    let mut used = BTreeSet::new();
    for mut diagnostic in found.diagnostics().iter().cloned() {
        let silenced = allows.iter().enumerate().filter(|(_, (allow, entity))| {
            *allow.lint == *diagnostic.code.name
                && diagnostic.labels.iter().any(|label| within(label.span, entity))
        });
        let silenced: Vec<usize> = silenced.map(|(index, _)| index).collect();
        if !silenced.is_empty() {
            used.extend(silenced);
            continue;
        }
        match topology.levels.iter().rev().find(|level| *level.lint.text == *diagnostic.code.name) {
            Some(level) => {
                let Some(severity) = level.level else { continue };
                diagnostic.severity = severity;
                report.push(diagnostic);
            }
            None => report.push(diagnostic),
        }
    }
    for (index, (allow, _)) in allows.iter().enumerate() {
        if find(&allow.lint).is_none() {
            report.push(
                Diagnostic::new(codes::UNKNOWN_LINT, format!("there is no lint `{}`", allow.lint))
                    .label(allow.span, "")
                    .help(did_you_mean(&allow.lint, names(), "lint")),
            );
        } else if !used.contains(&index) {
            report.push(
                Diagnostic::new(codes::STALE_ALLOW, format!("`allow \"{}\"` silences nothing", allow.lint))
                    .label(allow.span, "")
                    .help("remove it, so that the next finding is seen"),
            );
        }
    }
}

/// Every `allow` with the places that belong to its entity.
fn allows(topology: &Topology) -> Vec<(&Allow, Vec<Span>)> {
    let contract = &topology.contract;
    let contracts = contract
        .types
        .iter()
        .map(|found| &found.definition)
        .chain(contract.enums.iter().map(|found| &found.definition))
        .chain(contract.messages.iter().map(|found| &found.definition))
        .chain(contract.rpcs.iter().map(|found| &found.definition))
        .chain(contract.services.iter().map(|found| &found.definition));
    let all =
        topology.definitions().iter().chain(contracts).filter(|definition| !definition.allows.is_empty());
    all.flat_map(|definition| {
        let places = places(definition);
        definition.allows.iter().map(move |allow| (allow, [&places[..], &[allow.within]].concat()))
    })
    .collect()
}

/// What is said of an entity, wherever that is written: templates are elsewhere, and a vhost has several nodes.
fn places(definition: &Definition) -> Vec<Span> {
    let fields = definition.fields().map(|(_, field)| field.span);
    fields.chain(definition.arguments.values().map(|field| field.span)).collect()
}

fn within(span: Span, places: &[Span]) -> bool {
    places.iter().any(|place| place.file == span.file && place.start <= span.start && span.end <= place.end)
}
