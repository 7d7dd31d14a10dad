//! A policy matches nothing that is declared.

use rustc_hash::FxHashSet;

use super::{
    Context, Lint,
    policies::{entities, identity, matching, selections, title, type_word, vhost},
    warning,
};
use crate::{
    diag::{Diagnostic, Report, nearest},
    kind::{Definition, KindId},
    syntax::quote,
    topology::Policy,
};

pub(super) const LINT: Lint = Lint {
    code: warning("V006", "policy-matches-nothing", "A policy applies to no declared queue or exchange."),
    page: include_str!("policy_matches_nothing.md"),
    check,
};

/// Exchanges that every vhost has, and that a policy may be for.
const PREDECLARED: [&str; 6] =
    ["amq.direct", "amq.fanout", "amq.headers", "amq.match", "amq.rabbitmq.trace", "amq.topic"];

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let used: FxHashSet<usize> = entities(context)
        .flat_map(|entity| selections(context, entity).flat_map(matching))
        .map(identity)
        .collect();
    let policies =
        [KindId::Policy, KindId::OperatorPolicy].into_iter().flat_map(|kind| context.topology.of(kind));
    for policy in
        policies.map(Policy).filter(|policy| !used.contains(&identity(*policy)) && is_judged(*policy))
    {
        let here: Vec<&Definition> =
            entities(context).filter(|entity| vhost(entity) == policy.vhost()).collect();
        let Some(found) = context.graph.effective.pattern(policy).filter(|found| found.is_valid()) else {
            continue;
        };
        let finds = |name: &str| found.is_found_in(name);
        if here.is_empty() || PREDECLARED.iter().any(|name| finds(name)) {
            continue;
        }
        let pattern = policy.0.text("pattern").unwrap_or("");
        let diagnostic = Diagnostic::new(LINT.code, format!("policy `{}` applies to nothing", policy.name()))
            .note("what it says is not there, and nothing shows its absence until it is needed");
        let by_name = here.iter().find(|entity| finds(entity.name()));
        report.push(match by_name {
            Some(entity) => {
                let word = type_word(context, entity);
                let wanted = if word == "exchange" { "exchanges" } else { "queues" };
                diagnostic
                    .label(policy.0.span_of("apply-to"), format!("this leaves out {} …", title(entity)))
                    .label(entity.span, format!("… which the pattern matches; it is of type {word}"))
                    .help(format!("write `apply-to=\"{wanted}\"`"))
            }
            None => {
                let diagnostic =
                    diagnostic.label(policy.0.span_of("pattern"), "no declared name matches this");
                let plain = pattern.trim_start_matches('^').trim_end_matches('$').replace("\\.", ".");
                let plain = plain.trim_end_matches(['.', '*', '+']);
                let beginnings = here.iter().map(|entity| beginning(entity.name(), plain));
                match nearest(plain, beginnings) {
                    Some(near) => {
                        let escaped = |text: &str| text.replace('.', "\\.");
                        let mended = pattern.replacen(&escaped(plain), &escaped(near), 1);
                        diagnostic.help(format!("did you mean `pattern={}`?", quote(&mended)))
                    }
                    None => diagnostic.help(
                        "mend the pattern, or remove the policy; for queues that clients declare: \
                         `allow \"policy-matches-nothing\" because=\"…\"`",
                    ),
                }
            }
        });
    }
}

/// Whether a policy is meant for what is declared: one with `expires` is for queues that come and go.
fn is_judged(policy: Policy<'_>) -> bool {
    policy.0.field("expires").is_none() && !policy.0.external
}

/// As much of a name as a pattern says, in whole words.
fn beginning<'n>(name: &'n str, pattern: &str) -> &'n str {
    let words = pattern.matches('.').count();
    name.match_indices('.').nth(words).map_or(name, |(at, _)| &name[..at])
}
