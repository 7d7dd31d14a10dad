//! What must hold of any text at all; the damaged topologies and the fuzz target both ask it.

use topoc::{
    Compiled, codegen,
    diag::{Report, SourceMap, codes, human},
    mend::mend,
    syntax::{self, Inputs, MemorySources, Sources},
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
    for found in checked.report.diagnostics().iter().filter(|found| found.fix.is_some()) {
        let lint = topoc::lint::find(found.code.name);
        assert!(lint.is_none_or(topoc::lint::Lint::is_fixable), "{found:?}: its page says nothing of a fix");
    }
    mends(&checked, &sources);
    checked
}

/// What is mended is no worse, loses no comment, and has nothing left that can be mended.
fn mends(checked: &Compiled, sources: &MemorySources) {
    let check = |from: &dyn Sources| topoc::check(&["a.kdl".to_owned()], from, &Inputs::default());
    let once = mend(sources, &check);
    assert!(strange(&once.compiled) <= strange(checked), "{:?}", once.files);
    let fixed = once.compiled.report.diagnostics().iter().any(|found| found.fix.is_some());
    let again = once.files.iter().fold(MemorySources::default(), |sources, file| {
        sources.with(file.name.as_str(), file.after.as_str())
    });
    // what would be worse is put back as it was, as often as it is tried
    if fixed && once.is_complete {
        let twice = mend(&again, &check);
        for (once, twice) in once.files.iter().zip(&twice.files) {
            assert_eq!(once.after, twice.after, "mending twice is not once");
        }
    }
    for file in once.files.iter().filter(|_| strange(checked) == 0) {
        assert_eq!(comments(&file.before), comments(&file.after), "{file:?}");
    }
}

/// How often the language finds that a text is no KDL.
fn strange(compiled: &Compiled) -> usize {
    let codes = [codes::NOT_KDL, codes::TOO_LARGE];
    compiled.report.diagnostics().iter().filter(|found| codes.contains(&found.code)).count()
}

/// What stands behind slashes in each line.
fn comments(text: &str) -> Vec<&str> {
    let ends = ['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];
    text.split(ends).filter_map(|line| Some(line.split_once("// ")?.1)).collect()
}

/// The text as the formatter sets it, where it parses.
pub(crate) fn formatted(text: &str) -> Option<String> {
    let (mut sources, mut report) = (SourceMap::default(), Report::default());
    let file = sources.add("a.kdl", text);
    syntax::format(&sources, file, &mut report)
}
