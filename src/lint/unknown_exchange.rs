//! A binding or flow names an exchange that nobody declares.

use super::{Context, Lint, error};
use crate::{
    diag::{Change, Diagnostic, Report, Span, did_you_mean, surely},
    graph::is_predeclared,
    kind::KindId,
    syntax::quote,
    topology::DEFAULT_VHOST,
};

const CLOSES: &str = "the broker answers 404 and closes the channel";

pub(super) const LINT: Lint = Lint {
    code: error(
        "N001",
        "unknown-exchange",
        "A binding, flow or topic permission names an exchange that nobody declares.",
    ),
    page: include_str!("unknown_exchange.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let topology = context.topology;
    for binding in topology.bindings() {
        let (vhost, name) = (binding.vhost(), binding.source());
        if !is_predeclared(name) && topology.exchange(vhost, name).is_none() {
            let finding = unknown(context, Some(vhost), name, binding.0.span_of("source")).note(CLOSES);
            report.push(finding.refused(binding.0.subject()));
        }
    }
    for grant in topology.of(KindId::TopicPermission) {
        let (vhost, name) =
            (grant.vhost.as_deref().unwrap_or(DEFAULT_VHOST), grant.text("exchange").unwrap_or(""));
        let foreign = context.is_foreign(vhost);
        if !is_predeclared(name) && !foreign && topology.exchange(vhost, name).is_none() {
            let note = "the broker takes it, and restricts nothing";
            report.push(unknown(context, Some(vhost), name, grant.span_of("exchange")).note(note));
        }
    }
    for message in &topology.contract.messages {
        let Some(exchange) = &message.exchange else { continue };
        let name = &exchange.name;
        let vhosts = topology.vhosts_of(KindId::Exchange, &name.text);
        let written = exchange.vhost.as_ref().map(|vhost| &*vhost.text);
        let found = written.map_or(!vhosts.is_empty(), |vhost| vhosts.iter().any(|known| **known == *vhost));
        if !found && !is_predeclared(&name.text) {
            report.push(unknown(context, written, &name.text, name.span).note(CLOSES));
        }
    }
}

/// In which vhost, where there are several.
fn place(context: &Context<'_, '_>, vhost: Option<&str>) -> String {
    let several = context.topology.exchanges().any(|exchange| Some(exchange.vhost()) != vhost);
    vhost.filter(|_| several).map_or_else(String::new, |vhost| format!(" in vhost `{vhost}`"))
}

fn unknown(context: &Context<'_, '_>, vhost: Option<&str>, name: &str, span: Span) -> Diagnostic {
    let known =
        context.topology.exchanges().filter(|exchange| vhost.is_none_or(|vhost| exchange.vhost() == vhost));
    let names: Vec<&str> = known.map(|exchange| exchange.name()).collect();
    let meant = surely(name, names.iter().copied());
    let meant = meant.and_then(|near| context.topology.exchanges().find(|exchange| exchange.name() == near));
    let there = vhost.and_then(|vhost| context.in_another_vhost(KindId::Exchange, vhost, name));
    Diagnostic::new(LINT.code, format!("no exchange `{name}` is declared{}", place(context, vhost)))
        .label(span, "named here")
        .mend(meant.filter(|_| there.is_none()).map(|exchange| Change::Value(span, quote(exchange.name()))))
        .given(meant.map_or(Span::NONE, |exchange| exchange.0.span_of("name")))
        .given_all()
        .help(there.unwrap_or_else(|| did_you_mean(name, names, "exchange")))
}
