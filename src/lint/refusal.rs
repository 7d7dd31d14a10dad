//! Which wrong values the broker refuses: it looks at fewer than it documents.

use crate::{
    kind::{Attribute, Definition, KindId, Type, Value, version},
    topology::Topology,
};

/// What to say where the broker looks at the value.
pub(super) const REFUSED: &str = "the broker refuses it: 406 PRECONDITION_FAILED, or 400 over HTTP";
/// What to say where it does not.
pub(super) const TAKEN: &str = "the broker takes it as it is, and does not do what it says";

/// Whether the broker refuses a value that is no such attribute's. Without a stated target, whether some broker does.
///
/// From `rabbit_amqqueue:declare_args`, `rabbit_policies` and the queue types; the tests compare it with brokers.
pub(super) fn is_refused(
    topology: &Topology,
    definition: &Definition,
    attribute: &Attribute,
    value: &Value,
) -> bool {
    let target = topology.target.map(|(target, _)| target);
    let is_before = |first| target.is_some_and(|target| target < first);
    let policy = matches!(definition.kind, KindId::Policy | KindId::OperatorPolicy);
    if definition.kind == KindId::Queue && is_before(attribute.argument_since.unwrap_or(attribute.since)) {
        return false;
    }
    match attribute.name {
        // an argument may be anything; `delivery-limit-not-int` speaks of what is no number
        "delivery-limit" => policy && is_before(version(4, 0)),
        "delayed-retry-type" | "delayed-retry-min" | "delayed-retry-max" => policy,
        "queue-master-locator" => policy || is_before(version(4, 0)),
        "shards-per-node" => !value.is_of(attribute.ty),
        _ => !(policy && is_above(attribute.ty, value)),
    }
}

/// Times in policies have no upper bound.
fn is_above(ty: Type, value: &Value) -> bool {
    match ty {
        Type::Duration(_, max) => value.as_integer().is_some_and(|time| time > max),
        _ => false,
    }
}
