//! Topology as code for RabbitMQ.
//!
//! topoc is a compiler, and its line is straight; each room knows only the rooms before it:
//!
//! ```text
//! text → syntax → kind → topology → graph → lint → plan → broker → cli
//!                          └──────────┴→ route, policies, readiness, dead, health, codegen, diagram, export
//! text ← import ← what is live
//! ```
#![warn(clippy::disallowed_methods)]

#[cfg(feature = "broker")]
pub mod broker;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "codegen")]
pub mod codegen;
#[cfg(feature = "broker")]
pub mod dead;
pub mod diag;
#[cfg(feature = "cli")]
pub mod diagram;
#[cfg(feature = "cli")]
pub mod export;
pub mod graph;
#[cfg(feature = "cli")]
pub mod health;
#[cfg(feature = "cli")]
pub mod import;
pub mod kind;
pub mod lint;
pub mod mend;
#[cfg(feature = "broker")]
pub mod plan;
#[cfg(feature = "cli")]
pub mod policies;
#[cfg(feature = "cli")]
pub mod readiness;
#[cfg(feature = "cli")]
pub mod route;
pub mod syntax;
mod threads;
pub mod topology;
mod uri;

use std::sync::Arc;

use diag::{Report, SourceMap};
use syntax::{Ground, Inputs, Sources};
use topology::Topology;

/// A topology with the texts that it was written in and all that was found in them.
#[derive(Debug, Default)]
pub struct Compiled {
    /// The texts that were read.
    pub sources: SourceMap,
    /// What could be made sense of.
    pub topology: Topology,
    /// What was found.
    pub report: Report,
    /// The names of its variables.
    pub variables: Vec<Arc<str>>,
    /// What decides whether what was found has a fix.
    ground: Ground,
}

/// Reads a topology from its files: text → nodes → entities.
#[must_use]
pub fn compile(paths: &[String], from: &dyn Sources, inputs: &Inputs) -> Compiled {
    let mut report = Report::default();
    let loaded = syntax::load(paths, from, &mut report);
    syntax::settle_text(&mut report, &loaded.sources);
    let written = topology::secrets::written(&loaded.nodes);
    let repeated = [loaded.several, syntax::repeated(&loaded.nodes)].concat();
    let mut found = Report::default();
    let expansion = syntax::expand(loaded.nodes, inputs, kind::repeats, &mut found);
    let variables = expansion.variables.clone();
    let mut ground = Ground::new(&report, repeated, &expansion);
    let topology = topology::decode(expansion, &mut found);
    topology::schemas::check(&topology, &loaded.sources, from, &mut found);
    syntax::settle(&mut found, &loaded.sources, &ground);
    ground.add(&found);
    report.extend(found);
    let mut sources = loaded.sources;
    let open: Vec<_> = topology::secrets::in_the_open(&topology).collect();
    if ground.is_broken() || !written.is_empty() || !open.is_empty() {
        ground.keep(&sources);
    }
    // no excerpt may show them; first those whose own words are still there to be found in what is said
    topology::unread::hide(&mut sources, &mut report);
    for (span, secret) in written {
        sources.mask(span, &secret);
    }
    for open in open {
        sources.mask(open.span, open.text);
    }
    report.sort();
    Compiled { sources, topology, report, variables, ground }
}

/// Reads a topology and asks every lint.
#[must_use]
pub fn check(paths: &[String], from: &dyn Sources, inputs: &Inputs) -> Compiled {
    let mut compiled = compile(paths, from, inputs);
    compiled.lint();
    compiled
}

impl Compiled {
    /// Asks every lint, and adds what they find.
    pub fn lint(&mut self) {
        let graph = graph::Graph::new(&self.topology);
        let mut found = Report::default();
        lint::run(&graph, &mut found);
        syntax::settle(&mut found, self.ground.texts(&self.sources), &self.ground);
        self.report.extend(found);
        self.report.sort();
    }
}
