//! A policy's key is taken away by a policy of higher priority.

use std::collections::BTreeSet;

use super::{
    Context, Lint,
    edit::some_of,
    policies::{counts, entities, identity, selections, title},
    warning,
};
use crate::{
    diag::{Diagnostic, Report},
    graph::policy_keys,
};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "V008",
        "policy-hidden-by-higher",
        "A policy of higher priority takes away keys of another, as only one of them applies.",
    ),
    page: include_str!("policy_hidden_by_higher.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let mut seen = BTreeSet::new();
    for entity in entities(context).filter(|entity| !entity.external) {
        for selection in selections(context, entity) {
            let Some(winner) = selection.applies else { continue };
            for loser in selection.hidden.iter().copied() {
                if seen.contains(&(identity(winner), identity(loser))) {
                    continue;
                }
                let held: BTreeSet<&str> = policy_keys(winner).map(|(key, _)| key).collect();
                let lost: Vec<&str> = policy_keys(loser)
                    .map(|(key, _)| key)
                    .filter(|key| !held.contains(key) && counts(context, entity, key))
                    .collect();
                if lost.is_empty() {
                    continue;
                }
                seen.insert((identity(winner), identity(loser)));
                let (name, by, at) = (loser.name(), winner.name(), title(entity));
                report.push(
                    Diagnostic::new(
                        LINT.code,
                        format!("`{name}` does not apply to {at}: `{by}` takes its place"),
                    )
                    .label(loser.0.span_of("pattern"), format!("this matches {at} …"))
                    .label(
                        winner.0.field("priority").map_or(winner.0.span_of("pattern"), |field| field.span),
                        "… and so does this, with a higher priority",
                    )
                    .note(format!("policies are not merged: {} has no effect there", some_of(&lost)))
                    .help(format!("add to `{by}` what it is to keep of `{name}`: {}", some_of(&lost))),
                );
            }
        }
    }
}
