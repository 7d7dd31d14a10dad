//! Which policy applies to what, and which value then counts.
//! Source: `rabbit_policy` (`match`, `merge_operator_definitions`), `rabbit_queue_type:is_policy_applicable`,
//! `rabbit_queue_type_util:args_policy_lookup`.

use std::{collections::HashMap, sync::Arc};

use fancy_regex::Regex;

use crate::{
    kind::{Definition, Field, KindId, Twin, Value},
    topology::{Policy, Queue, Topology},
};

/// Where an effective value comes from.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// The entity's own argument.
    Argument(&'a Field),
    /// The policy that applies.
    Policy(Policy<'a>, &'a Field),
    /// The operator policy that applies.
    OperatorPolicy(Policy<'a>, &'a Field),
}

impl<'a> Source<'a> {
    /// The value and where it is written.
    #[must_use]
    pub fn field(self) -> &'a Field {
        match self {
            Self::Argument(field) | Self::Policy(_, field) | Self::OperatorPolicy(_, field) => field,
        }
    }
}

/// The policies that apply to one entity.
#[derive(Clone, Copy, Debug, Default)]
pub struct Applied<'a> {
    /// The policy.
    pub policy: Option<Policy<'a>>,
    /// The operator policy.
    pub operator: Option<Policy<'a>>,
}

/// All policies of a topology, ready to be asked.
#[derive(Debug)]
pub struct Effective<'a> {
    topology: &'a Topology,
    /// By vhost, the highest priority first; of equal ones the first written.
    policies: HashMap<&'a str, Vec<(Policy<'a>, Option<Regex>)>>,
    /// By the address of the entity: lints ask for many values of each.
    applied: HashMap<usize, Applied<'a>>,
}

impl<'a> Effective<'a> {
    pub(super) fn new(topology: &'a Topology) -> Self {
        let mut policies: HashMap<&'a str, Vec<(Policy<'a>, Option<Regex>)>> = HashMap::new();
        for kind in [KindId::Policy, KindId::OperatorPolicy] {
            for policy in topology.of(kind).map(Policy) {
                let pattern = policy.0.text("pattern").and_then(|pattern| Regex::new(pattern).ok());
                policies.entry(policy.vhost()).or_default().push((policy, pattern));
            }
        }
        for list in policies.values_mut() {
            list.sort_by_key(|(policy, _)| std::cmp::Reverse(policy.0.integer("priority").unwrap_or(0)));
        }
        let mut effective = Self { topology, policies, applied: HashMap::new() };
        if !effective.policies.is_empty() {
            let entities = [KindId::Exchange, KindId::Queue].into_iter().flat_map(|kind| topology.of(kind));
            effective.applied = entities.map(|entity| (address(entity), effective.decide(entity))).collect();
        }
        effective
    }

    /// The policies and operator policies whose pattern and `apply-to` take in an entity, the highest priority
    /// first, whether or not its type supports all their keys.
    pub fn matching(&self, entity: &'a Definition) -> impl Iterator<Item = Policy<'a>> {
        let vhost = entity.vhost.as_deref().unwrap_or(crate::topology::DEFAULT_VHOST);
        let list = self.policies.get(vhost).map_or(&[][..], Vec::as_slice);
        list.iter()
            .filter(move |(policy, pattern)| {
                self.is_for(*policy, entity)
                    && pattern
                        .as_ref()
                        .is_some_and(|pattern| pattern.is_match(entity.name()).unwrap_or(false))
            })
            .map(|(policy, _)| *policy)
    }

    fn is_for(&self, policy: Policy<'a>, entity: &'a Definition) -> bool {
        let apply_to = policy.0.text("apply-to").unwrap_or("all");
        match entity.kind {
            KindId::Exchange => matches!(apply_to, "all" | "exchanges"),
            KindId::Queue => match apply_to {
                "all" | "queues" => true,
                "classic_queues" | "quorum_queues" | "streams" => {
                    let word = Queue(entity).queue_type(self.topology).word();
                    apply_to.trim_end_matches('s').trim_end_matches("_queue") == word
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// The keys of a policy that an entity's type does not support: a policy with one is skipped whole for
    /// a queue (`rabbit_queue_type:is_policy_applicable`, rabbitmq-server#7350).
    pub fn unsupported(&self, policy: Policy<'a>, entity: &'a Definition) -> Vec<(&'static str, &'a Field)> {
        if entity.kind != KindId::Queue {
            return Vec::new();
        }
        let word = Queue(entity).queue_type(self.topology).word();
        let kind = policy.0.kind.kind();
        let fields = policy
            .0
            .fields()
            .filter(|(name, _)| kind.attribute(name).is_some_and(|attribute| !attribute.applies_to(word)));
        fields.collect()
    }

    /// The policies that apply to an entity.
    #[must_use]
    pub fn applied(&self, entity: &'a Definition) -> Applied<'a> {
        self.applied.get(&address(entity)).copied().unwrap_or_default()
    }

    fn decide(&self, entity: &'a Definition) -> Applied<'a> {
        let mut applied = Applied::default();
        for policy in self.matching(entity) {
            let slot = if policy.0.kind == KindId::OperatorPolicy {
                &mut applied.operator
            } else {
                &mut applied.policy
            };
            if slot.is_none() && self.unsupported(policy, entity).is_empty() {
                *slot = Some(policy);
            }
        }
        applied
    }

    /// The value of an attribute that counts for an entity, and where it comes from.
    #[must_use]
    pub fn value(&self, entity: &'a Definition, name: &str) -> Option<Source<'a>> {
        let argument = entity.field(name).map(Source::Argument);
        let applied = self.applied(entity);
        let user = applied.policy.and_then(|policy| Some(Source::Policy(policy, policy.0.field(name)?)));
        let operator =
            applied.operator.and_then(|policy| Some(Source::OperatorPolicy(policy, policy.0.field(name)?)));
        let merged = match (user, operator) {
            (Some(user), Some(operator)) => Some(merge(name, user, operator)),
            (user, operator) => user.or(operator),
        };
        let (Some(argument), Some(merged)) = (argument, merged) else { return argument.or(merged) };
        let quorum =
            entity.kind == KindId::Queue && Queue(entity).queue_type(self.topology).word() == "quorum";
        let twin = entity.kind.kind().attribute(name).map_or(Twin::None, |attribute| attribute.twin);
        Some(match (name, twin) {
            // a quorum queue asks its policy first (rabbit_quorum_queue:overflow)
            ("overflow", _) if quorum => merged,
            (_, Twin::Min) => lesser(name, argument, merged),
            (_, Twin::Policy) => merged,
            (_, Twin::Argument | Twin::None) => argument,
        })
    }

    /// An integer that counts.
    #[must_use]
    pub fn integer(&self, entity: &'a Definition, name: &str) -> Option<i64> {
        self.value(entity, name)?.field().value.as_integer()
    }

    /// A text that counts.
    #[must_use]
    pub fn text(&self, entity: &'a Definition, name: &str) -> Option<Arc<str>> {
        self.value(entity, name)?.field().value.as_text().cloned()
    }

    /// A text that counts, borrowed.
    #[must_use]
    pub fn text_of(&self, entity: &'a Definition, name: &str) -> Option<&'a str> {
        self.value(entity, name)?.field().value.as_text().map(|text| &**text)
    }
}

/// Entities stay where they are while a graph borrows their topology.
fn address(entity: &Definition) -> usize {
    std::ptr::from_ref(entity).addr()
}

/// A user's and an operator's value of one key (`rabbit_policies:merge_policy_value`).
fn merge<'a>(name: &str, user: Source<'a>, operator: Source<'a>) -> Source<'a> {
    match name {
        "overflow" | "queue-version" => operator,
        _ => lesser(name, user, operator),
    }
}

/// The lesser of two numbers; of two delivery limits the greater if one of them is unlimited.
fn lesser<'a>(name: &str, first: Source<'a>, second: Source<'a>) -> Source<'a> {
    let number = |source: Source<'a>| {
        if let Value::Integer(integer) = source.field().value { Some(integer) } else { None }
    };
    match (number(first), number(second)) {
        (Some(a), Some(b)) => {
            let greater = name == "delivery-limit" && (a < 0 || b < 0);
            if (b < a) != greater && a != b { second } else { first }
        }
        _ => first,
    }
}
