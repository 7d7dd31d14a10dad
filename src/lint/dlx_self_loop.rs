//! A circle of dead letters that messages come round by automatic deaths alone, and are dropped.

use super::{Context, Lint, circles::Trouble, error};
use crate::diag::{Diagnostic, Report};

pub(super) const LINT: Lint = Lint {
    code: error("D003", "dlx-self-loop", "Dead letters come back by themselves, and the broker drops them."),
    page: include_str!("dlx_self_loop.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for circle in context.circles(Trouble::Automatic) {
        let Some(first) = circle.queues.first() else { continue };
        let (fate, note) = context.fate_of_circle(circle);
        let message = format!("dead letters of `{}` come back to it and {fate}", first.name());
        let diagnostic = context.label_circle(Diagnostic::new(LINT.code, message), circle);
        report.push(diagnostic.note(note).help(context.open_circle(circle, "")));
    }
}
