//! A policy's key counts only when the queue is declared.

use super::{
    Context, Lint,
    edit::and_others,
    policies::{entities, title},
    warning,
};
use crate::{
    diag::{Diagnostic, Report},
    kind::{Attribute, Change, Definition, KindId},
};

pub(super) const LINT: Lint = Lint {
    code: warning("V011", "policy-late-stream-key", "A policy's key counts only when the queue is declared."),
    page: include_str!("policy_late_stream_key.md"),
    check,
};

/// What the broker reads once, when the queue is declared; `rabbit_stream_queue`, `rabbit_queue_location`.
fn only_at_declare(attribute: &Attribute) -> bool {
    attribute.change == Change::AtDeclare || attribute.name == "stream-max-segment-size-bytes"
}

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let queue = KindId::Queue.kind();
    let keys: Vec<&Attribute> =
        queue.all_attributes().filter(|attribute| only_at_declare(attribute)).collect();
    for policy in context.topology.of(KindId::Policy).filter(|policy| !policy.external) {
        for key in &keys {
            let Some(field) = policy.field(key.name) else { continue };
            let applies: Vec<&Definition> = entities(context)
                .filter(|entity| entity.kind == KindId::Queue && entity.field(key.name).is_none())
                .filter(|entity| {
                    let applied = context.graph.effective.applied(entity).policy;
                    applied.is_some_and(|applied| std::ptr::eq(applied.0, policy))
                })
                .collect();
            let Some(first) = applies.first() else { continue };
            report.push(
                Diagnostic::new(
                    LINT.code,
                    format!(
                        "`{}` of policy `{}` counts only when a queue is declared",
                        key.name,
                        policy.name()
                    ),
                )
                .label(field.span, "changed later, it changes nothing of a queue that is there")
                .label(first.span, format!("it is for {}", and_others(first.name(), applies.len())))
                .help(format!(
                    "write `{} …` in {} itself, where a change is seen as what it is",
                    key.name,
                    title(first)
                )),
            );
        }
    }
}
