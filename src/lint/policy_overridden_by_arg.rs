//! A policy's key has no effect, because arguments say something else.

use std::collections::BTreeMap;

use topoc_routing::policy::{Rule, rule};

use super::{
    Context, Lint,
    policies::{entities, identity, title},
    warning,
};
use crate::{
    diag::{Diagnostic, Report},
    kind::{Attribute, Definition, KindId},
    topology::Policy,
};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "V009",
        "policy-overridden-by-arg",
        "A policy's key has no effect, because arguments say something else.",
    ),
    page: include_str!("policy_overridden_by_arg.md"),
    check,
};

/// Keys for which the broker takes an argument before a policy.
const KEYS: [&str; 4] = ["dead-letter-exchange", "dead-letter-routing-key", "alternate-exchange", "overflow"];

/// What a policy's key meets.
struct Met<'a> {
    policy: Policy<'a>,
    key: &'static str,
    /// Entities whose argument says something else.
    overridden: Vec<&'a Definition>,
    /// Whether it counts for some entity, so that it stands there for those that say nothing.
    counts: bool,
}

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let effective = &context.graph.effective;
    let mut met: BTreeMap<(usize, usize), Met<'_>> = BTreeMap::new();
    for entity in entities(context) {
        let (Some(policy), Some(object)) = (effective.applied(entity).policy, effective.object(entity))
        else {
            continue;
        };
        for (place, key) in KEYS.into_iter().enumerate() {
            let Some(wanted) = policy.0.field(key) else { continue };
            if rule(key, object, effective.version()) != Some(Rule::Argument) {
                continue;
            }
            let met = met.entry((identity(policy), place)).or_insert_with(|| Met {
                policy,
                key,
                overridden: Vec::new(),
                counts: false,
            });
            match entity.field(key) {
                Some(argument) if argument.value != wanted.value => met.overridden.push(entity),
                _ => met.counts = true,
            }
        }
    }
    let mut said = None;
    for ((policy, _), met) in met {
        // a key and its exchange are overridden together
        if let Some(first) = met.overridden.first().filter(|_| !met.counts && said != Some(policy)) {
            said = Some(policy);
            report.push(say(&met, first));
        }
    }
}

fn say(met: &Met<'_>, first: &Definition) -> Diagnostic {
    let spelling = KindId::Policy.kind().attribute(met.key).map_or_else(String::new, Attribute::spelling);
    let name = met.policy.name();
    let others = match met.overridden.len() - 1 {
        0 => String::new(),
        others => format!(", and so it is for {others} more"),
    };
    Diagnostic::new(LINT.code, format!("`{spelling}` of policy `{name}` has no effect"))
        .label(met.policy.0.span_of(met.key), format!("this matches {} …", title(first)))
        .label(first.span_of(met.key), format!("… whose argument says something else, and counts{others}"))
        .note("the broker takes the argument before the policy, and an argument cannot be changed on a living queue")
        .help(format!(
            "remove it from policy `{name}`, or from {}, which `topoc diff` then shows as a migration",
            title(first)
        ))
}
