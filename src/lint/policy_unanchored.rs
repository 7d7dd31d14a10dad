//! A policy's pattern is found inside names that it is not meant for.

use std::collections::BTreeMap;

use fancy_regex::Regex;

use super::{
    Context, Lint,
    edit::some_of,
    policies::{entities, identity, matching, selections},
    warning,
};
use crate::{
    diag::{Diagnostic, Report},
    syntax::quote,
    topology::Policy,
};

pub(super) const LINT: Lint = Lint {
    code: warning("V010", "policy-unanchored", "A policy's pattern is also found inside other names."),
    page: include_str!("policy_unanchored.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let mut names: BTreeMap<usize, (Policy<'_>, Vec<&str>)> = BTreeMap::new();
    for entity in entities(context) {
        for policy in selections(context, entity).flat_map(matching).filter(|policy| is_judged(*policy)) {
            names.entry(identity(policy)).or_insert_with(|| (policy, Vec::new())).1.push(entity.name());
        }
    }
    for (policy, names) in names.into_values() {
        let pattern = policy.0.text("pattern").unwrap_or("");
        let (Ok(whole), Ok(inside)) = (Regex::new(&format!("^(?:{pattern})$")), Regex::new(pattern)) else {
            continue;
        };
        let is_whole = |name: &&str| whole.is_match(name).unwrap_or(true);
        let begins = |name: &&str| inside.find(name).ok().flatten().is_some_and(|found| found.start() == 0);
        let (meant, others): (Vec<&str>, Vec<&str>) = if names.iter().any(is_whole) {
            names.iter().partition(|name| is_whole(name))
        } else {
            names.iter().partition(|name| begins(name))
        };
        let (Some(first), Some(_)) = (meant.first(), others.first()) else { continue };
        let anchored = if is_whole(first) { format!("^{pattern}$") } else { format!("^{pattern}") };
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("policy `{}` also applies to {}", policy.name(), some_of(&others)),
            )
            .label(
                policy.0.span_of("pattern"),
                format!("matches `{first}`, and is found inside other names too"),
            )
            .note("the broker searches for the pattern anywhere in the name")
            .help(format!(
                "write `pattern={}`; to mean both: `pattern={}`",
                quote(&anchored),
                quote(&format!(".*{pattern}"))
            )),
        );
    }
}

/// Whether a pattern says neither where a name begins nor where it ends.
fn is_judged(policy: Policy<'_>) -> bool {
    let pattern = policy.0.text("pattern").unwrap_or("");
    !pattern.is_empty() && !pattern.contains(['^', '$']) && !pattern.starts_with(".*") && !policy.0.external
}
