//! Entities that follow from others: retry ladders and super streams.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Topology,
    attributes::Reader,
    decode::{insert, set_name},
    partition_name,
};
use crate::{
    diag::{Diagnostic, Report, Span, codes},
    kind::{self, Definition, Derived, Field, KindId, Provenance, Value},
    syntax::{Node, Word, quote},
};

/// The name of the delay queue of a step of a queue's `retry`, counted from 1.
#[must_use]
pub fn delay_queue(queue: &str, step: usize) -> String {
    format!("{queue}.retry.{step}")
}

/// Says of a live topology's queues which retry ladders they have, as the topology that services are described in states
/// them: to a broker a ladder is no more than its queues, so it is one where all of these are there.
pub fn recognise_ladders(live: &mut Topology, stated: &Topology) {
    for queue in stated.queues() {
        let (Some(steps), Some(then)) = (queue.0.field("retry"), queue.0.field("retry-then")) else {
            continue;
        };
        let Value::List(delays) = &steps.value else { continue };
        let is_there = |name: &str| live.queue(queue.vhost(), name).is_some();
        let all = (1..=delays.len()).all(|step| is_there(&delay_queue(queue.name(), step)))
            && then.value.as_text().is_some_and(|then| is_there(then));
        if let Some(found) = live.same_as(queue.0).filter(|_| all) {
            found.set("retry", steps.value.clone(), steps.span);
            found.set("retry-then", then.value.clone(), then.span);
        }
    }
}

/// Reads `retry "5s" "30s" then="payment.dead"`: the delay queues and the dead queue. Each delay queue holds
/// messages for one step and then gives them back to the queue alone, through the default exchange, so that no
/// other queue gets a copy. What the topology says of one of them is added, see [`add_ladder_queue`].
pub(super) fn retry_ladder(
    topology: &Topology,
    queue: &mut Definition,
    node: &Node,
    report: &mut Report,
) -> Vec<Definition> {
    let mut steps = Vec::new();
    for entry in node.arguments() {
        match Value::typed(&entry.value, kind::Type::Duration(0, i64::MAX)) {
            Value::Integer(ms) if ms > 0 => steps.push(ms),
            _ => report.push(
                Diagnostic::new(codes::BAD_VALUE, format!("{} is no time to wait", entry.value.to_kdl()))
                    .label(entry.span, "")
                    .help("write a duration such as `\"5s\"` or `\"2m\"`"),
            ),
        }
    }
    let then = node.setting("then").and_then(|entry| Some((entry.value.text()?.clone(), entry.span)));
    // what is wrong with it has been told
    let Some((dead, dead_span)) = then.filter(|_| !steps.is_empty()) else { return Vec::new() };
    let name: Arc<str> = Arc::from(queue.name());
    // what is rejected or delivered too often ends where the ladder ends
    if queue.field("dead-letter-exchange").is_none() {
        queue.set("dead-letter-exchange", Value::text(""), node.span);
        queue.set("dead-letter-routing-key", Value::Text(dead.clone()), node.span);
        // and is kept until it is there, where the queue can do that without growing for ever
        let quorum = super::Queue(queue).queue_type(topology) == super::QueueType::Quorum;
        let bounded = queue.field("max-length").or(queue.field("max-length-bytes")).is_some();
        if quorum && bounded && queue.text("overflow") == Some("reject-publish") {
            queue.set("dead-letter-strategy", Value::text("at-least-once"), node.span);
        }
    }
    let list = steps.iter().map(|ms| Value::Integer(*ms)).collect();
    queue.set("retry", Value::List(list), node.span);
    queue.set("retry-then", Value::Text(dead.clone()), dead_span);
    let base = |name: &str| {
        let mut derived = Definition::new(
            KindId::Queue,
            queue.vhost.clone(),
            node.span,
            Provenance::Derived(Derived::RetryLadder),
        );
        derived.external = queue.external;
        derived.set("name", Value::text(name), node.span);
        // also beside a classic queue: a classic delay queue loses what expires while its broker dies
        derived.set("type", Value::text("quorum"), node.span);
        derived
    };
    let mut queues = Vec::with_capacity(steps.len() + 1);
    for (index, ms) in steps.iter().enumerate() {
        let mut delay = base(&delay_queue(&name, index + 1));
        delay.set("message-ttl", Value::Integer(*ms), node.span);
        delay.set("dead-letter-exchange", Value::text(""), node.span);
        delay.set("dead-letter-routing-key", Value::Text(name.clone()), node.span);
        // an expired message leaves only once its queue has it again
        delay.set("dead-letter-strategy", Value::text("at-least-once"), node.span);
        delay.set("overflow", Value::text("reject-publish"), node.span);
        queues.push(delay);
    }
    queues.push(base(&dead));
    queues
}

/// Adds a queue of a ladder. One that is described as well keeps what is said of it, and gets what makes the ladder
/// work: a delay queue without its time or its way back would keep messages for ever, or lose them.
pub(super) fn add_ladder_queue(topology: &mut Topology, queue: Definition, report: &mut Report) {
    let Some(written) = topology.same_as(&queue) else {
        topology.insert(queue);
        return;
    };
    let delays = queue.field("message-ttl").is_some();
    if written.external || written.provenance != Provenance::Written || !delays {
        return;
    }
    for name in ["message-ttl", "dead-letter-exchange", "dead-letter-routing-key"] {
        let Some(field) = queue.field(name) else { continue };
        match written.field(name) {
            None => written.set(name, field.value.clone(), field.span),
            Some(said) if said.value == field.value => {}
            Some(said) => {
                let attribute = KindId::Queue.kind().attribute(name);
                let ty = attribute.map_or(kind::Type::Text, |attribute| attribute.ty);
                let spelling = attribute.map_or_else(String::new, |attribute| attribute.spelling());
                report.push(
                    Diagnostic::new(
                        codes::DUPLICATE,
                        format!(
                            "`{spelling}` of the delay queue `{}` is not what the ladder needs: {}",
                            queue.name(),
                            quote(&field.value.show(ty))
                        ),
                    )
                    .label(said.span, "said here")
                    .label(field.span, "this ladder makes the queue")
                    .note("a message waits there for one step, and then goes back to its queue")
                    .help(format!("remove `{spelling}`: the ladder sets it")),
                );
            }
        }
    }
    if written.field("type").is_none() {
        written.set("type", Value::text("quorum"), queue.span);
    }
    let keeps = written.text("type") == Some("quorum")
        && matches!(written.text("overflow"), None | Some("reject-publish"))
        && written.field("dead-letter-strategy").is_none();
    if keeps {
        for name in ["dead-letter-strategy", "overflow"] {
            if let Some(field) = queue.field(name) {
                written.set(name, field.value.clone(), field.span);
            }
        }
    }
}

/// Reads `super-stream "clicks" partitions=3`: what `rabbitmq-streams add_super_stream` declares
/// (`rabbit_stream_manager`): a direct exchange, a stream for each partition, and the bindings.
pub(super) fn super_stream(topology: &mut Topology, vhost: &Arc<str>, node: &Node, report: &mut Report) {
    let mut entries = node.entries.clone();
    let at =
        entries.iter().position(|entry| entry.name.as_ref().is_some_and(|name| &*name.text == "partitions"));
    let entry = at.map(|at| entries.remove(at));
    let mut children = node.children.clone();
    let child = children.iter().position(|child| child.is("partitions")).map(|at| children.remove(at));
    let written = entry.or_else(|| child.and_then(|child| child.entries.into_iter().next()));
    let partitions = match written.as_ref().map(|entry| Value::from_scalar(&entry.value)) {
        Some(Value::Integer(count)) if (1..=1000).contains(&count) => count,
        _ => {
            let code = if written.is_some() { codes::BAD_VALUE } else { codes::MISSING };
            report.push(
                Diagnostic::new(code, "a `super-stream` needs its number of partitions, from 1 to 1000")
                    .label(written.map_or(node.span, |entry| entry.span), "")
                    .help("write `super-stream \"clicks\" partitions=3`"),
            );
            return;
        }
    };
    let plain = Node { entries, children, ..node.clone() };
    let mut reader = Reader { kind: KindId::Queue.kind(), node: &plain, report };
    let Some(title) = reader.title() else { return };
    let mut stream = Definition::new(
        KindId::Queue,
        Some(vhost.clone()),
        node.span,
        Provenance::Derived(Derived::SuperStream),
    );
    // a name while the attributes are read, for what is said of them
    set_name(&mut stream, &title);
    stream.set("type", Value::text("stream"), node.name.span);
    for nested in reader.attributes(&mut stream, 1) {
        report.push(
            Diagnostic::new(codes::UNKNOWN_NODE, format!("a super stream has no `{}`", nested.name.text))
                .label(nested.span, "")
                .help("its exchange takes messages by partition: publish to it"),
        );
    }
    let mut exchange = partition_exchange(vhost, &title, node.span);
    exchange.external = stream.external;
    insert(topology, exchange, report);
    for partition in 0..partitions {
        let name = partition_name(&title.text, partition);
        let mut queue = stream.clone();
        queue.set("name", Value::text(name.as_str()), title.span);
        insert(topology, queue, report);
        let mut binding = partition_binding(vhost, &title, &name, partition, node.span);
        binding.external = stream.external;
        insert(topology, binding, report);
    }
}

fn partition_exchange(vhost: &Arc<str>, title: &Word, span: Span) -> Definition {
    let provenance = Provenance::Derived(Derived::SuperStream);
    let mut exchange = Definition::new(KindId::Exchange, Some(vhost.clone()), span, provenance);
    set_name(&mut exchange, title);
    exchange.set("type", Value::text("direct"), span);
    exchange.arguments =
        BTreeMap::from([(Arc::from("x-super-stream"), Field { value: Value::Bool(true), span })]);
    exchange
}

fn partition_binding(vhost: &Arc<str>, title: &Word, queue: &str, partition: i64, span: Span) -> Definition {
    let provenance = Provenance::Derived(Derived::SuperStream);
    let mut binding = Definition::new(KindId::Binding, Some(vhost.clone()), span, provenance);
    binding.set("source", Value::Text(title.text.clone()), title.span);
    binding.set("destination-type", Value::text("queue"), span);
    binding.set("destination", Value::text(queue), span);
    binding.set("routing-key", Value::text(partition.to_string()), span);
    let order = Field { value: Value::Integer(partition), span };
    binding.arguments = BTreeMap::from([(Arc::from("x-stream-partition-order"), order)]);
    binding
}
