//! Calls and their answers.
#![expect(clippy::unwrap_used, reason = "a panic is the test's failure")]

mod common;

use common::{QUORUM, Seen, broker, queue, queues};
use lapin::{BasicProperties, options::BasicPublishOptions};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use topoc_runtime::{
    Connection, Delivery, PublishError, Server,
    declare::Argument,
    rpc::{Answer, CallError, Client, Failure, Procedure, response},
};
use topoc_test_support::Vhost;

const DOUBLE: Procedure = Procedure { name: "Double", queue: "double", timeout: Duration::from_secs(60) };

struct Double;

impl Answer for Double {
    async fn answer(&self, request: Delivery) -> Result<Vec<u8>, Failure> {
        match request.json::<i64>()? {
            0 => Err(Failure::new("no-zero", "zero is not doubled")),
            -1 => panic!("negative"),
            -2 => std::future::pending().await,
            number => response(&(number * 2)),
        }
    }
}

async fn serve(url: &str) -> Connection {
    let connection = Connection::connect(url).await.unwrap();
    connection.declare(&queues(vec![queue("double", &[])])).await.unwrap();
    let server = Server::new(&connection, "calculator").answer(DOUBLE.requests().concurrency(4), Double);
    tokio::spawn(server.run());
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_reaches_the_caller_that_asked() {
    let vhost = broker();
    let _server = serve(&vhost.amqp_url()).await;
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    let client = Client::new(&connection, "shop");
    let calls = (1..200_i64).map(|number| {
        let client = client.clone();
        tokio::spawn(async move { assert_eq!(client.call::<_, i64>(&DOUBLE, &number).await, Ok(number * 2)) })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_the_server_reaches_the_caller() {
    let vhost = broker();
    let _server = serve(&vhost.amqp_url()).await;
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    let client = Client::new(&connection, "shop");
    let failure = |code: &str, error: CallError| match error {
        CallError::Server { procedure: "Double", failure } => assert_eq!(failure.code, code),
        error => panic!("{error}"),
    };
    failure("no-zero", client.call::<_, i64>(&DOUBLE, &0).await.unwrap_err());
    failure("panic", client.call::<_, i64>(&DOUBLE, &-1).await.unwrap_err());
    failure("undecodable-request", client.call::<_, i64>(&DOUBLE, "seven").await.unwrap_err());
    let error = client.call::<_, String>(&DOUBLE, &7).await.unwrap_err();
    assert!(matches!(error, CallError::Undecodable { .. }), "{error}");
    assert_eq!(client.call::<_, i64>(&DOUBLE, &7).await, Ok(14));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_answers_ends() {
    let vhost = broker();
    let server = serve(&vhost.amqp_url()).await;
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    let client = Client::new(&connection, "shop");
    let after = Duration::from_millis(300);
    let error = client.call::<_, i64>(&DOUBLE, &-2).timeout(after).await.unwrap_err();
    assert_eq!(error, CallError::Timeout { procedure: "Double", after });

    let nowhere = Procedure { queue: "nowhere", ..DOUBLE };
    let error = client.call::<_, i64>(&nowhere, &1).await.unwrap_err();
    let CallError::Publish { error: PublishError::Unroutable { routing_key, .. }, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(routing_key, "nowhere");

    // without a server the request expires with its call
    server.close().await;
    let error = client.call::<_, i64>(&DOUBLE, &1).timeout(after).await.unwrap_err();
    assert!(matches!(error, CallError::Timeout { .. }), "{error}");
    let url = vhost.amqp_url();
    common::eventually("the requests are gone", async || common::ready(&url, "double").await == 0).await;
}

/// A user who may not publish to the default exchange, through which requests and their answers go.
struct Mute {
    vhost: Vhost,
    name: String,
}

impl Mute {
    fn new(vhost: Vhost) -> Self {
        let name = format!("mute-{}", vhost.name());
        let api = vhost.api();
        api.put(&format!("/api/users/{name}"), &json!({"password": "silence", "tags": ""}));
        let permissions = json!({"configure": ".*", "write": "^$", "read": ".*"});
        api.put(&format!("/api/permissions/{}/{name}", vhost.name()), &permissions);
        Self { vhost, name }
    }

    async fn connect(&self) -> Connection {
        let login = format!("{}:silence@", self.name);
        Connection::connect(&self.vhost.amqp_url().replace("guest:guest@", &login)).await.unwrap()
    }
}

impl Drop for Mute {
    fn drop(&mut self) {
        let _ = self.vhost.api().ask("DELETE", &format!("/api/users/{}", self.name), None);
    }
}

/// Sees the requests that come to it.
struct Counting(Arc<Seen<i64>>);

impl Answer for Counting {
    async fn answer(&self, request: Delivery) -> Result<Vec<u8>, Failure> {
        let number = request.json()?;
        self.0.push(number);
        response(&number)
    }
}

const TO_DEAD: &[(&str, Argument)] = &[
    QUORUM,
    ("x-dead-letter-exchange", Argument::String("")),
    ("x-dead-letter-routing-key", Argument::String("dead")),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_answer_is_refused_is_handled_once() {
    let mute = Mute::new(broker());
    let url = mute.vhost.amqp_url();
    let connection = Connection::connect(&url).await.unwrap();
    connection.declare(&queues(vec![queue("double", TO_DEAD), queue("dead", &[QUORUM])])).await.unwrap();
    let seen = Arc::new(Seen::default());
    let server = mute.connect().await;
    tokio::spawn(Server::new(&server, "mute").answer(DOUBLE.requests(), Counting(Arc::clone(&seen))).run());
    let client = Client::new(&connection, "shop");
    let call = tokio::spawn(async move { client.call::<_, i64>(&DOUBLE, &7).await });
    let dead = common::next(&mute.vhost, "dead").await;
    assert!(common::header(&dead, "x-first-death-reason").contains("rejected"));
    assert_eq!(seen.all(), [7]);
    call.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_answer_is_not_taken_is_handled_once() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    let full = &[("x-max-length", Argument::Int(0)), ("x-overflow", Argument::String("reject-publish"))];
    let declared = vec![queue("double", TO_DEAD), queue("dead", &[QUORUM]), queue("full", full)];
    connection.declare(&queues(declared)).await.unwrap();
    let seen = Arc::new(Seen::default());
    let server =
        Server::new(&connection, "calculator").answer(DOUBLE.requests(), Counting(Arc::clone(&seen)));
    tokio::spawn(server.run());
    let (_raw, channel) = common::raw(&vhost.amqp_url()).await;
    let properties = BasicProperties::default().with_reply_to("full".into());
    let options = BasicPublishOptions::default();
    let published = channel.basic_publish("".into(), "double".into(), options, b"7", properties);
    published.await.unwrap().await.unwrap();
    let dead = common::next(&vhost, "dead").await;
    assert!(common::header(&dead, "x-first-death-reason").contains("rejected"));
    assert_eq!(seen.all(), [7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_the_broker_refuses_says_so() {
    let mute = Mute::new(broker());
    let _server = serve(&mute.vhost.amqp_url()).await;
    let client = Client::new(&mute.connect().await, "mute");
    for _ in 0..2 {
        match client.call::<_, i64>(&DOUBLE, &1).await.unwrap_err() {
            CallError::Publish { error: PublishError::Refused { reason, .. }, .. } => {
                assert!(reason.contains("ACCESS_REFUSED"), "{reason}");
            }
            error => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_go_on_after_one_was_refused() {
    let vhost = broker();
    let _server = serve(&vhost.amqp_url()).await;
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    let client = Client::new(&connection, "shop");
    // an expiration beyond what the broker takes closes the channel
    let endless = Duration::from_secs(400_000_000);
    let error = client.call::<_, i64>(&DOUBLE, &1).timeout(endless).await.unwrap_err();
    assert!(matches!(error, CallError::Publish { error: PublishError::Refused { .. }, .. }), "{error}");
    // these are queued while the channel is replaced
    let calls = (1..20_i64).map(|number| {
        let client = client.clone();
        tokio::spawn(async move { assert_eq!(client.call::<_, i64>(&DOUBLE, &number).await, Ok(number * 2)) })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
}
