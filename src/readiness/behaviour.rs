//! What no argument or binding says, and series do otherwise all the same: each a description for a series, asked of both.

use topoc_routing::{ExchangeKind, QueueKind};

use super::{Effect, Finding, Place, Sight, values::whose};
use crate::{
    kind::{Version, version},
    topology::QueueType,
};

/// Something that a series does in its own way.
struct Behaviour {
    /// What in a topology it happens to.
    places: fn(&Sight<'_>) -> Vec<Place>,
    /// How a series does it.
    how: fn(Version) -> &'static str,
    /// What happens, before and after the names of these.
    message: (&'static str, &'static str),
    edit: &'static str,
}

const BEHAVIOURS: &[Behaviour] = &[
    // `rabbit_fifo_q` from 4.0 on; release notes of 4.3.0
    Behaviour {
        places: prioritised,
        how: |series| match series {
            series if series >= version(4, 3) => {
                "has 32 priorities, of which a higher one always goes first; none is 4"
            }
            series if series >= version(4, 0) => {
                "has two priorities, up to 4 and from 5 on, and serves two of the higher for one of the lower"
            }
            _ => "has no priorities: messages leave in the order of their arrival",
        },
        message: ("messages with a priority leave", "in another order"),
        edit: "publish with priority 0 or 5, which no series mixes up, or leave the priority out",
    },
    // `rabbit_channel:evaluate_consumer_timeout` up to 4.2; release notes of 4.3.0
    Behaviour {
        places: classic_and_consumed,
        how: |series| match series {
            series if series >= version(4, 3) => "waits for ever, as only quorum queues have a timeout",
            _ => {
                "closes the channel of a consumer that has not acknowledged a message for 30 min, and delivers it again"
            }
        },
        message: ("a consumer of", "that hangs keeps its messages"),
        edit: "write `type=\"quorum\"`, where the timeout is wanted; else let the consumer give up by itself",
    },
    // `rabbit_fifo:return_one`
    Behaviour {
        places: negative_limit,
        how: |series| match series {
            series if series >= version(4, 0) => "takes a negative `delivery-limit` for none",
            _ => "gives a message up at its first return, as every count is greater",
        },
        message: ("what is returned to", "comes back without end"),
        edit: "write `delivery-limit 0` for what it did, or a number of returns that is enough",
    },
    // `rabbit_exchange_type_modulus_hash`, which sorts destinations; before, `rabbit_sharding_exchange_type_modulus_hash`
    Behaviour {
        places: modulus,
        how: |series| match series {
            series if series >= version(4, 3) => "counts destinations by their names",
            _ => "counts destinations as they are stored",
        },
        message: ("a key goes from", "to another destination than before"),
        edit: "let its queues run empty before the upgrade, where messages of one key have to stay in order",
    },
];

pub(super) fn compare(before: &Sight<'_>, after: &Sight<'_>) -> Vec<Finding> {
    let differs = |behaviour: &&Behaviour| (behaviour.how)(before.version) != (behaviour.how)(after.version);
    let findings = BEHAVIOURS.iter().filter(differs).filter_map(|behaviour| {
        let places = (behaviour.places)(after);
        let whose = Some(whose(&places)).filter(|_| !places.is_empty())?;
        Some(Finding {
            effect: Effect::Changes,
            lint: None,
            message: format!("{} {whose} {}", behaviour.message.0, behaviour.message.1),
            reason: format!(
                "RabbitMQ {} {}; {} {}",
                before.version,
                (behaviour.how)(before.version),
                after.version,
                (behaviour.how)(after.version)
            ),
            edit: behaviour.edit.to_owned(),
            places,
        })
    });
    findings.collect()
}

/// The quorum queues that messages with a priority may come to.
fn prioritised(sight: &Sight<'_>) -> Vec<Place> {
    let mut places = Vec::new();
    for (message, flow) in sight.topology().contract.messages.iter().zip(sight.graph.flows()) {
        let (Some(Ok(flow)), Some(1..)) = (flow, message.definition.integer("priority")) else { continue };
        let quorum = flow.queues().filter(|id| flow.routes.topology.queue(*id).kind == QueueKind::Quorum);
        let written = quorum.filter_map(|id| flow.routes.queue(id)).filter(|queue| !queue.0.external);
        places.extend(written.map(|queue| Place::of(queue.0)));
    }
    places.sort();
    places.dedup();
    places
}

/// The quorum queues whose delivery limit is less than 0.
fn negative_limit(sight: &Sight<'_>) -> Vec<Place> {
    let topology = sight.topology();
    let quorum = topology.queues().filter(|queue| queue.queue_type(topology) == QueueType::Quorum);
    let limit = |queue: &crate::topology::Queue<'_>| sight.graph.effective.integer(queue.0, "delivery-limit");
    let negative = quorum.filter(|queue| limit(queue).is_some_and(|limit| limit < 0));
    negative.filter(|queue| !queue.0.external).map(|queue| Place::at(queue.0, "delivery-limit")).collect()
}

/// The classic queues that a service is said to consume.
fn classic_and_consumed(sight: &Sight<'_>) -> Vec<Place> {
    let topology = sight.topology();
    let consumed = topology.contract.services.iter().flat_map(|service| &service.consumes);
    let queues = consumed.flat_map(|consumes| topology.queues_of(&consumes.queue));
    let classic =
        queues.filter(|queue| queue.queue_type(topology) == QueueType::Classic && !queue.0.external);
    let mut places: Vec<Place> = classic.map(|queue| Place::of(queue.0)).collect();
    places.sort();
    places.dedup();
    places
}

/// The exchanges that choose one of several destinations by a key's hash alone.
fn modulus(sight: &Sight<'_>) -> Vec<Place> {
    let mut places = Vec::new();
    for exchange in sight.topology().exchanges().filter(|exchange| !exchange.0.external) {
        let Some(routes) = sight.graph.routes(exchange.vhost()) else { continue };
        let id = routes.topology.exchange_id(exchange.name());
        let is =
            id.is_some_and(|id| *routes.topology.exchange(id).kind.matching() == ExchangeKind::ModulusHash);
        let bound = |binding: &crate::topology::Binding<'_>| {
            binding.vhost() == exchange.vhost() && binding.source() == exchange.name()
        };
        if is && sight.topology().bindings().filter(bound).count() > 1 {
            places.push(Place::of(exchange.0));
        }
    }
    places
}

/// A plugin that no RabbitMQ ships is made for each series anew.
pub(super) fn plugins(after: &Sight<'_>) -> Vec<String> {
    let mut delayed =
        after.topology().exchanges().filter(|found| found.exchange_type() == "x-delayed-message");
    let note = delayed.next().map(|exchange| {
        format!(
            "`{}` needs a plugin that no RabbitMQ ships: install rabbitmq_delayed_message_exchange for {} first, else a node does not start",
            exchange.name(),
            after.version
        )
    });
    note.into_iter().collect()
}
