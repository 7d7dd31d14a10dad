//! The verdict, as people and programs read it.

use std::collections::BTreeMap;

use owo_colors::OwoColorize as _;
use serde_json::{Value as Json, json};

use super::{Effect, Finding, Place, Readiness, path};
use crate::{
    diag::{SourceMap, human::Look, json as places, visible},
    topology::DEFAULT_VHOST,
};

/// So many places of one finding, and so many findings of one lint, are shown where not all are asked for.
const SHOWN: usize = 5;

const EFFECTS: [Effect; 3] = [Effect::Refused, Effect::Changes, Effect::Ignored];

/// What is refused, what changes and what is ignored, and the way to upgrade.
#[must_use]
pub fn human(readiness: &Readiness, sources: &SourceMap, look: Look) -> String {
    let mut out = String::new();
    let mut seen: BTreeMap<(Effect, Option<&str>), usize> = BTreeMap::new();
    for finding in &readiness.findings {
        let count = seen.entry((finding.effect, finding.lint)).or_default();
        *count += 1;
        if look.all || finding.lint.is_none() || *count <= SHOWN {
            one(&mut out, finding, sources, look);
        }
    }
    for ((effect, lint), count) in seen {
        let (Some(lint), false) = (lint, look.all || count <= SHOWN) else { continue };
        out.push_str(&format!("{}: {} more of {lint}: --all\n\n", head(effect, look), count - SHOWN));
    }
    for note in &readiness.notes {
        out.push_str(&format!("! {}\n", visible(note)));
    }
    if let Some(way) = way(readiness) {
        out.push_str(&format!("{way}\n"));
    }
    out
}

fn head(effect: Effect, look: Look) -> String {
    let word = effect.word();
    match effect {
        _ if !look.color => word.to_owned(),
        Effect::Refused => word.red().bold().to_string(),
        Effect::Changes => word.yellow().bold().to_string(),
        Effect::Ignored => word.cyan().bold().to_string(),
    }
}

fn one(out: &mut String, finding: &Finding, sources: &SourceMap, look: Look) {
    out.push_str(&format!("{}: {}\n", head(finding.effect, look), visible(&finding.message)));
    let shown = if look.all { finding.places.len() } else { SHOWN };
    for place in finding.places.iter().take(shown) {
        if let Some(line) = line(place, sources) {
            out.push_str(&format!("  at {}\n", visible(&line)));
        }
    }
    if finding.places.len() > shown {
        out.push_str(&format!("     and {} more: --all\n", finding.places.len() - shown));
    }
    out.push_str(&format!("  = {}\n", visible(&finding.reason)));
    for (index, text) in finding.edit.lines().enumerate() {
        let text = visible(text);
        out.push_str(&format!("  {} {text}\n", if index == 0 { "help:" } else { "     " }));
    }
    if let Some(lint) = finding.lint {
        out.push_str(&format!("  more: topoc explain {lint}\n"));
    }
    out.push('\n');
}

/// `queue orders, vhost shop   topology.kdl:12`.
fn line(place: &Place, sources: &SourceMap) -> Option<String> {
    let subject = place.subject.as_ref().map(|subject| {
        let vhost = subject.vhost.as_deref().filter(|vhost| *vhost != DEFAULT_VHOST);
        let vhost = vhost.map_or_else(String::new, |vhost| format!(", vhost {vhost}"));
        format!("{} {}{vhost}", subject.kind.replace('-', " "), subject.name)
    });
    let written = sources.line_of(place.span);
    match (subject, written) {
        (Some(subject), Some(written)) => Some(format!("{subject}   {written}")),
        (subject, written) => subject.or(written),
    }
}

/// How a broker comes there in place.
fn way(readiness: &Readiness) -> Option<String> {
    let way = path(readiness.from, readiness.to).filter(|way| way.len() > 1)?;
    let names: Vec<String> = way.iter().map(ToString::to_string).collect();
    Some(format!(
        "upgrade in place by way of {}: each to its latest release, with all stable feature flags enabled before the next",
        names.join(" → ")
    ))
}

impl Readiness {
    /// `not ready for RabbitMQ 4.3: 2 refused, 3 change, 1 ignored`.
    #[must_use]
    pub fn verdict(&self, bound: Effect) -> String {
        let ready = if self.is_ready(bound) { "ready" } else { "not ready" };
        let counts = EFFECTS.map(|effect| (self.count(effect), effect));
        let found: Vec<String> = counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, effect)| match effect {
                Effect::Refused => format!("{count} refused"),
                Effect::Changes if count == 1 => "1 changes".to_owned(),
                Effect::Changes => format!("{count} change"),
                Effect::Ignored => format!("{count} ignored"),
            })
            .collect();
        let found = if found.is_empty() { String::new() } else { format!(": {}", found.join(", ")) };
        format!("{ready} for RabbitMQ {}{found}", self.to)
    }
}

/// The version of this form.
const VERSION: u32 = 1;

/// The same for programs: `docs/json.md` describes it.
#[must_use]
pub fn json(readiness: &Readiness, sources: &SourceMap, bound: Effect) -> Json {
    let entity = |place: &Place| {
        let subject = place.subject.as_ref();
        json!({
            "kind": subject.map(|subject| subject.kind),
            "vhost": subject.and_then(|subject| subject.vhost.as_deref()),
            "name": subject.map(|subject| &*subject.name),
            "place": places::place(place.span, sources),
        })
    };
    let findings: Vec<Json> = readiness
        .findings
        .iter()
        .map(|finding| {
            json!({
                "effect": finding.effect.word(),
                "lint": finding.lint,
                "message": finding.message,
                "reason": finding.reason,
                "edit": finding.edit,
                "entities": finding.places.iter().map(entity).collect::<Vec<_>>(),
            })
        })
        .collect();
    let counts: serde_json::Map<String, Json> =
        EFFECTS.iter().map(|effect| (effect.word().to_owned(), readiness.count(*effect).into())).collect();
    let way = path(readiness.from, readiness.to).unwrap_or_default();
    json!({
        "version": VERSION,
        "from": readiness.from.to_string(),
        "to": readiness.to.to_string(),
        "ready": readiness.is_ready(bound),
        "summary": counts,
        "path": way.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "findings": findings,
        "notes": readiness.notes,
    })
}
