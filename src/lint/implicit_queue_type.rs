//! A queue's type is left to the broker.

use super::{Context, Lint, warning};
use crate::{
    diag::{Diagnostic, Report},
    kind::{KindId, Provenance, version},
    topology::{QueueType, Topology},
};

pub(super) const LINT: Lint = Lint {
    code: warning("A012", "implicit-queue-type", "A queue's type is left to the broker and its version."),
    page: include_str!("implicit_queue_type.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let topology = context.topology;
    let untyped = topology.queues().filter(|queue| {
        !queue.0.external
            && !queue.0.garbled
            && queue.0.provenance == Provenance::Written
            && queue.0.field("type").is_none()
    });
    for queue in untyped {
        let default = topology.default_queue_type(queue.vhost());
        if default.is_some() && heeds_default(topology) {
            continue;
        }
        let vhost = topology.of(KindId::Vhost).find(|vhost| vhost.name() == queue.vhost());
        let mut diagnostic = Diagnostic::new(LINT.code, format!("`{}` does not say its type", queue.name()))
            .label(queue.0.span, "classic here, perhaps quorum elsewhere");
        if let Some((vhost, default)) = vhost.zip(default) {
            let older = format!("RabbitMQ 3.10 and 3.11 do not heed `{}` here", default.word());
            diagnostic = diagnostic.label(vhost.span_of("default-queue-type"), older);
        }
        let word = default.unwrap_or(QueueType::Classic).word();
        report.push(
            diagnostic
                .note("the type cannot change later; once the default of a vhost or node changes, the queue cannot be declared again: 406 PRECONDITION_FAILED")
                .help(format!("write `type={word:?}`")),
        );
    }
}

/// Whether every broker that the topology is for gives queues their vhost's default type.
fn heeds_default(topology: &Topology) -> bool {
    topology.target_version() >= version(3, 12)
}
