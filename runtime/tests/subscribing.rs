//! How a queue is consumed: with which prefetch, with acknowledgements or without, and up which ladder.

mod common;

use common::{By, QUORUM, Seen, broker, queue, queues};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use topoc_runtime::{
    Connection, Consume, Delivery, Ladder, Message, Outcome, Publisher, Server,
    declare::{Argument, Queue},
};

const TO_QUEUE: Message = Message { name: "Thing", exchange: "" };

fn serve<F, R>(connection: &Connection, parts: Vec<(Consume, F)>) -> JoinHandle<topoc_runtime::Result<()>>
where
    F: Fn(Delivery) -> R + Send + Sync + 'static,
    R: Future<Output = Outcome> + Send + 'static,
{
    let server = Server::new(connection, "worker");
    let server = parts.into_iter().fold(server, |server, (how, handler)| server.consume(how, By(handler)));
    tokio::spawn(server.run())
}

/// A delay queue of 50 ms in front of `of`.
fn delay(name: &'static str, of: &'static str) -> Queue {
    let arguments = [
        QUORUM,
        ("x-message-ttl", Argument::Int(50)),
        ("x-dead-letter-exchange", Argument::String("")),
        ("x-dead-letter-routing-key", Argument::String(of)),
    ];
    queue(name, arguments.to_vec().leak())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_queue_counts_its_own_retries() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    let declared = vec![
        queue("work", &[QUORUM]),
        delay("work.retry.1", "work"),
        delay("work.retry.2", "work"),
        delay("work.retry.3", "work"),
        queue("work.dead", &[QUORUM]),
        delay("work.dead.retry.1", "work.dead"),
        delay("work.dead.retry.2", "work.dead"),
        queue("grave", &[QUORUM]),
    ];
    connection.declare(&queues(declared)).await.unwrap();
    let seen = Arc::new(Seen::default());
    let handler = |queue: &'static str| {
        let seen = Arc::clone(&seen);
        move |delivery: Delivery| {
            seen.push((queue, delivery.attempt()));
            async { Outcome::retry_because("busy") }
        }
    };
    const LADDER: Ladder = Ladder::new(&["work.retry.1", "work.retry.2", "work.retry.3"], "work.dead");
    const DEAD_LADDER: Ladder = Ladder::new(&["work.dead.retry.1", "work.dead.retry.2"], "grave");
    let parts = vec![
        (Consume::new("work").ladder(LADDER), handler("work")),
        (Consume::new("work.dead").ladder(DEAD_LADDER), handler("work.dead")),
    ];
    serve(&connection, parts);
    Publisher::new(&connection, "shop").publish(&TO_QUEUE, "work", "x").await.unwrap();
    let dead = common::next(&vhost, "grave").await;
    assert_eq!(common::header(&dead, "x-topoc-attempt"), "2");
    assert_eq!(common::header(&dead, "x-topoc-queue"), "work.dead");
    let own = |queue: &'static str, tries: u32| (0..tries).map(move |attempt| (queue, attempt));
    assert_eq!(seen.all(), own("work", 4).chain(own("work.dead", 3)).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefetch_of_0_takes_all_that_there_is() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    connection.declare(&queues(vec![queue("all", &[]), queue("some", &[])])).await.unwrap();
    let publisher = Publisher::new(&connection, "shop");
    for number in 0..40 {
        publisher.publish(&TO_QUEUE, "all", &number).await.unwrap();
        publisher.publish(&TO_QUEUE, "some", &number).await.unwrap();
    }
    let handler = |_| std::future::pending();
    let parts = vec![
        (Consume::new("all").prefetch(0).concurrency(2), handler),
        (Consume::new("some").prefetch(1).concurrency(2), handler),
    ];
    serve(&connection, parts);
    let url = vhost.amqp_url();
    common::eventually("all are sent", async || common::ready(&url, "all").await == 0).await;
    // not less than what is worked on at once
    common::eventually("some are sent", async || common::ready(&url, "some").await == 38).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_acknowledgements_the_broker_forgets_what_it_sends() {
    let vhost = broker();
    let url = vhost.amqp_url();
    let connection = Connection::connect(&url).await.unwrap();
    let declared =
        vec![queue("work", &[QUORUM]), delay("work.retry.1", "work"), queue("work.dead", &[QUORUM])];
    connection.declare(&queues(declared)).await.unwrap();
    let seen = Arc::new(Seen::default());
    let handler = {
        let seen = Arc::clone(&seen);
        move |delivery: Delivery| {
            let body: String = delivery.json().unwrap();
            seen.push((body.clone(), delivery.attempt()));
            async move {
                match body.as_str() {
                    "back" => Outcome::requeue(),
                    "again" if delivery.attempt() == 0 => Outcome::retry(),
                    "never" => Outcome::dead_letter("unwanted"),
                    "slow" => {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        Outcome::ack()
                    }
                    _ => Outcome::ack(),
                }
            }
        }
    };
    let ladder = Ladder::new(&["work.retry.1"], "work.dead");
    let how = Consume::new("work").prefetch(1).auto_ack().ladder(ladder);
    let service = serve(&connection, vec![(how, handler)]);
    let publisher = Publisher::new(&Connection::connect(&url).await.unwrap(), "shop");
    for body in ["back", "again", "never"] {
        publisher.publish(&TO_QUEUE, "work", body).await.unwrap();
    }
    let dead = common::next(&vhost, "work.dead").await;
    assert_eq!(common::header(&dead, "x-topoc-reason"), "unwanted");
    let once = |body: &str, attempt| (String::from(body), attempt);
    seen.until(4).await;
    assert_eq!(seen.sorted(), [once("again", 0), once("again", 1), once("back", 0), once("never", 0)]);

    // what was sent is still handled after the order to stop: nobody else has it
    for _ in 0..10 {
        publisher.publish(&TO_QUEUE, "work", "slow").await.unwrap();
    }
    seen.until(5).await;
    common::eventually("all are sent", async || common::ready(&url, "work").await == 0).await;
    connection.shutdown().trigger();
    service.await.unwrap().unwrap();
    assert_eq!(seen.len(), 14);
    assert_eq!(common::ready(&url, "work").await, 0);
}
