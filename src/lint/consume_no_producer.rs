//! A service waits for a message that nobody publishes.

use std::collections::BTreeSet;

use super::{Context, Lint, warning};
use crate::diag::{Diagnostic, Report};

pub(super) const LINT: Lint = Lint {
    code: warning("F002", "consume-no-producer", "A service waits for a message that nobody publishes."),
    page: include_str!("consume_no_producer.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let contract = &context.topology.contract;
    let published: BTreeSet<&str> =
        contract.services.iter().flat_map(|service| &service.publishes).map(|word| &*word.text).collect();
    if published.is_empty() {
        return;
    }
    for service in &contract.services {
        for word in service.consumes.iter().flat_map(|consumes| &consumes.on) {
            let Some(message) = contract.message(&word.text) else { continue };
            if published.contains(&*word.text) || message.definition.external {
                continue;
            }
            let name = &word.text;
            report.push(
                Diagnostic::new(
                    LINT.code,
                    format!("`{}` waits for `{name}`, which nobody publishes", service.name.text),
                )
                .label(word.span, "its handler is never called")
                .label(message.name.span, "no service publishes it")
                .help(format!(
                    "write `publishes {:?}` in the service that does, or mark the message `external`",
                    &**name
                )),
            );
        }
    }
}
