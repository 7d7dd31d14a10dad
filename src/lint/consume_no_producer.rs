//! A service waits for a message that nobody publishes.

use std::collections::BTreeSet;

use super::{Context, Lint, warning};
use crate::{
    diag::{Diagnostic, Report},
    topology::Message,
};

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
            if published.contains(&*word.text) || somebody_elses(context, message) {
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

/// Whether others publish a message: they say so, or it is their exchange.
fn somebody_elses(context: &Context<'_, '_>, message: &Message) -> bool {
    let exchange = message
        .exchange
        .as_ref()
        .and_then(|exchange| context.topology.exchange(exchange.found.as_deref()?, &exchange.name.text));
    message.definition.external || exchange.is_some_and(|exchange| exchange.0.external)
}
