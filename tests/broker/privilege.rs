//! The least privilege of services on a real broker: with it, all that a service does is taken; without any one name
//! of it, something is refused; and it lets nothing else in.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
    sync::Arc,
};

use lapin::{
    BasicProperties, Connection, ConnectionProperties, ExchangeKind,
    options::{
        BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
        ExchangeDeclareOptions, QueueDeclareOptions,
    },
    types::FieldTable,
};
use serde_json::json;
use topoc::{
    Compiled,
    kind::Value,
    syntax::{DiskSources, Inputs},
    topology::{
        KeyPart, Message, Service, Topology, delay_queue,
        privilege::{self, DEFAULT_EXCHANGE, Needs},
    },
};
use topoc_test_support::{Version, available_or_skip, with_users};

use crate::world::World;

/// Names that are no pattern of themselves, beside names that a careless pattern would let in.
const NAMES: &str = r##"
topology "names" { rabbitmq "3.10" }
vhost "names" {
    exchange "a.b" type="topic"
    exchange "aXb" type="topic"
    exchange "(x)|y$" type="fanout"
    exchange "y" type="fanout"
    exchange "bestellungen für später" type="direct"
    queue "q[1]+" type="quorum" { bind "a.b" routing-key="#"; bind "(x)|y$"; retry "1s" "2s" then="dead\\letters" }
    queue "q1" type="quorum" { bind "aXb" routing-key="#"; bind "y" }
    queue "before q[1]+" type="classic" { bind "bestellungen für später" routing-key="k" }
    queue "dead\\letters" type="quorum"
    queue "work.rpc" type="classic"
    queue "workXrpc" type="classic"
    super-stream "clicks" partitions=3
    super-stream "clicks.of.others" partitions=2
}
vhost "second" {
    exchange "a.b" type="topic"
    queue "q1" type="classic" { bind "a.b" routing-key="#" }
}
type "Question" { text "string" }
type "Answer" { text "string" }
rpc "Ask" { request "Question"; response "Answer"; queue "work.rpc" }
message "Dotted" { publish-to "a.b" vhost="names" routing-key="k.{part}"; key "part" { one-of "one" "two" } }
message "Grouped" { publish-to "(x)|y$" }
message "Spaced" { publish-to "bestellungen für später" routing-key="k" }
message "Elsewhere" { publish-to "a.b" vhost="second" routing-key="k" }
message "Direct" { publish-to "" vhost="names" routing-key="q1" }
message "Click" { publish-to "clicks" routing-key="0" }
service "one" { publishes "Dotted"; publishes "Grouped"; publishes "Elsewhere"; calls "Ask" }
service "two" { consumes "q[1]+" prefetch=1 { on "Dotted"; on "Grouped" }; publishes "Spaced" }
service "three" { consumes "before q[1]+" prefetch=1 { on "Spaced" }; answers "Ask" }
service "four" { publishes "Direct"; publishes "Click"; consumes "q1" vhost="second" prefetch=1 { on "Elsewhere" } }
service "five" { consumes "clicks" prefetch=1 { on "Click" }; consumes "q1" vhost="names" prefetch=1 { on "Direct" } }
"##;

/// What a client asks of the broker.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Publish(String, String),
    /// From this queue, in the words of the permission it needs.
    Consume(String),
    /// The answers to its calls, which no permission is about.
    ConsumeAnswers,
    DeclareQueue(String),
    DeclareExchange(String),
}

impl Act {
    /// The resource that a permission is asked for.
    fn resource(&self) -> &str {
        match self {
            Self::Publish(exchange, _) if exchange.is_empty() => DEFAULT_EXCHANGE,
            Self::Publish(name, _)
            | Self::Consume(name)
            | Self::DeclareQueue(name)
            | Self::DeclareExchange(name) => name,
            Self::ConsumeAnswers => "",
        }
    }
}

impl fmt::Debug for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Publish(exchange, key) => write!(f, "publish to `{exchange}` with `{key}`"),
            Self::Consume(queue) => write!(f, "consume `{queue}`"),
            Self::ConsumeAnswers => write!(f, "consume answers"),
            Self::DeclareQueue(queue) => write!(f, "declare queue `{queue}`"),
            Self::DeclareExchange(exchange) => write!(f, "declare exchange `{exchange}`"),
        }
    }
}

/// All that generated code of a service does, by vhost.
fn doings(topology: &Topology, service: &Service) -> BTreeMap<Arc<str>, BTreeSet<Act>> {
    let contract = &topology.contract;
    let mut all: BTreeMap<Arc<str>, BTreeSet<Act>> = BTreeMap::new();
    let mut act = |vhost: &Arc<str>, act| all.entry(vhost.clone()).or_default().insert(act);
    for word in &service.publishes {
        let message = contract.message(&word.text).unwrap();
        let exchange = message.exchange.as_ref().unwrap();
        act(exchange.found.as_ref().unwrap(), Act::Publish(exchange.name.text.to_string(), key(message)));
    }
    for consumes in &service.consumes {
        for queue in topology.queues_of(&consumes.queue) {
            let vhost = queue.0.vhost.as_ref().unwrap();
            act(vhost, Act::Consume(queue.name().to_owned()));
            let Some(Value::List(steps)) = queue.0.field("retry").map(|steps| &steps.value) else { continue };
            for step in 1..=steps.len() {
                act(vhost, Act::Publish(String::new(), delay_queue(queue.name(), step)));
            }
            act(vhost, Act::Publish(String::new(), queue.0.text("retry-then").unwrap().to_owned()));
        }
    }
    let questions = |name: &str| contract.rpc(name).unwrap().queue.clone().unwrap();
    for word in &service.calls {
        let queue = questions(&word.text);
        let vhost = queue.found.as_ref().unwrap();
        act(vhost, Act::ConsumeAnswers);
        act(vhost, Act::Publish(String::new(), queue.name.text.to_string()));
    }
    for answers in &service.answers {
        let queue = questions(&answers.rpc.text);
        let vhost = queue.found.as_ref().unwrap();
        act(vhost, Act::Consume(queue.name.text.to_string()));
        act(vhost, Act::Publish(String::new(), "amq.rabbitmq.reply-to.of.a.caller".to_owned()));
    }
    all
}

/// A routing key as the service may well publish it.
fn key(message: &Message) -> String {
    let part = |part| match part {
        KeyPart::Text(text) => text,
        KeyPart::Parameter(name) => {
            let parameter = message.keys.iter().find(|parameter| &*parameter.name.text == name);
            parameter.and_then(|parameter| parameter.one_of.first()).map_or("one", |word| &word.text)
        }
    };
    message.key_parts().into_iter().map(part).collect()
}

/// What anybody could ask for in a vhost.
fn everything(topology: &Topology, vhost: &str) -> BTreeSet<Act> {
    let queues = topology.queues().filter(|queue| queue.vhost() == vhost);
    let exchanges = topology.exchanges().filter(|exchange| exchange.vhost() == vhost);
    let names = ["", "amq.topic", "amq.fanout"].into_iter().map(str::to_owned);
    let mut all: BTreeSet<Act> = exchanges
        .map(|exchange| exchange.name().to_owned())
        .chain(names)
        .map(|exchange| Act::Publish(exchange, "any".to_owned()))
        .collect();
    all.extend(queues.map(|queue| Act::Consume(queue.name().to_owned())));
    all.extend([Act::DeclareQueue("another".to_owned()), Act::DeclareExchange("another".to_owned())]);
    all
}

struct Client {
    runtime: tokio::runtime::Runtime,
    port: String,
}

impl Client {
    /// What the broker refuses a user, each asked for on a channel of its own: a channel remembers what it was let do.
    fn refused(&self, user: &str, vhost: &str, acts: &BTreeSet<Act>) -> Vec<Act> {
        let uri = format!("amqp://{user}:p%20w@127.0.0.1:{}/{vhost}", self.port);
        self.runtime.block_on(async {
            let connection = Connection::connect(&uri, ConnectionProperties::default()).await.unwrap();
            let mut refused = Vec::new();
            for act in acts {
                if !taken(&connection, act).await {
                    refused.push(act.clone());
                }
            }
            connection.close(200, "done".into()).await.unwrap();
            refused
        })
    }
}

async fn taken(connection: &Connection, act: &Act) -> bool {
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    channel.basic_qos(1, BasicQosOptions::default()).await.unwrap();
    let table = FieldTable::default;
    let outcome = match act {
        Act::Publish(exchange, key) => {
            let options = BasicPublishOptions::default();
            let properties = BasicProperties::default();
            let sent = channel.basic_publish(
                exchange.as_str().into(),
                key.as_str().into(),
                options,
                b"{}",
                properties,
            );
            match sent.await {
                Ok(confirm) => confirm.await.map(drop),
                Err(error) => Err(error),
            }
        }
        Act::Consume(queue) => {
            let options = BasicConsumeOptions::default();
            channel.basic_consume(queue.as_str().into(), "".into(), options, table()).await.map(drop)
        }
        Act::ConsumeAnswers => {
            let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
            channel.basic_consume("amq.rabbitmq.reply-to".into(), "".into(), options, table()).await.map(drop)
        }
        Act::DeclareQueue(name) => {
            let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
            channel.queue_declare(name.as_str().into(), options, table()).await.map(drop)
        }
        Act::DeclareExchange(name) => {
            let options = ExchangeDeclareOptions::default();
            channel.exchange_declare(name.as_str().into(), ExchangeKind::Fanout, options, table()).await
        }
    };
    let Err(error) = outcome else {
        channel.close(200, "done".into()).await.unwrap();
        return true;
    };
    assert!(error.to_string().contains("ACCESS_REFUSED"), "{act:?}: {error}");
    false
}

fn compiled(path: &Path) -> Compiled {
    let inputs = Inputs::default();
    let compiled = topoc::compile(&[path.to_str().unwrap().to_owned()], &DiskSources, &inputs);
    assert!(!compiled.report.has_errors(), "{}", compiled.report.diagnostics()[0].message);
    compiled
}

/// A grant's patterns, as the broker takes them.
fn grant(world: &World, user: &str, vhost: &str, needs: &Needs) {
    let permission = json!({
        "configure": "^$",
        "write": privilege::pattern(&needs.write),
        "read": privilege::pattern(&needs.read),
    });
    world.api().put(&format!("/api/permissions/{vhost}/{user}"), &permission);
}

/// Each name that a service is granted, and what is left without it.
fn without_one(needs: &Needs) -> Vec<(&Arc<str>, Needs)> {
    let write = needs.write.iter().map(|name| {
        let mut less = needs.clone();
        less.write.remove(name);
        (name, less)
    });
    let read = needs.read.iter().map(|name| {
        let mut less = needs.clone();
        less.read.remove(name);
        (name, less)
    });
    write.chain(read).collect()
}

/// How many grants were taken away, one by one.
fn shown_to_be_least(world: &World, text: &str) -> usize {
    let text = with_users(text, "SECRET");
    world.apply(&text, &[]);
    let compiled = compiled(&world.file(&text));
    let topology = &compiled.topology;
    let port = world.broker.amqp_url().rsplit_once(':').unwrap().1.split_once('/').unwrap().0.to_owned();
    let client = Client { runtime: tokio::runtime::Runtime::new().unwrap(), port };
    let mut taken_away = 0;
    for service in &topology.contract.services {
        let user = &*service.name.text;
        let doings = doings(topology, service);
        let needs = privilege::needs(topology, service);
        assert_eq!(needs.keys().collect::<Vec<_>>(), doings.keys().collect::<Vec<_>>(), "{user}");
        for (vhost, acts) in &doings {
            let needs = &needs[vhost];
            let stated = world.api().get(&format!("/api/permissions/{vhost}/{user}"));
            assert_eq!(stated["configure"], "^$");
            assert_eq!(stated["write"], privilege::pattern(&needs.write).as_str());
            assert_eq!(stated["read"], privilege::pattern(&needs.read).as_str());

            assert_eq!(client.refused(user, vhost, acts), [], "{user} may do in {vhost} all that it does");

            let granted = |act: &Act| {
                acts.iter().any(|own| (own.resource(), consumes(own)) == (act.resource(), consumes(act)))
            };
            let more: BTreeSet<Act> =
                everything(topology, vhost).into_iter().filter(|act| !granted(act)).collect();
            let refused = client.refused(user, vhost, &more);
            assert_eq!(
                refused,
                more.into_iter().collect::<Vec<_>>(),
                "{user} may do in {vhost} nothing else"
            );

            for (name, less) in without_one(needs) {
                grant(world, user, vhost, &less);
                let refused = client.refused(user, vhost, acts);
                let by_it: Vec<Act> = acts.iter().filter(|act| act.resource() == &**name).cloned().collect();
                assert!(!refused.is_empty(), "{user} does not need `{name}` in {vhost}");
                assert_eq!(refused, by_it, "{user} in {vhost} without `{name}`");
                taken_away += 1;
            }
            grant(world, user, vhost, needs);
        }
    }
    let named = topology.name.as_ref().unwrap();
    world.apply(&format!("topology \"{}\"", named.text), &["--allow-data-loss"]);
    taken_away
}

fn consumes(act: &Act) -> bool {
    matches!(act, Act::Consume(_))
}

fn derived_permissions_are_the_least(version: Version) {
    let world = World::of(version);
    for example in ["first-service", "order-processing"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example);
        for file in std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()) {
            if file.extension().is_some_and(|extension| extension == "kdl") {
                std::fs::copy(&file, world.folder.path().join(file.file_name().unwrap())).unwrap();
            }
        }
        let text = std::fs::read_to_string(folder.join("topology.kdl")).unwrap();
        assert!(shown_to_be_least(&world, &text) > 1, "{example}");
    }
    assert_eq!(shown_to_be_least(&world, NAMES), 17);
}

#[test]
fn the_permissions_of_services_are_enough_and_none_is_too_much() {
    derived_permissions_are_the_least(Version::V3_10);
}

#[test]
fn the_permissions_of_services_are_enough_and_none_is_too_much_on_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        derived_permissions_are_the_least(Version::V4_0);
    }
}
