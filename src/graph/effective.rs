//! Which policy applies to what, and which value then counts. `topoc_routing::policy` decides; this finds the
//! way back to what was written.

use std::{collections::BTreeMap, sync::Arc};

use fancy_regex::Regex;
use rustc_hash::FxHashMap;
use topoc_routing::{
    QueueKind, Table, Version,
    policy::{self, ApplyTo, Object},
};

use super::routes::value;
use crate::{
    kind::{Definition, Field, KindId, Place},
    topology::{DEFAULT_VHOST, Policy, Queue, QueueType, Topology},
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

    /// The policy that says it, if one does.
    #[must_use]
    pub fn policy(self) -> Option<Policy<'a>> {
        match self {
            Self::Argument(_) => None,
            Self::Policy(policy, _) | Self::OperatorPolicy(policy, _) => Some(policy),
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

/// What becomes of the policies whose pattern and `apply-to` take in an entity.
#[derive(Clone, Debug, Default)]
pub struct Selection<'a> {
    /// The one that applies; with a tie, the first written of those that may.
    pub applies: Option<Policy<'a>>,
    /// Others of the same priority: which of them applies is not specified.
    pub tied: Vec<Policy<'a>>,
    /// Those of lower priority.
    pub hidden: Vec<Policy<'a>>,
    /// Those that hold a key which the entity's type does not support, and so are skipped whole; with that key.
    pub skipped: Vec<(Policy<'a>, Arc<str>)>,
}

/// The policies, or the operator policies, of a vhost.
#[derive(Debug, Default)]
struct List<'a> {
    written: Vec<Policy<'a>>,
    known: Vec<policy::Policy>,
    patterns: Vec<Pattern>,
}

/// A pattern, and the text that every name begins with in which it is found.
#[derive(Debug)]
pub struct Pattern {
    regex: Option<Regex>,
    prefix: String,
}

/// All policies of a topology, ready to be asked.
#[derive(Debug)]
pub struct Effective<'a> {
    topology: &'a Topology,
    version: Version,
    /// By vhost: policies and operator policies.
    lists: BTreeMap<&'a str, [List<'a>; 2]>,
    /// By the address of the entity, since lints ask for many values of each: policies and operator policies.
    selections: FxHashMap<usize, [Selection<'a>; 2]>,
}

impl<'a> Effective<'a> {
    /// The policies of a topology, in force as its target version has them.
    #[must_use]
    pub fn new(topology: &'a Topology) -> Self {
        let version = topology.target_version();
        let mut lists: BTreeMap<&'a str, [List<'a>; 2]> = BTreeMap::new();
        for (kind, index) in [(KindId::Policy, 0), (KindId::OperatorPolicy, 1)] {
            for policy in topology.of(kind).map(Policy) {
                lists.entry(policy.vhost()).or_default()[index].add(policy);
            }
        }
        let version = Version::new(version.major, version.minor);
        let mut effective = Self { topology, version, lists, selections: FxHashMap::default() };
        if !effective.lists.is_empty() {
            effective.selections = topology
                .definitions()
                .iter()
                .filter_map(|entity| Some((address(entity), effective.select(entity)?)))
                .collect();
        }
        effective
    }

    /// What decides which rules there are: a queue's type, or that it is an exchange.
    #[must_use]
    pub fn object(&self, entity: &'a Definition) -> Option<Object> {
        match entity.kind {
            KindId::Exchange => Some(Object::Exchange),
            KindId::Queue => Some(Object::Queue(match Queue(entity).queue_type(self.topology) {
                QueueType::Classic => QueueKind::Classic,
                QueueType::Quorum => QueueKind::Quorum,
                QueueType::Stream => QueueKind::Stream,
            })),
            _ => None,
        }
    }

    /// The version that decides which rules there are.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// What a policy's names are found by.
    #[must_use]
    pub fn pattern(&self, policy: Policy<'a>) -> Option<&Pattern> {
        let lists = self.lists.get(policy.vhost()).into_iter().flatten();
        let mut all = lists.flat_map(|list| list.written.iter().zip(&list.patterns));
        all.find(|(written, _)| std::ptr::eq(written.0, policy.0)).map(|(_, pattern)| pattern)
    }

    fn select(&self, entity: &'a Definition) -> Option<[Selection<'a>; 2]> {
        let object = self.object(entity)?;
        let lists = self.lists.get(entity.vhost.as_deref().unwrap_or(DEFAULT_VHOST))?;
        Some([0, 1].map(|index| lists[index].select(object, self.version, entity.name())))
    }

    /// What becomes of the policies that match an exchange or queue.
    #[must_use]
    pub fn policies(&self, entity: &Definition) -> Option<&Selection<'a>> {
        self.selections.get(&address(entity)).map(|both| &both[0])
    }

    /// What becomes of the operator policies that match an exchange or queue.
    #[must_use]
    pub fn operator_policies(&self, entity: &Definition) -> Option<&Selection<'a>> {
        self.selections.get(&address(entity)).map(|both| &both[1])
    }

    /// The policies that apply to an entity.
    #[must_use]
    pub fn applied(&self, entity: &Definition) -> Applied<'a> {
        self.selections.get(&address(entity)).map_or_else(Applied::default, |[policies, operator]| Applied {
            policy: policies.applies,
            operator: operator.applies,
        })
    }

    /// The value of an attribute that counts for an entity, and where it comes from.
    #[must_use]
    pub fn value(&self, entity: &'a Definition, name: &str) -> Option<Source<'a>> {
        let argument = entity.field(name).map(Source::Argument);
        let applied = self.applied(entity);
        let user = applied.policy.and_then(|policy| Some(Source::Policy(policy, policy.0.field(name)?)));
        let operator =
            applied.operator.and_then(|policy| Some(Source::OperatorPolicy(policy, policy.0.field(name)?)));
        if user.is_none() && operator.is_none() {
            return argument;
        }
        let table = |source: Option<Source<'a>>, key: String| {
            source.map(|source| Table::from([(key, value(&source.field().value))]))
        };
        let arguments = table(argument, policy::argument_name(name)).unwrap_or_default();
        let (user_table, operator_table) = (table(user, name.to_owned()), table(operator, name.to_owned()));
        let object = self.object(entity)?;
        let values =
            policy::effective(object, self.version, &arguments, user_table.as_ref(), operator_table.as_ref());
        match values.get(name)?.from {
            policy::Source::Argument => argument,
            policy::Source::Policy => user,
            policy::Source::OperatorPolicy => operator,
            policy::Source::Default => None,
        }
    }

    /// Every value that counts for an exchange or queue, by policy key, with those that the broker gives by itself.
    #[must_use]
    pub fn values(&self, entity: &'a Definition) -> BTreeMap<String, policy::Effective> {
        let Some(object) = self.object(entity) else { return BTreeMap::new() };
        let kind = entity.kind.kind();
        let own = entity.fields().filter_map(|(name, field)| match kind.attribute(name)?.place {
            Place::Argument(wire) => Some((wire.to_owned(), value(&field.value))),
            Place::Body(_) | Place::Key(_) | Place::Nowhere => None,
        });
        let others = entity.arguments.iter().map(|(name, field)| (name.to_string(), value(&field.value)));
        let arguments: Table = own.chain(others).collect();
        let table = |policy: Option<Policy<'a>>| -> Option<Table> {
            Some(policy_keys(policy?).map(|(key, field)| (key.to_owned(), value(&field.value))).collect())
        };
        let applied = self.applied(entity);
        let (user, operator) = (table(applied.policy), table(applied.operator));
        policy::effective(object, self.version, &arguments, user.as_ref(), operator.as_ref())
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

impl<'a> List<'a> {
    fn add(&mut self, policy: Policy<'a>) {
        let apply_to = policy.0.text("apply-to").and_then(ApplyTo::of).unwrap_or(ApplyTo::All);
        let definition = policy_keys(policy).map(|(key, field)| (key.to_owned(), value(&field.value)));
        self.known.push(policy::Policy {
            name: policy.name().to_owned(),
            apply_to,
            priority: policy.0.integer("priority").unwrap_or(0),
            definition: definition.collect(),
        });
        self.patterns.push(Pattern::new(policy.0.text("pattern").unwrap_or("")));
        self.written.push(policy);
    }

    fn select(&self, object: Object, version: Version, name: &str) -> Selection<'a> {
        let selected =
            policy::select(&self.known, object, version, |place| self.patterns[place].is_found_in(name));
        let written = |places: Vec<usize>| places.into_iter().map(|place| self.written[place]).collect();
        Selection {
            applies: selected.applies.map(|place| self.written[place]),
            tied: written(selected.tied),
            hidden: written(selected.hidden),
            skipped: selected
                .skipped
                .into_iter()
                .map(|(place, key)| (self.written[place], Arc::from(key)))
                .collect(),
        }
    }
}

/// The keys that a policy sets, known and unknown, and where.
pub fn policy_keys<'a>(policy: Policy<'a>) -> impl Iterator<Item = (&'a str, &'a Field)> {
    let kind = policy.0.kind.kind();
    let known = policy.0.fields().filter(move |(name, _)| {
        kind.attribute(name).is_some_and(|attribute| matches!(kind.place(attribute), Place::Key(_)))
    });
    let known = known.map(|(name, field)| -> (&'a str, &'a Field) { (name, field) });
    known.chain(policy.0.arguments.iter().map(|(name, field)| (&**name, field)))
}

impl Pattern {
    /// Reads a regular expression; one that is none is found nowhere.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self { regex: Regex::new(pattern).ok(), prefix: literal_prefix(pattern) }
    }

    /// Whether it is a regular expression.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.regex.is_some()
    }

    /// Whether it is found in a name; one that is no regular expression is found nowhere.
    #[must_use]
    pub fn is_found_in(&self, name: &str) -> bool {
        name.starts_with(&self.prefix)
            && self.regex.as_ref().is_some_and(|regex| regex.is_match(name).unwrap_or(false))
    }
}

/// What every name begins with in which an anchored pattern is found; empty where that is not plain to see.
fn literal_prefix(pattern: &str) -> String {
    let Some(rest) = pattern.strip_prefix('^').filter(|rest| !rest.contains(['|', '('])) else {
        return String::new();
    };
    let mut prefix = String::new();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(escaped) if escaped.is_ascii_punctuation() => prefix.push(escaped),
                _ => break,
            },
            // what comes before these need not be there
            '*' | '?' | '{' => {
                prefix.pop();
                break;
            }
            '.' | '+' | '[' | ']' | '}' | ')' | '$' | '^' | '#' => break,
            c if c.is_whitespace() => break,
            c => prefix.push(c),
        }
    }
    prefix
}

/// Entities stay where they are while a graph borrows their topology.
fn address(entity: &Definition) -> usize {
    std::ptr::from_ref(entity).addr()
}

#[cfg(test)]
mod tests {
    use super::literal_prefix;

    #[test]
    fn a_prefix_is_what_every_match_begins_with() {
        for (pattern, prefix) in [
            ("^orders\\.eu", "orders.eu"),
            ("^orders\\d", "orders"),
            ("^orders?", "order"),
            ("^orders+", "orders"),
            ("^a.b", "a"),
            ("^a|b", ""),
            ("^(a|b)", ""),
            ("orders", ""),
            ("", ""),
        ] {
            assert_eq!(literal_prefix(pattern), prefix, "{pattern}");
        }
    }
}
