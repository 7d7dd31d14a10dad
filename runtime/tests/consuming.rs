//! What becomes of a message by what its handler says, or does.

mod common;

use common::{By, QUORUM, Seen, broker, exchange, queue, queues};
use lapin::{BasicProperties, options::BasicPublishOptions};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};
use topoc_runtime::{
    Connection, Consume, Delivery, Ladder, Message, Outcome, Publisher, Server,
    declare::{Argument, Binding, Declaration, Destination},
};

const TO_QUEUE: Message = Message { name: "Thing", exchange: "" };

const WITH_LADDER: Declaration = Declaration {
    exchanges: &[exchange("orders", "topic")],
    queues: &[
        queue("work", &[QUORUM]),
        queue(
            "work.retry.1",
            &[
                QUORUM,
                ("x-message-ttl", Argument::Int(100)),
                ("x-dead-letter-exchange", Argument::String("")),
                ("x-dead-letter-routing-key", Argument::String("work")),
            ],
        ),
        queue(
            "work.retry.2",
            &[
                QUORUM,
                ("x-message-ttl", Argument::Int(300)),
                ("x-dead-letter-exchange", Argument::String("")),
                ("x-dead-letter-routing-key", Argument::String("work")),
            ],
        ),
        queue("work.dead", &[QUORUM]),
        queue("witness", &[QUORUM]),
    ],
    bindings: &[
        Binding {
            source: "orders",
            destination: Destination::Queue("work"),
            routing_key: "order.*",
            arguments: &[],
        },
        Binding {
            source: "orders",
            destination: Destination::Queue("witness"),
            routing_key: "#",
            arguments: &[],
        },
    ],
};

const LADDER: Consume =
    Consume::new("work").concurrency(4).ladder(Ladder::new(&["work.retry.1", "work.retry.2"], "work.dead"));

fn serve<F, R>(
    connection: &Connection,
    consume: Consume,
    handler: F,
) -> tokio::task::JoinHandle<topoc_runtime::Result<()>>
where
    F: Fn(Delivery) -> R + Send + Sync + 'static,
    R: Future<Output = Outcome> + Send + 'static,
{
    tokio::spawn(Server::new(connection, "worker").consume(consume, By(handler)).run())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_climbs_the_ladder_to_the_dead_queue() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    connection.declare(&WITH_LADDER).await.unwrap();
    let seen = Arc::new(Seen::default());
    serve(&connection, LADDER, {
        let seen = Arc::clone(&seen);
        move |delivery: Delivery| {
            seen.push((
                delivery.attempt(),
                delivery.exchange().to_owned(),
                delivery.routing_key().to_owned(),
            ));
            async { Outcome::retry_because("busy") }
        }
    });
    let publisher = Publisher::new(&connection, "shop");
    let orders = Message { name: "OrderCreated", exchange: "orders" };
    publisher.publish(&orders, "order.created", &7).message_id("seven").await.unwrap();

    let dead = common::next(&vhost, "work.dead").await;
    assert_eq!(dead.data, b"7");
    assert_eq!(dead.properties.message_id().as_ref().map(|id| id.as_str()), Some("seven"));
    for (name, value) in [
        ("x-topoc-reason", "busy"),
        ("x-topoc-attempt", "2"),
        ("x-topoc-exchange", "orders"),
        ("x-topoc-routing-key", "order.created"),
        ("x-topoc-queue", "work"),
    ] {
        assert_eq!(common::header(&dead, name), value, "{name}");
    }
    assert!(common::header(&dead, "x-topoc-failed-at").ends_with('Z'));
    let attempt = |number| (number, String::from("orders"), String::from("order.created"));
    assert_eq!(seen.all(), [attempt(0), attempt(1), attempt(2)]);
    // a retried message comes back to its own queue only
    assert_eq!(common::ready(&vhost.amqp_url(), "witness").await, 1);
    for queue in ["work", "work.retry.1", "work.retry.2"] {
        assert_eq!(common::ready(&vhost.amqp_url(), queue).await, 0, "{queue}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_and_an_undecodable_payload_do_not_stop_the_consumer() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    connection.declare(&WITH_LADDER).await.unwrap();
    let seen = Arc::new(Seen::default());
    serve(&connection, LADDER, {
        let seen = Arc::clone(&seen);
        move |delivery: Delivery| {
            let seen = Arc::clone(&seen);
            async move {
                match delivery.json::<u32>() {
                    Ok(0) => panic!("zero"),
                    Ok(number) => seen.push(number),
                    Err(error) => return error.into(),
                }
                Outcome::ack()
            }
        }
    });
    let publisher = Publisher::new(&connection, "shop");
    publisher.publish(&TO_QUEUE, "work", &0).await.unwrap();
    publisher.publish(&TO_QUEUE, "work", "text").await.unwrap();
    publisher.publish(&TO_QUEUE, "work", &5).await.unwrap();
    seen.until(1).await;
    let mut reasons = Vec::new();
    for _ in 0..2 {
        reasons.push(common::header(&common::next(&vhost, "work.dead").await, "x-topoc-reason"));
    }
    reasons.sort();
    assert_eq!(reasons[0], "the handler panicked: zero");
    assert!(reasons[1].starts_with("the payload of message `Thing` cannot be read"), "{}", reasons[1]);
    publisher.publish(&TO_QUEUE, "work", &6).await.unwrap();
    seen.until(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_ladder_the_queue_decides() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    let arguments = &[
        QUORUM,
        ("x-delivery-limit", Argument::Int(2)),
        ("x-dead-letter-exchange", Argument::String("")),
        ("x-dead-letter-routing-key", Argument::String("dead")),
    ];
    connection.declare(&queues(vec![queue("limited", arguments), queue("dead", &[QUORUM])])).await.unwrap();
    let seen = Arc::new(Seen::default());
    serve(&connection, Consume::new("limited").concurrency(2), {
        let seen = Arc::clone(&seen);
        move |delivery: Delivery| {
            let body: String = delivery.json().unwrap();
            seen.push(body.clone());
            async move { if body == "retry" { Outcome::retry() } else { Outcome::dead_letter("unwanted") } }
        }
    });
    let publisher = Publisher::new(&connection, "shop");
    publisher.publish(&TO_QUEUE, "limited", "retry").await.unwrap();
    let dead = common::next(&vhost, "dead").await;
    assert!(common::header(&dead, "x-first-death-reason").contains("delivery_limit"));
    assert_eq!(seen.len(), 3);
    publisher.publish(&TO_QUEUE, "limited", "unwanted").await.unwrap();
    let dead = common::next(&vhost, "dead").await;
    assert!(common::header(&dead, "x-first-death-reason").contains("rejected"));
    assert_eq!(seen.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_its_delay_queue_waits_and_is_not_lost() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    connection.declare(&queues(vec![queue("work", &[QUORUM]), queue("work.dead", &[QUORUM])])).await.unwrap();
    let tried = Arc::new(AtomicBool::new(false));
    serve(&connection, LADDER, {
        let tried = Arc::clone(&tried);
        move |_| {
            tried.store(true, Ordering::Release);
            async { Outcome::retry() }
        }
    });
    let publisher = Publisher::new(&connection, "shop");
    publisher.publish(&TO_QUEUE, "work", "x").await.unwrap();
    common::eventually("the handler ran", async || tried.load(Ordering::Acquire)).await;
    // made late, as by an operator who sees the error
    connection.declare(&WITH_LADDER).await.unwrap();
    common::next(&vhost, "work.dead").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_queue_is_consumed_again_when_it_is_back() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    let declaration = queues(vec![queue("here", &[])]);
    connection.declare(&declaration).await.unwrap();
    let seen = Arc::new(Seen::default());
    serve(&connection, Consume::new("here"), {
        let seen = Arc::clone(&seen);
        move |delivery: Delivery| {
            seen.push(delivery.json::<u32>().unwrap());
            async { Outcome::ack() }
        }
    });
    let publisher = Publisher::new(&connection, "shop");
    publisher.publish(&TO_QUEUE, "here", &1).await.unwrap();
    seen.until(1).await;
    let (_raw, channel) = common::raw(&vhost.amqp_url()).await;
    channel.queue_delete("here".into(), lapin::options::QueueDeleteOptions::default()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    connection.declare(&declaration).await.unwrap();
    publisher.publish(&TO_QUEUE, "here", &2).await.unwrap();
    seen.until(2).await;
    assert_eq!(seen.all(), [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_handlers_run_at_once_than_allowed() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    connection.declare(&queues(vec![queue("work", &[])])).await.unwrap();
    let (now, most, seen) =
        (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)), Arc::new(Seen::default()));
    serve(&connection, Consume::new("work").prefetch(50).concurrency(3), {
        let (now, most, seen) = (Arc::clone(&now), Arc::clone(&most), Arc::clone(&seen));
        move |delivery: Delivery| {
            let (now, most, seen) = (Arc::clone(&now), Arc::clone(&most), Arc::clone(&seen));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::AcqRel) + 1, Ordering::AcqRel);
                tokio::time::sleep(Duration::from_millis(10)).await;
                now.fetch_sub(1, Ordering::AcqRel);
                seen.push(delivery.json::<u32>().unwrap());
                Outcome::ack()
            }
        }
    });
    let publisher = Publisher::new(&connection, "shop");
    for number in 0..60 {
        publisher.publish(&TO_QUEUE, "work", &number).await.unwrap();
    }
    seen.until(60).await;
    assert_eq!(seen.sorted(), (0..60).collect::<Vec<u32>>());
    assert!(most.load(Ordering::Acquire) <= 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_to_stop_lets_work_in_hand_finish() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    connection.declare(&queues(vec![queue("work", &[QUORUM]), queue("done", &[QUORUM])])).await.unwrap();
    let started = Arc::new(Seen::default());
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let publisher = Publisher::new(&connection, "worker");
    let service = serve(&connection, Consume::new("work").prefetch(10).concurrency(2), {
        let (started, gate) = (Arc::clone(&started), Arc::clone(&gate));
        move |delivery: Delivery| {
            let (started, gate, publisher) = (Arc::clone(&started), Arc::clone(&gate), publisher.clone());
            async move {
                let number: u32 = delivery.json().unwrap();
                started.push(number);
                gate.acquire().await.unwrap().forget();
                publisher.publish(&TO_QUEUE, "done", &number).await.into()
            }
        }
    });
    let sender = Publisher::new(&connection, "shop");
    for number in 0..6 {
        sender.publish(&TO_QUEUE, "work", &number).await.unwrap();
    }
    started.until(2).await;
    connection.shutdown().trigger();
    tokio::time::sleep(Duration::from_millis(200)).await;
    gate.add_permits(10);
    service.await.unwrap().unwrap();
    // what was begun is done, what was only prefetched is back
    let url = vhost.amqp_url();
    assert_eq!(started.sorted(), [0, 1]);
    assert_eq!(common::take_all(&url, "done").await.len(), 2);
    common::eventually("the rest is back", async || common::ready(&url, "work").await == 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_outlasts_the_grace_gives_its_message_back() {
    let vhost = broker();
    let mut options = topoc_runtime::Options::new(topoc_runtime::Address::parse(&vhost.amqp_url()).unwrap());
    options.grace = Duration::from_millis(100);
    let connection = Connection::open(options).await.unwrap();
    connection.declare(&queues(vec![queue("work", &[])])).await.unwrap();
    let started = Arc::new(Seen::default());
    let service = serve(&connection, Consume::new("work"), {
        let started = Arc::clone(&started);
        move |_| {
            started.push(1);
            std::future::pending()
        }
    });
    Publisher::new(&connection, "shop").publish(&TO_QUEUE, "work", "x").await.unwrap();
    started.until(1).await;
    connection.shutdown().trigger();
    service.await.unwrap().unwrap();
    let url = vhost.amqp_url();
    common::eventually("the message is back", async || common::ready(&url, "work").await == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_another_client_is_known_by_its_routing_key() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    connection.declare(&WITH_LADDER).await.unwrap();
    let seen = Arc::new(Seen::default());
    serve(&connection, LADDER, {
        let seen = Arc::clone(&seen);
        move |delivery: Delivery| {
            let known = delivery.is("OrderCreated", &["order.*"]);
            let other = delivery.is("OrderCreated", &["order", "invoice.*"]);
            seen.push((known, other, delivery.attempt()));
            async move { if delivery.attempt() == 0 { Outcome::retry() } else { Outcome::ack() } }
        }
    });
    let (_raw, channel) = common::raw(&vhost.amqp_url()).await;
    let options = BasicPublishOptions::default();
    let publish = channel.basic_publish(
        "orders".into(),
        "order.created".into(),
        options,
        b"{}",
        BasicProperties::default(),
    );
    publish.await.unwrap().await.unwrap();
    seen.until(2).await;
    assert_eq!(seen.all(), [(true, false, 0), (true, false, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_room_for_further_headers_is_given_up_and_not_lost() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    connection.declare(&WITH_LADDER).await.unwrap();
    serve(&connection, LADDER, |delivery| async move {
        match delivery.attempt() {
            0 => Outcome::retry_because("busy"),
            _ => Outcome::ack(),
        }
    });
    let publisher = Publisher::new(&connection, "shop");
    publisher.publish(&TO_QUEUE, "work", "x").header("note", "x".repeat(130_850)).await.unwrap();
    publisher.publish(&TO_QUEUE, "work", "y").await.unwrap();
    let url = vhost.amqp_url();
    let dead = common::next_at(&url, "work.dead").await;
    assert_eq!(dead.data, b"\"x\"");
    assert!(common::header(&dead, "x-topoc-reason").contains("the broker takes 131072"));
    assert_eq!(common::header(&dead, "note"), "");
    common::eventually("both are done", async || common::ready(&url, "work").await == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_in_topocs_name_that_another_client_wrote_stop_nobody() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    connection.declare(&WITH_LADDER).await.unwrap();
    let seen = Arc::new(Seen::default());
    let one_at_a_time =
        Consume::new("work").prefetch(1).ladder(Ladder::new(&["work.retry.1", "work.retry.2"], "work.dead"));
    let service = serve(&connection, one_at_a_time, {
        let seen = Arc::clone(&seen);
        move |delivery: Delivery| {
            let body: String = delivery.json().unwrap();
            seen.push((body.clone(), delivery.attempt(), delivery.routing_key().len()));
            async move { if body == "good" { Outcome::ack() } else { Outcome::retry_because("busy") } }
        }
    });
    let publisher = Publisher::new(&connection, "shop");
    let url = vhost.amqp_url();
    let long = |bytes| "x".repeat(bytes);
    let publish = |body: &'static str| publisher.publish(&TO_QUEUE, "work", body);
    let hostile = [
        publish("key").header("x-topoc-routing-key", long(130_800)),
        publish("exchange").header("x-topoc-exchange", long(130_800)),
        publish("both").header("x-topoc-routing-key", long(65_000)).header("x-topoc-exchange", long(65_000)),
        publish("room").header("x-topoc-routing-key", long(1000)).header("note", long(129_500)),
        publish("queue").header("x-topoc-queue", long(130_800)),
        publish("most").header("x-topoc-queue", "work").header("x-topoc-attempt", i64::from(u32::MAX)),
        publish("more").header("x-topoc-queue", "work").header("x-topoc-attempt", i64::MAX),
        publish("less").header("x-topoc-queue", "work").header("x-topoc-attempt", i64::MIN),
    ];
    let count = hostile.len();
    for (number, one) in hostile.into_iter().enumerate() {
        one.await.unwrap();
        publish("good").await.unwrap();
        common::eventually("the message after it is handled", async || {
            seen.all().iter().filter(|(body, ..)| body == "good").count() > number
        })
        .await;
    }
    let mut dead = Vec::new();
    for _ in 0..count {
        let one = common::next_at(&url, "work.dead").await;
        assert_eq!(common::header(&one, "x-topoc-exchange"), "");
        assert_eq!(common::header(&one, "x-topoc-routing-key"), "work");
        let attempt = common::header(&one, "x-topoc-attempt").parse::<i64>().unwrap();
        dead.push((String::from_utf8(one.data).unwrap(), attempt));
    }
    dead.sort();
    let most = i64::from(u32::MAX);
    let expected = [
        ("both", 2),
        ("exchange", 2),
        ("key", 2),
        ("less", 2),
        ("more", most),
        ("most", most),
        ("queue", 2),
        ("room", 2),
    ];
    assert_eq!(dead, expected.map(|(body, attempt)| (format!("\"{body}\""), attempt)));
    assert!(seen.all().iter().all(|&(_, _, key)| key == "work".len()));
    // nothing is left in a consumer's hands
    connection.shutdown().trigger();
    service.await.unwrap().unwrap();
    for queue in ["work", "work.retry.1", "work.retry.2"] {
        assert_eq!(common::ready(&url, queue).await, 0, "{queue}");
    }
}
