//! A circle of dead letters in which a queue waits for the next one's confirm.

use super::{Context, Lint, circles::Trouble, error};
use crate::{
    diag::{Diagnostic, Report},
    syntax::quote,
};

pub(super) const LINT: Lint = Lint {
    code: error(
        "D008",
        "at-least-once-cycle",
        "Dead letters that must be confirmed go round, so that the queues wait for one another.",
    ),
    page: include_str!("at_least_once_cycle.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for circle in context.circles(Trouble::AtLeastOnce) {
        let Some(first) = circle.queues.first() else { continue };
        let message = format!("dead letters of `{}` wait for their own way back", first.name());
        let mut diagnostic = Diagnostic::new(LINT.code, message);
        if let Some(strategy) = context.value(*first, "dead-letter-strategy") {
            diagnostic = diagnostic.label(strategy.field().span, "each stays until the next queue has it …");
        }
        let dead = quote(&format!("{}.dead", first.name()));
        report.push(
            context
                .label_circle(diagnostic, circle)
                .note(format!("{}: once one of them is full, none of them moves", circle.way()))
                .help(format!(
                    "end them in a queue that leads nowhere: `dead-letter \"\" routing-key={dead} \
                     strategy=\"at-least-once\"`"
                )),
        );
    }
}
