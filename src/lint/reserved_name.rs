//! An exchange or queue has a name that belongs to the broker.

use super::{Context, Lint, error};
use crate::{
    diag::{Diagnostic, Report},
    graph::predeclared_type,
    kind::{Definition, KindId},
    syntax::quote,
};

const PREFIX: &str = "amq.";

pub(super) const LINT: Lint = Lint {
    code: error("N003", "reserved-name", "An exchange or queue has a name that belongs to the broker."),
    page: include_str!("reserved_name.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let named = [KindId::Exchange, KindId::Queue].into_iter().flat_map(|kind| context.topology.of(kind));
    for entity in named.filter(|entity| !entity.external && entity.name().starts_with(PREFIX)) {
        // to declare what is there already, as it is, changes nothing
        if entity.kind == KindId::Exchange && predeclared_type(entity.name()) == entity.text("type") {
            continue;
        }
        let (word, name) = (entity.kind.word(), entity.name());
        report.push(
            Diagnostic::new(LINT.code, format!("the {word} `{name}` has a name that belongs to the broker"))
                .label(entity.span_of("name"), "`amq.` is the broker's")
                .note("the broker refuses to declare it: 403 ACCESS_REFUSED")
                .help(format!("write {}", renamed(entity))),
        );
    }
}

fn renamed(entity: &Definition) -> String {
    let rest = entity.name().trim_start_matches(PREFIX);
    format!("`{} {}`", entity.kind.word(), quote(if rest.is_empty() { "name" } else { rest }))
}
