//! Dead letters are moved back by a run that is killed again and again, while the queue is in use: none is lost.

use std::{
    collections::BTreeMap,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, future::join_all};
use lapin::{
    BasicProperties, Confirmation, Connection, ConnectionProperties,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    },
    types::FieldTable,
};
use serde_json::json;
use topoc_test_support::Version;

use crate::dead::Post;

const LETTERS: usize = 8_000;
const KILLS: usize = 9;
/// As docs/cli.md promises.
const WINDOW: usize = 256;

/// Publishes so many, each confirmed; those already published go on counting.
async fn publish(
    url: String,
    name: &'static str,
    count: usize,
    pause: Duration,
    stop: Arc<AtomicBool>,
) -> usize {
    let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let mut sent = 0;
    while sent < count && !stop.load(Ordering::Relaxed) {
        let mut window = Vec::new();
        for number in sent..count.min(sent + 200) {
            let properties = BasicProperties::default()
                .with_delivery_mode(2)
                .with_message_id(format!("{name}-{number}").into());
            let options = BasicPublishOptions { mandatory: true, ..Default::default() };
            let publish = channel.basic_publish("".into(), "work".into(), options, b"payload", properties);
            window.push(publish.await.unwrap());
        }
        sent += window.len();
        // as fast as others want to work beside it
        tokio::time::sleep(pause).await;
        for confirmed in join_all(window).await {
            assert_eq!(confirmed.unwrap(), Confirmation::Ack(None));
        }
    }
    sent
}

/// Takes what comes, and counts it.
async fn consume(url: String, seen: Arc<Mutex<BTreeMap<String, usize>>>) {
    let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.basic_qos(100, BasicQosOptions::default()).await.unwrap();
    let options = BasicConsumeOptions::default();
    let consumed = channel.basic_consume("work".into(), "".into(), options, FieldTable::default()).await;
    let mut consumer = consumed.unwrap();
    while let Some(Ok(delivery)) = consumer.next().await {
        let id = delivery.properties.message_id().as_ref().unwrap().to_string();
        *seen.lock().unwrap().entry(id).or_default() += 1;
        delivery.ack(BasicAckOptions::default()).await.unwrap();
    }
}

/// What was counted.
fn killed_again_and_again(version: Version, kind: &str) -> String {
    let entities = format!(
        "queue \"work\" type=\"quorum\" {{ dead-letter \"\" routing-key=\"dead\" }}\nqueue \"dead\" type=\"{kind}\""
    );
    let Some(post) = Post::of(version, &entities) else {
        return format!("no RabbitMQ {version} here");
    };
    let (vhost, url) = (post.vhost.name(), post.vhost.amqp_url());
    let policy = format!("/api/policies/{vhost}/dies");
    let dies =
        json!({"pattern": "^work$", "definition": {"message-ttl": 1}, "apply-to": "queues", "priority": 0});
    post.vhost.api().put(&policy, &dies);
    let never = Arc::new(AtomicBool::new(false));
    let sent = post.runtime.block_on(publish(url.clone(), "dead", LETTERS, Duration::ZERO, never));
    post.wait_for("dead", LETTERS as u64);
    post.vhost.api().delete(&policy);
    std::thread::sleep(Duration::from_millis(500));

    let seen: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    let stop = Arc::new(AtomicBool::new(false));
    let consumer = post.runtime.spawn(consume(url.clone(), seen.clone()));
    let load = post.runtime.spawn(publish(url, "live", usize::MAX, Duration::from_millis(250), stop.clone()));
    let mut amidst = 0;
    for kill in 0..KILLS {
        let mut command = post.command(&["dead", "redrive", "dead", "topology.kdl", "--yes"]);
        let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let before = post.ready("dead");
        // now here, now there, and mostly amidst
        let patience = Duration::from_millis(40 + (kill as u64 * 29) % 170);
        for _ in 0..200 {
            if post.ready("dead") + 300 < before || run.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(3));
        }
        std::thread::sleep(patience / 4);
        amidst += usize::from(run.try_wait().unwrap().is_none());
        run.kill().unwrap();
        run.wait().unwrap();
        // what it held comes back
        std::thread::sleep(Duration::from_millis(200));
    }
    let left = post.ready("dead");
    let said = post.run(&["dead", "redrive", "dead", "topology.kdl", "--yes"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    post.wait_for("dead", 0);
    stop.store(true, Ordering::Relaxed);
    let live = post.runtime.block_on(load).unwrap();
    for _ in 0..600 {
        if seen.lock().unwrap().len() == sent + live {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    consumer.abort();
    let seen = seen.lock().unwrap();
    let twice: usize = seen.values().map(|times| times - 1).sum();
    assert_eq!(seen.len(), sent + live);
    assert!(twice <= amidst * WINDOW, "{twice}");
    assert!(amidst >= KILLS / 2, "{amidst}");
    format!(
        "{version}, {kind}: {sent} dead letters and {live} others, killed {amidst} times amidst, {left} left for the last run, {twice} twice"
    )
}

#[test]
fn a_redrive_that_is_killed_loses_nothing() {
    for kind in ["quorum", "classic"] {
        println!("{}", killed_again_and_again(Version::V3_10, kind));
    }
}

#[test]
fn a_redrive_that_is_killed_loses_nothing_on_rabbitmq_4_0() {
    for kind in ["quorum", "classic"] {
        println!("{}", killed_again_and_again(Version::V4_0, kind));
    }
}
