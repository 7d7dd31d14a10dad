//! How a queue is consumed.
#![expect(clippy::unwrap_used, reason = "a panic is the test's failure")]

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
