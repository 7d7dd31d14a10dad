//! A policy asks for mirroring, which RabbitMQ 4.0 does not have.

use super::{
    Context, Lint,
    edit::some_of,
    error,
    policies::{entities, identity, matching, selections},
};
use crate::{
    diag::{Change, Diagnostic, Report},
    graph::policy_keys,
    kind::{KindId, version},
    topology::{Policy, Queue, QueueType},
};

pub(super) const LINT: Lint = Lint {
    code: error(
        "V004",
        "ha-policy-4x",
        "A policy asks for classic mirroring, which RabbitMQ 4.0 does not have.",
    ),
    page: include_str!("ha_policy_4x.md"),
    check,
};

/// Whether mirroring is to be spoken of: the topology must or may run on 4.0.
pub(super) fn speaks(context: &Context<'_, '_>) -> bool {
    context.topology.target.is_none_or(|(target, _)| target >= version(4, 0))
}

fn check(context: &Context<'_, '_>, report: &mut Report) {
    if !speaks(context) {
        return;
    }
    for policy in context.topology.of(KindId::Policy).map(Policy).filter(|policy| !policy.0.external) {
        let Some((key, field)) = policy_keys(policy).find(|(key, _)| key.starts_with("ha-")) else {
            continue;
        };
        let name = policy.name();
        let mut diagnostic =
            Diagnostic::new(LINT.code, format!("policy `{name}` mirrors nothing on RabbitMQ 4.0 and later"))
                .label(field.span, format!("`{key}` is gone"));
        diagnostic = match context.topology.target {
            Some((_, span)) => diagnostic.label(span, "the topology runs on this"),
            None => diagnostic,
        };
        let queues: Vec<&str> = entities(context)
            .filter(|entity| entity.kind == KindId::Queue && !entity.external)
            .filter(|entity| Queue(entity).queue_type(context.topology) == QueueType::Classic)
            .filter(|entity| {
                selections(context, entity)
                    .flat_map(matching)
                    .any(|found| identity(found) == identity(policy))
            })
            .map(|entity| entity.name())
            .collect();
        let help = if queues.is_empty() {
            // a policy without any key is refused
            if policy_keys(policy).any(|(key, _)| !key.starts_with("ha-")) {
                for (_, field) in policy_keys(policy).filter(|(key, _)| key.starts_with("ha-")) {
                    diagnostic = diagnostic.mend(Change::Remove(field.span));
                }
            }
            "remove the keys that begin with `ha-`".to_owned()
        } else {
            format!(
                "remove the keys that begin with `ha-`, and write `type=\"quorum\"` in {}",
                some_of(queues)
            )
        };
        report.push(
            diagnostic
                .note("the broker refuses the policy, or keeps it after an upgrade and heeds it not: each queue has one copy")
                .help(help)
                .refused(policy.0.subject())
                .given_all(),
        );
    }
}
