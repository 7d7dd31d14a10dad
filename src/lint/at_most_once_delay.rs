//! A delay that important messages leave at most once.

use std::collections::{BTreeMap, VecDeque};

use topoc_routing::{QueueId, QueueKind, Strategy};

use super::{
    Context, Lint,
    dying::{InVhost, is_made},
    warning,
};
use crate::{
    diag::{Diagnostic, Report},
    topology::Message,
};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "D016",
        "at-most-once-delay",
        "A delay queue loses important messages if a node dies while they leave it.",
    ),
    page: include_str!("at_most_once_delay.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    if !context.says_who_consumes() {
        return;
    }
    let waiting = waiting(context);
    for at in context.queues().filter(|at| !at.queue.0.external && !is_made(at.queue)) {
        let Some(message) = waiting.get(&(at.queue.vhost(), at.id)) else { continue };
        if !context.is_delay(at.queue) || at.known().effective_strategy() == Strategy::AtLeastOnce {
            continue;
        }
        let back = at.dead.targets(at.id).filter_map(|queue| at.routes.queue(queue));
        let Some(back) = back.into_iter().find(|queue| context.is_consumed(*queue)) else { continue };
        let (name, said) = (at.queue.name(), &message.name.text);
        report.push(
            Diagnostic::new(LINT.code, format!("`{said}` is dead-lettered at most once by `{name}`"))
                .label(
                    context.dead_letter_span(at.queue),
                    format!("what a node has not yet passed on to `{}` when it dies is lost", back.name()),
                )
                .label(message.definition.span_of("important"), format!("`{said}` must not be lost"))
                .help(help(at)),
        );
    }
}

/// The edit; what the queue has of it already is left out.
fn help(at: InVhost<'_, '_>) -> String {
    let known = at.known();
    let type_ = if known.kind == QueueKind::Quorum { "" } else { "`type \"quorum\"`, " };
    let bounded = known.max_length.is_some() || known.max_length_bytes.is_some();
    let bound = if bounded { "" } else { "a `max-length`, " };
    format!(
        "in `{}`, write {type_}{bound}`overflow \"reject-publish\"` and `strategy=\"at-least-once\"` in its `dead-letter`",
        at.queue.name()
    )
}

/// The queues that important messages come to, published or dead, each with the first of them.
fn waiting<'a>(context: &Context<'_, 'a>) -> BTreeMap<(&'a str, QueueId), &'a Message> {
    let mut found = BTreeMap::new();
    let mut next: VecDeque<_> =
        context.queues().filter_map(|at| Some((at, context.important(at.queue)?))).collect();
    while let Some((at, message)) = next.pop_front() {
        if found.contains_key(&(at.queue.vhost(), at.id)) {
            continue;
        }
        found.insert((at.queue.vhost(), at.id), message);
        next.extend(at.dead.targets(at.id).filter_map(|queue| Some((at.other(queue)?, message))));
    }
    found
}
