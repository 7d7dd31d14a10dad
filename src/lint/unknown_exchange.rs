//! A binding or flow names an exchange that nobody declares.

use super::{Context, Lint, error};
use crate::{
    diag::{Diagnostic, Report, Span, did_you_mean},
    graph::is_predeclared,
};

pub(super) const LINT: Lint = Lint {
    code: error("N001", "unknown-exchange", "A binding or flow names an exchange that nobody declares."),
    page: include_str!("unknown_exchange.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let topology = context.topology;
    for binding in topology.bindings() {
        let (vhost, name) = (binding.vhost(), binding.source());
        if !is_predeclared(name) && topology.exchange(vhost, name).is_none() {
            report.push(unknown(context, Some(vhost), name, binding.0.span_of("source")));
        }
    }
    for message in &topology.contract.messages {
        let Some(exchange) = &message.exchange else { continue };
        let name = &exchange.name;
        let vhosts = topology.vhosts_of(crate::kind::KindId::Exchange, &name.text);
        let written = exchange.vhost.as_ref().map(|vhost| &*vhost.text);
        let found = written.map_or(!vhosts.is_empty(), |vhost| vhosts.iter().any(|known| **known == *vhost));
        if !found && !is_predeclared(&name.text) {
            report.push(unknown(context, written, &name.text, name.span));
        }
    }
}

fn unknown(context: &Context<'_, '_>, vhost: Option<&str>, name: &str, span: Span) -> Diagnostic {
    let known =
        context.topology.exchanges().filter(|exchange| vhost.is_none_or(|vhost| exchange.vhost() == vhost));
    let names: Vec<&str> = known.map(|exchange| exchange.name()).collect();
    Diagnostic::new(LINT.code, format!("no exchange `{name}` is declared"))
        .label(span, "named here")
        .note("the broker answers 404 and closes the channel")
        .help(did_you_mean(name, names, "exchange"))
}
