//! What one line of the language stands for: retry ladders and super streams, found again by their parts. A candidate is
//! compiled, and counts only if exactly what is live comes out.

use std::collections::BTreeSet;

use super::{
    Vhost,
    entity::{Beside, entity},
    node::{Node, scalar, string},
};
use crate::{
    kind::{Definition, Identity, KindId, Type, Value},
    plan::describes,
    syntax::{Inputs, MemorySources},
    topology::{Topology, delay_queue, partition_name},
};

/// A node, and what it stands for besides what it is of.
pub(super) struct Short {
    pub(super) node: Node,
    pub(super) stands_for: BTreeSet<Identity>,
}

/// `queue "Q" { retry "5s" "30s" then="Q.dead" }`.
pub(super) fn ladder(queue: &Definition, vhost: &Vhost<'_>, beside: &mut Beside) -> Option<Short> {
    let delays: Vec<&Definition> =
        (1..).map_while(|step| vhost.queue(&delay_queue(queue.name(), step))).collect();
    if delays.is_empty() {
        return None;
    }
    let mut steps = Vec::new();
    for delay in &delays {
        steps.push(scalar(&delay.field("message-ttl")?.value, Type::Duration(0, i64::MAX))?);
    }
    let to_queue = (queue.text("dead-letter-exchange") == Some(""))
        .then(|| queue.text("dead-letter-routing-key"))
        .flatten();
    let dead = format!("{}.dead", queue.name());
    let then =
        [to_queue, Some(dead.as_str())].into_iter().flatten().find(|name| vhost.queue(name).is_some())?;
    let mut retry = Node::new("retry");
    for step in steps {
        retry = retry.argument(step);
    }
    retry.property("then", string(then));
    // the ladder says where the queue's own dead letters go, if it is there that they go
    let mut bare = queue.clone();
    for name in ["dead-letter-exchange", "dead-letter-routing-key", "dead-letter-strategy"] {
        bare.unset(name);
    }
    for candidate in [&bare, queue] {
        let mut node = entity(candidate, beside)?;
        node.children.push(retry.clone());
        let compiled = compiled(&node, vhost)?;
        let is_same =
            |live: &Definition| compiled.get(&live.identity()).is_some_and(|made| describes(made, live));
        if is_same(queue)
            && delays.iter().all(|delay| is_same(delay) && vhost.is_bound_by_nobody(delay.name()))
        {
            let dead = vhost.queue(then).filter(|dead| is_same(dead) && vhost.is_bound_by_nobody(then));
            let stands_for = delays.iter().copied().chain(dead).map(Definition::identity).collect();
            return Some(Short { node, stands_for });
        }
    }
    None
}

/// `super-stream "clicks" partitions=3`.
pub(super) fn super_stream(exchange: &Definition, vhost: &Vhost<'_>, beside: &mut Beside) -> Option<Short> {
    let marked =
        exchange.arguments.get("x-super-stream").is_some_and(|field| field.value == Value::Bool(true));
    if !marked {
        return None;
    }
    let partitions: Vec<&Definition> =
        (0..).map_while(|partition| vhost.queue(&partition_name(exchange.name(), partition))).collect();
    let mut first = (*partitions.first()?).clone();
    first.set("name", Value::text(exchange.name()), first.span);
    let stream = entity(&first, beside)?;
    let mut count = stream.renamed("super-stream");
    count.property("partitions", partitions.len().to_string());
    let compiled = compiled(&count, vhost)?;
    let bindings = vhost.bindings_from(exchange.name());
    let live: BTreeSet<Identity> = std::iter::once(exchange)
        .chain(partitions.iter().copied())
        .chain(bindings.iter().copied())
        .map(Definition::identity)
        .collect();
    let made: BTreeSet<Identity> = compiled
        .definitions()
        .iter()
        .filter(|found| found.kind != KindId::Vhost)
        .map(Definition::identity)
        .collect();
    let is_same =
        |live: &&Definition| compiled.get(&live.identity()).is_some_and(|made| describes(made, live));
    let all = std::iter::once(&exchange).chain(&partitions).all(is_same);
    (all && live == made).then_some(Short { node: count, stands_for: live })
}

/// What a node comes to in a vhost; none where it is no topology.
fn compiled(node: &Node, vhost: &Vhost<'_>) -> Option<Topology> {
    let mut block = Node::named("vhost", vhost.name);
    block.children.push(node.clone());
    let mut text = String::new();
    Node::write_all(&[block], 0, &mut text);
    let name = "candidate.kdl";
    let sources = MemorySources::default().with(name, text);
    let compiled = crate::compile(&[name.to_owned()], &sources, &Inputs::default());
    (!compiled.report.has_errors()).then_some(compiled.topology)
}
