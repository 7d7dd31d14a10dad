//! Which values count on either series: arguments, policies and what the broker takes by itself.

use std::collections::{BTreeMap, BTreeSet};

use topoc_routing::policy::{Effective, Source};

use super::{Effect, Finding, Place, Sight};
use crate::{
    graph::is_predeclared,
    kind::{Definition, Derived, KindId, Provenance, Type, Value, Version},
    syntax::quote,
    topology::Queue,
};

/// What differs, for several entities at once.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Difference {
    key: String,
    before: Option<String>,
    after: Option<String>,
    /// Whether the newer series takes its own default.
    is_default: bool,
    /// Whether the queue has a dead-letter exchange, which tells what a new limit does.
    has_exchange: bool,
    /// The policy that is heeded, or heeded no longer.
    by: Option<String>,
}

pub(super) fn compare(before: &Sight<'_>, after: &Sight<'_>) -> Vec<Finding> {
    let mut differences: BTreeMap<Difference, Vec<Place>> = BTreeMap::new();
    let mut findings = Vec::new();
    let is_consumed = returned_to(after);
    let both = before.topology().definitions().iter().zip(after.topology().definitions());
    for (old, new) in both {
        let is_subject = matches!(new.kind, KindId::Exchange | KindId::Queue);
        if !is_subject || new.external || is_predeclared(new.name()) {
            continue;
        }
        if let Some(finding) = of_another_type(before, after, old, new) {
            findings.push(finding);
            continue;
        }
        let (was, is) = (before.graph.effective.values(old), after.graph.effective.values(new));
        let keys: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        for key in keys {
            let (was, is) = (was.get(key), is.get(key));
            // lints say what becomes of the storage's version, and nothing else can differ
            let same = key == "queue-version" || was.map(|was| &was.value) == is.map(|is| &is.value);
            // a default limit that nothing can exceed
            let idle = key == "delivery-limit"
                && is.is_some_and(|is| is.from == Source::Default)
                && !is_consumed(new);
            if same || idle {
                continue;
            }
            let policy =
                [(before, old, was), (after, new, is)].into_iter().find_map(|(sight, entity, value)| {
                    let applied = sight.graph.effective.applied(entity);
                    let policy = match value?.from {
                        Source::Policy => applied.policy,
                        Source::OperatorPolicy => applied.operator,
                        Source::Argument | Source::Default => None,
                    };
                    policy.map(|policy| format!("{} `{}`", policy.0.kind.word(), policy.name()))
                });
            let difference = Difference {
                key: key.clone(),
                before: was.map(|was| show(key, was)),
                after: is.map(|is| show(key, is)),
                is_default: is.is_some_and(|is| is.from == Source::Default),
                has_exchange: after.graph.effective.text(new, "dead-letter-exchange").is_some(),
                by: policy,
            };
            differences.entry(difference).or_default().push(Place::at(new, key));
        }
    }
    let versions = (before.version, after.version);
    findings
        .extend(differences.into_iter().map(|(difference, places)| finding(difference, places, versions)));
    findings
}

/// The queues to which something may be returned: those that a service consumes, or all where no service says that.
fn returned_to<'a>(sight: &Sight<'a>) -> impl Fn(&Definition) -> bool + use<'a> {
    let topology = sight.topology();
    let contract = &topology.contract;
    let consumed = contract.services.iter().flat_map(|service| &service.consumes);
    let queues = consumed.flat_map(|consumes| topology.queues_of(&consumes.queue));
    let consumed: BTreeSet<_> = queues.map(|queue| queue.0.identity()).collect();
    move |queue| {
        queue.provenance != Provenance::Derived(Derived::RetryLadder)
            && (!contract.says_who_consumes() || consumed.contains(&queue.identity()))
    }
}

fn of_another_type<'a>(
    before: &Sight<'a>,
    after: &Sight<'a>,
    old: &'a Definition,
    new: &'a Definition,
) -> Option<Finding> {
    let queue = (new.kind == KindId::Queue).then_some(Queue(new))?;
    let was = Queue(old).queue_type(before.topology());
    let is = queue.queue_type(after.topology());
    (was != is).then(|| Finding {
        effect: Effect::Changes,
        lint: None,
        message: format!("`{}` becomes a {} queue where it is declared anew", queue.name(), is.word()),
        reason: format!(
            "it says no type: RabbitMQ {} makes a {} queue of it, {} heeds the vhost's default; the queue that is there stays what it is, and whoever declares it without a type gets 406 PRECONDITION_FAILED",
            before.version,
            was.word(),
            after.version,
        ),
        edit: format!("write `type={:?}`, and the same in the clients that declare it", was.word()),
        places: vec![Place::of(new)],
    })
}

fn show(key: &str, value: &Effective) -> String {
    let attribute = KindId::Policy.kind().attribute(key);
    match &value.value {
        topoc_routing::Value::Integer(integer) => {
            Value::Integer(*integer).show(attribute.map_or(Type::Json, |attribute| attribute.ty))
        }
        topoc_routing::Value::String(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
        topoc_routing::Value::Bool(bool) => format!("#{bool}"),
        topoc_routing::Value::Float(float) => float.to_string(),
        _ => "another value".to_owned(),
    }
}

fn finding(difference: Difference, places: Vec<Place>, (from, to): (Version, Version)) -> Finding {
    let Difference { key, before, after, is_default, has_exchange, by } = difference;
    let whose = whose(&places);
    let old = before.clone().unwrap_or_else(|| "nothing".to_owned());
    let by = by.map_or_else(String::new, |by| format!(": see {by}"));
    let (message, reason) = match (&after, is_default) {
        (Some(new), true) => (
            format!("`{key}` of {whose} becomes {new} by default"),
            format!(
                "RabbitMQ {from} has {}, {to} takes {new} where nothing is said{}",
                before.as_deref().unwrap_or("none"),
                consequence(&key, has_exchange)
            ),
        ),
        (Some(new), false) => (
            format!("`{key}` of {whose} becomes {new}, where it was {old}"),
            format!("RabbitMQ {to} weighs arguments and policies otherwise than {from}{by}"),
        ),
        (None, _) => (
            format!("`{key}` of {whose} counts no longer: it was {old}"),
            format!("RabbitMQ {to} does not read it there{by}"),
        ),
    };
    let edit = match (key.as_str(), &after) {
        // a policy can be changed in place, and every series takes it there
        ("delivery-limit", Some(limit)) if is_default => {
            let then = if has_exchange { "" } else { ", and a `dead-letter` for what then dies" };
            format!("say `delivery-limit {limit}`, or what is wanted, in a policy that applies now{then}")
        }
        (_, Some(value)) => format!("write `{key} {}`, or what is wanted, in one place only", in_kdl(value)),
        (_, None) => format!("remove `{key}`, and do without what it did"),
    };
    Finding { effect: Effect::Changes, lint: None, message, reason, edit, places }
}

/// `` `orders` `` or `` `orders` and 3 other queues ``.
pub(super) fn whose(places: &[Place]) -> String {
    let Some(subject) = places.first().and_then(|place| place.subject.as_ref()) else { return String::new() };
    match places.len() - 1 {
        0 => format!("`{}`", subject.name),
        1 => format!("`{}` and 1 other", subject.name),
        others => format!("`{}` and {others} others", subject.name),
    }
}

fn consequence(key: &str, has_exchange: bool) -> &'static str {
    match (key, has_exchange) {
        ("delivery-limit", true) => ": what is returned more often is dead-lettered",
        ("delivery-limit", false) => {
            ": what is returned more often is dropped, as no dead-letter exchange is there"
        }
        _ => "",
    }
}

/// A value as KDL has it: `1h` is a string there.
fn in_kdl(shown: &str) -> String {
    let is_value = shown.starts_with(['"', '#']) || shown.parse::<f64>().is_ok();
    if is_value { shown.to_owned() } else { quote(shown) }
}
