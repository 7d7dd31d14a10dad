//! A queue or policy dead-letters to an exchange that nobody declares.

use super::{Context, Lint, edit::value, error};
use crate::{
    diag::{Diagnostic, Report, Span, did_you_mean, nearest, surely},
    graph::is_predeclared,
    kind::KindId,
    syntax::quote,
    topology::DEFAULT_VHOST,
};

pub(super) const LINT: Lint = Lint {
    code: error("D001", "dlx-missing-exchange", "Dead letters go to an exchange that nobody declares."),
    page: include_str!("dlx_missing_exchange.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let topology = context.topology;
    let holders = [KindId::Queue, KindId::Policy].into_iter().flat_map(|kind| topology.of(kind));
    for holder in holders.filter(|holder| !holder.external) {
        let vhost = holder.vhost.as_deref().unwrap_or(DEFAULT_VHOST);
        let Some(name) = holder.text("dead-letter-exchange") else { continue };
        if is_predeclared(name) || topology.exchange(vhost, name).is_some() {
            continue;
        }
        let known = topology.exchanges().filter(|exchange| exchange.vhost() == vhost);
        let names: Vec<&str> = known.map(|exchange| exchange.name()).collect();
        let mut diagnostic = Diagnostic::new(
            LINT.code,
            format!("dead letters of the {} `{}` go to no exchange", holder.kind.word(), holder.name()),
        )
        .label(holder.span_of("dead-letter-exchange"), format!("no exchange `{name}` is declared"))
        .note(
            "the broker drops them without an error; with `at-least-once` it keeps them and tries for ever",
        );
        if let Some(near) = nearest(name, names.iter().copied())
            && let Some(exchange) = topology.exchange(vhost, near)
        {
            diagnostic = diagnostic.label(exchange.0.span, format!("`{near}` is near"));
        }
        let elsewhere = context.in_another_vhost(KindId::Exchange, vhost, name);
        let meant = surely(name, names.iter().copied()).filter(|_| elsewhere.is_none());
        let meant = meant.and_then(|near| topology.exchange(vhost, near));
        diagnostic = diagnostic
            .mend(meant.and_then(|exchange| value(holder, "dead-letter-exchange", quote(exchange.name()))))
            .given(meant.map_or(Span::NONE, |exchange| exchange.0.span_of("name")))
            .given_all();
        let help = if let Some(there) = elsewhere {
            there
        } else if names.is_empty() {
            format!("declare it, with a queue that is bound to it: `exchange {name:?} type=\"direct\"`")
        } else {
            did_you_mean(name, names, "exchange")
        };
        report.push(diagnostic.help(help));
    }
}
