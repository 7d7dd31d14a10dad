//! Two policies of one priority match the same entity.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Context, Lint, error,
    policies::{entities, identity, priority, selections, title},
};
use crate::{
    diag::{Diagnostic, Report},
    graph::policy_keys,
    kind::Value,
    topology::Policy,
};

pub(super) const LINT: Lint = Lint {
    code: error(
        "V005",
        "policy-tie",
        "Two policies of one priority match the same entity, and one of them is taken.",
    ),
    page: include_str!("policy_tie.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let mut seen = BTreeSet::new();
    for entity in entities(context) {
        for selection in selections(context, entity) {
            let Some(first) = selection.applies else { continue };
            for tied in selection.tied.iter().copied() {
                if !seen.insert((identity(first), identity(tied))) || keys(first) == keys(tied) {
                    continue;
                }
                let (first_name, name, at) = (first.name(), tied.name(), title(entity));
                report.push(
                    Diagnostic::new(
                        LINT.code,
                        format!(
                            "either `{first_name}` or `{name}` applies to {at}, and it is not said which"
                        ),
                    )
                    .label(tied.0.span_of("pattern"), format!("this matches {at} …"))
                    .label(first.0.span_of("pattern"), "… and so does this, with the same priority")
                    .note("exactly one policy applies; between equals the choice may change on a restart")
                    .help(format!(
                        "write `priority={}` in the one that is meant to win",
                        priority(first).saturating_add(1)
                    )),
                );
            }
        }
    }
}

fn keys(policy: Policy<'_>) -> BTreeMap<&str, &Value> {
    policy_keys(policy).map(|(key, field)| (key, &field.value)).collect()
}
