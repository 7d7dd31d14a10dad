//! The broker's node is killed and started again, on a node of this test's own.
#![expect(clippy::unwrap_used, reason = "a panic is the test's failure")]

mod common;

use common::{By, QUORUM, Seen, queue, queues};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};
use topoc_runtime::{
    Address, Connection, Consume, Delivery, Message, Options, Outcome, PublishError, Publisher, Server,
    rpc::{Answer, Client, Failure, Procedure, response},
};
use topoc_test_support::{Broker, Vhost};

const TO_QUEUE: Message = Message { name: "Thing", exchange: "" };
const ECHO: Procedure = Procedure { name: "Echo", queue: "echo", timeout: Duration::from_secs(60) };

struct Echo;

impl Answer for Echo {
    async fn answer(&self, request: Delivery) -> Result<Vec<u8>, Failure> {
        response(&request.json::<u32>()?)
    }
}

/// A quorum queue made right before its node is killed can stay without a leader after the restart, so that
/// consuming it and publishing to it get no answer (seen on 3.10.8; not with 3 s between).
async fn written_to_disk() {
    tokio::time::sleep(Duration::from_secs(4)).await;
}

async fn open(url: &str) -> Connection {
    let mut options = Options::new(Address::parse(url).unwrap());
    options.publish_timeout = Duration::from_secs(120);
    options.reconnect_wait = Duration::from_secs(2);
    Connection::open(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_the_node_is_killed_under_load() {
    let mut broker = Broker::start();
    let url = broker.amqp_url();
    let connection = open(&url).await;
    let declared = queues(vec![queue("work", &[QUORUM]), queue("done", &[QUORUM]), queue("echo", &[QUORUM])]);
    connection.declare(&declared).await.unwrap();
    written_to_disk().await;

    // each message is passed on by a handler, so both directions are under way at the kill
    let service = open(&url).await;
    let forward = Publisher::new(&service, "worker");
    let seen = Arc::new(Seen::default());
    let server = Server::new(&service, "worker").answer(ECHO.requests().concurrency(4), Echo).consume(
        Consume::new("work").prefetch(64).concurrency(16),
        By({
            let seen = Arc::clone(&seen);
            move |delivery: Delivery| {
                let (forward, seen) = (forward.clone(), Arc::clone(&seen));
                async move {
                    let number: u32 = delivery.json().unwrap();
                    let outcome = forward.publish(&TO_QUEUE, "done", &number).await.into();
                    seen.push(number);
                    outcome
                }
            }
        }),
    );
    let server = tokio::spawn(server.run());
    let client = Client::new(&connection, "shop");
    assert_eq!(client.call::<_, u32>(&ECHO, &1).await, Ok(1));

    let publisher = Publisher::new(&connection, "shop");
    let (stop, confirmed) = (Arc::new(AtomicBool::new(false)), Arc::new(Seen::default()));
    let number = Arc::new(AtomicU32::new(0));
    let senders = (0..32).map(|_| {
        let (publisher, stop) = (publisher.clone(), Arc::clone(&stop));
        let (confirmed, number) = (Arc::clone(&confirmed), Arc::clone(&number));
        tokio::spawn(async move {
            while !stop.load(Ordering::Acquire) {
                let number = number.fetch_add(1, Ordering::AcqRel);
                publisher.publish(&TO_QUEUE, "work", &number).await.unwrap();
                confirmed.push(number);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
    });
    let senders: Vec<_> = senders.collect();
    seen.until(500).await;
    broker.kill();
    common::eventually("the loss is noticed", async || !connection.is_connected()).await;
    let error =
        publisher.publish(&TO_QUEUE, "work", &0).timeout(Duration::from_millis(200)).await.unwrap_err();
    assert_eq!(error, PublishError::Timeout { after: Duration::from_millis(200), connected: false });
    let broker = tokio::task::spawn_blocking(move || {
        broker.restart();
        broker
    })
    .await
    .unwrap();
    let before = confirmed.len();
    confirmed.until(before + 500).await;
    stop.store(true, Ordering::Release);
    for sender in senders {
        sender.await.unwrap();
    }
    assert_eq!(client.call::<_, u32>(&ECHO, &2).await, Ok(2));

    let sent: BTreeSet<u32> = confirmed.all().into_iter().collect();
    common::eventually("all is handled", async || {
        let handled: BTreeSet<u32> = seen.all().into_iter().collect();
        handled.is_superset(&sent)
    })
    .await;
    service.shutdown().trigger();
    server.await.unwrap().unwrap();
    assert_eq!(common::ready(&url, "work").await, 0);
    let done = common::take_all(&url, "done").await;
    let done: BTreeSet<u32> = done.iter().map(|one| serde_json::from_slice(&one.data).unwrap()).collect();
    let missing: Vec<_> = sent.difference(&done).collect();
    assert!(
        missing.is_empty(),
        "{} of {} confirmed messages are missing: {missing:?}",
        missing.len(),
        sent.len()
    );
    drop(broker);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_under_way_at_the_kill_ends_and_later_ones_work() {
    let mut broker = Broker::start();
    let connection = open(&broker.amqp_url()).await;
    connection.declare(&queues(vec![queue("echo", &[QUORUM])])).await.unwrap();
    written_to_disk().await;
    let client = Client::new(&connection, "shop");
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.call::<_, u32>(&ECHO, &1).await }
    });
    let url = broker.amqp_url();
    common::eventually("the request waits", async || common::ready(&url, "echo").await == 1).await;
    broker.kill();
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the connection was lost before `Echo` answered");
    let _broker = tokio::task::spawn_blocking(move || {
        broker.restart();
        broker
    })
    .await
    .unwrap();
    tokio::spawn(Server::new(&connection, "echo").answer(ECHO.requests(), Echo).run());
    assert_eq!(client.call::<_, u32>(&ECHO, &2).await, Ok(2));
}

/// A connection that [`close`] finds by its name.
async fn named(vhost: &Vhost) -> Connection {
    let mut options = Options::new(Address::parse(&vhost.amqp_url()).unwrap());
    options.name = format!("operator-test-{}", vhost.name());
    Connection::open(options).await.unwrap()
}

/// Closes a connection as an operator does.
async fn close(vhost: &Vhost, connection: &Connection) {
    let path = format!("/api/vhosts/{}/connections", vhost.name());
    let name = &connection.options().name;
    let api = vhost.api();
    common::eventually("the management API lists and closes it", async || {
        let listed = api.get(&path);
        let ours = listed.as_array().unwrap().iter().find(|one| one["user_provided_name"] == name.as_str());
        let Some(ours) = ours.and_then(|one| one["name"].as_str()) else { return false };
        let escaped = ours.replace(' ', "%20").replace('>', "%3E");
        api.ask("DELETE", &format!("/api/connections/{escaped}"), None).is_ok_and(|(status, _)| status == 204)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_closed_by_an_operator_comes_back() {
    let vhost = common::broker();
    let connection = named(&vhost).await;
    connection.declare(&queues(vec![queue("work", &[])])).await.unwrap();
    let seen = Arc::new(Seen::default());
    let handler = {
        let seen = Arc::clone(&seen);
        move |delivery: Delivery| {
            seen.push(delivery.json::<u32>().unwrap());
            async { Outcome::ack() }
        }
    };
    tokio::spawn(Server::new(&connection, "worker").consume(Consume::new("work"), By(handler)).run());
    let publisher = Publisher::new(&connection, "shop");
    publisher.publish(&TO_QUEUE, "work", &1).await.unwrap();
    seen.until(1).await;
    close(&vhost, &connection).await;
    publisher.publish(&TO_QUEUE, "work", &2).await.unwrap();
    seen.until(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_in_an_outage_is_not_sent_later() {
    let vhost = common::broker();
    let connection = named(&vhost).await;
    connection.declare(&queues(vec![queue("work", &[])])).await.unwrap();
    let publisher = Publisher::new(&connection, "shop");
    publisher.publish(&TO_QUEUE, "work", &0).await.unwrap();
    close(&vhost, &connection).await;
    common::eventually("the loss is seen", async || !connection.is_connected()).await;
    for number in 1..=5 {
        let draft = publisher.publish(&TO_QUEUE, "work", &number).timeout(Duration::from_millis(40));
        draft.await.unwrap_err();
    }
    publisher.publish(&TO_QUEUE, "work", &6).await.unwrap();
    let sent = common::take_all(&vhost.amqp_url(), "work").await;
    let sent: Vec<u32> = sent.iter().map(|one| serde_json::from_slice(&one.data).unwrap()).collect();
    assert_eq!(sent, [0, 6]);
}
