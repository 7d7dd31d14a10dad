//! A policy holds a key for which a queue skips it whole.

use std::collections::BTreeMap;

use super::{
    Context, Lint,
    edit::some_of,
    error, ha_policy_4x,
    policies::{counts, entities, identity, priority, selections, type_word},
};
use crate::{
    diag::{Diagnostic, Report, counted},
    graph::{Selection, policy_keys},
    kind::{Definition, version},
    topology::Policy,
};

pub(super) const LINT: Lint = Lint {
    code: error(
        "V007",
        "policy-unsupported-key",
        "A queue's type does not support a key of a policy, so the whole policy is skipped.",
    ),
    page: include_str!("policy_unsupported_key.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let mut found: BTreeMap<(usize, &str), (Policy<'_>, String, Vec<&Definition>)> = BTreeMap::new();
    for entity in entities(context) {
        let word = type_word(context, entity);
        for selection in selections(context, entity) {
            for (policy, key) in &selection.skipped {
                if is_lost(context, entity, selection, *policy, key) {
                    let entry = found.entry((identity(*policy), word));
                    entry.or_insert_with(|| (*policy, key.to_string(), Vec::new())).2.push(entity);
                }
            }
        }
    }
    for ((_, word), (policy, key, queues)) in found {
        let Some(first) = queues.first() else { continue };
        let others = match queues.len() - 1 {
            0 => String::new(),
            others => format!(" and {}", counted(others, "other queue")),
        };
        let lost = policy_keys(policy).map(|(key, _)| key).filter(|key| counts(context, first, key));
        let key_span =
            policy_keys(policy).find(|(name, _)| *name == key).map_or(policy.0.span, |(_, field)| field.span);
        let wanted = match word {
            "classic" => "quorum_queues",
            "quorum" => "classic_queues",
            _ => "queues",
        };
        let narrow = context.topology.target.is_none_or(|(target, _)| target >= version(3, 12));
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("policy `{}` does not apply to `{}`{others}", policy.name(), first.name()),
            )
            .label(key_span, format!("a {word} queue has no `{key}` …"))
            .label(first.span_of("type"), format!("… and `{}` is one", first.name()))
            .note(format!("the broker skips the whole policy there: {} is lost too", some_of(lost)))
            .help(if narrow && wanted != "queues" {
                format!(
                    "move `{key}` to a policy of its own with an `apply-to` that has it, such as `{}`",
                    having(&key, wanted)
                )
            } else {
                format!("move `{key}` to a policy of its own, with a pattern for the queues that have it")
            }),
        );
    }
}

/// The `apply-to` of the queues that have a key.
fn having(key: &str, other: &'static str) -> &'static str {
    if matches!(key, "max-age" | "stream-max-segment-size-bytes" | "initial-cluster-size") {
        "streams"
    } else {
        other
    }
}

/// Whether something is missing at an entity because it skips a policy.
fn is_lost<'a>(
    context: &Context<'_, 'a>,
    entity: &'a Definition,
    selection: &Selection<'a>,
    policy: Policy<'a>,
    key: &str,
) -> bool {
    let newest = topoc_routing::Version::V4_3;
    let effective = &context.graph.effective;
    // without a stated target the broker may be old or new
    let surely = context.topology.target.is_some()
        || effective
            .object(entity)
            .is_some_and(|object| topoc_routing::policy::unsupported(key, object, newest));
    let said_elsewhere =
        policy.0.unrecognized.contains(key) || (key.starts_with("ha-") && ha_policy_4x::speaks(context));
    surely
        && !said_elsewhere
        && !entity.external
        && selection.applies.is_none_or(|applies| priority(applies) <= priority(policy))
        && policy_keys(policy).any(|(key, _)| counts(context, entity, key))
}
