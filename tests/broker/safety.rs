//! What must not be lost: messages, and bindings, whoever made them.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::json;
use topoc_test_support::{Version, available_or_skip};

use crate::world::{Said, World};

/// One binding may not be taken away, so the queue cannot be replaced: it has all of them again.
fn a_queue_that_cannot_be_cut_off_keeps_its_bindings(world: &World) {
    let text = |queue: &str| {
        format!(
            "topology \"cut\"\nvhost \"cut\" {{ exchange \"e\" type=\"topic\"\n exchange \"f\" type=\"fanout\"\n {queue} }}"
        )
    };
    let queue = |queue_type: &str| {
        text(&format!("queue \"q\" type=\"{queue_type}\" {{ bind \"e\" routing-key=\"k\"; bind \"f\" }}"))
    };
    world.apply(&queue("classic"), &[]);
    let api = world.api();
    api.put("/api/exchanges/cut/theirs", &json!({"type": "fanout", "durable": true}));
    api.post("/api/bindings/cut/e/theirs/q/q", &json!({"routing_key": "", "arguments": {}}));
    api.post("/api/bindings/cut/e/e/q/q", &json!({"routing_key": "handmade", "arguments": {}}));
    api.put("/api/users/careful", &json!({"password": "careful", "tags": "policymaker"}));
    api.put("/api/permissions/cut/careful", &json!({"configure": ".*", "write": ".*", "read": "^(e|f|q)$"}));
    let broker = world.broker.management_url().replace("guest:guest", "careful:careful");
    for (wanted, action) in [(queue("quorum"), "replace"), (text(""), "delete")] {
        let said = world.run("apply", &wanted, &["--yes", "--no-lock", "--allow-gap", "--broker", &broker]);
        assert_eq!(said.code, 5, "{}{}", said.out, said.err);
        assert!(said.out.contains(&format!("{action} queue q: ")), "{}", said.out);
        assert_eq!(world.bindings("cut", "q"), ["e handmade", "e k", "f ", "theirs "], "{}", said.out);
        assert_eq!(api.get("/api/queues/cut/q")["type"], "classic");
    }
    api.delete("/api/vhosts/cut");
    world.apply("topology \"cut\"", &[]);
}

/// The broker deletes an auto-delete exchange with its last binding. One that comes back keeps it, one that goes is said.
fn an_exchange_does_not_go_with_what_comes_back(world: &World) {
    let text = |queue: &str| {
        format!(
            "topology \"last\"\nvhost \"last\" {{ exchange \"src\" type=\"topic\"\n \
             exchange \"e\" type=\"direct\" auto-delete=#true {{ bind \"src\" routing-key=\"#\" }}\n queue \"q\" {queue} }}"
        )
    };
    let bound = |queue: &str| text(&format!("{queue} {{ bind \"e\" routing-key=\"k\" }}"));
    world.apply(&bound("type=\"classic\""), &[]);
    let said = world.apply(&bound("type=\"quorum\""), &["--allow-gap"]);
    assert_eq!(world.bindings("last", "q"), ["e k"], "{}", said.out);
    world.assert_settled(&bound("type=\"quorum\""));
    // another key is bound before the old one goes
    let other = text("type=\"quorum\" { bind \"e\" routing-key=\"other\" }");
    assert!(!world.apply(&other, &[]).out.contains("auto-delete"));
    world.assert_settled(&other);
    let said = world.run("apply", &text("type=\"quorum\""), &["--yes"]);
    assert!(said.out.contains("exchange `e` is auto-delete, and goes"), "{}", said.out);
    assert!(!world.exists("/api/exchanges/last/e"));
    world.apply("topology \"last\"", &[]);
}

/// The broker takes away the old one and does not take the new one: the old one comes back, now or with the next run.
fn what_cannot_be_made_anew_is_made_as_it_was(world: &World) {
    let text = |arguments: &str| {
        format!(
            "topology \"back\"\nvhost \"back\" {{ exchange \"e\" type=\"topic\"\n exchange \"dlx\" type=\"fanout\" {{ bind \"e\" routing-key=\"d\" }}\n queue \"dead\" type=\"classic\" {{ bind \"dlx\" }}\n queue \"q\" type=\"classic\" {{ bind \"e\" routing-key=\"k\"\n {arguments} }} }}"
        )
    };
    let dead_lettered = text("dead-letter \"dlx\"");
    let api = world.api();
    for (before, after, comes_back) in
        [(text(""), dead_lettered.clone(), true), (dead_lettered, text("max-length 5"), false)]
    {
        world.apply(&before, &["--allow-gap"]);
        api.post("/api/bindings/back/e/e/q/q", &json!({"routing_key": "handmade", "arguments": {"a": 1}}));
        api.put("/api/users/careful", &json!({"password": "careful", "tags": "policymaker"}));
        // who may not write to the exchange of the dead letters may not name it, nor make the queue of another size
        let configure = if comes_back { ".*" } else { "^q$" };
        let write = if comes_back { "^(q|e)$" } else { "^q$" };
        api.put(
            "/api/permissions/back/careful",
            &json!({"configure": configure, "write": write, "read": ".*"}),
        );
        let broker = world.broker.management_url().replace("guest:guest", "careful:careful");
        let mut flags = vec!["--yes", "--no-lock", "--allow-gap", "--broker", &broker];
        if !comes_back {
            api.put("/api/vhost-limits/back/max-queues", &json!({"value": 0}));
            flags.push("--concurrency=1");
        }
        let said = world.run("apply", &after, &flags);
        assert_eq!(said.code, 5, "{}{}", said.out, said.err);
        if comes_back {
            assert!(said.out.contains("it is back as it was, with its bindings"), "{}", said.out);
            assert_eq!(world.bindings("back", "q"), ["e handmade", "e k"]);
        } else {
            assert!(said.out.contains("could not be made again as it was"), "{}", said.out);
            assert!(!world.exists("/api/queues/back/q"));
            api.delete("/api/vhost-limits/back/max-queues");
            let plan = world.plan(&after, &[]);
            assert_eq!(plan, ["create queue q", "create binding e → q key k", "restore queue q"]);
        }
        world.apply(&after, &["--allow-gap"]);
        assert_eq!(world.bindings("back", "q"), ["e handmade", "e k"], "{}", said.out);
    }
    api.delete("/api/vhosts/back");
    world.apply("topology \"back\"", &[]);
}

/// A stream has no figure in the list of what queues hold.
fn a_vhost_is_looked_into_queue_by_queue(world: &World) {
    for queue in
        ["stream \"s\" max-age=\"7D\"", "queue \"s\" type=\"quorum\"", "queue \"s\" type=\"classic\""]
    {
        let text = format!(
            "topology \"inside\"\nvhost \"inside\" {{ queue \"empty\" type=\"quorum\"\n stream \"none\" max-age=\"7D\"\n {queue} }}"
        );
        world.apply(&text, &[]);
        world.publish("inside", "s", 3);
        let said = world.run("apply", "topology \"inside\"", &["--yes"]);
        assert_eq!(said.code, 4, "{queue}: {}{}", said.out, said.err);
        // seen at once, but for what the statistics alone tell
        assert!(
            queue.starts_with("stream") || said.out.contains("its queues hold 3 messages"),
            "{}",
            said.out
        );
        assert!(world.exists("/api/queues/inside/s"), "{queue}: {}", said.out);
        world.api().delete("/api/queues/inside/s");
        world.apply("topology \"inside\"", &[]);
    }
}

/// An AMQP connection to a vhost, which ends with the test.
pub(crate) struct Client {
    pub(crate) runtime: tokio::runtime::Runtime,
    pub(crate) channel: lapin::Channel,
    _connection: lapin::Connection,
}

impl Client {
    pub(crate) fn of(world: &World, vhost: &str) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let url = world.broker.amqp_url().replace("%2f", vhost);
        let (connection, channel) = runtime.block_on(async {
            let connection =
                lapin::Connection::connect(&url, lapin::ConnectionProperties::default()).await.unwrap();
            let channel = connection.create_channel().await.unwrap();
            (connection, channel)
        });
        Self { runtime, channel, _connection: connection }
    }

    /// Takes messages and acknowledges none.
    pub(crate) fn take(&self, queue: &str, count: usize) {
        self.runtime.block_on(async {
            for _ in 0..count {
                let options = lapin::options::BasicGetOptions { no_ack: false };
                assert!(self.channel.basic_get(queue.into(), options).await.unwrap().is_some());
            }
        });
    }

    /// Consumes, and acknowledges nothing.
    fn consume(&self, queue: &str) -> lapin::Consumer {
        let options = lapin::options::BasicConsumeOptions::default();
        let arguments = lapin::types::FieldTable::default();
        self.runtime
            .block_on(self.channel.basic_consume(queue.into(), "it".into(), options, arguments))
            .unwrap()
    }

    /// Takes all that is there, for good.
    pub(crate) fn take_all(&self, queue: &str) -> Vec<String> {
        self.runtime.block_on(async {
            let options = lapin::options::BasicConsumeOptions { no_ack: true, ..Default::default() };
            let arguments = lapin::types::FieldTable::default();
            let consume = self.channel.basic_consume(queue.into(), "all".into(), options, arguments);
            let mut consumer = consume.await.unwrap();
            let mut found = Vec::new();
            while let Ok(Some(delivery)) = tokio::time::timeout(Duration::from_secs(1), consumer.next()).await
            {
                found.push(String::from_utf8(delivery.unwrap().data).unwrap());
            }
            found
        })
    }

    pub(crate) fn ready(&self, queue: &str) -> u32 {
        let options = lapin::options::QueueDeclareOptions { passive: true, ..Default::default() };
        let declare = self.channel.queue_declare(queue.into(), options, lapin::types::FieldTable::default());
        self.runtime.block_on(declare).unwrap().message_count()
    }

    fn cancel(&self) {
        let options = lapin::options::BasicCancelOptions::default();
        self.runtime.block_on(self.channel.basic_cancel("it".into(), options)).unwrap();
    }
}

/// What somebody holds is in the queue no less than what waits there.
fn a_queue_with_unacknowledged_messages_stays(world: &World) {
    let with = |queue: &str| format!("topology \"held\"\nvhost \"held\" {{ {queue} }}");
    for queue_type in ["quorum", "classic"] {
        let full = with(&format!("queue \"q\" type=\"{queue_type}\""));
        let stays = |what: &str| {
            let said = world.run("apply", &with(""), &["--yes"]);
            assert_eq!(said.code, 4, "{queue_type}, {what}: {}{}", said.out, said.err);
            assert!(world.exists("/api/queues/held/q"), "{queue_type}, {what}: {}", said.out);
        };
        world.apply(&full, &[]);
        world.publish("held", "q", 2);
        let getter = Client::of(world, "held");
        getter.take("q", 2);
        stays("taken one by one");
        drop(getter);
        let consumer = Client::of(world, "held");
        let deliveries = consumer.consume("q");
        stays("consumed");
        consumer.cancel();
        stays("consumed and cancelled");
        drop(deliveries);
        drop(consumer);
        // the broker tells so some seconds late
        while world.api().get("/api/queues/held/q")["messages_ready"] != 2 {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        world.api().delete("/api/queues/held/q/contents");
        // a consumer that holds nothing is no obstacle, and is told
        let consumer = Client::of(world, "held");
        let _deliveries = consumer.consume("q");
        let start = std::time::Instant::now();
        while !world.run("diff", &with(""), &[]).out.contains("! 1 consumer is cancelled") {
            assert!(start.elapsed().as_secs() < 20, "{queue_type}: its consumer is not told");
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
        world.apply(&with(""), &[]);
    }
    world.apply("topology \"held\"", &[]);
}

/// What a policy drops, it drops at once: also one that is moved, and one that another gives way to.
fn a_policy_that_drops_messages_is_refused(world: &World) {
    let with = |policies: &str| {
        format!(
            "topology \"drops\"\nvhost \"drops\" {{ {policies}\n queue \"c\" type=\"classic\"\n queue \"q\" type=\"quorum\" }}"
        )
    };
    let policy = |name: &str, pattern: &str, priority: i64, length: i64| {
        format!(
            "policy \"{name}\" pattern=\"{pattern}\" apply-to=\"queues\" priority={priority} {{ max-length {length} }}\n"
        )
    };
    let keep = policy("keep", "^[cq]$", 10, 1000);
    for (before, after, step) in [
        (String::new(), policy("new", "^[cq]$", 0, 1), "create policy new"),
        (policy("wide", "^none$", 0, 1), policy("wide", "^[cq]$", 0, 1), "change policy wide"),
        (
            format!("{keep}{}", policy("cap", "^[cq]", 1, 1)),
            policy("cap", "^[cq]", 1, 1),
            "delete policy keep",
        ),
    ] {
        world.apply(&with(&before), &[]);
        for queue in ["c", "q"] {
            world.publish("drops", queue, 3);
        }
        let said = world.run("apply", &with(&after), &["--yes"]);
        assert_eq!(said.code, 4, "{step}: {}{}", said.out, said.err);
        assert!(
            said.out.contains(&format!("≠ {step}: `c` holds 3 messages: the oldest 2 are dropped; `q`")),
            "{}",
            said.out
        );
        let counted = Client::of(world, "drops");
        assert_eq!((counted.ready("c"), counted.ready("q")), (3, 3), "{step}");
        world.apply(&with(&after), &["--allow-data-loss"]);
        assert_eq!((counted.ready("c"), counted.ready("q")), (1, 1), "{step}");
        world.apply("topology \"drops\"", &["--allow-data-loss"]);
    }
}

/// What nothing stands in for is away for a moment while it is made anew: that is said, and takes consent of its own.
fn what_is_published_meanwhile_is_not_lost_unasked(world: &World) {
    let text = |exchange: &str, queue: &str| {
        format!(
            "topology \"gap\"\nvhost \"gap\" {{ exchange \"e\" type=\"{exchange}\"\n queue \"q\" type=\"{queue}\" {{ bind \"e\" routing-key=\"1\" }}\n queue \"free\" type=\"{queue}\" }}"
        )
    };
    world.apply(&text("topic", "classic"), &[]);
    let said = world.run("diff", &text("x-consistent-hash", "quorum"), &[]);
    assert!(said.out.contains("what is published to it meanwhile is lost"), "{}", said.out);
    assert!(said.out.contains("what is published meanwhile wait aside, in `q.topoc.limbo`"), "{}", said.out);
    assert!(said.out.contains("what is sent straight to it, by its name, meanwhile is lost"), "{}", said.out);
    let said = world.run("apply", &text("x-consistent-hash", "quorum"), &["--yes"]);
    assert_eq!(said.code, 5, "{}{}", said.out, said.err);
    for line in ["✓ replace queue free", "✓ replace queue q", "≠ replace exchange e: what is published"]
    {
        assert!(said.out.contains(line), "{line}: {}", said.out);
    }
    assert!(said.out.contains("topology.kdl --yes --allow-gap\n"), "{}", said.out);
    // that consent is not one to losing what a queue holds, where it cannot be kept
    let stream = text("x-consistent-hash", "stream");
    world.apply(&stream, &["--allow-gap"]);
    world.publish("gap", "q", 1);
    let back = text("x-consistent-hash", "quorum");
    let said = world.run("apply", &back, &["--yes", "--allow-gap"]);
    assert_eq!(said.code, 5, "{}{}", said.out, said.err);
    assert!(said.out.contains("it holds at least 1 message"), "{}", said.out);
    assert_eq!(said.out.matches("topoc apply").count(), 1, "{}", said.out);
    assert!(said.out.contains("--yes --allow-gap --allow-data-loss   to lose it\n"), "{}", said.out);
    world.apply(&back, &["--allow-data-loss"]);
    assert_eq!(world.bindings("gap", "q"), ["e 1"]);
    world.apply("topology \"gap\"", &[]);
}

/// Who is refused is told what leads on: never the same again, nor what cannot be done.
fn what_leads_on_is_named(world: &World) {
    let text = |queues: &str| format!("topology \"on\"\nvhost \"on\" {{ {queues} }}");
    let both = text("queue \"q\" type=\"classic\"\n stream \"s\" max-age=\"7D\"");
    world.apply(&both, &[]);
    for queue in ["q", "s"] {
        world.publish("on", queue, 1);
    }
    let said = world.run("apply", &text("stream \"s\" max-age=\"7D\""), &["--yes"]);
    assert!(said.out.contains("drain it first, or say --allow-data-loss"), "{}", said.out);
    assert!(said.out.ends_with("topology.kdl --yes --allow-data-loss   to lose it\n"), "{}", said.out);
    assert_eq!(said.out.matches("topoc apply").count(), 1, "{}", said.out);
    for gone in [text("queue \"q\" type=\"classic\""), "topology \"on\"".to_owned()] {
        let said = world.run("apply", &gone, &["--yes"]);
        assert_eq!(said.code, 4, "{}{}", said.out, said.err);
        assert!(
            said.out.contains("a stream keeps what is read; say --allow-data-loss to lose it"),
            "{}",
            said.out
        );
        assert!(!said.out.contains("drain"), "{}", said.out);
        assert_eq!(said.out.matches("topoc apply").count(), 1, "{}", said.out);
    }
    // what the broker refuses it refuses again
    world.api().put("/api/vhost-limits/on/max-queues", &json!({"value": 2}));
    let more = both.replace("stream", "queue \"more\" type=\"classic\"\n stream");
    let said = world.run("apply", &more, &["--yes", "--no-lock"]);
    assert!(said.out.contains("mend what failed, then go on with: topoc apply"), "{}", said.out);
    // the lock is a queue, too, and makes room
    for (queues, done) in [(3, "✓ create queue more"), (3, "nothing to do")] {
        world.api().put("/api/vhost-limits/on/max-queues", &json!({"value": queues}));
        let said = world.run("apply", &more, &["--yes"]);
        assert!(said.out.contains(done), "{}{}", said.out, said.err);
        assert!(said.err.starts_with("vhost `on` has as many queues as it may: "), "{}", said.err);
    }
    // a vhost that others are in
    world.apply(&both, &[]);
    let gone = "topology \"on\"";
    world.api().delete("/api/vhost-limits/on/max-queues");
    world.api().put("/api/queues/on/theirs", &json!({"durable": true}));
    let said = world.run("apply", gone, &["--yes", "--allow-data-loss"]);
    assert_eq!(said.code, 5, "{}{}", said.out, said.err);
    assert!(said.out.contains("let go of the vhost by `vhost \"on\" external=#true`"), "{}", said.out);
    assert!(!said.out.contains("go on with"), "{}", said.out);
    world.apply("topology \"on\"\nvhost \"on\" external=#true", &[]);
    assert!(world.exists("/api/queues/on/theirs"));
    world.api().delete("/api/vhosts/on");
}

/// What is to be pasted leads to the same broker, and shows no password.
fn the_next_command_leads_to_the_same_broker(world: &World) {
    let text = "topology \"next\"\nvhost \"next\" { queue \"q\" }";
    let url = world.broker.management_url();
    let said =
        Said::of(world.command("diff", text, &["--broker", &url]).env("TOPOC_BROKER", "http://127.0.0.1:1"));
    assert_eq!(said.code, 0, "{}", said.err);
    let shown = url.replace("guest:guest@", "guest@");
    assert!(said.out.trim_end().ends_with(&format!("topology.kdl --broker {shown}")), "{}", said.out);
}

fn nothing_is_lost(world: &World) {
    an_exchange_does_not_go_with_what_comes_back(world);
    what_cannot_be_made_anew_is_made_as_it_was(world);
    what_is_published_meanwhile_is_not_lost_unasked(world);
    the_next_command_leads_to_the_same_broker(world);
    what_leads_on_is_named(world);
    a_policy_that_drops_messages_is_refused(world);
    a_vhost_is_looked_into_queue_by_queue(world);
    a_queue_with_unacknowledged_messages_stays(world);
    a_queue_that_cannot_be_cut_off_keeps_its_bindings(world);
}

/// What is counted on another broker says nothing, though its queue has the same name.
#[test]
fn a_namesake_on_another_broker_is_not_counted() {
    let (world, other) = (World::of(Version::V3_10), World::of(Version::V3_10));
    let text =
        "topology \"twins\"\nvhost \"twins\" { queue \"q\" type=\"quorum\"; queue \"r\" type=\"quorum\" }";
    let gone = "topology \"twins\"\nvhost \"twins\" { queue \"r\" type=\"quorum\" }";
    world.apply(text, &[]);
    other.apply(text, &[]);
    world.publish("twins", "q", 5);
    let said = world.run("apply", gone, &["--yes", "--no-lock", "--amqp", &other.broker.amqp_url()]);
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
    assert!(said.out.contains("is another broker than"), "{}", said.out);
    assert!(world.exists("/api/queues/twins/q"));
    // who names a broker does not mean the AMQP of the one in the environment
    let url = world.broker.management_url();
    let mut command = other.command("apply", gone, &["--yes", "--broker", &url]);
    let said = Said::of(command.env("TOPOC_AMQP", other.broker.amqp_url()));
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
    assert!(said.out.contains("it holds 5 ready"), "{}", said.out);
    assert!(world.exists("/api/queues/twins/q"));
    // one who may declare nothing is told apart by the connection
    let api = world.api();
    api.delete("/api/queues/twins/q/contents");
    api.put("/api/users/weak", &json!({"password": "weak", "tags": "policymaker"}));
    api.put("/api/permissions/twins/weak", &json!({"configure": "^[qr]$", "write": "", "read": ""}));
    let weak = |url: &str| url.replace("guest:guest", "weak:weak");
    let amqp = weak(&world.broker.amqp_url());
    let said = world.run("apply", gone, &["--yes", "--no-lock", "--broker", &weak(&url), "--amqp", &amqp]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(!world.exists("/api/queues/twins/q"));
}

#[test]
fn nothing_is_lost_unsaid() {
    nothing_is_lost(&World::of(Version::V3_10));
}

#[test]
fn nothing_is_lost_unsaid_on_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        nothing_is_lost(&World::of(Version::V4_0));
    }
}
