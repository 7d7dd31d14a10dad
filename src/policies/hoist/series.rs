//! What counts for each exchange and queue in each series of brokers that a topology may run on.

use std::collections::BTreeMap;

use topoc_routing::{
    Table, Version,
    policy::{self, Object},
};

use crate::{
    diag::Span,
    graph::{Effective, Selection, policy_keys, wire_value as value},
    kind::{self, Definition, Place, VERSIONS},
    topology::{Policy, Topology},
};

/// A topology on brokers of one series.
pub(super) struct Series<'t> {
    /// The series.
    pub(super) version: Version,
    topology: &'t Topology,
    effective: Effective<'t>,
}

/// The topology on each series from its target on.
pub(super) fn targeted(topology: &Topology) -> Vec<Topology> {
    let oldest = topology.target_version();
    let newer = VERSIONS.iter().filter(|version| **version >= oldest);
    let on = |version: &kind::Version| {
        let mut targeted = topology.clone();
        targeted.target = Some((*version, Span::NONE));
        targeted
    };
    newer.map(on).collect()
}

/// What counts for an exchange or queue: its values, and who gives them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Counts {
    /// By policy key.
    pub(super) values: BTreeMap<String, topoc_routing::Value>,
    /// Policies and operator policies of the same priority that may apply in place of the one that was counted with.
    pub(super) tied: [Vec<String>; 2],
}

impl<'t> Series<'t> {
    pub(super) fn new(topology: &'t Topology) -> Self {
        let effective = Effective::new(topology);
        Self { version: effective.version(), topology, effective }
    }

    /// The entity at a place in the list of definitions.
    pub(super) fn definition(&self, index: usize) -> &'t Definition {
        &self.topology.definitions()[index]
    }

    pub(super) fn object(&self, index: usize) -> Option<Object> {
        self.effective.object(self.definition(index))
    }

    /// The policies, then the operator policies that match an entity.
    pub(super) fn selections(&self, index: usize) -> [Option<&Selection<'t>>; 2] {
        let definition = self.definition(index);
        [self.effective.policies(definition), self.effective.operator_policies(definition)]
    }

    /// The policy, then the operator policy that applies.
    pub(super) fn applied(&self, index: usize) -> [Option<Policy<'t>>; 2] {
        self.selections(index).map(|selection| selection?.applies)
    }

    /// The entity's arguments and the definitions of its policies, as the broker has them.
    pub(super) fn tables(&self, index: usize) -> (Table, [Option<Table>; 2]) {
        let definition = self.definition(index);
        let kind = definition.kind.kind();
        let arguments = definition.fields().filter_map(|(name, field)| {
            let Place::Argument(wire) = kind.place(kind.attribute(name)?) else { return None };
            Some((wire.to_owned(), value(&field.value)))
        });
        let unknown =
            definition.arguments.iter().map(|(name, field)| (name.to_string(), value(&field.value)));
        let policies = self.applied(index).map(|policy| Some(table(policy?)));
        (arguments.chain(unknown).collect(), policies)
    }

    /// What counts for an entity.
    pub(super) fn counts(&self, index: usize) -> Counts {
        let Some(object) = self.object(index) else {
            return Counts { values: BTreeMap::new(), tied: [Vec::new(), Vec::new()] };
        };
        let (arguments, [policy, operator]) = self.tables(index);
        let values = policy::effective(object, self.version, &arguments, policy.as_ref(), operator.as_ref());
        let tied = self.selections(index).map(|selection| {
            let tied = selection.map(|selection| selection.tied.as_slice()).unwrap_or_default();
            tied.iter().map(|policy| policy.name().to_owned()).collect()
        });
        Counts { values: values.into_iter().map(|(key, counts)| (key, counts.value)).collect(), tied }
    }
}

fn table(policy: Policy<'_>) -> Table {
    policy_keys(policy).map(|(key, field)| (key.to_owned(), value(&field.value))).collect()
}
