//! SIGTERM, in a process of its own: every server in it hears the signal.
#![cfg(unix)]

mod common;

use common::{By, Seen, broker, queue, queues};
use std::{process::Command, sync::Arc, time::Duration};
use topoc_runtime::{Connection, Consume, Delivery, Message, Outcome, Publisher, Server};

const TO_QUEUE: Message = Message { name: "Thing", exchange: "" };

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_work_in_hand_finish_and_ends_serving() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    connection.declare(&queues(vec![queue("work", &[])])).await.unwrap();
    let (started, finished) = (Arc::new(Seen::default()), Arc::new(Seen::default()));
    let handler = {
        let (started, finished) = (Arc::clone(&started), Arc::clone(&finished));
        move |delivery: Delivery| {
            let (started, finished) = (Arc::clone(&started), Arc::clone(&finished));
            async move {
                started.push(delivery.json::<u32>().unwrap());
                tokio::time::sleep(Duration::from_millis(500)).await;
                finished.push(delivery.json::<u32>().unwrap());
                Outcome::ack()
            }
        }
    };
    let server =
        tokio::spawn(Server::new(&connection, "worker").consume(Consume::new("work"), By(handler)).run());
    Publisher::new(&connection, "shop").publish(&TO_QUEUE, "work", &1).await.unwrap();
    started.until(1).await;
    let sent = Command::new("kill").args(["-TERM", &std::process::id().to_string()]).status().unwrap();
    assert!(sent.success());
    server.await.unwrap().unwrap();
    assert_eq!(finished.all(), [1]);
    assert_eq!(common::ready(&vhost.amqp_url(), "work").await, 0);
}
