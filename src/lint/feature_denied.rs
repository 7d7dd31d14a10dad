//! Something that the broker still has, and does not permit.

use super::{Context, Lint, edit::said, error};
use crate::{
    diag::{Change, Diagnostic, Report, Span},
    kind::{Definition, KindId, Version, version},
    topology::{Queue, QueueType},
};

pub(super) const LINT: Lint = Lint {
    code: error("V002", "feature-denied", "The broker that the topology names denies this by default."),
    page: include_str!("feature_denied.md"),
    check,
};

/// The first series that denies what is found here (`rabbit_amqqueue`, `rabbit_queue_location`; release notes of 4.3.0).
const DENIES: Version = version(4, 3);

/// What is denied.
struct Denied {
    what: String,
    span: Span,
    label: &'static str,
    why: &'static str,
    edit: &'static str,
    /// The deprecated feature by which the broker's configuration permits it; none for what is gone.
    feature: Option<&'static str>,
    /// The same edit, where it is certain.
    mended: Option<Change>,
}

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let Some((target, target_span)) = context.topology.target.filter(|(target, _)| *target >= DENIES) else {
        return;
    };
    let queues = context.topology.queues().filter(|queue| !queue.0.external);
    let of_queues = queues.flat_map(|queue| {
        // of other types `quorum-not-durable` and `arg-wrong-queue-type` speak
        let classic = queue.queue_type(context.topology) == QueueType::Classic;
        let found = [transient(queue), locator(queue.0), first_version(queue.0)];
        found.into_iter().flatten().filter(move |_| classic).map(move |denied| (queue.0, denied))
    });
    let policies =
        [KindId::Policy, KindId::OperatorPolicy].into_iter().flat_map(|kind| context.topology.of(kind));
    let of_policies =
        policies.filter(|policy| !policy.external).filter_map(|policy| Some((policy, locator(policy)?)));
    for (definition, denied) in of_queues.chain(of_policies) {
        let permit = denied.feature.map_or_else(String::new, |feature| {
            format!(
                "; or permit it on every node: `deprecated_features.permit.{feature} = true` in rabbitmq.conf"
            )
        });
        report.push(
            Diagnostic::new(LINT.code, denied.what)
                .label(denied.span, denied.label)
                .label(target_span, format!("RabbitMQ {target} denies it"))
                .note(denied.why)
                .help(format!("{}{permit}", denied.edit))
                .mend(denied.mended)
                .refused(definition.subject()),
        );
    }
}

fn transient(queue: Queue<'_>) -> Option<Denied> {
    (!queue.0.flag("durable")).then(|| Denied {
        what: format!("the queue `{}` is transient, and not a connection's own", queue.name()),
        span: queue.0.span_of("durable"),
        label: "neither durable nor exclusive",
        why: "the broker refuses to declare it: 541 INTERNAL_ERROR, `transient_nonexcl_queues` is deprecated; one that is there goes with the node that stops for the upgrade",
        edit: "remove `durable=#false`, with `expires=\"30m\"` where the queue is to go by itself",
        feature: Some("transient_nonexcl_queues"),
        mended: None,
    })
}

fn locator(definition: &Definition) -> Option<Denied> {
    definition.field("queue-master-locator").map(|field| Denied {
        what: format!(
            "`queue-master-locator` of the {} `{}` is denied",
            definition.kind.word(),
            definition.name()
        ),
        span: field.span,
        label: "the old word for `queue-leader-locator`",
        why: "the broker refuses what holds it: `queue_master_locator` is deprecated",
        edit: "write `queue-leader-locator \"balanced\"`, or `\"client-local\"`",
        feature: Some("queue_master_locator"),
        mended: None,
    })
}

/// In a policy it is taken, and ignored.
fn first_version(queue: &Definition) -> Option<Denied> {
    let field = queue.field("queue-version").filter(|field| field.value.as_integer() == Some(1))?;
    Some(Denied {
        what: format!("the queue `{}` asks for a storage that is gone", queue.name()),
        span: field.span,
        label: "there is version 2 only",
        why: "the broker refuses to declare the queue: 406 PRECONDITION_FAILED, unsupported queue version",
        edit: "remove `queue-version 1`",
        feature: None,
        mended: said(queue, "queue-version").map(Change::Remove),
    })
}
