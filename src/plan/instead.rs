//! What needs nothing made anew: a policy that says what an argument was to say.
//! Source: `rabbit_queue_type_util:args_policy_lookup`, docs/parameters#policies.

use super::{Action, Difference, Pair, Plan, Step, show::list};
use crate::{
    graph::{Effective, Selection},
    kind::{Attribute, KindId, Twin, Value, written_keys},
    syntax::quote,
    topology::Topology,
};

/// Keys that a policy sets on a queue or exchange that is there; the broker reads the others when it is declared.
const AT_ANY_TIME: &[&str] = &[
    "max-length",
    "max-length-bytes",
    "message-ttl",
    "expires",
    "overflow",
    "dead-letter-exchange",
    "dead-letter-routing-key",
    "alternate-exchange",
];

/// What a policy is to say, and whether the argument has to stay as it is beside it.
struct Said<'a> {
    attribute: &'static Attribute,
    value: &'a Value,
    stays: bool,
}

/// Offers a policy in the place of each replacement that one spares.
pub(super) fn offer(pair: &Pair<'_>, plan: &mut Plan) {
    if plan.steps.iter().all(|step| said(step).is_none()) {
        return;
    }
    let desired = Effective::new(pair.desired);
    let live = Effective::new(&pair.live.topology);
    for step in &mut plan.steps {
        let Some(all) = said(step) else { continue };
        let free = |selection: Option<&Selection<'_>>| {
            selection.is_none_or(|found| found.applies.is_none() && found.skipped.is_empty())
        };
        // at most one policy applies: a second one would hide what the first one says
        let is_free = |effective: &Effective<'_>, topology: &Topology| {
            topology.get(&step.identity).is_some_and(|entity| free(effective.policies(entity)))
        };
        if is_free(&desired, pair.desired) && is_free(&live, &pair.live.topology) {
            step.instead = Some(text(step, &all));
        }
    }
}

/// What would have to be said by a policy; none where that does not spare the replacement.
fn said(step: &Step) -> Option<Vec<Said<'_>>> {
    if step.action != Action::Replace {
        return None;
    }
    let differences = step.differences.iter().filter(|difference| difference.replaces);
    differences.map(|difference| one(step, difference)).collect()
}

fn one<'a>(step: &'a Step, difference: &Difference) -> Option<Said<'a>> {
    let attribute = step.kind.kind().attribute(&difference.name)?;
    let value = &step.desired.as_ref()?.field(attribute.name)?.value;
    let before = step.live.as_ref()?.field(attribute.name).map(|field| &field.value);
    let stays = match (before, value) {
        _ if !AT_ANY_TIME.contains(&attribute.name) || attribute.twin == Twin::None => return None,
        (None, _) => false,
        // the lesser of the two counts
        (Some(Value::Integer(before)), Value::Integer(after))
            if attribute.twin == Twin::Min && after < before =>
        {
            true
        }
        (Some(_), _) => return None,
    };
    Some(Said { attribute, value, stays })
}

fn text(step: &Step, all: &[Said<'_>]) -> String {
    let name = step.name();
    let keys: Vec<(&'static Attribute, Value)> =
        all.iter().map(|said| (said.attribute, said.value.clone())).collect();
    let names = |stays: bool| -> Vec<String> {
        all.iter()
            .filter(|said| said.stays == stays)
            .map(|said| format!("`{}`", said.attribute.name))
            .collect()
    };
    let mut edits = Vec::new();
    let (leaves, stays) = (names(false), names(true));
    if !leaves.is_empty() {
        edits.push(format!("take {} out of it", list(&leaves, ", ")));
    }
    if !stays.is_empty() {
        edits.push(format!("leave {} as it was", list(&stays, ", ")));
    }
    let apply_to = if step.kind == KindId::Exchange { "exchanges" } else { "queues" };
    format!(
        "nothing is made anew where a policy says it: {}, and write policy {} pattern={} apply-to={} {{ {} }}",
        edits.join(", "),
        quote(&name),
        quote(&format!("^{}$", escaped(&name))),
        quote(apply_to),
        written_keys(&keys).replace('\n', "; ")
    )
}

/// The regular expression that finds this text.
fn escaped(name: &str) -> String {
    let mut pattern = String::new();
    for c in name.chars() {
        if r"\.+*?()[]{}|^$".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}
