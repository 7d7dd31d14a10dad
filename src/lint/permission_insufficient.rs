//! A service's user may not do what the service does.

use std::collections::BTreeSet;

use fancy_regex::Regex;

use super::{Context, Lint, edit::some_of, error};
use crate::{
    diag::{Diagnostic, Report, Span},
    kind::{Definition, Provenance},
    syntax::quote,
    topology::{
        DEFAULT_VHOST, Service,
        privilege::{self, DEFAULT_EXCHANGE},
    },
};

pub(super) const LINT: Lint = Lint {
    code: error("S004", "permission-insufficient", "A service's user may not do what the service does."),
    page: include_str!("permission_insufficient.md"),
    check,
};

/// A permission that does not cover all that a service's flows need.
pub(super) struct Gap<'a> {
    /// The service.
    pub service: &'a Service,
    /// The stated permission.
    pub permission: &'a Definition,
    /// `write` or `read`.
    pub which: &'static str,
    /// What it needs and may not.
    pub missing: Vec<std::sync::Arc<str>>,
}

/// The gaps between what services need and what is stated for their users.
pub(super) fn gaps<'a>(context: &Context<'_, 'a>) -> Vec<Gap<'a>> {
    let mut gaps = Vec::new();
    for (service, user) in context.service_users() {
        for (vhost, needs) in privilege::needs(context.topology, service) {
            let stated = context.permissions_of(user.name()).iter().find(|permission| {
                permission.provenance == Provenance::Written
                    && permission.vhost.as_deref().unwrap_or(DEFAULT_VHOST) == &*vhost
            });
            let Some(permission) = stated.copied() else { continue };
            for (which, names) in [("write", needs.write), ("read", needs.read)] {
                let missing = uncovered(permission, which, names);
                if !missing.is_empty() {
                    gaps.push(Gap { service, permission, which, missing });
                }
            }
        }
    }
    gaps
}

fn uncovered(
    permission: &Definition,
    which: &str,
    names: BTreeSet<std::sync::Arc<str>>,
) -> Vec<std::sync::Arc<str>> {
    // no pattern and the empty one let nothing through
    let pattern = permission.text(which).filter(|pattern| !pattern.is_empty()).unwrap_or("^$");
    // what is no regular expression is `arg-bad-type`'s to say
    let Ok(regex) = Regex::new(pattern) else { return Vec::new() };
    names.into_iter().filter(|name| !regex.is_match(name).unwrap_or(true)).collect()
}

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for Gap { service, permission, which, mut missing } in gaps(context) {
        missing.retain(|name| &**name != DEFAULT_EXCHANGE);
        let Some(first) = missing.first() else { continue };
        let (verb, span) = if which == "write" {
            ("publishes to", publishes(context, service, first))
        } else {
            ("takes messages from", takes(context, service, first))
        };
        let mut all: BTreeSet<_> = missing.iter().cloned().collect();
        let needs = privilege::needs(context.topology, service);
        if let Some(needs) = needs.get(permission.vhost.as_deref().unwrap_or(DEFAULT_VHOST)) {
            all.extend(if which == "write" { needs.write.clone() } else { needs.read.clone() });
        }
        report.push(
            Diagnostic::new(
                LINT.code,
                format!(
                    "`{}` may not {which} {}, which it needs",
                    permission.text("user").unwrap_or(""),
                    some_of(&missing)
                ),
            )
            .label(permission.span_of(which), format!("does not match `{first}`"))
            .label(span, format!("`{}` {verb} it here", service.name.text))
            .note("the broker answers 403 ACCESS_REFUSED and closes the channel")
            .help(format!("write `{which}={}`", quote(&privilege::pattern(&all)))),
        );
    }
}

/// Where a service says that it publishes to an exchange.
fn publishes(context: &Context<'_, '_>, service: &Service, exchange: &str) -> Span {
    let contract = &context.topology.contract;
    let there = service.publishes.iter().find(|word| {
        let message = contract.message(&word.text).and_then(|message| message.exchange.as_ref());
        message.is_some_and(|reference| &*reference.name.text == exchange)
    });
    there.map_or(service.name.span, |word| word.span)
}

/// Where a service says that it takes messages from a queue.
fn takes(context: &Context<'_, '_>, service: &Service, queue: &str) -> Span {
    let consumes = service.consumes.iter().find(|consumes| {
        let queues = context.topology.queues_of(&consumes.queue);
        queues.iter().any(|found| found.name() == queue)
    });
    let answers = || {
        let contract = &context.topology.contract;
        service.answers.iter().find(|answers| {
            let rpc = contract.rpc(&answers.rpc.text).and_then(|rpc| rpc.queue.as_ref());
            rpc.is_some_and(|reference| &*reference.name.text == queue)
        })
    };
    consumes
        .map(|consumes| consumes.span)
        .or_else(|| answers().map(|answers| answers.span))
        .unwrap_or(service.name.span)
}
