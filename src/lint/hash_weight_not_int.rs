//! The key of a consistent-hash binding is no weight.

use topoc_routing::ExchangeKind;

use super::{
    Context, Lint,
    edit::{bind, key_span},
    error,
};
use crate::{
    diag::{Diagnostic, Report},
    kind::version,
};

/// The greatest weight from RabbitMQ 4.2.6 on.
const MAX: u64 = 10_000;

pub(super) const LINT: Lint = Lint {
    code: error("R016", "hash-weight-not-int", "The key of a consistent-hash binding is no weight."),
    page: include_str!("hash_weight_not_int.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for binding in context.topology.bindings() {
        if context.routes_as(binding) != Some(&ExchangeKind::ConsistentHash) {
            continue;
        }
        let key = binding.routing_key();
        let (label, note, weight, is_refused) = match key.parse::<u64>() {
            Ok(weight @ 1..) if weight <= MAX => continue,
            Ok(1..) => (
                "the greatest weight is 10000",
                "from RabbitMQ 4.2.6 on the binding is refused; before, each bucket of the ring costs memory",
                "10000",
                context.topology.target.is_some_and(|(target, _)| target >= version(4, 3)),
            ),
            _ => (
                "a weight is wanted: a whole number from 1",
                "there the key says how many buckets of the ring the queue gets; anything else is refused: 406 PRECONDITION_FAILED",
                "1",
                true,
            ),
        };
        let shown =
            if key.is_empty() { "without a weight".to_owned() } else { format!("with the weight `{key}`") };
        let finding = Diagnostic::new(
            LINT.code,
            format!("`{}` is bound to `{}` {shown}", binding.destination(), binding.source()),
        )
        .label(key_span(binding), label)
        .note(note)
        .help(format!("write `{}`", bind(binding.source(), weight)));
        report.push(if is_refused { finding.refused(binding.0.subject()) } else { finding });
    }
}
