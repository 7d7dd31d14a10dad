//! The values that count, out of arguments, policy and operator policy.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::rules::{Merge, merge};
use super::{Object, Rule, rule};
use crate::{Overflow, Queue, QueueKind, Strategy, Table, Value, Version, queue::UNREACHED};

/// Where an effective value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The argument it was declared with.
    Argument,
    /// The policy that applies.
    Policy,
    /// The operator policy that applies.
    OperatorPolicy,
    /// The broker, as nothing else says.
    Default,
}

/// A value that counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective {
    /// The value.
    pub value: Value,
    /// Where it comes from; of equal values the argument's, then the policy's.
    pub from: Source,
}

/// The argument that a policy key stands for: `x-` in front, but for an exchange's `alternate-exchange`.
pub fn argument_name(key: &str) -> String {
    if key == "alternate-exchange" { key.to_owned() } else { format!("x-{key}") }
}

/// What counts for an object with these arguments under these definitions of policy and operator policy, by policy
/// key. An argument without a policy twin counts by itself; so does a policy key without an argument twin, such as
/// `federation-upstream`. A policy key that only other objects read is left out.
pub fn effective(
    object: Object,
    version: Version,
    arguments: &Table,
    policy: Option<&Table>,
    operator: Option<&Table>,
) -> BTreeMap<String, Effective> {
    let keys = [policy, operator].into_iter().flatten().flat_map(Table::keys);
    let named = arguments.keys().map(|argument| argument.strip_prefix("x-").unwrap_or(argument).to_owned());
    let mut values = BTreeMap::new();
    for key in keys.cloned().chain(named) {
        let found = |table: Option<&Table>, from| {
            let value = table?.get(&key)?.clone();
            Some(Effective { value, from })
        };
        let argument = arguments.get(&argument_name(&key)).cloned();
        let argument = argument.map(|value| Effective { value, from: Source::Argument });
        let (user, op) = (found(policy, Source::Policy), found(operator, Source::OperatorPolicy));
        let merged = match (user, op) {
            (Some(user), Some(op)) => Some(match merge(&key, version) {
                Merge::Min => smaller(user, op),
                Merge::Max => larger(user, op),
                Merge::MinUnlessNegative => smaller_unless_negative(user, op),
                Merge::Operator => op,
            }),
            (user, op) => user.or(op),
        };
        let value = match (argument, merged) {
            (Some(argument), Some(merged)) => match rule(&key, object, version) {
                Some(Rule::Min) => smaller(argument, merged),
                Some(Rule::MinUnlessNegative) => smaller_unless_negative(argument, merged),
                Some(Rule::Argument) | None => argument,
                Some(Rule::Policy) => merged,
            },
            (Some(argument), None) => argument,
            (None, Some(merged)) if is_read(&key, object, version) => merged,
            _ => continue,
        };
        values.insert(key, value);
    }
    default_delivery_limit(object, version, &mut values);
    values
}

/// Whether an object heeds a policy key; of a key without a rule, a plugin's, that is taken for granted.
fn is_read(key: &str, object: Object, version: Version) -> bool {
    let objects = [Object::Exchange]
        .into_iter()
        .chain([QueueKind::Classic, QueueKind::Quorum, QueueKind::Stream].map(Object::Queue));
    let versions = [Version::V3_10, Version::V3_13, Version::V4_3];
    let has_rule =
        objects.flat_map(|object| versions.map(|v| rule(key, object, v))).any(|rule| rule.is_some());
    !has_rule || rule(key, object, version).is_some()
}

/// From 4.0 on a quorum queue has a delivery limit of 20 where none is set.
///
/// Nothing checks that a limit is an integer. To Erlang a text is greater than every count, so with one the queue never
/// gives a message up, until 4.3 reads it as not set (`rabbit_quorum_queue:get_delivery_limit`; some 4.2 do already).
fn default_delivery_limit(object: Object, version: Version, values: &mut BTreeMap<String, Effective>) {
    if object != Object::Queue(QueueKind::Quorum) || version < Version::V4_0 {
        return;
    }
    let twenty = || Effective { value: Value::Integer(20), from: Source::Default };
    let limit = values.entry("delivery-limit".to_owned()).or_insert_with(twenty);
    if version >= Version::V4_3 && !matches!(limit.value, Value::Integer(_)) {
        *limit = twenty();
    }
}

fn smaller(a: Effective, b: Effective) -> Effective {
    if order(&b.value, &a.value) == Ordering::Less { b } else { a }
}

fn larger(a: Effective, b: Effective) -> Effective {
    if order(&b.value, &a.value) == Ordering::Greater { b } else { a }
}

fn smaller_unless_negative(a: Effective, b: Effective) -> Effective {
    let negative = |value: &Value| matches!(value, Value::Integer(..0));
    if negative(&a.value) || negative(&b.value) { larger(a, b) } else { smaller(a, b) }
}

/// Erlang's term order, as far as arguments need it: a number is less than a text.
fn order(a: &Value, b: &Value) -> Ordering {
    let number = |value: &Value| match value {
        Value::Integer(n) => Some(*n as f64),
        Value::Float(n) => Some(*n),
        _ => None,
    };
    match (a, b) {
        (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        _ => match (number(a), number(b)) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        },
    }
}

impl Queue {
    /// A queue with these effective values.
    pub fn with_values(
        name: impl Into<String>,
        kind: QueueKind,
        values: &BTreeMap<String, Effective>,
    ) -> Self {
        let value = |key: &str| values.get(key).map(|effective| &effective.value);
        let text = |key: &str| match value(key) {
            Some(Value::String(bytes)) => String::from_utf8(bytes.clone()).ok(),
            _ => None,
        };
        let integer = |key: &str| match value(key) {
            Some(Value::Integer(n)) => Some(*n),
            _ => None,
        };
        let count = |key: &str| integer(key).and_then(|n| u64::try_from(n).ok());
        Self {
            dead_letter_exchange: text("dead-letter-exchange"),
            dead_letter_routing_key: text("dead-letter-routing-key"),
            dead_letter_strategy: match text("dead-letter-strategy").as_deref() {
                Some("at-least-once") => Strategy::AtLeastOnce,
                _ => Strategy::AtMostOnce,
            },
            message_ttl: count("message-ttl"),
            max_length: count("max-length"),
            max_length_bytes: count("max-length-bytes"),
            overflow: match text("overflow").as_deref() {
                Some("reject-publish") => Overflow::RejectPublish,
                Some("reject-publish-dlx") => Overflow::RejectPublishDlx,
                _ => Overflow::DropHead,
            },
            // a limit that is no integer is never reached
            delivery_limit: value("delivery-limit").map(|_| integer("delivery-limit").unwrap_or(UNREACHED)),
            ..Self::new(name, kind)
        }
    }
}
