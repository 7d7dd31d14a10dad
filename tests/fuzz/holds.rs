//! What must hold of any text at all; the damaged topologies and the fuzz target both ask it.

use topoc::{
    Compiled, codegen,
    diag::{Report, SourceMap, human},
    syntax::{self, Inputs, MemorySources},
};

/// Runs all that reads texts, of which the others may be included by the first, and holds the formatter to its
/// promises.
pub(crate) fn holds(texts: &[String]) -> Compiled {
    let path = ["a.kdl".to_owned()];
    let names = ["a.kdl", "b.kdl", "c.kdl"];
    let sources = names
        .iter()
        .zip(texts)
        .fold(MemorySources::default(), |sources, (name, text)| sources.with(*name, text.as_str()));
    let checked = topoc::check(&path, &sources, &Inputs::default());
    let screen = human::report(&checked.report, &checked.sources, human::Look { color: true, all: true }, "");
    assert!(checked.report.is_empty() == screen.is_empty());
    // what is wrong is refused; what is right becomes Rust
    let generated = codegen::generate(&checked, &sources, &[]);
    assert!(!matches!(generated, Err(codegen::Error::Broken(_))), "{generated:?}");
    for text in texts {
        let Some(once) = formatted(text) else { continue };
        assert_eq!(formatted(&once).as_deref(), Some(once.as_str()), "formatting twice is not once");
    }
    checked
}

/// The text as the formatter sets it, where it parses.
pub(crate) fn formatted(text: &str) -> Option<String> {
    let (mut sources, mut report) = (SourceMap::default(), Report::default());
    let file = sources.add("a.kdl", text);
    syntax::format(&sources, file, &mut report)
}
