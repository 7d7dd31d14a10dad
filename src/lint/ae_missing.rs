//! An alternate exchange that nobody declares.

use super::{Context, Lint, edit::value, error};
use crate::{
    diag::{Diagnostic, Report, Span, did_you_mean, surely},
    graph::is_predeclared,
    kind::KindId,
    syntax::quote,
    topology::DEFAULT_VHOST,
};

pub(super) const LINT: Lint = Lint {
    code: error("R014", "ae-missing", "An alternate exchange that nobody declares."),
    page: include_str!("ae_missing.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let topology = context.topology;
    let holders = [KindId::Exchange, KindId::Policy].into_iter().flat_map(|kind| topology.of(kind));
    for holder in holders.filter(|holder| !holder.external) {
        let vhost = holder.vhost.as_deref().unwrap_or(DEFAULT_VHOST);
        let Some(name) = holder.text("alternate-exchange") else { continue };
        if is_predeclared(name) || topology.exchange(vhost, name).is_some() {
            continue;
        }
        let known = topology
            .exchanges()
            .filter(|exchange| exchange.vhost() == vhost && exchange.name() != holder.name());
        let names: Vec<&str> = known.map(|exchange| exchange.name()).collect();
        let meant = surely(name, names.iter().copied()).and_then(|near| topology.exchange(vhost, near));
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("what the {} `{}` cannot route goes to no exchange", holder.kind.word(), holder.name()),
            )
            .label(holder.span_of("alternate-exchange"), format!("no exchange `{name}` is declared"))
            .note("the broker ignores a missing alternate exchange and drops the message, as if none were stated")
            .mend(meant.and_then(|exchange| value(holder, "alternate-exchange", quote(exchange.name()))))
            .given(meant.map_or(Span::NONE, |exchange| exchange.0.span_of("name")))
            .given_all()
            .help(did_you_mean(name, names, "exchange")),
        );
    }
}
