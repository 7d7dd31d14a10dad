//! A name belongs to the broker, or to topoc's own records.

use super::{Context, Lint, error};
use crate::{
    diag::{Diagnostic, Report},
    graph::predeclared_type,
    kind::{Definition, KindId, RECORD_PREFIX},
    syntax::quote,
};

const BROKERS: &str = "amq.";

pub(super) const LINT: Lint = Lint {
    code: error("N003", "reserved-name", "A name belongs to the broker, or to topoc's own records."),
    page: include_str!("reserved_name.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let named = [KindId::Exchange, KindId::Queue].into_iter().flat_map(|kind| context.topology.of(kind));
    for entity in named.filter(|entity| !entity.external && entity.name().starts_with(BROKERS)) {
        // to declare what is there already, as it is, changes nothing
        if entity.kind == KindId::Exchange && predeclared_type(entity.name()) == entity.text("type") {
            continue;
        }
        let (word, name) = (entity.kind.word(), entity.name());
        report.push(
            Diagnostic::new(LINT.code, format!("the {word} `{name}` has a name that belongs to the broker"))
                .label(entity.span_of("name"), "`amq.` is the broker's")
                .note("the broker refuses to declare it: 403 ACCESS_REFUSED")
                .help(format!("write {}", renamed(entity, BROKERS)))
                .refused(entity.subject()),
        );
    }
    let parameters = context.topology.of(KindId::GlobalParameter);
    for parameter in parameters.filter(|parameter| parameter.name().starts_with(RECORD_PREFIX)) {
        let name = parameter.name();
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("the global parameter `{name}` has a name that is topoc's own"),
            )
            .label(parameter.span_of("name"), "a record of what a topology has applied is kept here")
            .note("`apply` would overwrite the record, and no longer know what it may change or delete")
            .help(format!("write {}", renamed(parameter, RECORD_PREFIX))),
        );
    }
}

fn renamed(entity: &Definition, prefix: &str) -> String {
    let rest = entity.name().trim_start_matches(prefix);
    format!("`{} {}`", entity.kind.word(), quote(if rest.is_empty() { "name" } else { rest }))
}
