//! A quorum queue is to reject and dead-letter what does not fit, which only classic queues do.

use rustc_hash::FxHashMap;

use super::{Context, Lint, error};
use crate::{
    diag::{Diagnostic, Report, Span, counted},
    graph::Source,
    topology::{Queue, QueueType},
};

pub(super) const LINT: Lint = Lint {
    code: error(
        "A006",
        "quorum-reject-publish-dlx",
        "A quorum queue drops its oldest where it was to reject the newest.",
    ),
    page: include_str!("quorum_reject_publish_dlx.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    // a policy is one place, however many queues it is for
    let mut places: Vec<(Source<'_>, Vec<Queue<'_>>)> = Vec::new();
    let mut known: FxHashMap<Span, usize> = FxHashMap::default();
    for queue in context.topology.queues().filter(|queue| !queue.0.external) {
        if queue.queue_type(context.topology) != QueueType::Quorum {
            continue;
        }
        let Some(source) = context.graph.effective.value(queue.0, "overflow") else { continue };
        if source.field().value.as_text().is_none_or(|text| &**text != "reject-publish-dlx") {
            continue;
        }
        let place = *known.entry(source.field().span).or_insert_with(|| {
            places.push((source, Vec::new()));
            places.len() - 1
        });
        places[place].1.push(queue);
    }
    for (source, queues) in places {
        let Some(first) = queues.first() else { continue };
        let more = if queues.len() > 1 {
            format!(" and {} more", counted(queues.len() - 1, "quorum queue"))
        } else {
            String::new()
        };
        let mut diagnostic = Diagnostic::new(
            LINT.code,
            format!("`{}`{more} cannot dead-letter what is rejected", first.name()),
        )
        .label(source.field().span, "a quorum queue takes this as `drop-head`");
        if !matches!(source, Source::Argument(_)) {
            diagnostic = diagnostic.label(first.0.span_of("type"), "this is a quorum queue");
        }
        report.push(
            diagnostic
                .note(
                    "a full queue then drops its oldest messages, which their publishers were told are safe",
                )
                .help("write `overflow=\"reject-publish\"`: the publisher hears that the queue is full"),
        );
    }
}
