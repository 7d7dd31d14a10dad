//! A policy names its upstreams in two ways.

use super::{Context, Lint, error};
use crate::{
    diag::{Diagnostic, Report},
    kind::{Field, KindId},
};

const KEYS: [&str; 3] = ["federation-upstream", "federation-upstream-set", "federation-upstream-pattern"];

pub(super) const LINT: Lint = Lint {
    code: error("F010", "federation-key-conflict", "A policy names its upstreams in two ways."),
    page: include_str!("federation_key_conflict.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for policy in context.topology.of(KindId::Policy).filter(|policy| !policy.external) {
        let mut stated: Vec<(&str, &Field)> =
            KEYS.iter().filter_map(|key| Some((*key, policy.field(key)?))).collect();
        stated.sort_by_key(|(_, field)| field.span);
        let [(first, earlier), (second, later), ..] = stated.as_slice() else { continue };
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("the policy `{}` names its upstreams in two ways", policy.name()),
            )
            .label(later.span, format!("`{second}` …"))
            .label(earlier.span, format!("… and `{first}` exclude each other"))
            .note(
                "the broker refuses the policy, with every other key in it (`rabbit_federation_parameters`)",
            )
            .help(format!("remove `{second}` or `{first}`"))
            .refused(policy.subject()),
        );
    }
}
