//! A route as the trail that a picture shows.

use topoc_routing::{self as routing, By, DeadLettered, Delivered, Destination, Hop, Matched};

use super::Route;
use crate::graph::Trail;

/// Every step that leaves an exchange.
pub(super) fn hops(topology: &routing::Topology, visit: &routing::Visit) -> Vec<Hop> {
    let from = visit.exchange;
    let mut hops: Vec<Hop> = Vec::new();
    if let Matched::Queues(queues) = &visit.matched {
        hops.extend(queues.iter().map(|to| Hop { from, to: Destination::Queue(*to), by: By::QueueName }));
    }
    let bound = visit.matched.bindings();
    hops.extend(bound.map(|id| Hop { from, to: topology.binding(id).destination, by: By::Binding(id) }));
    if let Some(routing::Alternate::Exchange(to)) = &visit.alternate {
        hops.push(Hop { from, to: Destination::Exchange(*to), by: By::Alternate });
    }
    hops
}

impl<'g> Route<'g, '_> {
    /// What the message passes, alive and dead.
    #[must_use]
    pub fn trail(&self) -> Trail<'_> {
        let topology = &self.routes.topology;
        let asked = self.publish.message.as_deref().unwrap_or(&self.publish.key);
        let mut trail =
            Trail { asked, vhost: self.vhost, message: self.publish.message.as_deref(), ..Trail::default() };
        trail.exchanges.insert(&topology.exchange(self.exchange).name);
        if let Ok(delivered) = &self.delivered {
            self.pass(delivered, &mut trail);
        }
        for stay in self.life.iter().flat_map(|life| &life.stays) {
            let queue = &*topology.queue(stay.queue).name;
            trail.queues.insert(queue);
            for (_, dead, _) in &stay.ends {
                if let DeadLettered::Published { exchange, delivered, .. } = dead {
                    trail.dead_lettered.insert(queue);
                    trail.exchanges.insert(&topology.exchange(*exchange).name);
                    self.pass(delivered, &mut trail);
                }
            }
        }
        trail
    }

    fn pass<'r>(&'r self, delivered: &Delivered, trail: &mut Trail<'r>) {
        let topology = &self.routes.topology;
        trail.queues.extend(delivered.queues.iter().map(|reached| &*topology.queue(reached.queue).name));
        for visit in &delivered.visits {
            for hop in hops(topology, visit) {
                if let Destination::Exchange(to) = hop.to {
                    trail.exchanges.insert(&topology.exchange(to).name);
                }
                match hop.by {
                    By::Binding(id) => {
                        trail.bindings.extend(self.routes.binding(id).map(|binding| binding.0.identity()));
                    }
                    By::Alternate => {
                        trail.alternates.insert(&topology.exchange(hop.from).name);
                    }
                    By::QueueName => {}
                }
            }
        }
    }
}
