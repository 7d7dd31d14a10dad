//! The rule of each policy key, as a table, by queue type and version.

use super::Object;
use crate::{QueueKind::*, Version};

/// Which of an argument and a policy's value counts when both are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The smaller one.
    Min,
    /// The smaller one; the larger one if either is negative, that is without limit.
    MinUnlessNegative,
    /// The argument.
    Argument,
    /// The policy's value.
    Policy,
}

/// How an argument meets the policies' value of its `key`; `None` if the object does not read the key from a policy.
///
/// From `rabbit_amqqueue_process`, `rabbit_quorum_queue`, `rabbit_stream_queue`, `rabbit_queue_location`,
/// `rabbit_channel` and `rabbit_exchange`, each by `args_policy_lookup` or `rabbit_policy:get_arg`.
pub fn rule(key: &str, object: Object, version: Version) -> Option<Rule> {
    use Rule::*;
    let queue = match object {
        Object::Exchange => return (key == "alternate-exchange").then_some(Argument),
        Object::Queue(queue) => queue,
    };
    let since = |first| version >= first;
    Some(match (key, queue) {
        ("expires", Classic) => Min,
        ("expires", Quorum) if since(Version::V4_0) => Min,
        ("expires", Quorum) => Policy,
        ("message-ttl", Classic | Quorum) => Min,
        ("dead-letter-exchange", Classic | Quorum) => Argument,
        ("dead-letter-routing-key", Classic | Quorum) => Argument,
        ("dead-letter-strategy", Quorum) => Argument,
        ("max-length", Classic | Quorum) => Min,
        ("max-length-bytes", Classic | Quorum) => Min,
        ("max-length-bytes", Stream) => Policy,
        ("max-in-memory-length" | "max-in-memory-bytes", Quorum) if !since(Version::V4_0) => Min,
        ("overflow", Classic) => Argument,
        ("overflow", Quorum) => Policy,
        ("delivery-limit", Quorum) if since(Version::V4_0) => MinUnlessNegative,
        ("delivery-limit", Quorum) => Min,
        ("consumer-timeout", Quorum) if since(Version::V3_12) => Min,
        ("consumer-timeout", Classic) if since(Version::V3_12) && !since(Version::V4_3) => Min,
        ("consumer-disconnected-timeout", Quorum) if since(Version::V4_3) => Min,
        ("delayed-retry-type", Quorum) if since(Version::V4_3) => Policy,
        ("delayed-retry-min" | "delayed-retry-max", Quorum) if since(Version::V4_3) => Min,
        ("target-group-size", Quorum) if since(Version::V3_12) => Policy,
        ("queue-mode", Classic) if !since(Version::V3_12) => Argument,
        ("queue-version", Classic) if !since(Version::V4_3) => Argument,
        ("queue-leader-locator", Classic) if since(Version::V4_0) => Policy,
        ("queue-leader-locator", Quorum | Stream) => Policy,
        ("initial-cluster-size", Stream) => Policy,
        ("max-age", Stream) => Policy,
        ("stream-max-segment-size-bytes", Stream) => Policy,
        ("stream-filter-size-bytes", Stream) if since(Version::V3_13) => Policy,
        _ => return None,
    })
}

/// How an operator policy's value meets the user policy's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Merge {
    Min,
    MinUnlessNegative,
    Max,
    Operator,
}

/// From `merge_policy_value` of `rabbit_policies` and `rabbit_quorum_queue`.
pub(super) fn merge(key: &str, version: Version) -> Merge {
    match key {
        "delivery-limit" if version >= Version::V4_0 => Merge::MinUnlessNegative,
        "expires" | "message-ttl" | "max-length" | "max-length-bytes" | "delivery-limit" => Merge::Min,
        "max-in-memory-length" | "max-in-memory-bytes" | "delayed-retry-max" => Merge::Min,
        "target-group-size" | "delayed-retry-min" => Merge::Max,
        // overflow, queue-version, delayed-retry-type and every boolean
        _ => Merge::Operator,
    }
}

/// Whether a policy that holds `key` is skipped whole for such an object: `unsupported_policies` of the queue types,
/// as `rabbit_queue_type:is_policy_applicable` reads them.
pub fn unsupported(key: &str, object: Object, version: Version) -> bool {
    let Object::Queue(queue) = object else { return false };
    let since = |first| version >= first;
    match (key, queue) {
        ("max-age" | "stream-max-segment-size-bytes" | "initial-cluster-size", Classic | Quorum) => true,
        ("delivery-limit" | "dead-letter-strategy", Classic | Stream) => true,
        ("queue-leader-locator", Classic) => !since(Version::V4_0),
        ("max-in-memory-length" | "max-in-memory-bytes", Classic) => since(Version::V3_12),
        ("max-in-memory-length" | "max-in-memory-bytes", Stream) => true,
        ("target-group-size", Classic | Stream) => since(Version::V3_12),
        ("max-priority" | "queue-mode" | "queue-master-locator", Quorum | Stream) => true,
        ("single-active-consumer", Quorum | Stream) => !since(Version::V4_2),
        ("ha-mode" | "ha-params" | "ha-sync-mode", Quorum | Stream) => true,
        ("ha-promote-on-shutdown" | "ha-promote-on-failure", Quorum | Stream) => true,
        ("expires" | "message-ttl" | "max-length" | "overflow", Stream) => true,
        ("dead-letter-exchange" | "dead-letter-routing-key", Stream) => true,
        ("selector-fields" | "selector-field-max-bytes", _) => since(Version::V4_3),
        _ => false,
    }
}
