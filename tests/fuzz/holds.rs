//! What must hold of any text at all; the damaged topologies and the fuzz target both ask it.

use topoc::{
    diag::{Report, SourceMap, human},
    syntax::{self, Inputs, MemorySources},
};

/// Runs all that reads a text, and holds the formatter to its promises.
pub(crate) fn holds(text: &str) {
    let path = ["a.kdl".to_owned()];
    let sources = MemorySources::default().with("a.kdl", text);
    let checked = topoc::check(&path, &sources, &Inputs::default());
    let screen = human::report(&checked.report, &checked.sources, human::Look { color: true, all: true }, "");
    assert!(checked.report.is_empty() == screen.is_empty());
    let Some(once) = formatted(text) else { return };
    assert_eq!(formatted(&once).as_deref(), Some(once.as_str()), "formatting twice is not once");
}

/// The text as the formatter sets it, where it parses.
pub(crate) fn formatted(text: &str) -> Option<String> {
    let (mut sources, mut report) = (SourceMap::default(), Report::default());
    let file = sources.add("a.kdl", text);
    syntax::format(&sources, file, &mut report)
}
