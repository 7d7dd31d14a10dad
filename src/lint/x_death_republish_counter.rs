//! A message carries a header that the broker does not take from publishers.

use super::{Context, Lint, warning};
use crate::{
    diag::{Diagnostic, Report},
    kind::version,
};

/// The headers that the broker itself writes about deaths.
const HEADERS: [&str; 7] = [
    "x-death",
    "x-first-death-exchange",
    "x-first-death-queue",
    "x-first-death-reason",
    "x-last-death-exchange",
    "x-last-death-queue",
    "x-last-death-reason",
];

pub(super) const LINT: Lint = Lint {
    code: warning(
        "D017",
        "x-death-republish-counter",
        "A message is published with a header that only the broker may count in.",
    ),
    page: include_str!("x_death_republish_counter.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let counts = context.topology.target_version() < version(4, 0);
    for message in &context.topology.contract.messages {
        let mut headers = message.headers.iter();
        let Some(header) = headers.find(|header| HEADERS.contains(&&*header.name.text)) else { continue };
        let why = if counts {
            "from RabbitMQ 4.0 on the broker begins to count anew, whatever a publisher writes here"
        } else {
            "the broker begins to count anew, whatever a publisher writes here (4.0 and later)"
        };
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("`{}` is published with `{}`, which is the broker's", message.name.text, header.name.text),
            )
            .label(header.name.span, why)
            .note("a consumer that publishes its message again and counts attempts in `x-death` never comes to the end")
            .help("count in a header of your own, or let a `retry` ladder of the queue count"),
        );
    }
}
