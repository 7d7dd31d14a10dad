//! What a topology answers, be it right or wrong.

use topoc::{Compiled, diag::human, diagram, export, graph::Graph, route};

/// So many messages and queues of a text are asked about.
const ASKED: usize = 8;

/// Asks all that can be asked.
pub(crate) fn answers(checked: &Compiled) {
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
