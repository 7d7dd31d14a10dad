//! A binding of a local-random exchange has a key, or leads to something else than a classic queue.

use std::cell::LazyCell;

use topoc_routing::ExchangeKind;

use super::{
    Context, Lint,
    arg_wrong_queue_type::stated_type,
    edit::{bind, parallel, without_key},
    error,
};
use crate::{
    diag::{Diagnostic, Report},
    topology::{Binding, QueueType},
};

pub(super) const LINT: Lint = Lint {
    code: error(
        "A010",
        "local-random-bad-binding",
        "A local-random exchange takes only classic queues, without a key.",
    ),
    page: include_str!("local_random_bad_binding.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let parallel = LazyCell::new(|| parallel(context));
    for binding in context.topology.bindings() {
        if context.routes_as(binding) != Some(&ExchangeKind::LocalRandom) {
            continue;
        }
        let source = binding.source();
        let refused = |text: String| {
            Diagnostic::new(LINT.code, text)
                .note("`rabbit_exchange_type_local_random` refuses the binding: 406 PRECONDITION_FAILED")
                .refused(binding.0.subject())
        };
        if !binding.routing_key().is_empty() {
            report.push(
                refused(format!("the binding of `{}` to `{source}` has a key", binding.destination()))
                    .label(super::edit::key_span(binding), "a local-random exchange takes none")
                    .help(format!("write `{}`", bind(source, "")))
                    .mend(without_key(binding, &parallel))
                    .given(binding.0.extent),
            );
        }
        other_destination(context, binding, refused, report);
    }
}

fn other_destination(
    context: &Context<'_, '_>,
    binding: Binding<'_>,
    refused: impl Fn(String) -> Diagnostic,
    report: &mut Report,
) {
    let (source, destination) = (binding.source(), binding.destination());
    if binding.to_exchange() {
        report.push(
            refused(format!("the exchange `{destination}` is bound to the local-random exchange `{source}`"))
                .label(binding.0.span, "only classic queues can be")
                .help("bind classic queues to it, one on each node"),
        );
        return;
    }
    let Some(queue) = context.topology.queue(binding.vhost(), destination) else { return };
    let Some(other @ (QueueType::Quorum | QueueType::Stream)) = stated_type(context.topology, queue) else {
        return;
    };
    report.push(
        refused(format!(
            "the {} queue `{destination}` is bound to the local-random exchange `{source}`",
            other.word()
        ))
        .label(binding.0.span, "only classic queues can be")
        .label(queue.0.span_of("type"), "its type")
        .help("write `type=\"classic\"`"),
    );
}
