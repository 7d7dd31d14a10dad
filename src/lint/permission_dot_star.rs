//! A service's user may do everything.

use std::{collections::BTreeMap, sync::Arc};

use super::{Context, Lint, warning};
use crate::{
    diag::{Diagnostic, Report},
    kind::{Definition, Provenance},
    syntax::quote,
    topology::{DEFAULT_VHOST, Service, privilege},
};

pub(super) const LINT: Lint = Lint {
    code: warning("S003", "permission-dot-star", "A service's user may do everything in a vhost."),
    page: include_str!("permission_dot_star.md"),
    check,
};

/// Whether a pattern lets every name through.
pub(super) fn lets_all_through(pattern: &str) -> bool {
    matches!(pattern, ".*" | ".+" | "^.*$" | "^.+$" | "^.*" | "^.+" | ".*$" | ".+$")
}

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let mut services: BTreeMap<&str, Vec<&Service>> = BTreeMap::new();
    for (service, user) in context.service_users() {
        services.entry(user.name()).or_default().push(service);
    }
    for permission in context.permissions().filter(|found| found.provenance == Provenance::Written) {
        let Some(services) = services.get(permission.text("user").unwrap_or("")) else { continue };
        let wide: Vec<&str> = ["configure", "write", "read"]
            .into_iter()
            .filter(|which| permission.text(which).is_some_and(lets_all_through))
            .collect();
        if let (Some(first), Some(service)) = (wide.first(), services.first()) {
            report.push(
                Diagnostic::new(
                    LINT.code,
                    format!("`{}` may {} everything", permission.text("user").unwrap_or(""), wide.join(", ")),
                )
                .label(permission.span_of(first), "lets every name through")
                .label(service.name.span, "this service needs far less")
                .note("it can then read and delete every queue of the vhost, and publish in the name of every service")
                .help(format!("write `{}`, or remove the `permission`: topoc computes it", least(context, permission, services))),
            );
        }
    }
}

/// The least that the flows of all services of a user need in the permission's vhost.
fn least(context: &Context<'_, '_>, permission: &Definition, services: &[&Service]) -> String {
    let vhost: Arc<str> = Arc::from(permission.vhost.as_deref().unwrap_or(DEFAULT_VHOST));
    let mut all = privilege::Needs::default();
    for service in services {
        all.extend(privilege::needs(context.topology, service).remove(&vhost).unwrap_or_default());
    }
    let (write, read) = (privilege::pattern(&all.write), privilege::pattern(&all.read));
    format!(
        "permission vhost={} configure=\"^$\" write={} read={}",
        quote(&vhost),
        quote(&write),
        quote(&read)
    )
}
