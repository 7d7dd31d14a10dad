//! A queue has an attribute that only queues of another type have.

use super::{Context, Lint, error, stream_ttl_or_dlx};
use crate::{
    diag::{Diagnostic, Report},
    kind::{Attribute, Definition, KindId, Place},
    topology::{Queue, QueueType, Topology},
};

pub(super) const LINT: Lint = Lint {
    code: error("A001", "arg-wrong-queue-type", "A queue has an attribute that its type does not have."),
    page: include_str!("arg_wrong_queue_type.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for queue in context.topology.queues().filter(|queue| !queue.0.external) {
        let Some(queue_type) = stated_type(context.topology, queue) else { continue };
        for (attribute, span) in misplaced(queue.0, queue_type) {
            if queue_type == QueueType::Stream && stream_ttl_or_dlx::concerns(attribute) {
                continue;
            }
            let (name, word) = (attribute.spelling(), queue_type.word());
            let finding = Diagnostic::new(LINT.code, format!("`{name}` is nothing that a {word} queue has"))
                .label(span, format!("only {} queues have it", attribute.on.join(" and ")))
                .label(queue.0.span_of("type"), format!("`{}` is a {word} queue", queue.name()))
                .help(format!(
                    "remove `{name}`, or write `type={:?}`",
                    attribute.on.first().unwrap_or(&word)
                ));
            report.push(if is_checked(context.topology, attribute) {
                finding
                    .note("the broker refuses to declare the queue: 406 PRECONDITION_FAILED, `invalid arg`")
                    .refused(queue.0.subject())
            } else {
                finding.note("the broker stores it, shows it and never reads it").ignored(queue.0.subject())
            });
        }
    }
}

/// Whether the broker knows the argument, and so refuses it where it does not belong (`rabbit_amqqueue:check_arguments_key`).
pub(super) fn is_checked(topology: &Topology, attribute: &Attribute) -> bool {
    topology.target.is_none_or(|(target, _)| attribute.checked_since.is_none_or(|first| target >= first))
}

/// The type that a queue or its vhost states; none where it depends on the broker.
pub(super) fn stated_type(topology: &Topology, queue: Queue<'_>) -> Option<QueueType> {
    match queue.0.field("type") {
        Some(_) => queue.declared_type(),
        None => topology.default_queue_type(queue.vhost()).map(|_| queue.queue_type(topology)),
    }
}

/// The arguments that a queue of a type does not have, each `dead-letter` once.
pub(super) fn misplaced(
    queue: &Definition,
    queue_type: QueueType,
) -> impl Iterator<Item = (&'static Attribute, crate::diag::Span)> {
    let mut node = None;
    KindId::Queue.kind().attributes.iter().filter_map(move |attribute| {
        let field = queue.field(attribute.name)?;
        let is_argument = matches!(attribute.place, Place::Argument(_));
        if !is_argument || attribute.applies_to(queue_type.word()) {
            return None;
        }
        let said = attribute.within.map(|within| within.node);
        let again = said.is_some() && said == node;
        node = said;
        (!again).then_some((attribute, field.span))
    })
}
