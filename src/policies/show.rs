//! Policies and what counts, as people and programs read it.

use serde_json::{Value as Json, json};

use super::Entity;
use crate::{
    diag::{SourceMap, Span, digits, json::place, visible},
    graph::{Selection, Source},
    kind::{KindId, Type, Value, to_json},
    topology::{DEFAULT_VHOST, Policy},
};

/// A longer value does not push the others' sources aside.
pub(super) const WIDE: usize = 24;

/// Every entity with its policies and a line for each value.
#[must_use]
pub fn human(entities: &[Entity<'_, '_>], sources: &SourceMap) -> String {
    let mut out = String::new();
    for (index, entity) in entities.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let definition = entity.definition;
        let vhost = entity.vhost();
        let within = if vhost == DEFAULT_VHOST { String::new() } else { format!(", vhost {vhost}") };
        let head = format!("{} {}{within}", definition.kind.word(), definition.name());
        out.push_str(&at(&head, definition.span, sources));
        out.push('\n');
        selection(&mut out, "policy", entity.policies, sources);
        selection(&mut out, "operator-policy", entity.operator_policies, sources);
        let width = entity.values.iter().map(|value| value.name.chars().count()).max().unwrap_or(0);
        let shown = |source: Source<'_>, ty| value(&source.field().value, ty).chars().count();
        let counting = entity.values.iter().filter_map(|value| Some(shown(value.counts?, value.ty)));
        let values = counting.filter(|width| *width <= WIDE).max().unwrap_or(0);
        for effect in &entity.values {
            let counts = match effect.counts {
                Some(source) => said(source, effect.ty, definition.kind, values, sources),
                None => "nothing counts".to_owned(),
            };
            out.push_str(&format!("  {:width$}  {counts}\n", visible(effect.name)));
            for idle in &effect.idle {
                let said = said(*idle, effect.ty, definition.kind, 0, sources);
                out.push_str(&format!("  {:width$}  does not count: {said}\n", ""));
            }
        }
    }
    out
}

fn at(text: &str, span: Span, sources: &SourceMap) -> String {
    let text = visible(text);
    match sources.line_of(span) {
        Some(place) => format!("{text}   {}", visible(&place)),
        None => text,
    }
}

/// A value in a line of words: an empty text is seen, and digits are grouped.
pub(super) fn value(value: &Value, ty: Type) -> String {
    match (value, ty) {
        (Value::Text(text), _) if text.is_empty() => "\"\"".to_owned(),
        (Value::Integer(number), Type::Integer(..)) => digits(*number),
        _ => value.show(ty),
    }
}

fn said(source: Source<'_>, ty: Type, kind: KindId, width: usize, sources: &SourceMap) -> String {
    let value = value(&source.field().value, ty);
    let by = match source {
        Source::Argument(_) => format!("the {}'s own", kind.word()),
        Source::Policy(policy, _) => format!("policy {}", policy.name()),
        Source::OperatorPolicy(policy, _) => format!("operator-policy {}", policy.name()),
    };
    at(&format!("{value:width$}   {by}"), source.field().span, sources)
}

fn selection(out: &mut String, what: &str, selection: Option<&Selection<'_>>, sources: &SourceMap) {
    let Some(selection) = selection else { return };
    let named = |policy: Policy<'_>| {
        let priority = policy.0.integer("priority").unwrap_or(0);
        at(&format!("{what} {} (priority {priority})", policy.name()), policy.0.span, sources)
    };
    if let Some(policy) = selection.applies {
        let or: Vec<&str> = selection.tied.iter().map(|policy| policy.name()).collect();
        let tied = if or.is_empty() {
            String::new()
        } else {
            format!("   or {}, of the same priority: the broker picks one", visible(&or.join(", ")))
        };
        out.push_str(&format!("  by {}{tied}\n", named(policy)));
    }
    for policy in &selection.hidden {
        out.push_str(&format!("  not {}: one of a higher priority applies\n", named(*policy)));
    }
    for (policy, key) in &selection.skipped {
        out.push_str(&format!(
            "  not {}: `{}` is not for its type, so all of it is skipped\n",
            named(*policy),
            visible(key)
        ));
    }
}

/// The version of this form.
const VERSION: u32 = 1;

/// The same for programs: `docs/json.md` describes it.
#[must_use]
pub fn json(entities: &[Entity<'_, '_>], sources: &SourceMap) -> Json {
    let selected = |selection: Option<&Selection<'_>>| {
        let names = |policies: &[Policy<'_>]| -> Vec<String> {
            policies.iter().map(|policy| policy.name().to_owned()).collect()
        };
        json!({
            "applies": selection.and_then(|selection| selection.applies).map(|policy| policy.name()),
            "tied": selection.map(|selection| names(&selection.tied)).unwrap_or_default(),
            "hidden": selection.map(|selection| names(&selection.hidden)).unwrap_or_default(),
            "skipped": selection.map(|selection| {
                selection.skipped.iter().map(|(policy, key)| json!({ "name": policy.name(), "key": &**key }))
                    .collect::<Vec<_>>()
            }).unwrap_or_default(),
        })
    };
    let source = |source: &Source<'_>| {
        let from = match source {
            Source::Argument(_) => "argument",
            Source::Policy(..) => "policy",
            Source::OperatorPolicy(..) => "operator-policy",
        };
        json!({
            "value": to_json(&source.field().value),
            "from": from,
            "policy": source.policy().map(|policy| policy.name()),
            "place": place(source.field().span, sources),
        })
    };
    let entities: Vec<Json> = entities
        .iter()
        .map(|entity| {
            let values: serde_json::Map<String, Json> = entity
                .values
                .iter()
                .map(|effect| {
                    let idle: Vec<Json> = effect.idle.iter().map(source).collect();
                    let counts = effect.counts.as_ref().map(source);
                    (effect.name.to_owned(), json!({ "counts": counts, "idle": idle }))
                })
                .collect();
            json!({
                "kind": entity.definition.kind.word(),
                "vhost": entity.vhost(),
                "name": entity.definition.name(),
                "policy": selected(entity.policies),
                "operator_policy": selected(entity.operator_policies),
                "values": values,
            })
        })
        .collect();
    json!({ "version": VERSION, "entities": entities })
}
