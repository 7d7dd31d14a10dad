//! Exchanges that the broker deletes on its own, because a plan takes away the last that is bound to them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Live, Plan};
use crate::{
    kind::{Identity, KindId},
    topology::Binding,
};

/// By the step that takes away the last binding, the `auto-delete` exchanges that go with it (`rabbit_exchange`,
/// `maybe_auto_delete`). What is made anew has its bindings back before they go.
pub(super) fn taken_away(live: &Live, plan: &Plan) -> BTreeMap<Identity, Vec<String>> {
    let mut places: BTreeMap<&Identity, usize> = BTreeMap::new();
    let mut gains: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (place, step) in plan.steps.iter().enumerate() {
        if step.action == Action::Delete {
            places.insert(&step.identity, place);
        }
        let made =
            step.desired.as_ref().filter(|_| step.kind == KindId::Binding && step.action == Action::Create);
        gains.extend(made.map(Binding).map(|binding| (binding.vhost(), binding.source())));
    }
    let mut found: BTreeMap<Identity, Vec<String>> = BTreeMap::new();
    if places.is_empty() {
        return found;
    }
    let stays = |exchange: &&crate::kind::Definition| {
        exchange.flag("auto-delete") && !places.contains_key(&exchange.identity())
    };
    let exchanges = live.topology.of(KindId::Exchange).filter(stays);
    let mut last: BTreeMap<(&str, &str), Option<usize>> = exchanges
        .map(|exchange| ((exchange.vhost.as_deref().unwrap_or(""), exchange.name()), Some(0)))
        .collect();
    last.retain(|exchange, _| !gains.contains(exchange));
    let mut bound: BTreeSet<(&str, &str)> = BTreeSet::new();
    for binding in live.topology.of(KindId::Binding).map(Binding) {
        let source = (binding.vhost(), binding.source());
        let Some(last) = last.get_mut(&source) else { continue };
        bound.insert(source);
        let kind = if binding.to_exchange() { KindId::Exchange } else { KindId::Queue };
        let end =
            Identity { kind, vhost: binding.0.vhost.clone(), parts: vec![binding.destination().into()] };
        let goes = [binding.0.identity(), end].into_iter().filter_map(|one| places.get(&one).copied()).min();
        *last = last.and_then(|last| Some(last.max(goes?)));
    }
    for (exchange, place) in last.into_iter().filter(|(exchange, _)| bound.contains(exchange)) {
        if let Some(step) = place.and_then(|place| plan.steps.get(place)) {
            found.entry(step.identity.clone()).or_default().push(exchange.1.to_owned());
        }
    }
    found
}
