//! What the lints of policies ask of the entities that policies match.

use super::Context;
use crate::{
    graph::{Selection, Source},
    kind::{Definition, KindId},
    topology::{DEFAULT_VHOST, Policy, Queue},
};

/// The exchanges and queues of a topology, in the order written.
pub(super) fn entities<'a>(context: &Context<'_, 'a>) -> impl Iterator<Item = &'a Definition> + use<'a> {
    let all = context.topology.definitions().iter();
    all.filter(|entity| matches!(entity.kind, KindId::Exchange | KindId::Queue))
}

/// What becomes of the policies and of the operator policies that match an entity.
pub(super) fn selections<'c, 'a>(
    context: &'c Context<'_, 'a>,
    entity: &'a Definition,
) -> impl Iterator<Item = &'c Selection<'a>> {
    let effective = &context.graph.effective;
    [effective.policies(entity), effective.operator_policies(entity)].into_iter().flatten()
}

/// Every policy of a selection, those that are skipped for a key too.
pub(super) fn matching<'c, 'a>(selection: &'c Selection<'a>) -> impl Iterator<Item = Policy<'a>> + 'c {
    let skipped = selection.skipped.iter().map(|(policy, _)| policy);
    selection.applies.iter().chain(&selection.tied).chain(&selection.hidden).chain(skipped).copied()
}

/// Whether a policy's key counts for an entity, so that without the policy something is missing.
pub(super) fn counts<'a>(context: &Context<'_, 'a>, entity: &'a Definition, key: &str) -> bool {
    let effective = &context.graph.effective;
    let Some(object) = effective.object(entity) else { return false };
    let own = || effective.value(entity, key).is_some_and(|value| matches!(value, Source::Argument(_)));
    match topoc_routing::policy::rule(key, object, effective.version()) {
        Some(topoc_routing::policy::Rule::Argument) => !own(),
        Some(_) => true,
        None => key.starts_with("federation-"),
    }
}

/// `queue "orders"` as a sentence names it.
pub(super) fn title(entity: &Definition) -> String {
    format!("the {} `{}`", entity.kind.word(), entity.name())
}

/// The queue's type, or `exchange`.
pub(super) fn type_word(context: &Context<'_, '_>, entity: &Definition) -> &'static str {
    match entity.kind {
        KindId::Queue => Queue(entity).queue_type(context.topology).word(),
        _ => entity.kind.word(),
    }
}

/// A policy's priority, which is 0 where none is stated.
pub(super) fn priority(policy: Policy<'_>) -> i64 {
    policy.0.integer("priority").unwrap_or(0)
}

/// The vhost that something stands in.
pub(super) fn vhost(definition: &Definition) -> &str {
    definition.vhost.as_deref().unwrap_or(DEFAULT_VHOST)
}

/// What tells policies apart: a policy and an operator policy may share a name.
pub(super) fn identity(policy: Policy<'_>) -> usize {
    std::ptr::from_ref(policy.0).addr()
}
