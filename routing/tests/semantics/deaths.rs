//! Dead letters against a real broker: what rests where after every automatic death, with its `x-death`, and again
//! after consumers have rejected it or returned it too often.

use std::time::Duration;

use lapin::BasicProperties;
use lapin::message::BasicGetMessage;
use lapin::options::{BasicGetOptions, BasicNackOptions, BasicRejectOptions};
use lapin::types::AMQPValue;
use tokio::time::sleep;
use topoc_routing::{Carried, DeadLettered, QueueId, Reason, Topology};
use topoc_runtime::memory::Got;
use topoc_test_support::Vhost;

use crate::broker::Node;
use crate::made::{Published, Random};
use crate::memory::Memory;

/// Too many copies to be worth their time.
const MOST_COPIES: usize = 40;

/// A message at rest, as both sides can say it: the queue, then `queue reason` of each death, the latest first.
pub(crate) type Resting = (String, Vec<String>);

/// Where a copy rests when every automatic death has happened, and after how many milliseconds at most.
struct Settled {
    resting: Vec<(QueueId, Carried)>,
    after: u64,
}

fn settle(
    net: &Topology,
    queue: QueueId,
    message: Carried,
    expiration: Option<u64>,
    settled: &mut Settled,
    now: u64,
) {
    let is = net.queue(queue);
    let dies = match is.expires_after(expiration) {
        _ if is.max_length == Some(0) => Some((Reason::MaxLength, 0)),
        Some(after) => Some((Reason::Expired, after)),
        None => None,
    };
    settled.after = settled.after.max(now);
    let Some((reason, after)) = dies else {
        settled.resting.push((queue, message));
        return;
    };
    for (queue, message) in next(net, queue, reason, &message) {
        if settled.resting.len() <= MOST_COPIES {
            // a message's own time to live goes with its first death
            settle(net, queue, message, None, settled, now + after);
        }
    }
}

fn next(net: &Topology, queue: QueueId, reason: Reason, message: &Carried) -> Vec<(QueueId, Carried)> {
    match net.dead_letter(queue, reason, message) {
        DeadLettered::Published { delivered, message, .. } => {
            delivered.queues.iter().map(|reached| (reached.queue, message.clone())).collect()
        }
        _ => Vec::new(),
    }
}

fn named(net: &Topology, (queue, message): &(QueueId, Carried)) -> Resting {
    let deaths = message.deaths.iter();
    let deaths = deaths.map(|death| format!("{} {}", net.queue(death.queue).name, death.reason.as_str()));
    (net.queue(*queue).name.clone(), deaths.collect())
}

/// Publishes one message and follows it through some rounds of rejecting and returning all that rests. The first
/// difference, if there is one; `None` where the copies are too many.
pub(crate) async fn compare(
    vhost: &Vhost,
    net: &Topology,
    published: &Published,
    expiration: Option<u64>,
    seed: u64,
) -> Option<Result<(), String>> {
    let mut node = Node::connect(vhost).await;
    let verdict = follow(&mut node, net, published, expiration, seed).await;
    node.close().await;
    verdict
}

async fn follow(
    node: &mut Node,
    net: &Topology,
    published: &Published,
    expiration: Option<u64>,
    seed: u64,
) -> Option<Result<(), String>> {
    let exchange = net.exchange_id(&published.exchange)?;
    let delivered = net.route(exchange, &published.message());
    let mut settled = Settled { resting: Vec::new(), after: 0 };
    for reached in &delivered.queues {
        let message = Carried::new(&published.exchange, &published.message());
        settle(net, reached.queue, message, expiration, &mut settled, 0);
    }
    node.declare(net).await;
    let mut memory = Memory::with(net);
    let properties = node.properties(published, expiration);
    let in_memory = memory.publish(published, properties.clone(), b"mortal");
    let answer = node.publish(published, properties, b"mortal").await;
    if answer.is_err() || answer != in_memory {
        return Some(Err(format!("the broker answers {answer:?}, memory {in_memory:?}")));
    }
    let mut random = Random::new(seed);
    for round in 0..3 {
        if settled.resting.len() > MOST_COPIES {
            return None;
        }
        let mut wanted: Vec<Resting> = settled.resting.iter().map(|resting| named(net, resting)).collect();
        wanted.sort();
        sleep(Duration::from_millis(settled.after + 100)).await;
        let mut got: Vec<(Resting, BasicGetMessage)> = Vec::new();
        for patience in [0, 300, 1500, 3000] {
            // what comes late, or what should not come at all
            sleep(Duration::from_millis(patience)).await;
            got.extend(take(node, net).await);
            if got.len() >= wanted.len() && patience > 0 || got.len() > wanted.len() {
                break;
            }
            if got.len() == wanted.len() && !has_slow_parts(net) {
                break;
            }
        }
        got.sort_by_cached_key(|(resting, got)| (resting.clone(), notes(&got.properties)));
        let seen: Vec<&Resting> = got.iter().map(|(resting, _)| resting).collect();
        if seen != wanted.iter().collect::<Vec<_>>() {
            return Some(Err(format!("in round {round} it rests {wanted:?}, the broker has it {seen:?}")));
        }
        memory.broker.advance(Duration::from_millis(settled.after + 100)).await;
        let taken = memory.take(net).into_iter();
        let mut in_memory: Vec<(Resting, Got)> =
            taken.map(|(queue, got)| ((queue, deaths(got.properties())), got)).collect();
        in_memory.sort_by_cached_key(|(resting, got)| (resting.clone(), notes(got.properties())));
        let seen: Vec<&Resting> = in_memory.iter().map(|(resting, _)| resting).collect();
        if seen != wanted.iter().collect::<Vec<_>>() {
            return Some(Err(format!("in round {round} it rests {wanted:?}, memory has it {seen:?}")));
        }
        for ((resting, got), (_, there)) in got.iter().zip(&in_memory) {
            let (theirs, ours) = (notes(&got.properties), notes(there.properties()));
            if theirs != ours {
                let why = format!("in round {round} of {resting:?} the broker says {theirs}, memory {ours}");
                return Some(Err(why));
            }
        }
        if wanted.is_empty() {
            return Some(Ok(()));
        }
        // both sides by name and deaths, so that the same copy gets the same treatment
        settled.resting.sort_by_key(|resting| named(net, resting));
        let mut after = Settled { resting: Vec::new(), after: 0 };
        let (mut returned, mut rejected) = (Vec::new(), Vec::new());
        for (((queue, message), (_, got)), (_, there)) in settled.resting.into_iter().zip(got).zip(in_memory)
        {
            let limit = net.queue(queue).effective_delivery_limit(net.version());
            let reason = match limit {
                Some(limit) if random.one_in(2) => {
                    returned.push((net.queue(queue).name.as_str(), got, there, limit));
                    Reason::DeliveryLimit
                }
                _ => {
                    rejected.push(got);
                    there.reject(false);
                    Reason::Rejected
                }
            };
            for (queue, message) in next(net, queue, reason, &message) {
                settle(net, queue, message, None, &mut after, 0);
            }
        }
        for (queue, got, there, limit) in returned {
            if let Err(why) = return_until_dead(node, &mut memory, queue, (got, there), limit).await {
                return Some(Err(why));
            }
        }
        for got in rejected {
            got.reject(BasicRejectOptions { requeue: false }).await.expect("a reject");
        }
        settled = after;
    }
    Some(Ok(()))
}

/// All that a message says of itself, but for the times of its deaths.
fn notes(properties: &BasicProperties) -> String {
    let mut table = properties.headers().clone().unwrap_or_default().inner().clone();
    if let Some(AMQPValue::FieldArray(deaths)) = table.get("x-death").cloned() {
        let timeless = deaths.as_slice().iter().map(|death| match death {
            AMQPValue::FieldTable(death) => {
                let mut death = death.inner().clone();
                death.remove("time");
                AMQPValue::FieldTable(death.into())
            }
            other => other.clone(),
        });
        table.insert("x-death".into(), AMQPValue::FieldArray(timeless.collect::<Vec<_>>().into()));
    }
    format!("{table:?} expiration {:?}", properties.expiration())
}

/// At-least-once dead letters go by way of a consumer and confirms.
fn has_slow_parts(net: &Topology) -> bool {
    net.queues().any(|(_, queue)| queue.effective_strategy() == topoc_routing::Strategy::AtLeastOnce)
}

async fn take(node: &Node, net: &Topology) -> Vec<(Resting, BasicGetMessage)> {
    let mut taken = Vec::new();
    for (_, queue) in net.queues() {
        let name = || queue.name.as_str().into();
        while let Some(got) =
            node.channel.basic_get(name(), BasicGetOptions::default()).await.expect("a queue to read")
        {
            taken.push(((queue.name.clone(), deaths(&got.properties)), got));
        }
    }
    taken
}

fn deaths(properties: &BasicProperties) -> Vec<String> {
    let headers = properties.headers().as_ref();
    let Some(AMQPValue::FieldArray(deaths)) = headers.and_then(|headers| headers.inner().get("x-death"))
    else {
        return Vec::new();
    };
    let text = |death: &AMQPValue, name: &str| match death {
        AMQPValue::FieldTable(table) => match table.inner().get(name) {
            Some(AMQPValue::LongString(text)) => text.to_string(),
            other => panic!("{name} of an x-death is {other:?}"),
        },
        other => panic!("an x-death is {other:?}"),
    };
    let deaths = deaths.as_slice().iter();
    deaths.map(|death| format!("{} {}", text(death, "queue"), text(death, "reason"))).collect()
}

/// Returns a message as often as the limit permits, and once more. What is returned comes out again first.
async fn return_until_dead(
    node: &Node,
    memory: &mut Memory,
    queue: &str,
    (mut got, mut there): (BasicGetMessage, Got),
    limit: u64,
) -> Result<(), String> {
    let before = deaths(&got.properties);
    for returns in 1..=limit {
        got.nack(BasicNackOptions { requeue: true, multiple: false }).await.expect("a return");
        let again =
            node.channel.basic_get(queue.into(), BasicGetOptions::default()).await.expect("a queue to read");
        got = match again {
            Some(again) if deaths(&again.properties) == before => again,
            other => {
                return Err(format!("{queue} permits {limit} returns, and after {returns} it has {other:?}"));
            }
        };
        there.reject(true);
        there = memory.client.get(queue).ok_or("memory gives up too early what is returned")?;
        let (theirs, ours) = (notes(&got.properties), notes(there.properties()));
        if theirs != ours {
            return Err(format!("returned {returns} times the broker has {theirs}, memory {ours}"));
        }
    }
    got.nack(BasicNackOptions { requeue: true, multiple: false }).await.expect("a return");
    there.reject(true);
    Ok(())
}
