//! Nodes → a topology: entities, contracts, and names that lead from one to the other.
//!
//! This room knows kinds and nodes. It may not know graphs, lints or brokers.

mod attributes;
mod complete;
mod contract;
mod decode;
mod derive;
mod entities;
mod groups;
mod hidden;
mod messages;
pub mod privilege;
mod resolve;
pub(crate) mod schemas;
pub mod secrets;
mod services;
mod strange;
mod types;
pub mod unread;
mod values;
mod views;

pub use contract::{
    Answers, Consumes, Contract, EnumType, FIELD_TYPES, FieldDecl, FieldType, KeyParameter, KeyPart, Message,
    MessageHeader, Payload, Reference, Rpc, Service, StructType,
};
pub use decode::decode;
pub use derive::{delay_queue, recognise_ladders};
pub use entities::local_uri;
pub use views::{Binding, Exchange, Policy, Queue, QueueType};

use std::{collections::hash_map::Entry, sync::Arc};

use rustc_hash::FxHashMap;

use crate::{
    diag::{Severity, Span},
    kind::{Definition, Identity, KindId, Version},
    syntax::{Environment, Word},
};

/// The vhost of what stands outside any `vhost` node.
pub const DEFAULT_VHOST: &str = "/";

/// A lint's level for the whole topology.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LintLevel {
    /// The lint's name.
    pub lint: Word,
    /// Its level; none: off.
    pub level: Option<Severity>,
}

/// What is to be, or, read from a broker, what is.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    /// Its name: the owner of what it applies.
    pub name: Option<Word>,
    /// The oldest broker that it must run on.
    pub target: Option<(Version, Span)>,
    /// Levels of lints.
    pub levels: Vec<LintLevel>,
    /// The chosen environment.
    pub environment: Option<Environment>,
    /// What services agree on.
    pub contract: Contract,
    definitions: Vec<Definition>,
    /// Queues of retry ladders, until all that is written has been read: what is written comes first.
    ladders: Vec<Definition>,
    by_identity: FxHashMap<Identity, usize>,
    by_kind: FxHashMap<KindId, Vec<usize>>,
    exchanges: FxHashMap<Arc<str>, Vec<usize>>,
    queues: FxHashMap<Arc<str>, Vec<usize>>,
}

/// The name of a super stream's partition, counted from 0 (`rabbit_stream_manager`).
#[must_use]
pub fn partition_name(super_stream: &str, partition: i64) -> String {
    format!("{super_stream}-{partition}")
}

impl Topology {
    /// Makes room for nodes that are about to be read; many bring a binding of their own.
    fn reserve(&mut self, nodes: usize) {
        self.definitions.reserve(nodes * 2);
        self.by_identity.reserve(nodes * 2);
        self.queues.reserve(nodes);
    }

    /// Adds an entity. One whose identity is there already is given back, with the one that is there.
    pub fn insert(&mut self, definition: Definition) -> Option<(Box<Definition>, &Definition)> {
        let index = self.definitions.len();
        match self.by_identity.entry(definition.identity()) {
            Entry::Occupied(first) => {
                return Some((Box::new(definition), &self.definitions[*first.get()]));
            }
            Entry::Vacant(place) => place.insert(index),
        };
        let by_name = match definition.kind {
            KindId::Exchange => Some(&mut self.exchanges),
            KindId::Queue => Some(&mut self.queues),
            _ => None,
        };
        if let Some(by_name) = by_name
            && let Some(name) = definition.field("name").and_then(|field| field.value.as_text())
        {
            by_name.entry(name.clone()).or_default().push(index);
        }
        self.by_kind.entry(definition.kind).or_default().push(index);
        self.definitions.push(definition);
        None
    }

    /// The entity of the same identity as another, to add to what is said of it.
    pub(crate) fn same_as(&mut self, other: &Definition) -> Option<&mut Definition> {
        let index = *self.by_identity.get(&other.identity())?;
        self.definitions.get_mut(index)
    }

    /// Every entity, in the order written; what is derived comes after what it is derived from.
    #[must_use]
    pub fn definitions(&self) -> &[Definition] {
        &self.definitions
    }

    /// The entities of a kind, in the order written.
    pub fn of(&self, kind: KindId) -> impl Iterator<Item = &Definition> {
        let indices = self.by_kind.get(&kind).map_or(&[] as &[usize], Vec::as_slice);
        indices.iter().map(|index| &self.definitions[*index])
    }

    /// The entity of an identity.
    #[must_use]
    pub fn get(&self, identity: &Identity) -> Option<&Definition> {
        self.by_identity.get(identity).map(|index| &self.definitions[*index])
    }

    /// Where the exchanges or queues of a name are, in all vhosts.
    fn indices(&self, kind: KindId, name: &str) -> &[usize] {
        let by_name = if kind == KindId::Exchange { &self.exchanges } else { &self.queues };
        by_name.get(name).map_or(&[], Vec::as_slice)
    }

    fn named(&self, kind: KindId, vhost: &str, name: &str) -> Option<&Definition> {
        let mut found = self.indices(kind, name).iter().map(|index| &self.definitions[*index]);
        found.find(|found| found.vhost.as_deref() == Some(vhost))
    }

    /// The queue or stream of a name in a vhost.
    #[must_use]
    pub fn queue(&self, vhost: &str, name: &str) -> Option<Queue<'_>> {
        self.named(KindId::Queue, vhost, name).map(Queue)
    }

    /// The exchange of a name in a vhost that the topology declares.
    #[must_use]
    pub fn exchange(&self, vhost: &str, name: &str) -> Option<Exchange<'_>> {
        self.named(KindId::Exchange, vhost, name).map(Exchange)
    }

    /// The partitions of a super stream, in order; none where the name is no super stream's.
    #[must_use]
    pub fn partitions(&self, vhost: &str, name: &str) -> Vec<Queue<'_>> {
        if !self.exchange(vhost, name).is_some_and(Exchange::is_super_stream) {
            return Vec::new();
        }
        (0..).map_while(|partition| self.queue(vhost, &partition_name(name, partition))).collect()
    }

    /// The queues that a service means by a name: one, or all partitions of a super stream.
    #[must_use]
    pub fn queues_of(&self, reference: &Reference) -> Vec<Queue<'_>> {
        let Some(vhost) = reference.found.as_deref() else { return Vec::new() };
        match self.queue(vhost, &reference.name.text) {
            Some(queue) => vec![queue],
            None => self.partitions(vhost, &reference.name.text),
        }
    }

    /// The vhosts in which a queue or exchange of that name stands.
    #[must_use]
    pub fn vhosts_of(&self, kind: KindId, name: &str) -> Vec<Arc<str>> {
        let indices = self.indices(kind, name).iter();
        indices.filter_map(|index| self.definitions[*index].vhost.clone()).collect()
    }

    /// Queues and streams.
    pub fn queues(&self) -> impl Iterator<Item = Queue<'_>> {
        self.of(KindId::Queue).map(Queue)
    }

    /// Exchanges.
    pub fn exchanges(&self) -> impl Iterator<Item = Exchange<'_>> {
        self.of(KindId::Exchange).map(Exchange)
    }

    /// Bindings.
    pub fn bindings(&self) -> impl Iterator<Item = Binding<'_>> {
        self.of(KindId::Binding).map(Binding)
    }

    /// The type of queues that a vhost declares without one.
    #[must_use]
    pub fn default_queue_type(&self, vhost: &str) -> Option<QueueType> {
        let vhost = Identity { kind: KindId::Vhost, vhost: None, parts: vec![Arc::from(vhost)] };
        let vhost = self.get(&vhost)?;
        QueueType::from_word(vhost.text("default-queue-type")?)
    }

    /// The series of brokers that it is written for.
    #[must_use]
    pub fn target_version(&self) -> Version {
        self.target.map_or(crate::kind::OLDEST, |(version, _)| version)
    }
}
