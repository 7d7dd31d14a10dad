//! A circle of dead letters in which messages that reach a delivery limit are dropped.

use super::{Context, Lint, circles::Trouble, error};
use crate::{
    diag::{Diagnostic, Report},
    syntax::quote,
};

pub(super) const LINT: Lint = Lint {
    code: error(
        "D004",
        "dlx-delivery-limit-loop",
        "Messages that reach a delivery limit are dropped on their way back.",
    ),
    page: include_str!("dlx_delivery_limit_loop.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for circle in context.circles(Trouble::DeliveryLimit) {
        let Some(first) = circle.queues.first() else { continue };
        let (fate, note) = context.fate_of_circle(circle);
        let mut diagnostic = Diagnostic::new(
            LINT.code,
            format!("messages that reach the delivery limit of `{}` {fate}", first.name()),
        );
        if let Some(limit) = context.value(*first, "delivery-limit") {
            diagnostic = diagnostic.label(limit.field().span, "the broker counts this as an automatic death");
        }
        report.push(context.label_circle(diagnostic, circle).note(note).help(format!(
            "in `{}`, write in place of `delivery-limit` and `dead-letter`:\nretry \"30s\" \"5m\" then={}",
            first.name(),
            quote(&format!("{}.dead", first.name()))
        )));
    }
}
