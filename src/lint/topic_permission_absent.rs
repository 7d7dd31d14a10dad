//! A topic exchange is guarded by keys for one user, and open for another.

use std::collections::{BTreeMap, BTreeSet};

use super::{Context, Lint, hint};
use crate::{
    diag::{Diagnostic, Report},
    kind::{Definition, KindId},
    syntax::quote,
    topology::{DEFAULT_VHOST, KeyPart, Message},
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
    // by user, vhost and exchange: the keys that all its services publish with
    let mut open: BTreeMap<(&str, &str, &str), (&Definition, BTreeSet<String>)> = BTreeMap::new();
    for (service, user) in context.service_users().filter(|(_, user)| !user.external) {
        for message in service.publishes.iter().filter_map(|word| contract.message(&word.text)) {
            let Some(exchange) = &message.exchange else { continue };
            let Some(vhost) = exchange.found.as_deref() else { continue };
            let place = (user.name(), vhost, &*exchange.name.text);
            open.entry(place).or_insert_with(|| (user, BTreeSet::new())).1.insert(keys(message));
        }
    }
    for ((name, vhost, exchange), (user, keys)) in open {
        let Some(stated) = guarded.get(&(vhost, exchange)) else { continue };
        let is_mine = |found: &&&Definition| found.text("user") == Some(name);
        let (Some(other), None) = (stated.first(), stated.iter().find(is_mine)) else { continue };
        let keys: Vec<String> = keys.into_iter().collect();
        let write =
            if let [one] = keys.as_slice() { format!("^{one}$") } else { format!("^({})$", keys.join("|")) };
        let place = if vhost == DEFAULT_VHOST { String::new() } else { format!(" vhost={}", quote(vhost)) };
        report.push(
            Diagnostic::new(LINT.code, format!("`{name}` may publish to `{exchange}` with any key"))
                .label(user.span, format!("has no `topic-permission` for `{exchange}`: that is no limit"))
                .label(other.span, format!("`{}` has one", other.text("user").unwrap_or("")))
                .help(format!(
                    "in `user {}`, write `topic-permission {}{place} write={} read=\"^$\"`",
                    quote(name),
                    quote(exchange),
                    quote(&write)
                )),
        );
    }
}

/// A pattern for the keys that a message is published with; a parameter is one word.
fn keys(message: &Message) -> String {
    let parts = message.key_parts().into_iter().map(|part| match part {
        KeyPart::Text(text) => fancy_regex::escape(text).into_owned(),
        KeyPart::Parameter(_) => "[^.]+".to_owned(),
    });
    parts.collect()
}
