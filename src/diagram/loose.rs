//! What is named and stands in no graph: exchanges and queues that nobody declares, other brokers, and what is
//! published to an exchange that every vhost has.

use super::scene::{Item, Link, Means, Scene, Thing};
use crate::{
    graph::{Ways, is_predeclared},
    kind::{Definition, KindId, Secret, Value},
    topology::{Binding, DEFAULT_VHOST, Exchange, Queue, Rpc},
};

impl<'a> Scene<'a> {
    /// Links that the graph leaves out because one of their ends stands nowhere.
    pub(super) fn add_missing(&mut self, ways: &Ways<'_, 'a>) {
        let topology = ways.graph.topology;
        for definition in topology.definitions() {
            let vhost = definition.vhost.as_deref();
            let Some(known_vhost) = vhost else { continue };
            let unknown_exchange =
                |name: &str| !is_predeclared(name) && ways.exchange(known_vhost, name).is_none();
            match definition.kind {
                KindId::Binding => {
                    let binding = Binding(definition);
                    let lost_end = if binding.to_exchange() {
                        unknown_exchange(binding.destination())
                    } else {
                        ways.queue(known_vhost, binding.destination()).is_none()
                    };
                    if unknown_exchange(binding.source()) || lost_end {
                        let from = self.exchange(ways, vhost, binding.source());
                        let to = if binding.to_exchange() {
                            self.exchange(ways, vhost, binding.destination())
                        } else {
                            self.queue(ways, vhost, binding.destination())
                        };
                        self.links.push(Link::new(from, to, Means::Binding(binding)));
                    }
                }
                KindId::Exchange => {
                    let from = ways.exchange(known_vhost, Exchange(definition).name());
                    let alternate = ways.graph.effective.text_of(definition, "alternate-exchange");
                    if let (Some(from), Some(name)) = (from, alternate.filter(|name| unknown_exchange(name)))
                    {
                        let to = self.missing(true, vhost, name);
                        self.links.push(Link::new(from.index(), to, Means::AlternateExchange));
                    }
                }
                KindId::Queue => {
                    let Some(from) = ways.queue(known_vhost, definition.name()) else { continue };
                    let key = ways.graph.effective.text_of(definition, "dead-letter-routing-key");
                    let to = match ways.graph.effective.text_of(definition, "dead-letter-exchange") {
                        Some("") => {
                            let name = key.unwrap_or(definition.name());
                            ways.queue(known_vhost, name).is_none().then(|| self.missing(false, vhost, name))
                        }
                        Some(name) => unknown_exchange(name).then(|| self.missing(true, vhost, name)),
                        None => None,
                    };
                    if let Some(to) = to {
                        self.links.push(Link::new(from.index(), to, Means::DeadLetter(key)));
                    }
                }
                _ => {}
            }
        }
        self.add_missing_of_flows(ways);
    }

    fn add_missing_of_flows(&mut self, ways: &Ways<'_, 'a>) {
        let contract = &ways.graph.topology.contract;
        for service in &contract.services {
            let Some(index) = ways.service(&service.name.text).map(|found| found.index()) else { continue };
            for message in service.publishes.iter().filter_map(|word| contract.message(&word.text)) {
                let Some(reference) = message.exchange.as_ref().filter(|found| found.found.is_none()) else {
                    continue;
                };
                let written = reference.vhost.as_ref().map(|word| &*word.text);
                let name = &*reference.name.text;
                let to = if is_predeclared(name) {
                    self.predeclared(ways, written, name, &message.routing_key.text)
                } else {
                    self.missing(true, written, name)
                };
                self.links.push(Link::new(index, to, Means::Publishes(message)));
            }
            for consumes in service.consumes.iter().filter(|consumes| consumes.queue.found.is_none()) {
                let vhost = consumes.queue.vhost.as_ref().map(|word| &*word.text);
                let from = self.missing(false, vhost, &consumes.queue.name.text);
                self.links.push(Link::new(from, index, Means::Consumes(consumes)));
            }
            let lost = |rpc: &&'a Rpc| rpc.queue.as_ref().is_some_and(|queue| queue.found.is_none());
            let mut queue_of = |rpc: &'a Rpc| {
                let queue = rpc.queue.as_ref()?;
                let vhost = queue.vhost.as_ref().map(|word| &*word.text);
                Some(self.missing(false, vhost, &queue.name.text))
            };
            let calls = service.calls.iter().filter_map(|word| contract.rpc(&word.text)).filter(lost);
            let mut links: Vec<Link<'a>> =
                calls.filter_map(|rpc| Some(Link::new(index, queue_of(rpc)?, Means::Calls(rpc)))).collect();
            let answers = service.answers.iter().filter_map(|word| contract.rpc(&word.rpc.text)).filter(lost);
            links.extend(
                answers.filter_map(|rpc| Some(Link::new(queue_of(rpc)?, index, Means::Answers(rpc)))),
            );
            self.links.extend(links);
        }
    }

    /// Where a message goes that is published to an exchange that every vhost has: the default exchange is not a
    /// place worth drawing where the key says the queue.
    fn predeclared(
        &mut self,
        ways: &Ways<'_, 'a>,
        written: Option<&'a str>,
        name: &'a str,
        key: &'a str,
    ) -> usize {
        let by_key = name.is_empty() && !key.is_empty() && !key.contains('{');
        let mut queues = ways.graph.topology.queues().filter(|queue| queue.name() == key).map(Queue::vhost);
        let of_key = queues.next().filter(|_| by_key && queues.next().is_none());
        let vhosts = self.vhosts();
        let only = vhosts.first().copied().filter(|_| vhosts.len() == 1);
        let vhost = written.or(of_key).or(only).unwrap_or(DEFAULT_VHOST);
        if by_key {
            return self.queue(ways, Some(vhost), key);
        }
        let same = |item: &Item<'a>| {
            item.vhost == Some(vhost)
                && matches!(item.thing, Thing::Exchange { name: known, .. } if known == name)
        };
        self.items.iter().position(same).unwrap_or_else(|| {
            self.items.push(Item::new(Thing::Exchange { name, definition: None }, Some(vhost)));
            self.items.len() - 1
        })
    }

    pub(super) fn add_shovels(&mut self, ways: &Ways<'_, 'a>) {
        for shovel in ways.graph.topology.of(KindId::Shovel) {
            let from = self.shovel_end(ways, shovel, ["src-uri", "src-queue", "src-exchange"]);
            let to = self.shovel_end(ways, shovel, ["dest-uri", "dest-queue", "dest-exchange"]);
            if let (Some(from), Some(to)) = (from, to) {
                self.links.push(Link::new(from, to, Means::Shovel(shovel)));
            }
        }
    }

    fn shovel_end(
        &mut self,
        ways: &Ways<'_, 'a>,
        shovel: &'a Definition,
        [uri, queue, exchange]: [&str; 3],
    ) -> Option<usize> {
        let local = match shovel.field(uri).map(|field| &field.value) {
            None => true,
            // what a shovel without an address is given: this broker, this vhost
            Some(Value::Secret(Secret::Literal(address))) => address.starts_with("amqp:///"),
            Some(_) => false,
        };
        let (queue, exchange) = (shovel.text(queue), shovel.text(exchange));
        let vhost = shovel.vhost.as_deref();
        if local {
            return match (queue, exchange) {
                (Some(name), _) => Some(self.queue(ways, vhost, name)),
                (None, Some(name)) if is_predeclared(name) => None,
                (None, Some(name)) => Some(self.exchange(ways, vhost, name)),
                (None, None) => None,
            };
        }
        let broker = broker(shovel, uri);
        let name = match queue.or(exchange) {
            Some(place) => format!("{place} at {broker}"),
            None => broker,
        };
        Some(self.elsewhere(name))
    }

    /// Another broker, or a place on it.
    pub(super) fn elsewhere(&mut self, name: String) -> usize {
        let items = &mut self.items;
        *self.elsewhere.entry(name.clone()).or_insert_with(|| {
            items.push(Item::new(Thing::Elsewhere(name), None));
            items.len() - 1
        })
    }
}

/// How another broker is called. Its address holds a password: only where that is found is shown.
pub(super) fn broker(definition: &Definition, uri: &str) -> String {
    match definition.field(uri).map(|field| &field.value) {
        Some(Value::Secret(Secret::Env(name))) => format!("broker of {name}"),
        Some(Value::Secret(Secret::File(path))) => format!("broker of {path}"),
        _ => "another broker".to_owned(),
    }
}
