//! A circle of dead letters that a rejected message can walk without end.

use super::{Context, Lint, circles::Trouble, warning};
use crate::{
    diag::{Diagnostic, Report},
    syntax::quote,
};

pub(super) const LINT: Lint = Lint {
    code: warning("D005", "infinite-reject-loop", "A message that is rejected comes back without end."),
    page: include_str!("infinite_reject_loop.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for circle in context.circles(Trouble::Rejection) {
        let Some(first) = circle.queues.first() else { continue };
        let message = format!("a message that is rejected in `{}` comes back without end", first.name());
        report.push(
            context
                .label_circle(Diagnostic::new(LINT.code, message), circle)
                .note(format!("{}: nothing counts the attempts, a delivery limit does not either", circle.way()))
                .help(format!(
                    "in `{}`, write in place of `dead-letter`:\nretry \"30s\" \"5m\" \"1h\" then={}\nor, if the \
                     handler counts: allow \"infinite-reject-loop\" because=\"…\"",
                    first.name(),
                    quote(&format!("{}.dead", first.name()))
                )),
        );
    }
}
