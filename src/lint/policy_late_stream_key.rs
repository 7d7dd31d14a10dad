//! A policy's key counts only when a stream is declared.

use super::{Context, Lint, dying::is_made, edit::and_others, warning};
use crate::{
    diag::{Diagnostic, Report},
    kind::KindId,
    topology::Queue,
};

pub(super) const LINT: Lint = Lint {
    code: warning("V011", "policy-late-stream-key", "A policy's key counts only when a stream is declared."),
    page: include_str!("policy_late_stream_key.md"),
    check,
};

/// What the broker reads once, when a stream is declared (`rabbit_stream_queue`). So it is with `queue-leader-locator`,
/// which policies are the usual place of: where a leader starts is decided once in any case.
const KEY: &str = "stream-max-segment-size-bytes";

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for policy in context.topology.of(KindId::Policy).filter(|policy| !policy.external) {
        let Some(field) = policy.field(KEY) else { continue };
        let applies: Vec<Queue<'_>> = context
            .topology
            .queues()
            .filter(|queue| queue.0.field(KEY).is_none() && !is_made(*queue))
            .filter(|queue| {
                let applied = context.graph.effective.applied(queue.0).policy;
                applied.is_some_and(|applied| std::ptr::eq(applied.0, policy))
            })
            .collect();
        let Some(first) = applies.first() else { continue };
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("`{KEY}` of policy `{}` counts only when a stream is declared", policy.name()),
            )
            .label(field.span, "changed later, it changes nothing of a stream that is there")
            .label(first.0.span, format!("it is for {}", and_others(first.name(), applies.len())))
            .help(format!(
                "write `{KEY} …` in `{}` itself, where a change is seen as what it is",
                first.name()
            )),
        );
    }
}
