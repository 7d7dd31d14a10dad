//! A proposal, as people and programs read it.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{Change, Moved, Policy, Proposal, Stays};
use crate::{
    diag::{SourceMap, Span, counted, json::place, plural},
    kind::to_json,
    policies::show::{WIDE, value},
};

/// So many names stand in a line.
const NAMES: usize = 4;

/// The policies, what is taken out, what stays, and the proof.
#[must_use]
pub fn human(proposal: &Proposal, sources: &SourceMap) -> String {
    let mut out = String::new();
    if proposal.policies.is_empty() {
        out.push_str("nothing to hoist: no argument moves\n");
        stays(&mut out, &proposal.stays, sources);
        return out;
    }
    let arguments = counted(proposal.values.len(), "argument");
    let new = proposal.policies.iter().filter(|policy| policy.change == Change::Added).count();
    out.push_str(&match new {
        0 => format!("policies that are there take the place of {arguments}\n"),
        1 => format!("1 new policy takes the place of {arguments}\n"),
        _ => format!("{new} new policies take the place of {arguments}\n"),
    });
    let mut vhost = None;
    for policy in &proposal.policies {
        if vhost != Some(&policy.vhost) {
            out.push_str(&format!("\nvhost {}\n", policy.vhost));
            vhost = Some(&policy.vhost);
        }
        of_policy(&mut out, policy);
    }
    for (vhost, name) in &proposal.idle {
        out.push_str(&format!("\npolicy {name} in vhost {vhost} applies to nothing any more\n"));
    }
    out.push_str("\ntaken out\n");
    let at = |span: Span| sources.line_of(span).unwrap_or_default();
    let width = proposal.dropped.iter().map(|dropped| at(dropped.span).chars().count()).max().unwrap_or(0);
    for dropped in &proposal.dropped {
        let text: Vec<&str> = dropped.text.split_whitespace().collect();
        let of = names(&dropped.subjects);
        out.push_str(&format!("  {:width$}  {}   of {of}\n", at(dropped.span), text.join(" ")));
    }
    stays(&mut out, &proposal.stays, sources);
    values(&mut out, &proposal.values, sources);
    let compared = &proposal.compared;
    let series = match compared.series.as_slice() {
        [first, .., last] => format!("each RabbitMQ from {first} to {last}"),
        several => format!("RabbitMQ {}", several.join("")),
    };
    out.push_str(&format!(
        "\ncompared on {series}: {} of {} and {}, none of them another\n",
        counted(compared.values, "value"),
        counted(compared.queues, "queue"),
        counted(compared.exchanges, "exchange"),
    ));
    out
}

fn of_policy(out: &mut String, policy: &Policy) {
    let (sign, head) = match policy.change {
        Change::Added => ('+', String::new()),
        Change::Extended => ('~', format!("policy {} gets\n", policy.name)),
        Change::AsItIs => ('=', format!("policy {} says it already\n", policy.name)),
    };
    let indent = if head.is_empty() { "" } else { "    " };
    let text: Vec<String> = policy.text.lines().map(|line| format!("{indent}{line}\n")).collect();
    let lines: Vec<&str> = [head.as_str()].into_iter().chain(text.iter().map(String::as_str)).collect();
    for (index, line) in lines.concat().lines().enumerate() {
        let sign = if index == 0 { sign } else { ' ' };
        out.push_str(&format!("  {sign} {line}\n"));
    }
    out.push_str(&format!("    for {}", several(policy.kind, &policy.subjects)));
    if policy.open {
        out.push_str(", and for more whose names begin so");
    }
    out.push('\n');
    if let Some(over) = &policy.over {
        out.push_str(&format!("    in place of policy {over}, whose keys it repeats: only one applies\n"));
    }
}

fn names(names: &[String]) -> String {
    match names.get(..NAMES) {
        Some(first) if names.len() > NAMES + 1 => {
            format!("{} and {} more", first.join(", "), names.len() - NAMES)
        }
        _ => names.join(", "),
    }
}

fn stays(out: &mut String, stays: &[Stays], sources: &SourceMap) {
    let mut by_reason: BTreeMap<(Span, &str, &str, &str), Vec<String>> = BTreeMap::new();
    for stay in stays {
        let key = (stay.span, stay.attribute, stay.kind, stay.why.as_str());
        by_reason.entry(key).or_default().push(stay.subject.clone());
    }
    if !by_reason.is_empty() {
        out.push_str("\nstays an argument\n");
    }
    for ((span, attribute, kind, why), subjects) in by_reason {
        let at = sources.line_of(span).unwrap_or_default();
        out.push_str(&format!("  {at}  {attribute} of {}: {why}\n", several(kind, &subjects)));
    }
}

/// `queue a`, `queues a, b`.
fn several(kind: &str, subjects: &[String]) -> String {
    let kind = if subjects.len() == 1 { kind.to_owned() } else { plural(kind) };
    format!("{kind} {}", names(subjects))
}

/// Each value and who says it now; of those that moved alike, once.
fn values(out: &mut String, values: &[Moved], sources: &SourceMap) {
    out.push_str("\ncounts as before\n");
    let width = values.iter().map(|moved| moved.attribute.chars().count()).max().unwrap_or(0);
    let shown = |moved: &Moved| value(&moved.value, moved.ty);
    let widths = values.iter().map(|moved| shown(moved).chars().count()).filter(|width| *width <= WIDE);
    let wide = widths.max().unwrap_or(0);
    let same = |a: &Moved, b: &Moved| (a.kind, &a.vhost, &a.subject) == (b.kind, &b.vhost, &b.subject);
    let mut alike: Vec<(&[Moved], Vec<String>)> = Vec::new();
    let mut places = BTreeMap::new();
    for moved in values.chunk_by(same) {
        let essence = |m: &Moved| (m.kind, m.vhost.clone(), m.attribute, m.was, m.policy.clone(), shown(m));
        let place = places.entry(moved.iter().map(essence).collect::<Vec<_>>()).or_insert_with(|| {
            alike.push((moved, Vec::new()));
            alike.len() - 1
        });
        alike[*place].1.extend(moved.first().map(|moved| moved.subject.clone()));
    }
    for (moved, subjects) in alike {
        let kind = moved.first().map_or("", |moved| moved.kind);
        out.push_str(&format!("  {}\n", several(kind, &subjects)));
        for moved in moved {
            let was = sources.line_of(moved.was).unwrap_or_default();
            out.push_str(&format!(
                "    {:width$}  {:wide$}   by policy {}   instead of {was}\n",
                moved.attribute,
                shown(moved),
                moved.policy
            ));
        }
    }
}

/// The version of this form.
const VERSION: u32 = 1;

/// The same for programs: `docs/json.md` describes it.
#[must_use]
pub fn json(proposal: &Proposal, sources: &SourceMap) -> Json {
    let policies = proposal.policies.iter().map(|policy| {
        let change = match policy.change {
            Change::Added => "added",
            Change::Extended => "extended",
            Change::AsItIs => "as-it-is",
        };
        json!({
            "vhost": policy.vhost,
            "name": policy.name,
            "change": change,
            "kdl": policy.text,
            "over": policy.over,
            "open": policy.open,
            "kind": policy.kind,
            "subjects": policy.subjects,
        })
    });
    let dropped = proposal.dropped.iter().map(|dropped| {
        json!({
            "place": place(dropped.span, sources),
            "kdl": dropped.text,
            "subjects": dropped.subjects,
        })
    });
    let stays = proposal.stays.iter().map(|stays| {
        json!({
            "place": place(stays.span, sources),
            "attribute": stays.attribute,
            "kind": stays.kind,
            "name": stays.subject,
            "why": stays.why,
        })
    });
    let values = proposal.values.iter().map(|moved| {
        json!({
            "kind": moved.kind,
            "vhost": moved.vhost,
            "name": moved.subject,
            "attribute": moved.attribute,
            "value": to_json(&moved.value),
            "was": place(moved.was, sources),
            "policy": moved.policy,
        })
    });
    let idle = proposal.idle.iter().map(|(vhost, name)| json!({ "vhost": vhost, "name": name }));
    let edits = proposal
        .edits
        .iter()
        .map(|edit| json!({ "place": place(edit.span, sources), "replacement": edit.replacement }));
    let compared = &proposal.compared;
    json!({
        "version": VERSION,
        "policies": policies.collect::<Vec<_>>(),
        "dropped": dropped.collect::<Vec<_>>(),
        "stays": stays.collect::<Vec<_>>(),
        "values": values.collect::<Vec<_>>(),
        "idle": idle.collect::<Vec<_>>(),
        "compared": {
            "series": compared.series,
            "queues": compared.queues,
            "exchanges": compared.exchanges,
            "values": compared.values,
        },
        "edits": edits.collect::<Vec<_>>(),
    })
}
