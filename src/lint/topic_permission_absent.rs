//! A topic exchange is guarded by keys for one user, and open for another.

use std::collections::BTreeMap;

use super::{Context, Lint, hint};
use crate::{
    diag::{Diagnostic, Report},
    kind::{Definition, KindId},
    syntax::quote,
    topology::DEFAULT_VHOST,
};

pub(super) const LINT: Lint = Lint {
    code: hint(
        "S008",
        "topic-permission-absent",
        "A topic exchange is guarded by keys for one user, and open for another.",
    ),
    page: include_str!("topic_permission_absent.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    // by vhost and exchange: what is stated of it
    let mut guarded: BTreeMap<(&str, &str), Vec<&Definition>> = BTreeMap::new();
    for permission in context.topology.of(KindId::TopicPermission) {
        let vhost = permission.vhost.as_deref().unwrap_or(DEFAULT_VHOST);
        guarded.entry((vhost, permission.text("exchange").unwrap_or(""))).or_default().push(permission);
    }
    let contract = &context.topology.contract;
    for (service, user) in context.service_users() {
        for message in service.publishes.iter().filter_map(|word| contract.message(&word.text)) {
            let Some(exchange) = &message.exchange else { continue };
            let Some(vhost) = exchange.found.as_deref() else { continue };
            let name = &*exchange.name.text;
            let Some(stated) = guarded.get(&(vhost, name)) else { continue };
            let is_mine = |found: &&&Definition| found.text("user") == Some(user.name());
            let (Some(other), None) = (stated.first(), stated.iter().find(is_mine)) else { continue };
            report.push(
                Diagnostic::new(LINT.code, format!("`{}` may publish to `{name}` with any key", user.name()))
                    .label(user.span, format!("has no `topic-permission` for `{name}`: that is no limit"))
                    .label(other.span, format!("`{}` has one", other.text("user").unwrap_or("")))
                    .help(format!(
                        "in user {}, write `topic-permission {} write={} read=\".*\"`",
                        quote(user.name()),
                        quote(name),
                        quote(&format!("^{}$", fancy_regex::escape(&message.routing_key.text)))
                    )),
            );
            break;
        }
    }
}
