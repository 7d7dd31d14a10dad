//! Dead letters: listed, looked at, and moved back to where they came from.

use std::{fmt::Write as _, process::Command, time::Duration};

use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties,
    options::{
        BasicGetOptions, BasicNackOptions, BasicPublishOptions, BasicRejectOptions, ConfirmSelectOptions,
    },
    types::{AMQPValue, FieldTable},
};
use serde_json::{Value as Json, json};
use topoc_test_support::{Shared, Version, Vhost};

use crate::world::Said;

/// A vhost with a topology, and a channel into it.
pub(crate) struct Post {
    pub(crate) vhost: Vhost,
    folder: tempfile::TempDir,
    pub(crate) runtime: tokio::runtime::Runtime,
    pub(crate) channel: Channel,
    _connection: Connection,
}

impl Drop for Post {
    fn drop(&mut self) {
        let record = format!("/api/global-parameters/topoc:{}", self.vhost.name());
        let _ = self.vhost.api().ask("DELETE", &record, None);
    }
}

impl Post {
    /// None where the version is not here.
    pub(crate) fn of(version: Version, entities: &str) -> Option<Self> {
        let vhost = Shared::get_or_skip(version)?.vhost();
        let folder = tempfile::tempdir().unwrap();
        let name = vhost.name();
        let text = format!("topology \"{name}\"\nvhost \"{name}\" external=#true {{\n{entities}\n}}\n");
        std::fs::write(folder.path().join("topology.kdl"), text).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (connection, channel) = runtime.block_on(async {
            let properties = ConnectionProperties::default();
            let connection = Connection::connect(&vhost.amqp_url(), properties).await.unwrap();
            let channel = connection.create_channel().await.unwrap();
            channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
            (connection, channel)
        });
        let post = Self { vhost, folder, runtime, channel, _connection: connection };
        let said = post.run(&["apply", "topology.kdl", "--yes"]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        Some(post)
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_topoc"));
        command.current_dir(self.folder.path()).args(words);
        command.env("TOPOC_BROKER", self.vhost.shared().management_url()).env_remove("TOPOC_AMQP");
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Said {
        Said::of(&mut self.command(words))
    }

    /// `topoc dead …`, which goes well.
    #[track_caller]
    fn dead(&self, words: &[&str]) -> String {
        let said = self.run(&[&["dead"], words].concat());
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        said.out.replace(self.vhost.name(), "VHOST")
    }

    #[track_caller]
    fn json(&self, words: &[&str]) -> Json {
        serde_json::from_str(&self.dead(&[words, &["--format", "json"]].concat())).unwrap()
    }

    pub(crate) fn publish(&self, exchange: &str, key: &str, properties: BasicProperties, payload: &str) {
        let confirmed = self.runtime.block_on(async {
            let options = BasicPublishOptions { mandatory: true, ..Default::default() };
            let sent = self.channel.basic_publish(
                exchange.into(),
                key.into(),
                options,
                payload.as_bytes(),
                properties,
            );
            sent.await.unwrap().await.unwrap()
        });
        assert_eq!(confirmed, Confirmation::Ack(None));
    }

    /// The next message of a queue, which is waited for and taken out.
    fn take(&self, queue: &str) -> lapin::message::Delivery {
        let delivery = self.get(queue);
        self.runtime.block_on(delivery.ack(lapin::options::BasicAckOptions::default())).unwrap();
        delivery
    }

    fn get(&self, queue: &str) -> lapin::message::Delivery {
        self.runtime.block_on(async {
            for _ in 0..200 {
                let got = self.channel.basic_get(queue.into(), BasicGetOptions::default()).await.unwrap();
                if let Some(message) = got {
                    return message.delivery;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            panic!("nothing comes to {queue}");
        })
    }

    fn reject(&self, queue: &str) {
        let delivery = self.get(queue);
        self.runtime.block_on(delivery.reject(BasicRejectOptions { requeue: false })).unwrap();
    }

    /// How many messages wait, as AMQP tells it.
    pub(crate) fn ready(&self, queue: &str) -> u64 {
        self.runtime.block_on(async {
            let options = lapin::options::QueueDeclareOptions { passive: true, ..Default::default() };
            let found = self.channel.queue_declare(queue.into(), options, FieldTable::default()).await;
            found.unwrap().message_count().into()
        })
    }

    pub(crate) fn wait_for(&self, queue: &str, messages: u64) {
        for _ in 0..600 {
            if self.ready(queue) == messages {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{queue} holds {} messages, and not {messages}", self.ready(queue));
    }
}

fn with_headers(headers: &[(&str, AMQPValue)]) -> BasicProperties {
    let mut table = FieldTable::default();
    for (name, value) in headers {
        table.insert((*name).into(), value.clone());
    }
    BasicProperties::default().with_headers(table)
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

const KINDS: &str = r#"
    exchange "orders" type="topic"
    exchange "dlx" type="fanout"
    queue "rejecting" type="classic" { bind "orders" routing-key="order.#"; dead-letter "dlx" }
    queue "limited" type="quorum" { dead-letter "dlx"; delivery-limit 1 }
    queue "full" type="classic" { dead-letter "dlx"; max-length 1 }
    queue "late" type="classic" { dead-letter "dlx"; message-ttl "1s" }
    queue "mail" type="quorum" { retry "1h" then="all.dead"; dead-letter "dlx" }
    queue "all.dead" type="classic" { bind "dlx" }
    queue "strange.dead" type="classic" { bind "dlx" }
"#;

/// Every reason there is, told and filtered by, and the way back of each.
fn every_reason(version: Version) {
    let Some(post) = Post::of(version, KINDS) else { return };
    let named = |kind: &str| {
        with_headers(&[("tenant", text("acme"))]).with_type(kind.into()).with_message_id("7".into())
    };
    post.publish(
        "orders",
        "order.created",
        named("OrderCreated").with_expiration("600000".into()),
        "{\"id\":7}",
    );
    post.reject("rejecting");
    post.wait_for("all.dead", 1);
    post.publish("", "limited", named("Limited"), "\u{1b}[2J");
    for _ in 0..2 {
        let delivery = post.get("limited");
        post.runtime
            .block_on(delivery.nack(BasicNackOptions { requeue: true, ..Default::default() }))
            .unwrap();
    }
    post.wait_for("all.dead", 2);
    post.publish("", "full", named("Full"), "1");
    post.publish("", "full", named("Full"), "2");
    post.wait_for("all.dead", 3);
    post.publish("", "late", named("Late"), "late");
    post.wait_for("all.dead", 4);
    let given_up = with_headers(&[
        ("x-topoc-queue", text("mail")),
        ("x-topoc-exchange", text("orders")),
        ("x-topoc-routing-key", text("order.mailed")),
        ("x-topoc-attempt", AMQPValue::LongLongInt(1)),
        ("x-topoc-reason", text("the server is busy")),
        ("x-topoc-failed-at", text("2026-01-02T03:04:05.678Z")),
    ]);
    post.publish("", "all.dead", given_up, "mail");
    post.publish("", "all.dead", BasicProperties::default(), "lost");

    let list = post.json(&["list", "topology.kdl"]);
    let queues = list["queues"].as_array().unwrap();
    let names: Vec<&str> = queues.iter().filter_map(|queue| queue["name"].as_str()).collect();
    assert_eq!(names, ["all.dead", "strange.dead"]);
    assert_eq!(queues[0]["messages"], 6);
    assert_eq!(queues[0]["from"], json!(["full", "late", "limited", "mail", "rejecting"]));
    let reasons = json!({
        "rejected": 1, "delivery_limit": 1, "maxlen": 1, "expired": 1, "given-up": 1, "": 1
    });
    assert_eq!(queues[0]["reasons"], reasons);
    assert_eq!(queues[0]["oldest"], 1_767_323_045);
    // without a file it is the broker's own topology
    let mut elsewhere = post.command(&["dead", "list", "--look", "0", "--format", "json"]);
    let live = Said::of(elsewhere.current_dir("/"));
    let live: Json = serde_json::from_str(&live.out).unwrap();
    let is_same = |queue: &&Json| queue["vhost"] == post.vhost.name() && queue["name"] == "all.dead";
    let found = live["queues"].as_array().unwrap().iter().find(is_same).unwrap();
    assert_eq!((&found["messages"], &found["looked"]), (&json!(6), &Json::Null));
    assert_eq!(found["from"], queues[0]["from"]);

    let of = |words: &[&str]| {
        let peek = post.json(&[&["peek", "all.dead", "topology.kdl"], words].concat());
        let letters = peek["letters"].as_array().unwrap().clone();
        letters.iter().map(|letter| letter["payload"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of(&[]), ["{\"id\":7}", "\u{1b}[2J", "1", "late", "mail", "lost"]);
    assert_eq!(of(&["--reason", "rejected", "--reason", "delivery-limit"]), ["{\"id\":7}", "\u{1b}[2J"]);
    assert_eq!(of(&["--type", "Late"]), ["late"]);
    assert_eq!(of(&["--header", "tenant=acme", "--limit", "2"]), ["{\"id\":7}", "\u{1b}[2J"]);
    assert_eq!(of(&["--age", "1D"]), ["mail"]);
    assert_eq!(of(&["--age", "..1h", "--look", "3"]), ["{\"id\":7}", "\u{1b}[2J", "1"]);

    let shown = post.dead(&["peek", "all.dead", "topology.kdl"]);
    let shown: String = shown.lines().map(|line| masked(line) + "\n").collect();
    assert!(!shown.contains('\u{1b}'), "{shown}");
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("dead-peek", shown));

    let dry = post.dead(&["redrive", "all.dead", "topology.kdl", "--dry-run"]);
    for line in [
        "  → queue full   maxlen 1",
        "  → queue late   expired 1",
        "  → queue limited   delivery_limit 1",
        "  → queue mail   given-up 1",
        "  → queue rejecting   rejected 1",
        "  · 1 stays: nothing says where it died; --to QUEUE says where to",
        "  ! `full` is full with 1 message: what comes to it puts others out",
        "  ! nobody consumes `late`, and what comes to it expires after 1s, as before",
    ] {
        assert!(dry.contains(line), "{line}: {dry}");
    }
    post.wait_for("all.dead", 6);
    // by hand only where somebody is asked
    let narrowed = ["--age", "..1h", "--header", "tenant=acme", "--limit", "3", "--to", "full"];
    let asked = post.run(&[&["dead", "redrive", "all.dead", "topology.kdl"], &narrowed[..]].concat());
    assert_eq!(asked.code, 2, "{}{}", asked.out, asked.err);
    let again = format!("topoc dead redrive all.dead topology.kdl --yes {}\n", narrowed.join(" "));
    assert!(asked.err.ends_with(&again), "{again}: {}", asked.err);

    let said = post.run(&["dead", "redrive", "all.dead", "topology.kdl", "--yes", "--reason", "rejected"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains(" ✓ 1 → queue rejecting\n · 5 stay: not asked for\n"), "{}", said.out);
    let back = post.take("rejecting");
    assert_eq!(back.data, b"{\"id\":7}");
    assert_eq!((back.exchange.as_str(), back.routing_key.as_str()), ("", "rejecting"));
    let properties = back.properties;
    assert_eq!(properties.kind().as_ref().map(|kind| kind.as_str()), Some("OrderCreated"));
    assert_eq!(properties.expiration(), &None);
    let headers = properties.headers().clone().unwrap();
    assert_eq!(headers.inner().get("tenant"), Some(&text("acme")));
    assert_eq!(headers.inner().get("x-topoc-redriven"), Some(&AMQPValue::LongLongInt(1)));
    assert!(headers.inner().contains_key("x-death"));

    let said = post.run(&["dead", "redrive", "all.dead", "topology.kdl", "--yes", "--reason", "given-up"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let back = post.take("mail");
    let headers = back.properties.headers().clone().unwrap();
    assert!(!headers.inner().contains_key("x-topoc-attempt"), "{headers:?}");
    assert_eq!(headers.inner().get("x-topoc-exchange"), Some(&text("orders")));

    // what says nothing of where it died stays, until it is said
    let said =
        post.run(&["dead", "redrive", "all.dead", "--vhost", post.vhost.name(), "--yes", "--limit", "9"]);
    assert_eq!(said.code, 5, "{}{}", said.out, said.err);
    assert!(said.out.contains(" · 1 stays: nothing says where it died"), "{}", said.out);
    let said = post.dead(&[
        "redrive",
        "all.dead",
        "topology.kdl",
        "--yes",
        "--to",
        "rejecting",
        "--reason",
        "expired",
    ]);
    assert!(said.contains("moved"), "{said}");
}

/// Without what is different each time.
fn masked(line: &str) -> String {
    if let Some((queue, _)) = line.split_once(", on ") {
        return format!("{queue}, on BROKER: 6 messages");
    }
    let Some((before, rest)) = line.split_once(", 20") else { return line.to_owned() };
    let Some((_, after)) = rest.split_once(')') else { return line.to_owned() };
    format!("{before}, … (… ago){after}")
}

#[test]
fn every_reason_to_die_is_told_and_has_a_way_back() {
    every_reason(Version::V3_10);
}

#[test]
fn every_reason_to_die_is_told_and_has_a_way_back_on_rabbitmq_4_0() {
    every_reason(Version::V4_0);
}

/// A broker drops what a quorum queue takes back too often: not for our looking at it.
fn looks_lose_nothing(version: Version) {
    let text = "queue \"w\" type=\"quorum\" { dead-letter \"\" routing-key=\"three\" }
        queue \"three\" type=\"quorum\" { delivery-limit 3 }
        queue \"default\" type=\"quorum\"";
    let Some(post) = Post::of(version, text) else { return };
    for (queue, looks) in [("three", 12), ("default", 45)] {
        for payload in ["a", "b", "c"] {
            post.publish("", queue, BasicProperties::default(), payload);
        }
        let mut copied = 0;
        for _ in 0..looks {
            post.wait_for(queue, 3);
            let peek = post.json(&["peek", queue, "topology.kdl", "--limit", "2"]);
            assert_eq!(peek["letters"].as_array().unwrap().len(), 2, "{peek}");
            copied += peek["copied"].as_u64().unwrap();
        }
        let counts = queue == "three" || version == Version::V4_0;
        assert_eq!(copied > 0, counts, "{copied}");
        // a quorum queue has them back some moments later
        post.wait_for(queue, 3);
        let mut left: Vec<Vec<u8>> = (0..3).map(|_| post.take(queue).data).collect();
        left.sort();
        assert_eq!(left, [b"a", b"b", b"c"]);
    }
    let said = post.dead(&["list", "topology.kdl"]);
    assert!(said.contains("three"), "{said}");
}

#[test]
fn however_often_one_looks_nothing_is_lost() {
    looks_lose_nothing(Version::V3_10);
}

#[test]
fn however_often_one_looks_nothing_is_lost_on_rabbitmq_4_0() {
    looks_lose_nothing(Version::V4_0);
}

/// What no queue takes stays where it is, and what is another's goes without their name; copies go nowhere else.
fn what_cannot_go_stays(version: Version) {
    let entities = r#"
        exchange "orders" type="fanout"
        queue "gone" type="classic" { bind "orders"; dead-letter "" routing-key="dead" }
        queue "other" type="classic" { bind "orders" }
        queue "copied" type="classic"
        queue "full" type="quorum" { dead-letter "" routing-key="dead"; max-length 1; overflow "reject-publish" }
        queue "dead" type="quorum"
    "#;
    let Some(post) = Post::of(version, entities) else { return };
    let copies = with_headers(&[("CC", AMQPValue::FieldArray(vec![text("copied")].into()))]);
    post.publish("orders", "k", copies.with_user_id("guest".into()), "cc");
    assert_eq!(post.take("other").data, b"cc");
    post.reject("gone");
    post.wait_for("dead", 1);
    // to the queue alone
    let said = post.dead(&["redrive", "dead", "topology.kdl", "--yes"]);
    assert!(said.contains(" ✓ 1 → queue gone\n"), "{said}");
    assert_eq!((post.ready("copied"), post.ready("other")), (0, 0));
    post.reject("gone");
    post.wait_for("dead", 1);
    // to all that it was published to
    let said = post.dead(&["redrive", "dead", "topology.kdl", "--yes", "--through-exchange"]);
    assert!(said.contains(" ✓ 1 → exchange orders key k\n"), "{said}");
    assert!(said.contains(" ! 1 had been redriven before"), "{said}");
    assert_eq!(post.take("other").data, b"cc");
    post.reject("gone");
    post.wait_for("dead", 1);
    post.vhost.api().delete(&format!("/api/queues/{}/gone", post.vhost.name()));
    // a full queue's dead letter
    post.publish("", "full", BasicProperties::default(), "first");
    post.reject("full");
    post.publish("", "full", BasicProperties::default(), "second");
    post.wait_for("dead", 2);
    for _ in 0..3 {
        // `reject-publish` may take some more than its length
        let sent = post.runtime.block_on(async {
            let options = BasicPublishOptions::default();
            let more = post.channel.basic_publish(
                "".into(),
                "full".into(),
                options,
                b"more",
                BasicProperties::default(),
            );
            more.await.unwrap().await.unwrap()
        });
        if sent.is_nack() {
            break;
        }
    }
    let said = post.run(&["dead", "redrive", "dead", "topology.kdl", "--yes"]);
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
    assert!(said.out.contains(" · 1 stays: queue gone takes none\n"), "{}", said.out);
    assert!(said.out.contains(" · 1 stays: queue full refuses them\n"), "{}", said.out);
    assert!(said.out.contains("moved 0 messages"), "{}", said.out);
    post.wait_for("dead", 2);
    let said = post.run(&["dead", "redrive", "dead", "topology.kdl", "--yes", "--format", "json"]);
    let done: Json = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &done["moved"], &done["looked"]), (4, &json!(0), &json!(2)));
}

#[test]
fn what_cannot_go_back_stays_and_is_told() {
    what_cannot_go_stays(Version::V3_10);
}

#[test]
fn what_cannot_go_back_stays_and_is_told_on_rabbitmq_4_0() {
    what_cannot_go_stays(Version::V4_0);
}

/// Another user's messages, a rate, a limit, a filter in a long queue, and a stream.
fn some_of_many(version: Version) {
    let entities = r#"
        queue "work" type="classic"
        queue "dead" type="classic"
        stream "log"
    "#;
    let Some(post) = Post::of(version, entities) else { return };
    let mut all = String::new();
    for number in 0..700 {
        let tenant = if number % 7 == 0 { "acme" } else { "other" };
        let headers = with_headers(&[("tenant", text(tenant)), ("x-topoc-queue", text("work"))]);
        let payload = format!("{number}");
        post.publish("", "dead", headers, &payload);
        let _ = write!(all, "{number} ");
    }
    // more than a window's worth is not asked for
    let words = ["redrive", "dead", "topology.kdl", "--yes", "--header", "tenant=acme"];
    let done = post.json(&words);
    assert_eq!((&done["moved"], &done["passed"], &done["looked"]), (&json!(100), &json!(600), &json!(700)));
    post.wait_for("work", 100);
    post.wait_for("dead", 600);
    for number in 0..100 {
        assert_eq!(post.take("work").data, format!("{}", number * 7).as_bytes());
    }
    // the others are where they were
    let done = post.json(&["redrive", "dead", "topology.kdl", "--yes", "--limit", "5"]);
    assert_eq!((&done["moved"], &done["looked"]), (&json!(5), &json!(5)));
    for number in [1, 2, 3, 4, 5] {
        assert_eq!(post.take("work").data, format!("{number}").as_bytes());
    }
    let start = std::time::Instant::now();
    let done = post.json(&["redrive", "dead", "topology.kdl", "--yes", "--limit", "60", "--rate", "30"]);
    assert_eq!(done["moved"], 60);
    assert!(start.elapsed() > Duration::from_millis(1_900), "{:?}", start.elapsed());
    post.wait_for("dead", 535);
    // a stream is read, and nothing is taken out of it
    post.publish("", "log", BasicProperties::default().with_type("Entry".into()), "entry");
    for _ in 0..2 {
        let peek = post.json(&["peek", "log", "topology.kdl"]);
        assert_eq!(peek["letters"][0]["type"], "Entry");
    }
    let said = post.run(&["dead", "redrive", "log", "topology.kdl", "--yes"]);
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("`log` is a stream, and nothing is ever taken out of one"), "{}", said.err);
    let said = post.run(&["dead", "peek", "nowhere", "topology.kdl"]);
    assert_eq!(said.code, 4, "{}", said.err);
}

#[test]
fn some_of_many_are_moved() {
    some_of_many(Version::V3_10);
}

#[test]
fn some_of_many_are_moved_on_rabbitmq_4_0() {
    some_of_many(Version::V4_0);
}
