//! A service or rpc names a queue that nobody declares.

use super::{Context, Lint, error};
use crate::{
    diag::{Change, Diagnostic, Report, Span, did_you_mean, surely},
    kind::{Derived, KindId, Provenance},
    syntax::quote,
    topology::Reference,
};

pub(super) const LINT: Lint = Lint {
    code: error("N002", "unknown-queue", "A service or rpc names a queue that nobody declares."),
    page: include_str!("unknown_queue.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let contract = &context.topology.contract;
    let consumed = contract.services.iter().flat_map(|service| &service.consumes);
    for consumes in consumed {
        look_up(
            context,
            &consumes.queue,
            "the broker answers `basic.consume` with 404 and closes the channel",
            report,
        );
    }
    for rpc in contract.rpcs.iter().filter(|rpc| !rpc.definition.external) {
        if let Some(queue) = &rpc.queue {
            look_up(
                context,
                queue,
                "a question that is sent there is dropped, and its caller waits for the timeout",
                report,
            );
        }
    }
}

fn look_up(context: &Context<'_, '_>, queue: &Reference, note: &str, report: &mut Report) {
    let written = queue.vhost.as_ref().map(|vhost| &*vhost.text);
    let name = &queue.name;
    let vhosts = context.topology.vhosts_of(KindId::Queue, &name.text);
    // a super stream is found without a queue of its name; one that stands in several vhosts is the language's to ask about
    if queue.found.is_some() || vhosts.iter().any(|vhost| written.is_none_or(|written| **vhost == *written)) {
        return;
    }
    let known = context.topology.queues().filter(|queue| written.is_none_or(|vhost| queue.vhost() == vhost));
    // a super stream is known by its own name rather than by its partitions'
    let known = known.filter(|queue| queue.0.provenance != Provenance::Derived(Derived::SuperStream));
    let whole = context.topology.exchanges().filter(|exchange| exchange.is_super_stream());
    let whole = whole.map(|exchange| exchange.name());
    let vhost = written.map_or_else(String::new, |vhost| format!(" in vhost `{vhost}`"));
    // beside another vhost's name: the edit is that name
    let elsewhere = vhosts.first().filter(|_| written.is_some());
    let there =
        elsewhere.map(|vhost| format!("`{}` is in vhost `{vhost}`: write `vhost={vhost:?}`", name.text));
    let names: Vec<&str> = known.map(|queue| queue.name()).chain(whole).collect();
    let meant = surely(&name.text, names.iter().copied()).filter(|_| there.is_none());
    let place = |near| {
        let queue = context.topology.queues().find(|queue| queue.name() == near).map(|queue| queue.0);
        let stream = || context.topology.exchanges().find(|exchange| exchange.name() == near);
        queue.or_else(|| Some(stream()?.0)).map_or(Span::NONE, |found| found.span_of("name"))
    };
    report.push(
        Diagnostic::new(LINT.code, format!("no queue `{}` is declared{vhost}", name.text))
            .label(name.span, "named here")
            .note(note)
            .mend(meant.map(|near| Change::Value(name.span, quote(near))))
            .given(meant.map_or(Span::NONE, place))
            .given_all()
            .help(there.unwrap_or_else(|| did_you_mean(&name.text, names, "queue"))),
    );
}
