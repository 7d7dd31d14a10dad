//! `strategy="at-least-once"` without the overflow that it needs.

use super::{Context, Lint, error};
use crate::diag::{Diagnostic, Report};

pub(super) const LINT: Lint = Lint {
    code: error(
        "D006",
        "at-least-once-ineffective",
        "At-least-once dead-lettering falls back to at-most-once, as the queue's overflow is not `reject-publish`.",
    ),
    page: include_str!("at_least_once_ineffective.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for at in context.queues().filter(|at| at.known().kind == topoc_routing::QueueKind::Quorum) {
        let Some(strategy) = context.value(at.queue, "dead-letter-strategy") else { continue };
        let overflow = context.value(at.queue, "overflow");
        let word = overflow.and_then(|overflow| overflow.field().value.as_text()).map(|word| &**word);
        let wants = strategy.field().value.as_text().is_some_and(|word| &**word == "at-least-once");
        // without an exchange nothing is dead-lettered, and reject-publish-dlx has a lint of its own
        if !wants
            || matches!(word, Some("reject-publish" | "reject-publish-dlx"))
            || at.known().dead_letter_exchange.is_none()
        {
            continue;
        }
        let name = at.queue.name();
        let mut diagnostic =
            Diagnostic::new(LINT.code, format!("`{name}` does not dead-letter at least once"))
                .label(strategy.field().span, "this needs `overflow=\"reject-publish\"` …");
        diagnostic = match (word, overflow) {
            (Some(word), Some(overflow)) => {
                let by = overflow
                    .policy()
                    .map_or(String::new(), |policy| format!(" by policy `{}`", policy.name()));
                diagnostic.label(overflow.field().span, format!("… and the queue has `{word}`{by}"))
            }
            _ => diagnostic.label(at.queue.0.span, "… and the queue states none, which is `drop-head`"),
        };
        report.push(
            diagnostic.note("the broker falls back to at-most-once, with one warning in its log").help(
                match overflow.and_then(|overflow| overflow.policy()) {
                    Some(policy) => {
                        format!("in policy `{}`, write `overflow \"reject-publish\"`", policy.name())
                    }
                    None => format!("in `{name}`, write `overflow \"reject-publish\"`"),
                },
            ),
        );
    }
}
