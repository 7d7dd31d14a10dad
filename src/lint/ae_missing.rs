//! An alternate exchange that nobody declares.

use super::{Context, Lint, error};
use crate::{
    diag::{Diagnostic, Report, did_you_mean},
    graph::is_predeclared,
    kind::KindId,
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
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("what the {} `{}` cannot route goes to no exchange", holder.kind.word(), holder.name()),
            )
            .label(holder.span_of("alternate-exchange"), format!("no exchange `{name}` is declared"))
            .note("the broker ignores a missing alternate exchange and drops the message, as if none were stated")
            .help(did_you_mean(name, known.map(|exchange| exchange.name()), "exchange")),
        );
    }
}
