//! How what a topology owns fares, told by a broker of our own.

use std::{thread, time::Duration};

use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::{BasicConsumeOptions, BasicPublishOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use serde_json::{Value as Json, json};
use topoc_test_support::{Version, available_or_skip};

use crate::world::World;

const TEXT: &str = "topology \"fares\"\nvhost \"fares\" {\n queue \"billing\" type=\"quorum\" { dead-letter \"\" routing-key=\"billing.dead\" }\n queue \"billing.dead\" type=\"quorum\" { allow \"dlq-unwatched\" because=\"a test\" }\n}\nservice \"biller\" { consumes \"billing\" }";

fn status(world: &World, flags: &[&str]) -> (i32, Json) {
    let said =
        world.run("status", TEXT, &[&["--format", "json", "--exit-code", "--over", "1s"], flags].concat());
    let answer = serde_json::from_str(&said.out);
    (said.code, answer.unwrap_or_else(|error| panic!("{error}: {}{}", said.out, said.err)))
}

fn what(answer: &Json) -> Vec<&str> {
    answer["findings"].as_array().unwrap().iter().filter_map(|found| found["what"].as_str()).collect()
}

/// The management API tells of connections, consumers and alarms some seconds late.
#[track_caller]
fn until(world: &World, wanted: &[&str]) -> Json {
    let mut last = Json::Null;
    for _ in 0..30 {
        let (code, answer) = status(world, &[]);
        if what(&answer) == wanted {
            let trouble = answer["healthy"] == false || answer["pending"] != 0;
            assert_eq!(code, if trouble { 3 } else { 0 }, "{answer}");
            return answer;
        }
        last = answer;
        thread::sleep(Duration::from_millis(700));
    }
    panic!("{wanted:?}: {last}");
}

fn fares(version: Version) {
    if !available_or_skip(version) {
        return;
    }
    let world = World::of(version);
    let (code, answer) = status(&world, &[]);
    assert_eq!((code, &answer["healthy"], &answer["pending"]), (3, &json!(true), &json!(3)), "{answer}");

    world.apply(TEXT, &[]);
    let answer = until(&world, &["no-consumer"]);
    assert_eq!(answer["findings"][0]["text"], "has no consumer, and `biller` should be one");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let connect = || {
        let url = world.broker.amqp_url().replace("%2f", "fares");
        runtime.block_on(async {
            let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
            let channel = connection.create_channel().await.unwrap();
            (connection, channel)
        })
    };
    let (_connection, channel) = connect();
    let consumer = runtime.block_on(channel.basic_consume(
        "billing".into(),
        "".into(),
        BasicConsumeOptions::default(),
        FieldTable::default(),
    ));
    let _consumer = consumer.unwrap();
    until(&world, &[]);
    let said = world.run("status", TEXT, &["--over", "0s"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("2 queues\nas described: nothing has drifted\nhealthy ("), "{}", said.out);
    // dead letters that lie there, and those that come
    world.publish("fares", "billing.dead", 2);
    until(&world, &["dead-letters"]);
    let growing = thread::scope(|scope| {
        let more = scope.spawn(|| {
            for _ in 0..40 {
                world.publish("fares", "billing.dead", 1);
                thread::sleep(Duration::from_millis(50));
            }
        });
        let answer = until(&world, &["dead-growing"]);
        more.join().unwrap();
        answer
    });
    assert_eq!(growing["healthy"], false);
    let said = world.run("status", TEXT, &["--over", "0s"]);
    assert!(said.out.contains("! queue  billing.dead  holds 42 dead letters\n"), "{}", said.out);
    assert!(said.out.contains("help: topoc dead peek billing.dead "), "{}", said.out);
    world.api().delete("/api/queues/fares/billing.dead/contents");
    // somebody applies
    let (other, locked) = connect();
    let mut arguments = FieldTable::default();
    for (name, value) in [("x-topoc-by", "alice"), ("x-topoc-since", "2026-11-02T14:03:12Z")] {
        arguments.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    let exclusive = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
    runtime.block_on(locked.queue_declare("topoc.lock".into(), exclusive, arguments)).unwrap();
    let answer = until(&world, &["applying"]);
    let text = answer["findings"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("`alice`"), "{text}");
    assert!(text.ends_with(" since 2026-11-02 14:03:12 UTC is applying to it"), "{text}");
    drop((other, locked));
    until(&world, &[]);
    // no memory left, and a publisher that is held up by it
    let set = |to: &str| {
        let mut ctl = world.broker.rabbitmqctl();
        let done = ctl.args(["set_vm_memory_high_watermark", to]).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    set("0.00001");
    let (_publishing, publisher) = connect();
    let options = BasicPublishOptions::default();
    let publish =
        publisher.basic_publish("".into(), "billing".into(), options, b"x", BasicProperties::default());
    let _confirm = runtime.block_on(publish).unwrap();
    until(&world, &["memory-alarm", "blocked-connections"]);
    set("0.8");
    until(&world, &[]);
    // who may not see nodes is told so, and what can be told all the same
    let api = world.api();
    api.put("/api/users/lesser", &json!({"password": "lesser", "tags": "policymaker"}));
    let all = json!({"configure": ".*", "write": ".*", "read": ".*"});
    api.put("/api/permissions/fares/lesser", &all);
    let url = world.broker.management_url().replace("guest:guest", "lesser:lesser");
    let (_, answer) = status(
        &world,
        &["--broker", &url, "--amqp", &world.broker.amqp_url().replace("guest:guest", "lesser:lesser")],
    );
    assert!(answer["notes"].to_string().contains("nodes and alarms are not seen"), "{answer}");
    // a queue that is gone is a difference
    api.delete("/api/queues/fares/billing");
    let (code, answer) = status(&world, &[]);
    assert_eq!((code, &answer["pending"], &answer["drifted"]), (3, &json!(1), &json!(1)), "{answer}");
}

#[test]
fn status_says_what_is_the_matter() {
    fares(Version::V3_10);
}

#[test]
fn status_says_what_is_the_matter_on_rabbitmq_4_0() {
    fares(Version::V4_0);
}
