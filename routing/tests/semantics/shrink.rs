//! Smaller topologies that still show a disagreement.

use topoc_routing::{BindingId, Destination, Exchange, Queue, Topology};
use topoc_test_support::Shared;

use crate::broker;
use crate::made::Published;

/// Leaves out bindings, then what nothing names any more, as long as the broker still disagrees. Where it picks at
/// random, a smaller topology may agree by chance; then the larger one stays.
pub(crate) async fn shrink(
    shared: &'static Shared,
    net: Topology,
    message: Published,
) -> (Topology, Published) {
    let mut net = net;
    let mut message = message;
    loop {
        let smaller = net.bindings().map(|(id, _)| without(&net, id)).chain([needed(&net, &message)]);
        let mut found = None;
        for candidate in smaller.collect::<Vec<_>>() {
            if size(&candidate) < size(&net) && disagrees(shared, &candidate, &message).await {
                found = Some(candidate);
                break;
            }
        }
        match found {
            Some(smaller) => net = smaller,
            None => break,
        }
    }
    for name in message.headers.keys().cloned().collect::<Vec<_>>() {
        let mut fewer = message.clone();
        fewer.headers.remove(&name);
        if disagrees(shared, &net, &fewer).await {
            message = fewer;
        }
    }
    for fewer in
        [Published { cc: Vec::new(), ..message.clone() }, Published { bcc: Vec::new(), ..message.clone() }]
    {
        if disagrees(shared, &net, &fewer).await {
            message = fewer;
        }
    }
    (net, message)
}

async fn disagrees(shared: &'static Shared, net: &Topology, message: &Published) -> bool {
    !broker::compare(&shared.vhost(), net, std::slice::from_ref(message)).await.is_empty()
}

fn size(net: &Topology) -> usize {
    net.bindings().len() * 100 + net.exchanges().len() + net.queues().len()
}

fn without(net: &Topology, left_out: BindingId) -> Topology {
    rebuilt(net, |_| true, |_| true, |id| id != left_out)
}

fn needed(net: &Topology, message: &Published) -> Topology {
    let binds_exchange = |name: &str| {
        let id = net.exchange_id(name);
        net.bindings().any(|(_, binding)| {
            Some(binding.source) == id || id.map(Destination::Exchange) == Some(binding.destination)
        })
    };
    let named = |name: &str| {
        net.exchanges().any(|(_, exchange)| exchange.alternate_exchange.as_deref() == Some(name))
            || message.exchange == name
    };
    let bound = |queue: &Queue| {
        let id = net.queue_id(&queue.name).map(Destination::Queue);
        net.bindings().any(|(_, binding)| Some(binding.destination) == id)
    };
    rebuilt(
        net,
        |exchange| binds_exchange(&exchange.name) || named(&exchange.name),
        |queue| bound(queue),
        |_| true,
    )
}

fn rebuilt(
    net: &Topology,
    exchange: impl Fn(&Exchange) -> bool,
    queue: impl Fn(&Queue) -> bool,
    binding: impl Fn(BindingId) -> bool,
) -> Topology {
    let mut smaller = Topology::new(net.version());
    for (_, kept) in net.exchanges().filter(|(_, kept)| broker::is_predeclared(&kept.name) || exchange(kept))
    {
        smaller.add_exchange(kept.clone()).expect("as before");
    }
    for (_, kept) in net.queues().filter(|(_, kept)| queue(kept)) {
        smaller.add_queue(kept.clone()).expect("as before");
    }
    for (_, kept) in net.bindings().filter(|(id, _)| binding(*id)) {
        let source = smaller.exchange_id(&net.exchange(kept.source).name);
        let destination = match kept.destination {
            Destination::Queue(id) => smaller.queue_id(&net.queue(id).name).map(Destination::Queue),
            Destination::Exchange(id) => {
                smaller.exchange_id(&net.exchange(id).name).map(Destination::Exchange)
            }
        };
        if let (Some(source), Some(destination)) = (source, destination) {
            let key = kept.routing_key.clone();
            smaller.bind(source, destination, key, kept.arguments.clone()).expect("as before");
        }
    }
    smaller
}
