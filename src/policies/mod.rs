//! Which policies apply to each exchange and queue, and which values then count: what `topoc policies` answers.
//!
//! `topoc-routing` decides, by way of [`crate::graph::Effective`]; this room finds the words. It may not know plans
//! or brokers.

pub mod hoist;
mod show;

pub use show::{human, json};

use crate::{
    diag::did_you_mean,
    graph::{Effective, Graph, Selection, Source, policy_keys},
    kind::{Definition, Field, KindId, Place, Type},
    topology::{DEFAULT_VHOST, Policy},
};

/// An exchange or queue with the policies that apply to it.
#[derive(Debug)]
pub struct Entity<'g, 'a> {
    /// What it is.
    pub definition: &'a Definition,
    /// Its policies; none where no pattern matches.
    pub policies: Option<&'g Selection<'a>>,
    /// Its operator policies; none where no pattern matches.
    pub operator_policies: Option<&'g Selection<'a>>,
    /// Every value that is said of it, by attribute.
    pub values: Vec<Effect<'a>>,
}

/// What counts for one attribute, and what is said and does not count.
#[derive(Debug)]
pub struct Effect<'a> {
    /// The attribute, or a policy key that topoc does not know.
    pub name: &'a str,
    /// Its type.
    pub ty: Type,
    /// What counts; none where the broker ignores all that is said.
    pub counts: Option<Source<'a>>,
    /// What else is said.
    pub idle: Vec<Source<'a>>,
}

/// Names an exchange or queue that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// What is not there.
    pub message: String,
    /// The nearest name.
    pub help: String,
}

/// The exchanges and queues of a topology, or those of one name, in the order written.
///
/// # Errors
/// When nothing has the name.
pub fn all<'g, 'a>(graph: &'g Graph<'a>, name: Option<&str>) -> Result<Vec<Entity<'g, 'a>>, Unknown> {
    let topology = graph.topology;
    let both = || topology.definitions().iter().filter(|definition| is_subject(definition));
    let found: Vec<Entity<'g, 'a>> = both()
        .filter(|definition| name.is_none_or(|name| definition.name() == name))
        .map(|definition| entity(&graph.effective, definition))
        .collect();
    match name {
        Some(name) if found.is_empty() => Err(Unknown {
            message: format!("no queue or exchange is called `{name}`"),
            help: did_you_mean(name, both().map(Definition::name), "name"),
        }),
        _ => Ok(found),
    }
}

fn is_subject(definition: &Definition) -> bool {
    matches!(definition.kind, KindId::Exchange | KindId::Queue)
}

fn entity<'g, 'a>(effective: &'g Effective<'a>, definition: &'a Definition) -> Entity<'g, 'a> {
    let applied = effective.applied(definition);
    let kind = definition.kind.kind();
    let mut names: Vec<(&'a str, Type)> = Vec::new();
    let own = definition.fields().filter_map(|(name, _)| kind.attribute(name));
    let own = own.filter(|attribute| matches!(kind.place(attribute), Place::Argument(_)));
    names.extend(own.map(|attribute| (attribute.name, attribute.ty)));
    for policy in [applied.policy, applied.operator].into_iter().flatten() {
        for (key, _) in policy_keys(policy) {
            if names.iter().all(|(name, _)| *name != key) {
                let known = policy.0.kind.kind().attribute(key);
                names.push((key, known.map_or(Type::Json, |attribute| attribute.ty)));
            }
        }
    }
    let values = names.into_iter().map(|(name, ty)| {
        let said = [
            definition.field(name).map(Source::Argument),
            applied.policy.and_then(|policy| Some(Source::Policy(policy, key(policy, name)?))),
            applied.operator.and_then(|policy| Some(Source::OperatorPolicy(policy, key(policy, name)?))),
        ];
        let said: Vec<Source<'a>> = said.into_iter().flatten().collect();
        let counts = effective.value(definition, name);
        let is_it =
            |source: &Source<'a>| counts.is_some_and(|counts| std::ptr::eq(counts.field(), source.field()));
        let idle = said.iter().copied().filter(|source| !is_it(source)).collect();
        Effect { name, ty, counts, idle }
    });
    Entity {
        definition,
        policies: effective.policies(definition),
        operator_policies: effective.operator_policies(definition),
        values: values.collect(),
    }
}

fn key<'a>(policy: Policy<'a>, name: &str) -> Option<&'a Field> {
    policy_keys(policy).find(|(key, _)| *key == name).map(|(_, field)| field)
}

impl<'a> Entity<'_, 'a> {
    /// Its vhost.
    #[must_use]
    pub fn vhost(&self) -> &'a str {
        self.definition.vhost.as_deref().unwrap_or(DEFAULT_VHOST)
    }
}
