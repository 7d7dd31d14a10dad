//! A federated exchange gets a message over more than one link.

use std::sync::Arc;

use super::{
    Context, Lint, hint,
    policies::{title, vhost},
};
use crate::{
    diag::{Diagnostic, Report, Span},
    kind::{Definition, KindId, Value},
};

pub(super) const LINT: Lint = Lint {
    code: hint(
        "F011",
        "federation-mesh-duplicates",
        "A federated exchange can get the same message over more than one link.",
    ),
    page: include_str!("federation_mesh_duplicates.md"),
    check,
};

/// One of several upstreams of an exchange.
struct Link {
    upstream: Arc<str>,
    hops: i64,
    /// Where the hops are stated.
    span: Span,
}

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for exchange in context.topology.of(KindId::Exchange) {
        let Some(policy) = context.graph.effective.applied(exchange).policy else { continue };
        let links = links(context, policy.0);
        let far = links.iter().find(|link| link.hops > 1);
        let Some(far) = far.filter(|_| links.len() > 1) else { continue };
        let others = links.iter().filter(|link| link.upstream != far.upstream);
        let other = others.map(|link| &*link.upstream).next().unwrap_or("another");
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("a message can come to {} more than once", title(exchange)),
            )
            .label(
                far.span,
                format!("over `{}` comes also what it has from others, up to {} links away", far.upstream, far.hops),
            )
            .label(policy.0.span, format!("and over `{other}` the same may come by itself"))
            .note("it does so where these upstreams are linked with one another, as in a mesh; in a tree they are not")
            .help(format!(
                "in a mesh, write `max-hops=1` for `{}`; in a tree, `allow \"federation-mesh-duplicates\" because=\"…\"`",
                far.upstream
            )),
        );
    }
}

/// The upstreams that a policy links its exchanges with.
fn links(context: &Context<'_, '_>, policy: &Definition) -> Vec<Link> {
    let upstreams =
        || context.topology.of(KindId::FederationUpstream).filter(|found| vhost(found) == vhost(policy));
    let link = |upstream: &Definition| Link {
        upstream: Arc::from(upstream.name()),
        hops: upstream.integer("max-hops").unwrap_or(1),
        span: upstream.span_of("max-hops"),
    };
    let Some(name) = policy.text("federation-upstream-set") else { return Vec::new() };
    if name == "all" {
        return upstreams().map(link).collect();
    }
    let mut sets = context.topology.of(KindId::FederationUpstreamSet);
    let Some(set) = sets.find(|set| set.name() == name && vhost(set) == vhost(policy)) else {
        return Vec::new();
    };
    let Some(Value::List(members)) = set.value("upstreams") else { return Vec::new() };
    let members = members.iter().filter_map(|member| match member {
        Value::Table(table) => {
            let name = table.get("upstream")?.as_text()?;
            let upstream = upstreams().find(|upstream| upstream.name() == &**name)?;
            let own = table.get("max-hops").and_then(Value::as_integer);
            let of_upstream = link(upstream);
            Some(match own {
                Some(hops) => Link { hops, span: set.span, ..of_upstream },
                None => of_upstream,
            })
        }
        _ => None,
    });
    members.collect()
}
