//! What queues do with messages.

use super::*;
use topoc_runtime::{
    Publisher,
    declare::Policies,
    memory::{Broker, Version},
};

async fn published(broker: &Broker, queue: &'static str, numbers: std::ops::RangeInclusive<u32>) -> usize {
    let connection = broker.connect().await.unwrap();
    let publisher = Publisher::new(&connection, "shop");
    let mut taken = 0;
    for number in numbers {
        taken += usize::from(publisher.publish(&TO_QUEUE, queue, &number).await.is_ok());
    }
    taken
}

fn texts(broker: &Broker, queue: &str) -> Vec<String> {
    broker.messages("shop", queue).unwrap().iter().map(text).collect()
}

#[tokio::test]
async fn a_full_queue_drops_its_oldest_or_refuses_the_newest() {
    const DEAD: [(&str, Argument); 2] = [
        ("x-dead-letter-exchange", Argument::String("")),
        ("x-dead-letter-routing-key", Argument::String("dead")),
    ];
    const LIMIT: (&str, Argument) = ("x-max-length", Argument::Int(2));
    const REJECT: (&str, Argument) = ("x-overflow", Argument::String("reject-publish"));
    const REJECT_DLX: (&str, Argument) = ("x-overflow", Argument::String("reject-publish-dlx"));
    for (arguments, stay, die) in [
        (vec![LIMIT, DEAD[0], DEAD[1]], vec!["3", "4"], vec!["1", "2"]),
        (vec![QUORUM, LIMIT, DEAD[0], DEAD[1]], vec!["3", "4"], vec!["1", "2"]),
        (vec![LIMIT, REJECT, DEAD[0], DEAD[1]], vec!["1", "2"], vec![]),
        (vec![LIMIT, REJECT_DLX, DEAD[0], DEAD[1]], vec!["1", "2"], vec!["3", "4"]),
        // a quorum queue notices only when it is over its limit
        (vec![QUORUM, LIMIT, REJECT, DEAD[0], DEAD[1]], vec!["1", "2", "3"], vec![]),
    ] {
        let shown = format!("{arguments:?}");
        let queues = vec![queue("work", arguments.leak()), queue("dead", &[])];
        let broker = Broker::new(&of_queues(queues)).unwrap();
        published(&broker, "work", 1..=4).await;
        assert_eq!(texts(&broker, "work"), stay, "{shown}");
        assert_eq!(texts(&broker, "dead"), die, "{shown}");
    }
}

#[tokio::test]
async fn the_highest_priority_is_first() {
    let classic = queue("classic", &[("x-max-priority", Argument::Int(5))]);
    let broker = Broker::new(&of_queues(vec![classic, queue("quorum", &[QUORUM])])).unwrap();
    let connection = broker.connect().await.unwrap();
    let publisher = Publisher::new(&connection, "shop");
    for (number, priority) in [0, 9, 5, 1, 6, 7].into_iter().enumerate() {
        for queue in ["classic", "quorum"] {
            publisher.publish(&TO_QUEUE, queue, &number).priority(priority).await.unwrap();
        }
    }
    let mut client = broker.client("shop").unwrap();
    let mut taken = |queue: &str| -> String {
        std::iter::from_fn(|| client.get(queue)).map(|got| text(&got.ack())).collect()
    };
    // 9, 6 and 7 count as 5
    assert_eq!(taken("classic"), "124530");
    // two of 5 and above, then one below
    assert_eq!(taken("quorum"), "120453");
}

#[tokio::test]
async fn a_message_expires_at_the_head_of_its_queue_alone() {
    let broker = Broker::new(&of_queues(vec![queue("work", &[])])).unwrap();
    let connection = broker.connect().await.unwrap();
    let publisher = Publisher::new(&connection, "shop");
    publisher.publish(&TO_QUEUE, "work", &1).expiration(10 * SECOND).await.unwrap();
    publisher.publish(&TO_QUEUE, "work", &2).expiration(SECOND).await.unwrap();
    broker.advance(5 * SECOND).await;
    assert_eq!(texts(&broker, "work"), ["1", "2"]);
    broker.advance(5 * SECOND).await;
    assert!(texts(&broker, "work").is_empty());
}

#[tokio::test]
async fn a_dead_letter_tells_its_history() {
    let queues = vec![
        queue(
            "work",
            &[
                ("x-message-ttl", Argument::Int(1_000)),
                ("x-dead-letter-exchange", Argument::String("")),
                ("x-dead-letter-routing-key", Argument::String("retry")),
            ],
        ),
        queue(
            "retry",
            &[
                ("x-message-ttl", Argument::Int(1_000)),
                ("x-dead-letter-exchange", Argument::String("")),
                ("x-dead-letter-routing-key", Argument::String("work")),
            ],
        ),
    ];
    let broker = Broker::new(&of_queues(queues)).unwrap();
    let connection = broker.connect().await.unwrap();
    let publisher = Publisher::new(&connection, "shop");
    publisher.publish(&TO_QUEUE, "work", "x").expiration(500 * SECOND).await.unwrap();
    broker.advance(SECOND).await;
    let retried = broker.messages("shop", "retry").unwrap();
    assert_eq!(retried.len(), 1);
    assert_eq!(retried[0].expiration(), None);
    for (name, value) in [
        ("x-first-death-queue", "work"),
        ("x-first-death-reason", "expired"),
        ("x-first-death-exchange", ""),
        ("x-last-death-queue", "work"),
    ] {
        assert_eq!(retried[0].header(name), Some(value.into()), "{name}");
    }
    // back to where it died by itself, and nobody rejected it in between: the broker ends the cycle
    broker.advance(SECOND).await;
    assert!(texts(&broker, "retry").is_empty());
    assert!(texts(&broker, "work").is_empty());
}

#[tokio::test]
async fn a_quorum_queue_gives_up_what_comes_back_too_often() {
    let queues = vec![
        queue(
            "work",
            &[
                QUORUM,
                ("x-delivery-limit", Argument::Int(2)),
                ("x-dead-letter-exchange", Argument::String("")),
                ("x-dead-letter-routing-key", Argument::String("dead")),
            ],
        ),
        queue("dead", &[]),
    ];
    let broker = Broker::new(&of_queues(queues)).unwrap();
    assert_eq!(published(&broker, "work", 1..=1).await, 1);
    let mut client = broker.client("shop").unwrap();
    for _ in 0..3 {
        client.get("work").unwrap().reject(true);
    }
    assert!(client.get("work").is_none());
    let dead = broker.messages("shop", "dead").unwrap();
    assert_eq!(dead[0].header("x-first-death-reason"), Some("delivery_limit".into()));
}

#[tokio::test]
async fn an_at_least_once_dead_letter_waits_for_its_target() {
    let arguments = &[
        QUORUM,
        ("x-dead-letter-exchange", Argument::String("")),
        ("x-dead-letter-routing-key", Argument::String("dead")),
        ("x-dead-letter-strategy", Argument::String("at-least-once")),
        ("x-overflow", Argument::String("reject-publish")),
    ];
    let full = &[("x-max-length", Argument::Int(1)), ("x-overflow", Argument::String("reject-publish"))];
    let broker = Broker::new(&of_queues(vec![queue("work", arguments), queue("dead", full)])).unwrap();
    assert_eq!(published(&broker, "work", 1..=3).await, 3);
    let mut client = broker.client("shop").unwrap();
    while let Some(got) = client.get("work") {
        got.reject(false);
    }
    for number in ["1", "2", "3"] {
        assert_eq!(texts(&broker, "dead"), [number]);
        assert_eq!(text(&client.get("dead").unwrap().ack()), number);
    }
    assert!(client.get("dead").is_none());
}

#[tokio::test]
async fn one_consumer_at_a_time_or_in_turn() {
    let single = queue("single", &[("x-single-active-consumer", Argument::Bool(true))]);
    let broker = Broker::new(&of_queues(vec![single, queue("shared", &[])])).unwrap();
    for (queue, first, second) in [("single", 4, 0), ("shared", 2, 2)] {
        let seen = [Seen::default(), Seen::default()];
        let mut connections = Vec::new();
        for seen in &seen {
            let connection = broker.connect().await.unwrap();
            let seen = seen.clone();
            serve(&connection, Consume::new(queue), move |delivery: Delivery| {
                seen.push(text(&delivery));
                async { Outcome::ack() }
            });
            connections.push(connection);
            while broker.consumers("shop", queue).unwrap() < connections.len() {
                tokio::task::yield_now().await;
            }
        }
        published(&broker, queue, 1..=4).await;
        broker.settled().await;
        assert_eq!([seen[0].all().len(), seen[1].all().len()], [first, second], "{queue}");
    }
}

#[tokio::test]
async fn policies_count_as_on_the_broker() {
    const LIMITED: Policies = Policies {
        to: Destination::Queue("work"),
        policy: &[("max-length", Argument::Int(3))],
        operator_policy: &[("max-length", Argument::Int(2))],
    };
    const ALTERNATE: Policies = Policies {
        to: Destination::Exchange("orders"),
        policy: &[("alternate-exchange", Argument::String("lost"))],
        operator_policy: &[],
    };
    const VHOST: Vhost = Vhost {
        name: "shop",
        default_queue_type: "quorum",
        declaration: Declaration {
            exchanges: &[exchange("orders", "direct", &[]), exchange("lost", "fanout", &[])],
            queues: &[queue("work", &[]), queue("lost", &[])],
            bindings: &[bind("lost", "lost", ""), bind("orders", "work", "k")],
        },
        policies: &[LIMITED, ALTERNATE],
    };
    const TOPOLOGY: Topology = Topology { rabbitmq: (3, 10), vhosts: &[VHOST] };
    let broker = Broker::of_version(Version::V4_0, &TOPOLOGY).unwrap();
    published(&broker, "work", 1..=5).await;
    assert_eq!(texts(&broker, "work"), ["4", "5"]);
    let connection = broker.connect().await.unwrap();
    let orders = Message { name: "Thing", exchange: "orders" };
    Publisher::new(&connection, "shop").publish(&orders, "unknown", "x").await.unwrap();
    assert_eq!(texts(&broker, "lost").len(), 1);
}

#[tokio::test]
async fn a_stream_keeps_what_was_read_and_gives_it_to_every_reader() {
    let stream = queue("events", &[("x-queue-type", Argument::String("stream"))]);
    let broker = Broker::new(&of_queues(vec![stream])).unwrap();
    published(&broker, "events", 1..=2).await;
    let seen = [Seen::default(), Seen::default()];
    let connection = broker.connect().await.unwrap();
    for seen in &seen {
        let seen = seen.clone();
        serve(&connection, Consume::new("events").prefetch(1), move |delivery: Delivery| {
            seen.push(text(&delivery));
            async { Outcome::ack() }
        });
    }
    while broker.consumers("shop", "events").unwrap() < 2 {
        tokio::task::yield_now().await;
    }
    published(&broker, "events", 3..=5).await;
    broker.settled().await;
    for seen in &seen {
        assert_eq!(seen.all(), ["3", "4", "5"]);
    }
    assert_eq!(texts(&broker, "events").len(), 5);
}

#[tokio::test]
async fn one_key_has_one_place_and_shares_follow_the_weights() {
    const PICKING: Declaration = Declaration {
        exchanges: &[exchange("hash", "x-consistent-hash", &[]), exchange("dice", "x-random", &[])],
        queues: &[queue("a", &[]), queue("b", &[])],
        bindings: &[
            bind("hash", "a", "1"),
            bind("hash", "b", "3"),
            bind("dice", "a", ""),
            bind("dice", "b", ""),
        ],
    };
    let broker = Broker::new(&topology((4, 0), PICKING)).unwrap();
    let connection = broker.connect().await.unwrap();
    let publisher = Publisher::new(&connection, "shop");
    for (name, expected) in [("hash", 250), ("dice", 500)] {
        let to = Message { name: "Thing", exchange: name };
        let before = [texts(&broker, "a").len(), texts(&broker, "b").len()];
        for key in 0..1000 {
            publisher.publish(&to, key.to_string(), "x").await.unwrap();
        }
        let to_a = texts(&broker, "a").len() - before[0];
        assert!(to_a.abs_diff(expected) < 60, "{name}: {to_a}");
        if name == "hash" {
            for key in 0..1000 {
                publisher.publish(&to, key.to_string(), "x").await.unwrap();
            }
            assert_eq!(texts(&broker, "a").len(), 2 * to_a);
        }
    }
}

#[tokio::test]
async fn a_kind_that_is_not_there_is_refused() {
    let delayed = exchange("later", "x-delayed-message", &[("x-delayed-type", Argument::String("topic"))]);
    let declaration = Declaration { exchanges: vec![delayed].leak(), queues: &[], bindings: &[] };
    let refused = Broker::new(&topology((4, 0), declaration)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the broker refuses exchange `later`: exchanges of type 'x-delayed-message' are not available in memory"
    );
}

#[tokio::test]
async fn what_lives_for_no_time_reaches_a_waiting_consumer_alone() {
    let dead_letter = [
        ("x-max-length", Argument::Int(0)),
        ("x-dead-letter-exchange", Argument::String("")),
        ("x-dead-letter-routing-key", Argument::String("dead")),
    ];
    let quorum: Vec<_> = dead_letter.into_iter().chain([QUORUM]).collect();
    for arguments in [dead_letter.to_vec(), quorum] {
        let queues = vec![
            queue("none", arguments.leak()),
            queue("work", &[]),
            queue("quorum", &[QUORUM]),
            queue("dead", &[]),
        ];
        let broker = Broker::new(&of_queues(queues)).unwrap();
        let connection = broker.connect().await.unwrap();
        let publisher = Publisher::new(&connection, "shop");
        // a queue without room gives it up for that, and not for its age
        publisher.publish(&TO_QUEUE, "none", "x").expiration(Duration::ZERO).await.unwrap();
        let dead = broker.messages("shop", "dead").unwrap();
        assert_eq!(dead[0].header("x-first-death-reason"), Some("maxlen".into()));
        for name in ["work", "quorum"] {
            publisher.publish(&TO_QUEUE, name, "lost").expiration(Duration::ZERO).await.unwrap();
            broker.advance(Duration::from_millis(1)).await;
            assert!(texts(&broker, name).is_empty());
            let seen = Seen::default();
            serve(&connection, Consume::new(name), {
                let seen = seen.clone();
                move |delivery: Delivery| {
                    seen.push(text(&delivery));
                    async { Outcome::ack() }
                }
            });
            broker.consumed("shop", name).await.unwrap();
            publisher.publish(&TO_QUEUE, name, "taken").expiration(Duration::ZERO).await.unwrap();
            broker.settled().await;
            assert_eq!(seen.all(), ["\"taken\""], "{name}");
        }
    }
}
