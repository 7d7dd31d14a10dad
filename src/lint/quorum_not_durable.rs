//! A quorum queue or stream is to be transient, or to go by itself.

use super::{Context, Lint, arg_wrong_queue_type::stated_type, error};
use crate::{
    diag::{Diagnostic, Report},
    topology::QueueType,
};

pub(super) const LINT: Lint = Lint {
    code: error("A004", "quorum-not-durable", "A quorum queue or stream is transient or goes by itself."),
    page: include_str!("quorum_not_durable.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for queue in context.topology.queues().filter(|queue| !queue.0.external) {
        let replicated = match stated_type(context.topology, queue) {
            Some(QueueType::Quorum) => "quorum queue",
            Some(QueueType::Stream) => "stream",
            Some(QueueType::Classic) | None => continue,
        };
        let is = |name: &str, wrong: bool| {
            queue.0.field(name).is_some_and(|field| field.value.as_bool() == Some(wrong))
        };
        let flags = [
            (
                "durable",
                is("durable", false),
                "remove `durable=#false`, or write `type=\"classic\"`".to_owned(),
            ),
            (
                "auto-delete",
                is("auto-delete", true),
                if replicated == "stream" {
                    "remove `auto-delete`".to_owned()
                } else {
                    "write `expires=\"30m\"` in place of `auto-delete`".to_owned()
                },
            ),
        ];
        for (flag, _, edit) in flags.into_iter().filter(|(_, wrong, _)| *wrong) {
            let trouble = if flag == "durable" { "is not durable" } else { "deletes itself" };
            report.push(
                Diagnostic::new(LINT.code, format!("the {replicated} `{}` {trouble}", queue.name()))
                    .label(queue.0.span_of(flag), "the broker refuses this …")
                    .label(queue.0.span_of("type"), format!("… of a {replicated}"))
                    .note("it is a replicated log on disk, which stays until it is deleted: 406 PRECONDITION_FAILED")
                    .help(edit)
                    .refused(queue.0.subject()),
            );
        }
    }
}
