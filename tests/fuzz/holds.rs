//! What must hold of any text at all; the damaged topologies and the fuzz target both ask it.

use topoc::{
    Compiled, codegen,
    diag::{Report, SourceMap, human},
    diagram, export,
    graph::Graph,
    route,
    syntax::{self, Inputs, MemorySources},
};

/// So many messages and queues of a text are asked about.
const ASKED: usize = 8;

/// Runs all that reads texts, of which the others may be included by the first, and holds the formatter to its
/// promises.
pub(crate) fn holds(texts: &[String]) {
    let path = ["a.kdl".to_owned()];
    let names = ["a.kdl", "b.kdl", "c.kdl"];
    let sources = names
        .iter()
        .zip(texts)
        .fold(MemorySources::default(), |sources, (name, text)| sources.with(*name, text.as_str()));
    let checked = topoc::check(&path, &sources, &Inputs::default());
    let screen = human::report(&checked.report, &checked.sources, human::Look { color: true, all: true }, "");
    assert!(checked.report.is_empty() == screen.is_empty());
    answers(&checked);
    // what is wrong is refused; what is right becomes Rust
    let generated = codegen::generate(&checked, &sources, &[]);
    assert!(!matches!(generated, Err(codegen::Error::Broken(_))), "{generated:?}");
    for text in texts {
        let Some(once) = formatted(text) else { continue };
        assert_eq!(formatted(&once).as_deref(), Some(once.as_str()), "formatting twice is not once");
    }
}

/// Asks all that can be asked of a topology, be it right or wrong.
fn answers(checked: &Compiled) {
    let graph = Graph::new(&checked.topology);
    let options = diagram::Options::default();
    for message in checked.topology.contract.messages.iter().take(ASKED) {
        let Ok(publish) = route::publish_of(message, &[]) else { continue };
        let queues = checked.topology.queues().take(ASKED);
        for queue in queues {
            let reason = route::why_not(&graph, publish.clone(), queue.name());
            if let Ok(reason) = reason {
                let _ = (reason.human(&checked.sources), reason.json(&checked.sources));
            }
        }
        let Ok(found) = route::ask(&graph, publish) else { continue };
        let look = human::Look { color: true, all: true };
        let _ = (route::human(&found, &checked.sources, look), route::json(&found, &checked.sources));
        if let Ok(picture) = diagram::draw_trail(&graph, &checked.sources, &found.trail(), &options) {
            let _ = picture.dot();
        }
    }
    if let Ok(picture) = diagram::draw(&graph, &checked.sources, &checked.report, &options) {
        let _ = (picture.dot(), picture.mermaid());
    }
    let _ = export::definitions(&checked.topology, None);
}

/// The text as the formatter sets it, where it parses.
pub(crate) fn formatted(text: &str) -> Option<String> {
    let (mut sources, mut report) = (SourceMap::default(), Report::default());
    let file = sources.add("a.kdl", text);
    syntax::format(&sources, file, &mut report)
}
