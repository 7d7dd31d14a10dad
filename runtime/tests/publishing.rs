//! What a publisher learns about its messages.

mod common;

use common::{QUORUM, broker, exchange, queue, queues};
use futures_util::{StreamExt, future::join_all, stream};
use std::{collections::BTreeSet, time::Duration};
use topoc_runtime::{
    Connection, Error, Message, PublishError, Publisher,
    declare::{Argument, Binding, Declaration, Destination},
};

const TO_QUEUE: Message = Message { name: "Thing", exchange: "" };

#[tokio::test(flavor = "multi_thread")]
async fn a_message_carries_its_properties() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    connection.declare(&queues(vec![queue("q", &[])])).await.unwrap();
    let publisher = Publisher::new(&connection, "shop");
    let draft = publisher.publish(&TO_QUEUE, "q", &["a"]).priority(4).expiration(Duration::from_secs(60));
    draft.header("tier", "gold").header("express", true).correlation_id("c").await.unwrap();
    let message = common::next(&vhost, "q").await;
    assert_eq!(message.data, br#"["a"]"#);
    let properties = &message.properties;
    assert_eq!(*properties.delivery_mode(), Some(2));
    assert_eq!(*properties.priority(), Some(4));
    assert_eq!(properties.expiration().as_ref().map(|text| text.as_str()), Some("60000"));
    assert_eq!(properties.kind().as_ref().map(|text| text.as_str()), Some("Thing"));
    assert_eq!(properties.app_id().as_ref().map(|text| text.as_str()), Some("shop"));
    assert_eq!(properties.content_type().as_ref().map(|text| text.as_str()), Some("application/json"));
    assert_eq!(properties.correlation_id().as_ref().map(|text| text.as_str()), Some("c"));
    assert!(properties.message_id().as_ref().is_some_and(|id| id.as_str().len() == 36));
    assert!(properties.timestamp().is_some());
    assert_eq!(common::header(&message, "tier"), "gold");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_no_queue_receives_is_an_error() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    let publisher = Publisher::new(&connection, "shop");
    let error = publisher.publish(&TO_QUEUE, "nowhere", "x").await.unwrap_err();
    let expected = PublishError::Unroutable {
        exchange: String::new(),
        routing_key: "nowhere".into(),
        reply: "312 NO_ROUTE".into(),
    };
    assert_eq!(error, expected);
    publisher.publish(&TO_QUEUE, "nowhere", "x").optional().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_many_outstanding_messages_gets_its_own_fate() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    // three queues that confirm at different speeds
    let declared = [
        queue("classic", &[]),
        queue("quorum", &[QUORUM]),
        topoc_runtime::declare::Queue { durable: false, exclusive: true, ..queue("transient", &[]) },
    ];
    connection.declare(&queues(declared.into())).await.unwrap();
    let publisher = Publisher::new(&connection, "shop");
    let keys = ["classic", "transient", "nowhere", "transient", "quorum", "transient", "lost"];
    let sends = (0..5_000).map(|index| {
        let publisher = publisher.clone();
        async move {
            let key = keys[index % keys.len()];
            let result = publisher.publish(&TO_QUEUE, key, &index).await;
            let unroutable =
                matches!(&result, Err(PublishError::Unroutable { routing_key, .. }) if routing_key == key);
            assert!(
                if key == "nowhere" || key == "lost" { unroutable } else { result.is_ok() },
                "{key}: {result:?}"
            );
        }
    });
    stream::iter(sends.map(tokio::spawn))
        .for_each_concurrent(None, |task| async { task.await.unwrap() })
        .await;
    let taken = common::ready(&vhost.amqp_url(), "quorum").await;
    assert_eq!(taken as usize, (0..5_000).filter(|index| keys[index % keys.len()] == "quorum").count());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_a_message() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    let arguments = &[("x-max-length", Argument::Int(1)), ("x-overflow", Argument::String("reject-publish"))];
    connection.declare(&queues(vec![queue("full", arguments)])).await.unwrap();
    let publisher = Publisher::new(&connection, "shop");
    publisher.publish(&TO_QUEUE, "full", "fits").await.unwrap();
    let error = publisher.publish(&TO_QUEUE, "full", "does not").await.unwrap_err();
    assert_eq!(error, PublishError::Nacked { exchange: String::new(), routing_key: "full".into() });
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_message_does_not_take_the_others_with_it() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    connection.declare(&queues(vec![queue("q", &[])])).await.unwrap();
    let publisher = Publisher::new(&connection, "shop");
    // a missing exchange closes the channel with everything outstanding on it
    let missing = Message { name: "Lost", exchange: "missing" };
    let results = join_all((0..40).map(|index| {
        let message = if index == 20 { &missing } else { &TO_QUEUE };
        publisher.publish(message, "q", &index).into_future()
    }))
    .await;
    for (index, result) in results.into_iter().enumerate() {
        match result {
            Err(PublishError::Refused { exchange, reason }) if index == 20 => {
                assert_eq!(exchange, "missing");
                assert!(reason.contains("no exchange 'missing'"), "{reason}");
            }
            result => assert!(index != 20 && result.is_ok(), "{index}: {result:?}"),
        }
    }
    let all = common::take_all(&vhost.amqp_url(), "q").await;
    let bodies: BTreeSet<u32> = all.iter().map(|one| serde_json::from_slice(&one.data).unwrap()).collect();
    assert_eq!(bodies.len(), 39);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_longer_than_amqp_allows_are_an_error() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    let publisher = Publisher::new(&connection, "s".repeat(300));
    let error = publisher.publish(&TO_QUEUE, "k".repeat(256), "x").await.unwrap_err();
    assert_eq!(error, PublishError::Encode("the routing key has 256 bytes, AMQP allows 255".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_connection_says_so() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    let publisher = Publisher::new(&connection, "shop");
    connection.close().await;
    assert_eq!(publisher.publish(&TO_QUEUE, "q", "x").await, Err(PublishError::Closed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_and_an_absent_broker_are_told_without_the_password() {
    let vhost = broker();
    let wrong = vhost.amqp_url().replace("guest:guest@", "guest:s3cret@");
    let error = Connection::connect(&wrong).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    assert!(!format!("{error}").contains("s3cret"));
    let elsewhere = vhost.amqp_url().replace(vhost.name(), "elsewhere");
    let error = Connection::connect(&elsewhere).await.unwrap_err();
    assert!(matches!(&error, Error::Refused { reason, .. } if reason.contains("elsewhere")), "{error}");
    let address = topoc_runtime::Address::parse("amqp://guest:s3cret@127.0.0.1:1/%2f").unwrap();
    let mut options = topoc_runtime::Options::new(address);
    options.connect_timeout = Duration::from_millis(10);
    let error = Connection::open(options).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(!format!("{error}").contains("s3cret"));
}

const SHOP: Declaration = Declaration {
    exchanges: &[exchange("x", "headers"), exchange("y", "fanout")],
    queues: &[queue("q", &[QUORUM])],
    bindings: &[
        Binding {
            source: "x",
            destination: Destination::Exchange("y"),
            routing_key: "",
            arguments: &[("tier", Argument::String("gold"))],
        },
        Binding { source: "y", destination: Destination::Queue("q"), routing_key: "", arguments: &[] },
    ],
};

#[tokio::test(flavor = "multi_thread")]
async fn declaring_is_repeatable_and_says_all_that_differs() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    let Err(Error::Declare(missing)) = connection.check(&SHOP).await else { panic!("nothing is there yet") };
    assert_eq!(missing.len(), 3);
    connection.declare(&SHOP).await.unwrap();
    connection.declare(&SHOP).await.unwrap();
    connection.check(&SHOP).await.unwrap();
    let publisher = Publisher::new(&connection, "shop");
    publisher.publish(&Message { name: "M", exchange: "x" }, "", "m").header("tier", "gold").await.unwrap();
    common::next(&vhost, "q").await;

    const DIFFERS: Declaration = Declaration {
        exchanges: &[exchange("x", "topic"), exchange("z", "direct")],
        queues: &[queue("q", &[("x-queue-type", Argument::String("classic"))])],
        bindings: &[Binding {
            source: "z",
            destination: Destination::Queue("absent"),
            routing_key: "k",
            arguments: &[],
        }],
    };
    let Err(Error::Declare(refused)) = connection.declare(&DIFFERS).await else { panic!("it differs") };
    let told: Vec<_> = refused.iter().map(|refused| refused.what.as_str()).collect();
    assert_eq!(told, ["exchange `x`", "queue `q`", "binding of `absent` to `z` with routing key `k`"]);
    assert!(refused[1].reason.contains("inequivalent arg 'x-queue-type'"), "{}", refused[1].reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_without_a_value_is_declared_and_asks_for_the_header_alone() {
    const TIERED: Declaration = Declaration {
        exchanges: &[exchange("h", "headers")],
        queues: &[queue("q", &[])],
        bindings: &[Binding {
            source: "h",
            destination: Destination::Queue("q"),
            routing_key: "",
            arguments: &[("tier", Argument::Void), ("x-match", Argument::String("all"))],
        }],
    };
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    connection.declare(&TIERED).await.unwrap();
    connection.declare(&TIERED).await.unwrap();
    let publisher = Publisher::new(&connection, "shop");
    let message = Message { name: "Thing", exchange: "h" };
    publisher.publish(&message, "", &1).header("tier", "gold").await.unwrap();
    publisher.publish(&message, "", &2).header("tier", 7).await.unwrap();
    for other in
        [publisher.publish(&message, "", &3), publisher.publish(&message, "", &4).header("tie", "gold")]
    {
        assert!(matches!(other.await, Err(PublishError::Unroutable { .. })));
    }
    assert_eq!(common::ready(&vhost.amqp_url(), "q").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_beyond_a_frame_are_the_trouble_of_their_own_message() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    connection.declare(&queues(vec![queue("q", &[])])).await.unwrap();
    let publisher = Publisher::new(&connection, "shop");
    // a frame of 131 072 bytes, with some 200 for the other properties
    let lengths = [1_000, 130_000, 130_700, 130_800, 130_850, 130_900, 131_072, 200_000];
    let sent = lengths.map(|length: usize| {
        let draft = publisher.publish(&TO_QUEUE, "q", &length).header("note", "x".repeat(length));
        async move { draft.timeout(Duration::from_secs(10)).await }
    });
    for (length, sent) in lengths.into_iter().zip(join_all(sent).await) {
        match sent {
            Ok(()) => assert!(length <= 130_900, "{length}"),
            Err(PublishError::Encode(why)) => {
                assert!(length > 130_700, "{length}");
                assert!(why.ends_with("bytes, the broker takes 131072"), "{why}");
            }
            Err(error) => panic!("{length}: {error}"),
        }
    }
}
