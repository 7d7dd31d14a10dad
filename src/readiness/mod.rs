//! What becomes of a topology on another RabbitMQ series: what `topoc readiness` answers.
//!
//! The topology is asked twice, as the series that it runs on has it and as the one that it is to run on has it: its
//! lints, the values that count, the ways of its messages. What differs is a finding. This room knows graphs and lints;
//! it may not know plans or brokers.

mod behaviour;
mod cluster;
mod lints;
mod path;
mod routes;
mod show;
mod values;

pub use cluster::{Channel, Cluster, denies_global_qos};
pub use path::path;
pub use show::{human, json};

use crate::{
    diag::{Report, Span, Subject},
    graph::Graph,
    kind::{Definition, Version},
    lint,
    topology::Topology,
};

/// What the newer series does to what a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// It refuses it, or does not start.
    Refused,
    /// It does something else with it than the series before.
    Changes,
    /// It takes it, and does nothing with it.
    Ignored,
}

impl Effect {
    /// The word that users read and write: `refused`, `changes` or `ignored`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Changes => "changes",
            Self::Ignored => "ignored",
        }
    }
}

/// What a finding is about, and where that is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Where; [`Span::NONE`] for what is on a broker.
    pub span: Span,
    /// The entity; none where only the place is known.
    pub subject: Option<Subject>,
}

impl Place {
    /// An entity, at its own node.
    #[must_use]
    pub fn of(definition: &Definition) -> Self {
        Self { span: definition.span, subject: Some(definition.subject()) }
    }

    /// An entity, where one of its attributes is written.
    #[must_use]
    pub fn at(definition: &Definition, attribute: &str) -> Self {
        Self { span: definition.span_of(attribute), ..Self::of(definition) }
    }
}

/// One thing that the newer series does otherwise, with all that it happens to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What becomes of it.
    pub effect: Effect,
    /// The lint that says so, if one does.
    pub lint: Option<&'static str>,
    /// What happens, in one sentence.
    pub message: String,
    /// Why, in the broker's terms.
    pub reason: String,
    /// The edit or command that settles it.
    pub edit: String,
    /// To what it happens; at least one, in the order of the topology.
    pub places: Vec<Place>,
}

/// The verdict on a topology.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// The series that it runs on.
    pub from: Version,
    /// The series that it is to run on.
    pub to: Version,
    /// Findings: what is refused, what changes, what is ignored.
    pub findings: Vec<Finding>,
    /// What could not be looked at, and why.
    pub notes: Vec<String>,
}

impl Readiness {
    /// What a series makes of a topology that runs on another.
    #[must_use]
    pub fn new(topology: &Topology, from: Version, to: Version) -> Self {
        let (before, after) = (as_on(topology, from), as_on(topology, to));
        let (before, after) = (Sight::new(&before, from), Sight::new(&after, to));
        let mut findings = values::compare(&before, &after);
        findings.extend(routes::compare(&before, &after));
        findings.extend(behaviour::compare(&before, &after));
        let findings = lints::compare(&before, &after, findings);
        let mut readiness = Self { from, to, findings, notes: behaviour::plugins(&after) };
        readiness.sort();
        readiness
    }

    /// Adds what a cluster says of itself.
    pub fn add(&mut self, cluster: &Cluster) {
        self.notes.extend(cluster.notes.iter().cloned());
        let found = cluster::findings(cluster, self);
        self.findings.extend(found);
        self.sort();
    }

    fn sort(&mut self) {
        self.findings.sort_by(|a, b| {
            let key = |finding: &Finding| (finding.effect, finding.places.first().cloned(), finding.lint);
            key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
        });
    }

    /// How many findings have an effect.
    #[must_use]
    pub fn count(&self, effect: Effect) -> usize {
        self.findings.iter().filter(|finding| finding.effect == effect).count()
    }

    /// Whether nothing has this effect or one that is worse.
    #[must_use]
    pub fn is_ready(&self, bound: Effect) -> bool {
        self.findings.iter().all(|finding| finding.effect > bound)
    }
}

/// A topology as a series has it.
struct Sight<'a> {
    version: Version,
    graph: Graph<'a>,
    report: Report,
}

impl<'a> Sight<'a> {
    fn new(topology: &'a Topology, version: Version) -> Self {
        let graph = Graph::new(topology);
        let mut report = Report::default();
        lint::run(&graph, &mut report);
        report.sort();
        Self { version, graph, report }
    }

    fn topology(&self) -> &'a Topology {
        self.graph.topology
    }
}

fn as_on(topology: &Topology, version: Version) -> Topology {
    let mut topology = topology.clone();
    topology.target = Some((version, Span::NONE));
    topology
}
