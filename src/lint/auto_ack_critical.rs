//! An important message is forgotten by the broker before it is handled.

use super::{Context, Lint, context::Hears, warning};
use crate::diag::{Diagnostic, Report};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "C003",
        "auto-ack-critical",
        "An important message is forgotten by the broker before it is handled.",
    ),
    page: include_str!("auto_ack_critical.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for queue in context.topology.queues() {
        let Some(message) = context.important(queue) else { continue };
        for hearer in context.hearers(queue) {
            let Hears::Consumes(consumes) = hearer.how else { continue };
            if !consumes.auto_ack || !hearer.handles(&message.name.text) {
                continue;
            }
            let (service, said) = (&hearer.service.name.text, &message.name.text);
            report.push(
                Diagnostic::new(LINT.code, format!("`{service}` loses `{said}` when it stops"))
                    .label(consumes.span, "the broker forgets a message as soon as it is sent")
                    .label(message.definition.span_of("important"), format!("`{said}` must not be lost"))
                    .note("what is on its way or in the service's memory is in no queue")
                    .help("remove `ack=\"auto\"`"),
            );
        }
    }
}
