//! A service's user may do what none of its flows needs.

use std::collections::{BTreeMap, BTreeSet};

use fancy_regex::Regex;

use super::{Context, Lint, edit::some_of, hint, permission_dot_star::lets_all_through};
use crate::{
    diag::{Diagnostic, Report},
    kind::{Definition, Provenance},
    syntax::quote,
    topology::{
        DEFAULT_VHOST, Service,
        privilege::{self, DEFAULT_EXCHANGE, Needs},
    },
};

pub(super) const LINT: Lint = Lint {
    code: hint("S005", "permission-excess", "A service's user may do what none of its flows needs."),
    page: include_str!("permission_excess.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let mut services: BTreeMap<&str, Vec<&Service>> = BTreeMap::new();
    for (service, user) in context.service_users() {
        services.entry(user.name()).or_default().push(service);
    }
    for permission in context.permissions().filter(|found| found.provenance == Provenance::Written) {
        let user = permission.text("user").unwrap_or("");
        let Some((services, first)) = services.get(user).and_then(|all| Some((all, all.first()?))) else {
            continue;
        };
        // who declares queues writes to what they dead-letter to, and reads what they are bound to
        if permission.text("configure").is_some_and(|pattern| !matches!(pattern, "" | "^$")) {
            continue;
        }
        let vhost = permission.vhost.as_deref().unwrap_or(DEFAULT_VHOST);
        let mut needs = Needs::default();
        for service in services {
            needs.extend(privilege::needs(context.topology, service).remove(vhost).unwrap_or_default());
        }
        let exchanges = context.topology.exchanges().filter(|exchange| exchange.vhost() == vhost);
        let exchanges: BTreeSet<&str> =
            exchanges.map(|exchange| exchange.name()).chain([DEFAULT_EXCHANGE]).collect();
        let queues = context.topology.queues().filter(|queue| queue.vhost() == vhost);
        let queues: BTreeSet<&str> = queues.map(|queue| queue.name()).collect();
        for (which, all, needed, verb) in [
            ("write", &exchanges, &needs.write, "publishes to"),
            ("read", &queues, &needs.read, "takes messages from"),
        ] {
            let excess: Vec<&str> = let_through(permission, which, all)
                .into_iter()
                .filter(|name| !needed.contains(*name))
                .collect();
            if excess.is_empty() {
                continue;
            }
            report.push(
                Diagnostic::new(
                    LINT.code,
                    format!("`{user}` may {which} {}, and need not", some_of(&excess)),
                )
                .label(permission.span_of(which), "lets more through than the flows need")
                .label(first.name.span, format!("neither this nor another of its services {verb} that"))
                .help(format!(
                    "write `{which}={}`, or remove the `permission`: topoc computes it",
                    quote(&privilege::pattern(needed))
                )),
            );
        }
    }
}

/// The declared names that a pattern lets through; a pattern for every name is `permission-dot-star`'s to say.
fn let_through<'n>(permission: &Definition, which: &str, names: &BTreeSet<&'n str>) -> Vec<&'n str> {
    let pattern = permission.text(which).filter(|pattern| !pattern.is_empty() && !lets_all_through(pattern));
    let Some(regex) = pattern.and_then(|pattern| Regex::new(pattern).ok()) else { return Vec::new() };
    names.iter().copied().filter(|name| regex.is_match(name).unwrap_or(false)).collect()
}
