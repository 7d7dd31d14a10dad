//! What is likely or certainly wrong in a topology that can be read: one file and one page each.
//!
//! This room knows graphs and topologies. It may not know plans or brokers.

mod context;
#[cfg(feature = "cli")]
mod index;
mod levels;

mod dlx_missing_exchange;
mod unknown_exchange;

pub use context::Context;
#[cfg(feature = "cli")]
pub use index::index;

use crate::{
    diag::{Code, Report, Severity},
    graph::Graph,
};

/// A lint: its identity, its page, and what finds it.
#[derive(Clone, Copy, Debug)]
pub struct Lint {
    /// Its stable code, name, severity and a summary in one line.
    pub code: Code,
    /// Its page: what it does, why it matters, an example, what to use instead.
    pub page: &'static str,
    /// Finds it.
    pub check: fn(&Context<'_, '_>, &mut Report),
}

/// Every lint, in the order of the codes.
pub const LINTS: &[Lint] = &[unknown_exchange::LINT, dlx_missing_exchange::LINT];

/// The lint of a name or code.
#[must_use]
pub fn find(name: &str) -> Option<&'static Lint> {
    LINTS.iter().find(|lint| lint.code.name == name || lint.code.code.eq_ignore_ascii_case(name))
}

const fn error(code: &'static str, name: &'static str, summary: &'static str) -> Code {
    Code { code, name, severity: Severity::Error, summary }
}

#[expect(dead_code, reason = "the lints that use it follow")]
const fn warning(code: &'static str, name: &'static str, summary: &'static str) -> Code {
    Code { code, name, severity: Severity::Warning, summary }
}

#[expect(dead_code, reason = "the lints that use it follow")]
const fn hint(code: &'static str, name: &'static str, summary: &'static str) -> Code {
    Code { code, name, severity: Severity::Hint, summary }
}

/// Runs every lint, then applies the levels and `allow`s that the topology states.
pub fn run(graph: &Graph<'_>, report: &mut Report) {
    let context = Context::new(graph);
    let mut found = Report::default();
    for lint in LINTS {
        (lint.check)(&context, &mut found);
    }
    levels::apply(graph.topology, found, report);
}
