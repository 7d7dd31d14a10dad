//! An operator policy says something else than the queue.

use std::collections::BTreeMap;

use super::{
    Context, Lint,
    edit::and_others,
    policies::{entities, identity},
    warning,
};
use crate::{
    diag::{Diagnostic, Report},
    graph::{Source, policy_keys},
    kind::{Definition, Field, KindId},
    topology::Policy,
};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "V012",
        "operator-policy-clamps",
        "An operator policy sets another value than the one declared.",
    ),
    page: include_str!("operator_policy_clamps.md"),
    check,
};

/// A key of an operator policy that overrules what is declared.
struct Clamped<'a> {
    operator: Policy<'a>,
    key: &'static str,
    counts: &'a Field,
    declared: &'a Field,
    entities: Vec<&'a Definition>,
}

fn check(context: &Context<'_, '_>, report: &mut Report) {
    // every entity is asked, and most topologies have none
    if context.topology.of(KindId::OperatorPolicy).next().is_none() {
        return;
    }
    let mut clamped: BTreeMap<(usize, &str), Clamped<'_>> = BTreeMap::new();
    for entity in entities(context) {
        let applied = context.graph.effective.applied(entity);
        let Some(operator) = applied.operator else { continue };
        for (key, _) in policy_keys(operator) {
            let Some(Source::OperatorPolicy(_, counts)) = context.graph.effective.value(entity, key) else {
                continue;
            };
            let by_policy = applied.policy.and_then(|policy| policy.0.field(key));
            let Some(declared) = entity.field(key).or(by_policy).filter(|field| field.value != counts.value)
            else {
                continue;
            };
            let Some(attribute) = KindId::OperatorPolicy.kind().attribute(key) else { continue };
            let first = || Clamped { operator, key: attribute.name, counts, declared, entities: Vec::new() };
            clamped.entry((identity(operator), key)).or_insert_with(first).entities.push(entity);
        }
    }
    for Clamped { operator, key, counts, declared, entities } in clamped.into_values() {
        let Some(first) = entities.first() else { continue };
        let who = and_others(first.name(), entities.len());
        report.push(
            Diagnostic::new(LINT.code, format!("the `{key}` of {who} is not what counts"))
                .label(declared.span, "declared here …")
                .label(counts.span, format!("… and operator policy `{}` has the last word", operator.name()))
                .note("of two limits the broker takes the smaller; for what is no limit it takes the operator policy's")
                .help(format!("write the value that counts, or raise it in operator policy `{}`", operator.name())),
        );
    }
}
