//! Arguments that become policies change nothing that a broker does: made-up topologies, applied as they are written and
//! as `topoc policies --hoist --fix` leaves them, each in a vhost of its own.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties,
    options::{
        BasicGetOptions, BasicPublishOptions, BasicRejectOptions, ConfirmSelectOptions, QueueDeclareOptions,
        QueuePurgeOptions,
    },
    types::FieldTable,
};
use serde_json::{Value as Json, json};
use topoc_routing::{
    QueueKind, Table, Value, Version as Series,
    policy::{Object, effective},
};
use topoc_test_support::{Version, available_or_skip};

use crate::world::{Said, World};

const SEEDS: std::ops::Range<u64> = 0..2;
const SINKS: &[&str] = &["sink.one", "sink.two"];
/// So long that what is to expire has expired.
const PATIENCE: Duration = Duration::from_millis(600);

/// Numbers that are the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }
}

/// Bounds, times and dead letters, few enough that some queues have the same.
fn settings(random: &mut Random, quorum: bool, operator: bool, version: Version) -> Vec<String> {
    let mut all = Vec::new();
    if random.one_in(2) {
        all.push(format!("max-length {}", 1 + random.below(3)));
    }
    if random.one_in(3) {
        all.push(format!("message-ttl \"{}\"", random.pick(&["300ms", "1h"])));
    }
    if random.one_in(4) {
        all.push("expires \"1h\"".to_owned());
    }
    if random.one_in(2) && (!operator || version == Version::V4_0) {
        all.push(format!("overflow \"{}\"", random.pick(&["drop-head", "reject-publish"])));
    }
    if quorum && random.one_in(2) {
        all.push(format!("delivery-limit {}", 1 + random.below(3)));
    }
    if !operator && random.one_in(2) {
        all.push(format!("dead-letter \"\" routing-key=\"{}\"", random.pick(SINKS)));
    }
    all
}

fn made_up(seed: u64, vhost: &str, version: Version) -> (String, Vec<(String, bool)>) {
    let mut random = Random(seed);
    let mut queues = Vec::new();
    let mut text = format!(
        "topology \"{vhost}\" {{ rabbitmq \"{}\" }}\nvhost \"{vhost}\" {{\n",
        if version == Version::V4_0 { "4.0" } else { "3.10" }
    );
    text.push_str("exchange \"ae\" type=\"fanout\"\n");
    for index in 0..3 {
        let alternate = if random.one_in(2) { " alternate-exchange=\"ae\"" } else { "" };
        writeln!(text, "exchange \"e.{index}\" type=\"fanout\"{alternate}").unwrap();
    }
    for sink in SINKS {
        writeln!(text, "queue \"{sink}\" type=\"classic\"").unwrap();
    }
    for index in 0..10 {
        let quorum = random.one_in(2);
        let name = format!("{}.{index}", random.pick(&["a", "b", "c"]));
        let kind = if quorum { "quorum" } else { "classic" };
        let said = settings(&mut random, quorum, false, version).join("\n ");
        writeln!(text, "queue \"{name}\" type=\"{kind}\" {{\n {said}\n}}").unwrap();
        queues.push((name, quorum));
    }
    for (index, pattern) in ["^a\\\\.", "[02468]$"].into_iter().enumerate() {
        let said = settings(&mut random, false, false, version).join("\n ");
        writeln!(
            text,
            "policy \"p{index}\" pattern=\"{pattern}\" apply-to=\"queues\" priority={} {{\n max-length-bytes 100_000\n {said}\n}}",
            random.below(50) * 2 + index
        )
        .unwrap();
    }
    let said = settings(&mut random, false, true, version).join("\n ");
    writeln!(
        text,
        "operator-policy \"o\" pattern=\"^[ab]\" apply-to=\"queues\" {{\n max-length-bytes 200_000\n {said}\n}}\n}}"
    )
    .unwrap();
    (text, queues)
}

/// What the broker says of a queue's arguments and policies, merged as it merges them.
fn counts(world: &World, vhost: &str, queue: &str, quorum: bool, version: Version) -> Table {
    let said = world.api().get(&format!("/api/queues/{vhost}/{queue}"));
    let table = |json: &Json| -> Table {
        let entries = json.as_object().into_iter().flatten();
        let value = |value: &Json| match value {
            Json::String(text) => Value::from(text.as_str()),
            number => Value::from(number.as_i64().unwrap()),
        };
        entries.map(|(name, json)| (name.clone(), value(json))).collect()
    };
    let object = Object::Queue(if quorum { QueueKind::Quorum } else { QueueKind::Classic });
    let series = if version == Version::V4_0 { Series::V4_0 } else { Series::V3_10 };
    // it is both policies' already
    let policy = table(&said["effective_policy_definition"]);
    let values = effective(object, series, &table(&said["arguments"]), Some(&policy), None);
    values.into_iter().map(|(name, effective)| (name, effective.value)).collect()
}

async fn length(channel: &Channel, queue: &str) -> u32 {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.into(), passive, FieldTable::default()).await.unwrap().message_count()
}

/// What a queue takes, keeps and passes on.
async fn behaviour(channel: &Channel, queue: &str, quorum: bool) -> String {
    let mut done = String::new();
    for _ in 0..5 {
        let publish = channel.basic_publish(
            "".into(),
            queue.into(),
            BasicPublishOptions::default(),
            b"x",
            BasicProperties::default().with_delivery_mode(2),
        );
        let confirmed = publish.await.unwrap().await.unwrap();
        done.push(if matches!(confirmed, Confirmation::Ack(_)) { '+' } else { '-' });
    }
    for after in if quorum { &["published", "returned"][..] } else { &["published"] } {
        if *after == "returned" {
            for _ in 0..4 {
                let Some(got) = channel.basic_get(queue.into(), BasicGetOptions::default()).await.unwrap()
                else {
                    break;
                };
                got.acker.reject(BasicRejectOptions { requeue: true }).await.unwrap();
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        }
        tokio::time::sleep(PATIENCE).await;
        write!(done, " {after}: {}", length(channel, queue).await).unwrap();
        for sink in SINKS {
            write!(done, " {}", length(channel, sink).await).unwrap();
        }
    }
    for queue in SINKS.iter().chain([&queue]) {
        channel.queue_purge((*queue).into(), QueuePurgeOptions::default()).await.unwrap();
    }
    done
}

/// Both are the same once the broker has told: it takes its time to say which policies apply.
fn eventually<T: PartialEq + std::fmt::Debug>(what: &str, both: impl Fn() -> [T; 2]) {
    let start = Instant::now();
    loop {
        let [before, after] = both();
        if before == after {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{before:?}\n{after:?}\n{what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn nothing_that_counts_changes(version: Version) {
    let world = World::of(version);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let hoist = |text: &str, flags: &[&str]| -> Said {
        let said = world.run("policies", text, &[&["--hoist"], flags].concat());
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        said
    };
    let mut moved = 0;
    for seed in SEEDS {
        let (text, queues) = made_up(seed, "before", version);
        let (other, _) = made_up(seed, "after", version);
        let proposal: Json = serde_json::from_str(&hoist(&other, &["--format", "json"]).out).unwrap();
        let values = proposal["values"].as_array().unwrap();
        moved += values.len();
        hoist(&other, &["--fix"]);
        let fixed = std::fs::read_to_string(world.folder.path().join("topology.kdl")).unwrap();
        world.apply(&text, &[]);
        world.apply(&fixed, &[]);
        for (queue, quorum) in &queues {
            eventually(&format!("seed {seed}: {queue}\n{text}\n{fixed}"), || {
                ["before", "after"].map(|vhost| counts(&world, vhost, queue, *quorum, version))
            });
        }
        runtime.block_on(async {
            let connect = async |vhost: &str| {
                let uri = world.broker.amqp_url().replace("%2f", vhost);
                let connection = Connection::connect(&uri, ConnectionProperties::default()).await.unwrap();
                let channel = connection.create_channel().await.unwrap();
                channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
                (connection, channel)
            };
            let ((one, before), (two, after)) = (connect("before").await, connect("after").await);
            let moves = |queue: &str| values.iter().any(|value| value["name"] == queue);
            for (queue, quorum) in queues.iter().filter(|(queue, _)| moves(queue)) {
                // a full quorum queue refuses a moment later
                let mut seen = Vec::new();
                for _ in 0..4 {
                    seen.push(tokio::join!(
                        behaviour(&before, queue, *quorum),
                        behaviour(&after, queue, *quorum)
                    ));
                    if seen.last().is_some_and(|(before, after)| before == after) {
                        break;
                    }
                }
                let (before, after) = seen.last().unwrap();
                assert_eq!(before, after, "seed {seed}: {queue}\n{seen:#?}\n{text}\n{fixed}");
            }
            one.close(200, "done".into()).await.unwrap();
            two.close(200, "done".into()).await.unwrap();
        });
        for vhost in ["before", "after"] {
            world.apply(&format!("topology \"{vhost}\""), &["--allow-data-loss"]);
        }
    }
    assert!(moved > 40, "{moved} arguments moved");
}

/// A queue that is there keeps its arguments until it is made anew, and `diff` says so.
fn what_is_there_is_replaced(world: &World) {
    let text = "topology \"there\"\nvhost \"there\" {\n    queue \"q\" type=\"quorum\" max-length=10\n}\n";
    world.apply(text, &[]);
    world.run("policies", text, &["--hoist", "--fix"]);
    let fixed = std::fs::read_to_string(world.folder.path().join("topology.kdl")).unwrap();
    assert_eq!(world.plan(&fixed, &[]), ["create policy q", "replace queue q"]);
    world.apply(&fixed, &["--allow-gap"]);
    eventually("q", || {
        let queue = world.api().get("/api/queues/there/q");
        let wanted = json!([{"x-queue-type": "quorum"}, {"max-length": 10}]);
        [json!([queue["arguments"], queue["effective_policy_definition"]]), wanted]
    });
    // from now on it is changed in place
    let changed = fixed.replace("max-length 10", "max-length 20");
    assert_eq!(world.plan(&changed, &[]), ["change policy q"]);
    world.apply("topology \"there\"", &[]);
}

#[test]
fn hoisted_arguments_change_nothing() {
    nothing_that_counts_changes(Version::V3_10);
}

#[test]
fn hoisted_arguments_change_nothing_on_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        nothing_that_counts_changes(Version::V4_0);
    }
}

#[test]
fn hoisting_replaces_what_is_there_once() {
    what_is_there_is_replaced(&World::of(Version::V3_10));
}
