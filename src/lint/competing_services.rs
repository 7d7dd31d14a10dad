//! Two services take messages from one queue.

use std::collections::BTreeSet;

use super::{
    Context, Lint,
    edit::{bind, some_of},
    warning,
};
use crate::{
    diag::{Diagnostic, Report},
    topology::{Queue, QueueType},
};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "F009",
        "competing-services",
        "Two services take messages from one queue, and each misses the other's.",
    ),
    page: include_str!("competing_services.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for queue in context.topology.queues() {
        let hearers = context.hearers(queue);
        let names: BTreeSet<&str> = hearers.iter().map(|hearer| &*hearer.service.name.text).collect();
        if names.len() < 2 || queue.queue_type(context.topology) == QueueType::Stream {
            continue;
        }
        let Some(first) = hearers.first() else { continue };
        let Some(second) = hearers.iter().find(|other| other.service.name.text != first.service.name.text)
        else {
            continue;
        };
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("{} take messages from `{}` in turn", some_of(&names), queue.name()),
            )
            .label(second.span(), format!("what `{}` gets here …", second.service.name.text))
            .label(
                first.span(),
                format!("… `{}` never sees, and the other way round", first.service.name.text),
            )
            .note("each message goes to one consumer; two services on one queue each get about half")
            .help(help(context, queue, &second.service.name.text)),
        );
    }
}

fn help<'a>(context: &Context<'_, 'a>, queue: Queue<'a>, service: &str) -> String {
    let binds: Vec<String> = context
        .inbound(queue)
        .iter()
        .filter(|binding| binding.arguments().next().is_none())
        .take(5)
        .map(|binding| bind(binding.source(), binding.routing_key()))
        .collect();
    let name = format!("{}.{service}", queue.name());
    if binds.is_empty() {
        format!("give each a queue of its own: `queue {name:?}`")
    } else {
        format!("give each a queue of its own: `queue {name:?} {{ {} }}`", binds.join("; "))
    }
}
