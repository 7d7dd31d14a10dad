//! Smaller topologies that still show a disagreement.

use std::future::Future;

use topoc_routing::{Destination, Topology};

use crate::broker::is_predeclared;

/// Leaves out one binding, exchange or queue after the other, as long as `disagrees`. Where the broker picks at random a
/// smaller topology may agree by chance; then the larger one stays.
pub(crate) async fn shrink<F: Future<Output = bool>>(
    mut net: Topology,
    mut disagrees: impl FnMut(Topology) -> F,
) -> Topology {
    'smaller: loop {
        for part in parts(&net) {
            let candidate = without(&net, &part);
            if disagrees(candidate.clone()).await {
                net = candidate;
                continue 'smaller;
            }
        }
        return net;
    }
}

enum Part {
    Binding(usize),
    Exchange(String),
    Queue(String),
}

fn parts(net: &Topology) -> Vec<Part> {
    let bindings = (0..net.bindings().len()).map(Part::Binding);
    let exchanges = net.exchanges().map(|(_, exchange)| exchange.name.clone());
    let exchanges = exchanges.filter(|name| !is_predeclared(name)).map(Part::Exchange);
    let queues = net.queues().map(|(_, queue)| Part::Queue(queue.name.clone()));
    bindings.chain(exchanges).chain(queues).collect()
}

fn without(net: &Topology, part: &Part) -> Topology {
    let mut smaller = Topology::new(net.version());
    for (_, exchange) in net.exchanges() {
        if !matches!(part, Part::Exchange(name) if *name == exchange.name) {
            smaller.add_exchange(exchange.clone()).expect("as before");
        }
    }
    for (_, queue) in net.queues() {
        if !matches!(part, Part::Queue(name) if *name == queue.name) {
            smaller.add_queue(queue.clone()).expect("as before");
        }
    }
    for (id, binding) in net.bindings() {
        let source = smaller.exchange_id(&net.exchange(binding.source).name);
        let destination = match binding.destination {
            Destination::Queue(id) => smaller.queue_id(&net.queue(id).name).map(Destination::Queue),
            Destination::Exchange(id) => {
                smaller.exchange_id(&net.exchange(id).name).map(Destination::Exchange)
            }
        };
        if let (Some(source), Some(destination)) = (source, destination)
            && !matches!(part, Part::Binding(at) if *at == id.index())
        {
            let key = binding.routing_key.clone();
            smaller.bind(source, destination, key, binding.arguments.clone()).expect("as before");
        }
    }
    smaller
}
