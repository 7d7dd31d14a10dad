//! Calls and their answers.
#![expect(clippy::unwrap_used, reason = "a panic is the test's failure")]

mod common;

use common::{broker, queue, queues};
use std::time::Duration;
use topoc_runtime::{
    Connection, Delivery, PublishError, Server,
    rpc::{Answer, CallError, Client, Failure, Procedure, response},
};

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
