//! A full queue drops an important message.

use super::{Context, Lint, dying::is_made, warning};
use crate::diag::{Diagnostic, Report};

pub(super) const LINT: Lint = Lint {
    code: warning("C015", "drop-head-critical", "A full queue drops its oldest message, which is important."),
    page: include_str!("drop_head_critical.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for at in context.queues().filter(|at| !at.queue.0.external && !is_made(at.queue)) {
        // what expires without dead letters may be lost anyway
        let may_lose = at.known().message_ttl.is_some();
        if may_lose || at.known().dead_letter_exchange.is_some() || !at.drops_head() {
            continue;
        }
        let limits = ["max-length", "max-length-bytes"];
        let Some(message) = context.important(at.queue) else { continue };
        let Some(limit) = limits.iter().find_map(|name| context.value(at.queue, name)) else { continue };
        let (name, said) = (at.queue.name(), &message.name.text);
        report.push(
            Diagnostic::new(LINT.code, format!("`{name}` drops `{said}` when it is full"))
                .label(limit.field().span, "over this limit the oldest message is dropped")
                .label(message.definition.span_of("important"), format!("`{said}` must not be lost"))
                .note("it was confirmed to its publisher long ago, so nobody is told")
                .help(match limit.policy() {
                    Some(policy) => {
                        format!("in policy `{}`, write `overflow \"reject-publish\"`", policy.name())
                    }
                    None => format!("in `{name}`, write `overflow \"reject-publish\"`"),
                }),
        );
    }
}
