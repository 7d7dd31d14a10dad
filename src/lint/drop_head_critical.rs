//! A full queue drops an important message.

use super::{
    Context, Lint,
    dying::{cause, is_made},
    edit::{and_others, together},
    warning,
};
use crate::diag::{Diagnostic, Report};

pub(super) const LINT: Lint = Lint {
    code: warning("C015", "drop-head-critical", "A full queue drops its oldest message, which is important."),
    page: include_str!("drop_head_critical.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let queues = context.queues().filter(|at| !at.queue.0.external && !is_made(at.queue));
    // what expires without dead letters may be lost anyway
    let queues =
        queues.filter(|at| !at.lets_expire() && at.known().dead_letter_exchange.is_none() && at.drops_head());
    let found = queues.filter_map(|at| {
        let message = context.important(at.queue)?;
        let limit =
            ["max-length", "max-length-bytes"].iter().find_map(|name| context.value(at.queue, name))?;
        Some((cause(Some(limit), at.queue, LINT.code.name), (at.queue, message, limit)))
    });
    for group in together(found) {
        let (queue, message, limit) = group[0];
        let (name, said) = (queue.name(), &message.name.text);
        let (verb, them) = if group.len() == 1 { ("drops", "it is") } else { ("drop", "they are") };
        let queues = and_others(name, group.len());
        let mut diagnostic = Diagnostic::new(LINT.code, format!("{queues} {verb} `{said}` when {them} full"))
            .label(limit.field().span, "over this limit the oldest message is dropped");
        if limit.policy().is_some() {
            diagnostic = diagnostic.label(queue.0.span, "it applies here");
        }
        report.push(
            diagnostic
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
