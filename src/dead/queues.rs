//! Which queues of a topology dead letters end in.

use std::collections::{BTreeMap, BTreeSet};

use topoc_routing::QueueId;

use crate::{
    graph::{DeadLetterMap, Graph, Routes},
    kind::{Derived, Provenance},
    topology::Queue,
};

/// A queue that dead letters end in.
#[derive(Clone, Debug)]
pub struct DeadQueue<'a> {
    /// The queue.
    pub queue: Queue<'a>,
    /// The queues whose dead letters may come to it, and those whose retry ladder ends in it.
    pub sources: BTreeSet<&'a str>,
}

/// The queues that dead letters end in, in the order of the topology. One that holds them back for a time only, as the
/// steps of a retry ladder do, is none, nor is one that gets back what was held back.
#[must_use]
pub fn dead_queues<'a>(graph: &Graph<'a>) -> Vec<DeadQueue<'a>> {
    let topology = graph.topology;
    let mut sources: BTreeMap<(&str, &str), BTreeSet<&'a str>> = BTreeMap::new();
    let flows = graph.flows();
    let maps = graph.dead_letters(&flows);
    for (vhost, routes) in graph.vhosts() {
        let Some(map) = maps.get(vhost) else { continue };
        let of = Delays { graph, routes, map };
        let delays: BTreeSet<QueueId> =
            routes.topology.queues().map(|(id, _)| id).filter(|id| of.is_delay(*id)).collect();
        for (id, from) in routes.topology.queues().filter_map(|(id, _)| Some((id, routes.queue(id)?))) {
            if delays.contains(&id) {
                continue;
            }
            for to in map.targets(id).filter(|to| *to != id && !delays.contains(to)) {
                let Some(queue) = routes.queue(to) else { continue };
                // what waited in a queue that nobody reads, and then comes to one that has dead letters itself, is at work
                if of.expires(id) && of.passes_on(to) {
                    continue;
                }
                sources.entry((vhost, queue.name())).or_default().insert(from.name());
            }
        }
    }
    for queue in topology.queues() {
        if let Some(then) = queue.0.text("retry-then") {
            sources.entry((queue.vhost(), then)).or_default().insert(queue.name());
        }
    }
    let dead = topology.queues().filter_map(|queue| {
        Some(DeadQueue { queue, sources: sources.remove(&(queue.vhost(), queue.name()))? })
    });
    dead.collect()
}

struct Delays<'g, 'a> {
    graph: &'g Graph<'a>,
    routes: &'g Routes<'a>,
    map: &'g DeadLetterMap,
}

impl Delays<'_, '_> {
    fn has(&self, id: QueueId, name: &str) -> bool {
        self.routes.queue(id).is_some_and(|queue| self.graph.effective.value(queue.0, name).is_some())
    }

    fn expires(&self, id: QueueId) -> bool {
        self.has(id, "message-ttl")
    }

    fn passes_on(&self, id: QueueId) -> bool {
        self.has(id, "dead-letter-exchange")
    }

    /// Whether it holds back dead letters for a time, and then gives them back to where they died.
    fn is_delay(&self, id: QueueId) -> bool {
        let of_a_ladder = self.routes.queue(id).is_some_and(|queue| {
            queue.0.provenance == Provenance::Derived(Derived::RetryLadder)
                && queue.0.field("message-ttl").is_some()
        });
        of_a_ladder
            || self.expires(id) && self.passes_on(id) && {
                let mut seen = BTreeSet::new();
                let mut waiting: Vec<QueueId> = self.map.targets(id).collect();
                while let Some(next) = waiting.pop().filter(|next| *next != id) {
                    if seen.insert(next) {
                        waiting.extend(self.map.targets(next));
                    }
                }
                seen.iter().any(|next| self.map.targets(*next).any(|to| to == id))
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{Inputs, MemorySources};

    fn found(text: &str) -> Vec<String> {
        let sources = MemorySources::default().with("t.kdl", text);
        let compiled = crate::compile(&["t.kdl".to_owned()], &sources, &Inputs::default());
        assert!(!compiled.report.has_errors(), "{:?}", compiled.report);
        let graph = Graph::new(&compiled.topology);
        let dead = dead_queues(&graph);
        dead.iter().map(|dead| format!("{} ← {:?}", dead.queue.name(), dead.sources)).collect()
    }

    #[test]
    fn dead_letters_end_where_nothing_leads_on() {
        let text = r#"
            exchange "dlx" type="fanout"
            queue "orders" type="quorum" { dead-letter "dlx"; message-ttl "1h" }
            queue "bills" type="quorum" { dead-letter "" routing-key="all.dead" }
            queue "all.dead" type="quorum" { bind "dlx" }
            queue "mail" type="quorum" { retry "5s" "1m" then="mail.dead" }
        "#;
        let wanted = ["all.dead ← {\"bills\", \"orders\"}", "mail.dead ← {\"mail\"}"];
        assert_eq!(found(text), wanted);
    }

    #[test]
    fn what_is_held_back_is_not_dead() {
        let text = r#"
            queue "work" type="quorum" { dead-letter "" routing-key="delay" }
            queue "delay" type="quorum" { message-ttl "5s"; dead-letter "" routing-key="work" }
            queue "later" type="quorum" { message-ttl "5s"; dead-letter "" routing-key="task" }
            queue "task" type="quorum" { dead-letter "" routing-key="task.dead" }
            queue "task.dead" type="quorum"
        "#;
        assert_eq!(found(text), ["task.dead ← {\"task\"}"]);
    }
}
