//! Publishers, consumers, ladders, rpcs and shutdown.

use super::*;
use std::sync::atomic::{AtomicU32, Ordering};
use topoc_runtime::{
    Error, Ladder, PublishError, Publisher,
    memory::Broker,
    rpc::{Answer, CallError, Client, Failure, Procedure, response},
};

const LADDER: Consume =
    Consume::new("work").concurrency(4).ladder(Ladder::new(&["work.retry.1", "work.retry.2"], "work.dead"));

const fn delay(name: &'static str, arguments: Arguments) -> Queue {
    queue(name, arguments)
}

const WITH_LADDER: Declaration = Declaration {
    exchanges: &[exchange("orders", "topic", &[])],
    queues: &[
        queue("work", &[QUORUM]),
        delay(
            "work.retry.1",
            &[
                QUORUM,
                ("x-message-ttl", Argument::Int(5_000)),
                ("x-dead-letter-exchange", Argument::String("")),
                ("x-dead-letter-routing-key", Argument::String("work")),
            ],
        ),
        delay(
            "work.retry.2",
            &[
                QUORUM,
                ("x-message-ttl", Argument::Int(30_000)),
                ("x-dead-letter-exchange", Argument::String("")),
                ("x-dead-letter-routing-key", Argument::String("work")),
            ],
        ),
        queue("work.dead", &[QUORUM]),
        queue("witness", &[]),
    ],
    bindings: &[bind("orders", "work", "order.*"), bind("orders", "witness", "#")],
};

#[tokio::test]
async fn a_message_climbs_the_ladder_as_the_clock_moves() {
    let broker = Broker::new(&topology((3, 10), WITH_LADDER)).unwrap();
    let connection = broker.connect().await.unwrap();
    let seen = Seen::default();
    serve(&connection, LADDER, {
        let (seen, broker) = (seen.clone(), broker.clone());
        move |delivery: Delivery| {
            let at = broker.elapsed().as_secs();
            seen.push(format!("{at} s: {} {}", delivery.attempt(), delivery.routing_key()));
            async { Outcome::retry_because("busy") }
        }
    });
    let orders = Message { name: "OrderCreated", exchange: "orders" };
    let publisher = Publisher::new(&connection, "shop");
    publisher.publish(&orders, "order.created", &7).message_id("seven").await.unwrap();
    broker.consumed("shop", "work").await.unwrap();
    broker.settled().await;
    assert_eq!(seen.all(), ["0 s: 0 order.created"]);
    assert_eq!(broker.messages("shop", "work.retry.1").unwrap().len(), 1);
    broker.advance(4 * SECOND).await;
    assert_eq!(seen.all().len(), 1);
    broker.advance(60 * SECOND).await;
    assert_eq!(seen.all(), ["0 s: 0 order.created", "5 s: 1 order.created", "35 s: 2 order.created"]);
    let dead = broker.messages("shop", "work.dead").unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!((text(&dead[0]).as_str(), dead[0].message_id()), ("7", Some("seven")));
    assert_eq!(dead[0].header("x-topoc-reason"), Some("busy".into()));
    assert_eq!(broker.messages("shop", "witness").unwrap().len(), 1);
    assert_eq!(broker.elapsed(), 64 * SECOND);
}

#[tokio::test]
async fn a_running_clock_lets_messages_expire_by_itself() {
    let queues = vec![
        queue(
            "short",
            &[
                ("x-message-ttl", Argument::Int(50)),
                ("x-dead-letter-exchange", Argument::String("")),
                ("x-dead-letter-routing-key", Argument::String("after")),
            ],
        ),
        queue("after", &[]),
    ];
    let broker = Broker::new(&of_queues(queues)).unwrap().with_running_clock();
    let connection = broker.connect().await.unwrap();
    Publisher::new(&connection, "shop").publish(&TO_QUEUE, "short", "x").await.unwrap();
    assert_eq!(broker.messages("shop", "after").unwrap().len(), 0);
    tokio::time::timeout(10 * SECOND, async {
        while broker.messages("shop", "after").unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_publisher_learns_what_became_of_its_message() {
    let queues = vec![queue(
        "full",
        &[("x-max-length", Argument::Int(1)), ("x-overflow", Argument::String("reject-publish"))],
    )];
    let broker = Broker::new(&of_queues(queues)).unwrap();
    let connection = broker.connect().await.unwrap();
    let publisher = Publisher::new(&connection, "shop");
    publisher.publish(&TO_QUEUE, "full", "one").await.unwrap();
    let nacked = publisher.publish(&TO_QUEUE, "full", "two").await;
    assert!(matches!(nacked, Err(PublishError::Nacked { .. })), "{nacked:?}");
    let lost = publisher.publish(&TO_QUEUE, "nowhere", "x").await.unwrap_err();
    assert_eq!(
        lost.to_string(),
        "no queue receives messages of exchange `` with routing key `nowhere` (312 NO_ROUTE)"
    );
    publisher.publish(&TO_QUEUE, "nowhere", "x").optional().await.unwrap();
    let missing = Message { name: "Thing", exchange: "missing" };
    let refused = publisher.publish(&missing, "k", "x").await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the broker refuses to publish to exchange `missing`: NOT_FOUND - no exchange 'missing' in vhost 'shop'"
    );
    let large = "x".repeat(17_000_000);
    let refused = publisher.publish(&TO_QUEUE, "full", &large).await;
    assert!(
        matches!(&refused, Err(PublishError::Refused { reason, .. }) if reason.contains("max size 16777216")),
        "{refused:?}"
    );
    let header = "x".repeat(140_000);
    let refused = publisher.publish(&TO_QUEUE, "full", "x").header("long", header.as_str()).await;
    assert!(matches!(refused, Err(PublishError::Encode(_))), "{refused:?}");
    connection.close().await;
    let closed = publisher.publish(&TO_QUEUE, "full", "x").await;
    assert_eq!(closed, Err(PublishError::Closed));
}

#[tokio::test]
async fn prefetch_and_concurrency_are_kept() {
    let broker = Broker::new(&of_queues(vec![queue("work", &[])])).unwrap();
    let connection = broker.connect().await.unwrap();
    let publisher = Publisher::new(&connection, "shop");
    for number in 0..10 {
        publisher.publish(&TO_QUEUE, "work", &number).await.unwrap();
    }
    let (open, release) = (Arc::new(AtomicU32::new(0)), Arc::new(tokio::sync::Semaphore::new(0)));
    serve(&connection, Consume::new("work").prefetch(3).concurrency(2), {
        let (open, release) = (Arc::clone(&open), Arc::clone(&release));
        move |_| {
            let (open, release) = (Arc::clone(&open), Arc::clone(&release));
            async move {
                open.fetch_add(1, Ordering::AcqRel);
                release.acquire().await.unwrap().forget();
                Outcome::ack()
            }
        }
    });
    broker.consumed("shop", "work").await.unwrap();
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    assert_eq!(open.load(Ordering::Acquire), 2);
    assert_eq!(broker.messages("shop", "work").unwrap().len(), 7);
    release.add_permits(10);
    broker.settled().await;
    assert_eq!(open.load(Ordering::Acquire), 10);
    assert_eq!(broker.messages("shop", "work").unwrap().len(), 0);
}

#[tokio::test]
async fn outcomes_answer_the_broker() {
    let dead_letter = [
        ("x-dead-letter-exchange", Argument::String("")),
        ("x-dead-letter-routing-key", Argument::String("dead")),
    ];
    let broker = Broker::new(&of_queues(vec![
        queue("work", vec![dead_letter[0], dead_letter[1]].leak()),
        queue("dead", &[]),
    ]))
    .unwrap();
    let connection = broker.connect().await.unwrap();
    let seen = Seen::default();
    serve(&connection, Consume::new("work"), {
        let seen = seen.clone();
        move |delivery: Delivery| {
            seen.push(format!("{}{}", text(&delivery), if delivery.redelivered() { " again" } else { "" }));
            let outcome = match text(&delivery).as_str() {
                "1" if !delivery.redelivered() => Outcome::requeue(),
                "2" => Outcome::dead_letter("poison"),
                _ => Outcome::ack(),
            };
            async { outcome }
        }
    });
    let publisher = Publisher::new(&connection, "shop");
    for number in 1..=3 {
        publisher.publish(&TO_QUEUE, "work", &number).await.unwrap();
    }
    broker.consumed("shop", "work").await.unwrap();
    broker.settled().await;
    let mut all = seen.all();
    all.sort();
    assert_eq!(all, ["1", "1 again", "2", "3"]);
    let dead = broker.messages("shop", "dead").unwrap();
    assert_eq!(dead.iter().map(text).collect::<Vec<_>>(), ["2"]);
    assert_eq!(dead[0].header("x-first-death-reason"), Some("rejected".into()));
}

#[tokio::test]
async fn a_stopped_service_finishes_what_it_has_and_gives_back_the_rest() {
    let broker = Broker::new(&of_queues(vec![queue("work", &[])])).unwrap();
    let connection = broker.connect().await.unwrap();
    let publisher = Publisher::new(&connection, "shop");
    for number in 0..5 {
        publisher.publish(&TO_QUEUE, "work", &number).await.unwrap();
    }
    let seen = Seen::default();
    let served = serve(&connection, Consume::new("work").prefetch(4), {
        let (seen, connection) = (seen.clone(), connection.clone());
        move |delivery: Delivery| {
            connection.shutdown().trigger();
            let seen = seen.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                seen.push(text(&delivery));
                Outcome::ack()
            }
        }
    });
    served.await.unwrap().unwrap();
    assert_eq!(seen.all(), ["0"]);
    let left = broker.messages("shop", "work").unwrap();
    assert_eq!(left.iter().map(text).collect::<Vec<_>>(), ["1", "2", "3", "4"]);
    assert!(left[0].redelivered());
    assert!(!connection.is_connected());
    let options = broker.options().vhost("other");
    let refused = Connection::open(options).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "amqp://guest@memory:5672/other refuses the connection: NOT_ALLOWED - vhost other not found"
    );
}

const DOUBLE: Procedure = Procedure { name: "Double", queue: "double", timeout: Duration::from_secs(5) };

struct Doubling;

impl Answer for Doubling {
    async fn answer(&self, request: Delivery) -> std::result::Result<Vec<u8>, Failure> {
        let number: i64 = request.json()?;
        if number < 0 {
            return Err(Failure::new("negative", "numbers are positive"));
        }
        response(&(2 * number))
    }
}

#[tokio::test(start_paused = true)]
async fn calls_are_answered_refused_and_given_up() {
    let broker = Broker::new(&of_queues(vec![queue("double", &[]), queue("nobody", &[])])).unwrap();
    let connection = broker.connect().await.unwrap();
    let server = broker.connect().await.unwrap();
    tokio::spawn(Server::new(&server, "math").answer(DOUBLE.requests(), Doubling).run());
    let client = Client::new(&connection, "shop");
    assert_eq!(client.call::<_, i64>(&DOUBLE, &21).await.unwrap(), 42);
    let failed = client.call::<_, i64>(&DOUBLE, &-1).await.unwrap_err();
    assert!(matches!(&failed, CallError::Server { failure, .. } if failure.code == "negative"), "{failed:?}");
    let nobody = Procedure { queue: "nobody", ..DOUBLE };
    let late = client.call::<_, i64>(&nobody, &1).await.unwrap_err();
    assert!(matches!(late, CallError::Timeout { .. }), "{late:?}");
    // nobody waits for the answer any more
    assert_eq!(broker.messages("shop", "nobody").unwrap().len(), 1);
    broker.advance(5 * SECOND).await;
    assert_eq!(broker.messages("shop", "nobody").unwrap().len(), 0);
    let missing = Procedure { queue: "missing", ..DOUBLE };
    let lost = client.call::<_, i64>(&missing, &1).await.unwrap_err();
    assert!(matches!(&lost, CallError::Publish { error: PublishError::Unroutable { .. }, .. }), "{lost:?}");
    server.shutdown().trigger();
}

#[tokio::test]
async fn what_is_declared_again_has_to_be_the_same() {
    let broker = Broker::new(&topology((3, 10), WITH_LADDER)).unwrap();
    let connection = broker.connect().await.unwrap();
    connection.declare(&WITH_LADDER).await.unwrap();
    connection.check(&WITH_LADDER).await.unwrap();
    const OTHER: Declaration = Declaration {
        exchanges: &[
            exchange("orders", "fanout", &[]),
            Exchange { external: true, ..exchange("theirs", "topic", &[]) },
        ],
        queues: &[queue("work", &[])],
        bindings: &[bind("missing", "work", "k")],
    };
    let Err(Error::Declare(refused)) = connection.declare(&OTHER).await else { panic!("it is taken") };
    let refused: Vec<String> = refused.iter().map(ToString::to_string).collect();
    assert_eq!(refused.len(), 4, "{refused:?}");
    assert!(refused[0].contains("inequivalent arg 'type' for exchange 'orders'"), "{refused:?}");
    assert!(refused[1].contains("NOT_FOUND - no exchange 'theirs'"), "{refused:?}");
    assert!(refused[2].contains("inequivalent arg 'x-queue-type' for queue 'work'"), "{refused:?}");
    assert!(refused[3].contains("NOT_FOUND - no exchange 'missing'"), "{refused:?}");
}
