//! A shovel lets its source forget a message before the destination has it.

use super::{Context, Lint, shovel_delete_after_no_ack, warning};
use crate::{
    diag::{Diagnostic, Report},
    kind::KindId,
};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "F014",
        "shovel-unsafe-ack",
        "A shovel's source forgets a message before the destination has it.",
    ),
    page: include_str!("shovel_unsafe_ack.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for shovel in context.topology.of(KindId::Shovel).filter(|shovel| !shovel.external) {
        let when = match shovel.text("ack-mode") {
            Some("no-ack") => "as soon as it is sent to the shovel",
            Some("on-publish") => "as soon as the shovel has sent it on",
            _ => continue,
        };
        if shovel_delete_after_no_ack::concerns(shovel) {
            continue;
        }
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("the shovel `{}` loses messages when a connection breaks", shovel.name()),
            )
            .label(shovel.span_of("ack-mode"), format!("the source forgets a message {when}"))
            .note("what is on its way then is in neither place")
            .help("write `ack-mode \"on-confirm\"`: some messages may come twice, and none is lost"),
        );
    }
}
