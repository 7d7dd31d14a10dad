//! A service publishes to the default exchange and may not.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Context, Lint, error,
    permission_insufficient::{Gap, gaps},
};
use crate::{
    diag::{Diagnostic, Report, Span},
    syntax::quote,
    topology::{
        DEFAULT_VHOST, Service, Topology,
        privilege::{self, DEFAULT_EXCHANGE},
    },
};

pub(super) const LINT: Lint = Lint {
    code: error(
        "S007",
        "default-exchange-permission",
        "A service publishes to the default exchange and may not.",
    ),
    page: include_str!("default_exchange_permission.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for Gap { service, permission, missing, .. } in gaps(context) {
        if !missing.iter().any(|name| &**name == DEFAULT_EXCHANGE) {
            continue;
        }
        let (span, why) = reason(context.topology, service);
        let needs = privilege::needs(context.topology, service);
        let needs = needs.get(permission.vhost.as_deref().unwrap_or(DEFAULT_VHOST));
        let write: BTreeSet<Arc<str>> = needs.map(|needs| needs.write.clone()).unwrap_or_default();
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("`{}` may not write to the default exchange, which it needs", permission.text("user").unwrap_or("")),
            )
            .label(permission.span_of("write"), format!("does not match `{DEFAULT_EXCHANGE}`"))
            .label(span, format!("`{}` {why}", service.name.text))
            .note(format!("in permissions the default exchange goes by the name `{DEFAULT_EXCHANGE}`; the broker answers 403 ACCESS_REFUSED"))
            .help(format!("write `write={}`", quote(&privilege::pattern(&write)))),
        );
    }
}

/// Which flow of a service goes through the default exchange.
fn reason(topology: &Topology, service: &Service) -> (Span, &'static str) {
    if let Some(calls) = service.calls.first() {
        return (calls.span, "sends its questions there");
    }
    if let Some(answers) = service.answers.first() {
        return (answers.span, "sends its answers there");
    }
    let contract = &topology.contract;
    let published = service.publishes.iter().find(|word| {
        let reference = contract.message(&word.text).and_then(|message| message.exchange.as_ref());
        reference.is_some_and(|reference| reference.name.text.is_empty())
    });
    if let Some(word) = published {
        return (word.span, "publishes there");
    }
    let retries = service.consumes.iter().find(|consumes| {
        topology.queues_of(&consumes.queue).iter().any(|queue| queue.0.field("retry").is_some())
    });
    retries.map_or((service.name.span, "publishes there"), |consumes| {
        (consumes.span, "sends what it tries again to the delay queues")
    })
}
