//! A policy or set federates with an upstream that nobody declares.

use std::{collections::BTreeSet, sync::Arc};

use super::{Context, Lint, edit::value, error};
use crate::{
    diag::{Diagnostic, Report, Span, did_you_mean, surely},
    kind::{Definition, KindId, Value},
    syntax::quote,
};

/// The set of all upstreams, which is always there.
const ALL: &str = "all";

pub(super) const LINT: Lint = Lint {
    code: error(
        "F012",
        "federation-unknown-upstream",
        "A policy or set names an upstream that nobody declares.",
    ),
    page: include_str!("federation_unknown_upstream.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let known = |kind: KindId| -> BTreeSet<(Option<&str>, &str)> {
        context.topology.of(kind).map(|entity| (entity.vhost.as_deref(), entity.name())).collect()
    };
    let upstreams = known(KindId::FederationUpstream);
    let mut sets = known(KindId::FederationUpstreamSet);
    let mut look_up = |owner: &Definition,
                       name: &str,
                       span: Span,
                       attribute: Option<&str>,
                       word: &str,
                       known: &BTreeSet<(Option<&str>, &str)>| {
        let vhost = owner.vhost.as_deref();
        if known.contains(&(vhost, name)) {
            return;
        }
        let here: Vec<&str> =
            known.iter().filter(|(place, _)| *place == vhost).map(|(_, name)| *name).collect();
        let near = surely(name, here.iter().copied());
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("no {word} `{name}` is declared for the {} `{}`", owner.kind.word(), owner.name()),
            )
            .label(span, "named here")
            .note("the broker takes the name as it is, starts no link, and no message ever comes over")
            .mend(near.and_then(|near| value(owner, attribute?, quote(near))))
            .given(place(context, owner, near))
            .given_all()
            .help(did_you_mean(name, here, word)),
        );
    };
    for set in context.topology.of(KindId::FederationUpstreamSet) {
        let Some(Value::List(members)) = set.value("upstreams") else { continue };
        let names = members.iter().filter_map(|member| match member {
            Value::Table(table) => table.get("upstream")?.as_text().cloned(),
            _ => None,
        });
        names.for_each(|name: Arc<str>| look_up(set, &name, set.span, None, "upstream", &upstreams));
    }
    sets.extend(context.topology.of(KindId::Policy).map(|policy| (policy.vhost.as_deref(), ALL)));
    for policy in context.topology.of(KindId::Policy).filter(|policy| !policy.external) {
        if let Some(name) = policy.text("federation-upstream") {
            let key = "federation-upstream";
            look_up(policy, name, policy.span_of(key), Some(key), "upstream", &upstreams);
        }
        if let Some(name) = policy.text("federation-upstream-set") {
            let key = "federation-upstream-set";
            look_up(policy, name, policy.span_of(key), Some(key), "upstream set", &sets);
        }
    }
}

/// Where the upstream or set of a name is written.
fn place(context: &Context<'_, '_>, owner: &Definition, name: Option<&str>) -> Span {
    let kinds = [KindId::FederationUpstream, KindId::FederationUpstreamSet];
    let mut all = kinds.into_iter().flat_map(|kind| context.topology.of(kind));
    let found = all.find(|found| found.vhost == owner.vhost && Some(found.name()) == name);
    found.map_or(Span::NONE, |found| found.span_of("name"))
}
