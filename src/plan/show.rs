//! A plan as people and machines read it.

use serde_json::{Value as Json, json};

use super::{Action, Changed, Cost, Overruled, Plan, Stamp, Step, compare::shown};
use crate::{
    diag::{SourceMap, plural, visible},
    kind::{Definition, KindId, Place, Type},
};

pub use crate::diag::digits;

/// How much of a plan is shown, and how.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// Every step, however many are alike.
    pub all: bool,
    /// Paints a sign.
    pub paint: &'a dyn Fn(Action, &str) -> String,
}

impl std::fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shown").field("all", &self.all).finish_non_exhaustive()
    }
}

/// More steps alike than this are shown by the first few and a number.
const ALIKE: usize = 12;
const FIRST: usize = 5;

/// `1 queue`, `2 queues`.
#[must_use]
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", digits(i64::try_from(number).unwrap_or(i64::MAX)), if number == 1 { one } else { many })
}

/// How many of a queue's members are up, where they are not all: `1 of 3 members is online`.
#[must_use]
pub fn members_online(online: usize, members: usize) -> String {
    match (online, members) {
        (0, 1) => "its only member is not online".to_owned(),
        (0, _) => format!("none of its {members} members is online"),
        (1, _) => format!("1 of {members} members is online"),
        _ => format!("{online} of {members} members are online"),
    }
}

/// The first few of several, and how many more.
#[must_use]
pub fn list(all: &[String], separator: &str) -> String {
    let shown = if all.len() <= FIRST { all.len() } else { FIRST - 1 };
    let mut text = all[..shown].join(separator);
    if shown < all.len() {
        text.push_str(&format!(" and {} more", digits(i64::try_from(all.len() - shown).unwrap_or(i64::MAX))));
    }
    text
}

/// What an entity is, in some words: its type, or its settings.
#[must_use]
pub fn summary(definition: &Definition) -> String {
    let kind = definition.kind.kind();
    let wanted = |name: &str| match definition.kind {
        KindId::Queue | KindId::Exchange => name == "type",
        KindId::Binding | KindId::Parameter | KindId::GlobalParameter | KindId::FederationUpstreamSet => {
            false
        }
        _ => true,
    };
    let words: Vec<String> = definition
        .fields()
        .filter(|(name, _)| wanted(name) && !kind.identity.contains(name))
        .filter_map(|(name, field)| {
            let attribute = kind.attribute(name)?;
            if attribute.ty == Type::Secret || kind.place(attribute) == Place::Nowhere {
                return None;
            }
            let value = shown(&field.value, attribute.ty);
            let bare = matches!(definition.kind, KindId::Queue | KindId::Exchange);
            Some(if bare { value } else { format!("{name} {value}") })
        })
        .collect();
    words.join(", ")
}

fn several_vhosts(plan: &Plan) -> bool {
    let mut vhosts = plan.steps.iter().filter_map(Step::vhost);
    let first = vhosts.next();
    vhosts.any(|vhost| Some(vhost) != first)
}

/// The plan in aligned columns, each step with its sign, reason, place and danger, and nothing where there is none.
#[must_use]
pub fn human(plan: &Plan, sources: &SourceMap, shown: Shown<'_>) -> String {
    let shown_rows = rows_of(plan, shown.all);
    let several = several_vhosts(plan);
    let name = |step: &Step| {
        visible(&match step.vhost() {
            Some(vhost) if several => format!("{}  ({vhost})", step.name()),
            _ => step.name(),
        })
    };
    let width = |text: &str| text.chars().count();
    let rows: Vec<(&Step, String, String)> = shown_rows
        .iter()
        .filter_map(|row| match row {
            Row::Step(step) => Some((*step, name(step), sources.line_of(step.span).unwrap_or_default())),
            Row::More(..) => None,
        })
        .collect();
    let kinds = rows.iter().map(|(step, ..)| width(step.kind.word())).max().unwrap_or(0);
    let names = rows.iter().map(|(_, name, _)| width(name)).filter(|width| *width <= 60).max().unwrap_or(0);
    let reasons =
        rows.iter().map(|(step, ..)| width(&visible(&step.reason))).filter(|w| *w <= 44).max().unwrap_or(0);
    let mut out = String::new();
    let mut rows = rows.into_iter();
    for row in &shown_rows {
        match row {
            Row::More(step, more) => {
                let sign = (shown.paint)(step.action, step.action.sign());
                let line = format!(
                    "  {sign} … and {} more {}: --all\n",
                    digits(i64::try_from(*more).unwrap_or(i64::MAX)),
                    if *more == 1 { step.kind.word().to_owned() } else { plural(step.kind.word()) }
                );
                out.push_str(&line);
            }
            Row::Step(step) => {
                let Some((_, name, place)) = rows.next() else { continue };
                let sign = (shown.paint)(step.action, step.action.sign());
                let reason = visible(&step.reason);
                let line = format!(
                    "{}{name}{}  {}{}  {place}",
                    format_args!("{}{}  ", step.kind.word(), " ".repeat(kinds - width(step.kind.word()))),
                    " ".repeat(names.saturating_sub(width(&name))),
                    reason,
                    " ".repeat(reasons.saturating_sub(width(&reason))),
                );
                out.push_str(&format!("  {sign} {}\n", line.trim_end()));
                if let Some(danger) = &step.danger {
                    out.push_str(&format!("    {}! {}\n", " ".repeat(kinds + 2), visible(&danger.text)));
                }
                if let Some(instead) = &step.instead {
                    out.push_str(&format!("    {}help: {}\n", " ".repeat(kinds + 2), visible(instead)));
                }
            }
        }
    }
    for found in &plan.overruled {
        let place = if several { format!("in vhost `{}`: ", found.vhost) } else { String::new() };
        out.push_str(&format!("  · {}\n", visible(&format!("{place}{found}"))));
    }
    for note in &plan.notes {
        out.push_str(&format!("  ! {}\n", visible(note)));
    }
    out
}

enum Row<'a> {
    Step(&'a Step),
    More(&'a Step, usize),
}

/// Runs of like steps are cut, but not those that are dangerous, nor what is deleted or refused: that is for the reader
/// to decide.
fn rows_of(plan: &Plan, all: bool) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    let alike = |step: &Step| (step.action, step.kind);
    for group in plan.steps.chunk_by(|a, b| alike(a) == alike(b)) {
        let harmless = |step: &Step| matches!(step.action, Action::Create | Action::Adopt | Action::Change);
        if all || group.len() <= ALIKE || !group.iter().all(harmless) {
            rows.extend(group.iter().map(Row::Step));
            continue;
        }
        let mut hidden = 0;
        for (index, step) in group.iter().enumerate() {
            if index < FIRST || step.danger.is_some() {
                rows.push(Row::Step(step));
            } else {
                hidden += 1;
            }
        }
        if let Some(last) = group.last().filter(|_| hidden > 0) {
            rows.push(Row::More(last, hidden));
        }
    }
    rows
}

impl Plan {
    /// `1 to create, 1 to change, 1 refused`.
    #[must_use]
    pub fn totals(&self) -> String {
        let kinds = [
            (Action::Create, "to create"),
            (Action::Adopt, "to take over"),
            (Action::Change, "to change"),
            (Action::Replace, "to replace"),
            (Action::Move, "to move"),
            (Action::Delete, "to delete"),
            (Action::Restore, "to restore"),
            (Action::Forget, "to forget"),
            (Action::Refuse, "refused"),
        ];
        let words: Vec<String> = kinds
            .into_iter()
            .filter_map(|(action, words)| {
                let number = self.steps.iter().filter(|step| step.action == action).count();
                (number > 0).then(|| format!("{} {words}", digits(i64::try_from(number).unwrap_or(i64::MAX))))
            })
            .collect();
        let mut words = words.join(", ");
        let drifted = self.drifted().count();
        if drifted > 0 {
            let drifted = count(drifted as u64, "has", "have");
            words.push_str(&format!("; {drifted} drifted on the broker since the last apply"));
        }
        words
    }

    /// The steps that are about what somebody else has changed or deleted on the broker.
    pub fn drifted(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.drifted)
    }
}

/// A plan as JSON, version 1: see docs/json.md.
#[must_use]
pub fn json(plan: &Plan, sources: &SourceMap) -> Json {
    let changes: Vec<Json> = plan.steps.iter().map(|step| change(step, sources)).collect();
    json!({
        "version": 1,
        "topology": plan.topology.as_deref(),
        "compared": plan.compared,
        "record": !plan.unrecorded,
        "applied": plan.stamp.as_ref().map(Stamp::to_json),
        "changes": changes,
        "overruled": plan.overruled.iter().map(Overruled::json).collect::<Vec<_>>(),
        "notes": plan.notes,
    })
}

impl Step {
    /// The step as an element of a plan's `changes`.
    #[must_use]
    pub fn to_json(&self, sources: &SourceMap) -> Json {
        change(self, sources)
    }
}

fn change(step: &Step, sources: &SourceMap) -> Json {
    let place = sources.line_of(step.span);
    let (file, line) = place.as_deref().and_then(|place| place.rsplit_once(':')).unzip();
    let differences: Vec<Json> = step
        .differences
        .iter()
        .map(|found| {
            json!({
                "name": found.name,
                "from": found.from,
                "to": found.to,
                "secret": found.secret,
                "changed": found.changed.map(Changed::word),
            })
        })
        .collect();
    json!({
        "action": step.action.word(),
        "kind": step.kind.word(),
        "vhost": step.vhost().map(|vhost| &**vhost),
        "name": step.name(),
        "reason": step.reason,
        "differences": differences,
        "drifted": step.drifted,
        "danger": step.danger.as_ref().map(|danger| &danger.text),
        "costs": step.cost.map(costs),
        "instead": step.instead,
        "loses": step.loses(),
        "gap": step.danger.as_ref().is_some_and(|danger| danger.gap),
        "file": file,
        "line": line.and_then(|line| line.parse::<u64>().ok()),
    })
}

fn costs(cost: Cost) -> Json {
    json!({
        "ready": cost.messages.map(|held| held.ready),
        "unacknowledged": cost.messages.map(|held| held.unacked),
        "bytes": cost.bytes,
        "consumers": cost.consumers,
        "bindings": cost.bindings,
        "seconds": cost.seconds(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(digits(5), "5");
        assert_eq!(digits(1204), "1 204");
        assert_eq!(digits(-1_000_000), "-1 000 000");
        assert_eq!(count(1, "queue", "queues"), "1 queue");
        assert_eq!(count(0, "queue", "queues"), "0 queues");
    }
}
