//! A shovel is to go after so many messages, which it cannot count.

use super::{Context, Lint, edit::value, error};
use crate::{
    diag::{Diagnostic, Report},
    kind::{Definition, KindId},
};

pub(super) const LINT: Lint = Lint {
    code: error(
        "F015",
        "shovel-delete-after-no-ack",
        "A shovel is to go after so many messages, which it cannot count.",
    ),
    page: include_str!("shovel_delete_after_no_ack.md"),
    check,
};

/// Whether a shovel counts messages and takes no acknowledgements.
pub(super) fn concerns(shovel: &Definition) -> bool {
    shovel.integer("src-delete-after").is_some() && shovel.text("ack-mode") == Some("no-ack")
}

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for shovel in context.topology.of(KindId::Shovel).filter(|shovel| !shovel.external && concerns(shovel)) {
        report.push(
            Diagnostic::new(LINT.code, format!("the shovel `{}` cannot count its messages", shovel.name()))
                .label(shovel.span_of("src-delete-after"), "to go after so many …")
                .label(shovel.span_of("ack-mode"), "… it needs acknowledgements")
                .note("the broker refuses it: `Cannot specify 'no-ack' and numerical 'delete-after'`")
                .help("write `ack-mode \"on-confirm\"`")
                .refused(shovel.subject())
                .mend(value(shovel, "ack-mode", "\"on-confirm\"")),
        );
    }
}
