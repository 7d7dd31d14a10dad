//! Where an argument meets policies: what the broker then does says which value counts.

use std::time::Duration;

use lapin::Confirmation;
use lapin::options::{
    BasicGetOptions, BasicNackOptions, BasicPublishOptions, BasicRejectOptions, ExchangeDeclareOptions,
    QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{BasicProperties, ExchangeKind as Kind};
use serde_json::json;
use tokio::time::sleep;
use topoc_routing::policy::{Object, argument_name, effective};
use topoc_routing::{QueueKind, Table, Value, Version};
use topoc_test_support::Shared;

use crate::broker::Node;
use crate::policies::json_of;

/// An argument, a policy's value and an operator policy's value of one key.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    object: Object,
    key: &'static str,
    values: [Option<Value>; 3],
}

/// Every key whose value can be told by watching, in every order of sizes that matters.
pub(crate) fn cases(version: Version) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |object, key, values: [Option<Value>; 3]| cases.push(Case { object, key, values });
    let int = |n: i64| Some(Value::Integer(n));
    let word = |text: &str| Some(Value::from(text));
    for kind in [QueueKind::Classic, QueueKind::Quorum].map(Object::Queue) {
        for values in [[3, 2, 4], [2, 3, 4], [4, 3, 2]] {
            add(kind, "max-length", values.map(int));
        }
        for [argument, policy] in [[300, 3_600_000], [3_600_000, 300]] {
            add(kind, "message-ttl", [int(argument), int(policy), None]);
            add(kind, "expires", [int(argument), int(policy), None]);
            add(kind, "expires", [None, int(argument), int(policy)]);
        }
        for [argument, policy] in [["drop-head", "reject-publish"], ["reject-publish", "drop-head"]] {
            add(kind, "overflow", [word(argument), word(policy), None]);
            if version >= Version::V3_12 {
                add(kind, "overflow", [word(argument), None, word(policy)]);
                add(kind, "overflow", [None, word(argument), word(policy)]);
            }
        }
        add(kind, "dead-letter-exchange", [word("to1"), word("to2"), None]);
        add(kind, "dead-letter-exchange", [None, word("to2"), None]);
    }
    let quorum = Object::Queue(QueueKind::Quorum);
    for values in [[3, 1, 2], [1, 2, 3], [3, 2, 1]] {
        add(quorum, "delivery-limit", values.map(int));
    }
    if version >= Version::V4_0 {
        add(quorum, "delivery-limit", [int(-1), int(2), None]);
        add(quorum, "delivery-limit", [int(2), int(-1), None]);
        add(quorum, "delivery-limit", [None, int(-1), int(2)]);
        add(quorum, "delivery-limit", [word("2"), None, None]);
        add(quorum, "delivery-limit", [word("3"), int(2), None]);
        add(quorum, "delivery-limit", [None, None, None]);
    }
    add(Object::Exchange, "alternate-exchange", [word("to1"), word("to2"), None]);
    add(Object::Exchange, "alternate-exchange", [None, word("to2"), None]);
    cases
}

/// Whether the broker goes by the value that the crate says.
pub(crate) async fn check(shared: &'static Shared, version: Version, case: Case) -> Result<(), String> {
    let Case { object, key, values: [argument, policy, operator] } = &case;
    let one = |name: String, value: &Option<Value>| value.clone().map(|value| Table::from([(name, value)]));
    let arguments = one(argument_name(key), argument).unwrap_or_default();
    let (user, op) = (one((*key).to_owned(), policy), one((*key).to_owned(), operator));
    let wanted = effective(*object, version, &arguments, user.as_ref(), op.as_ref()).remove(*key);
    let wanted = wanted.ok_or(format!("{case:?} has no value"))?.value;

    let vhost = shared.vhost();
    for (endpoint, value) in [("policies", policy), ("operator-policies", operator)] {
        if let Some(value) = value {
            let body = json!({"pattern": "^it$", "apply-to": "all", "definition": {*key: json_of(value)}});
            vhost.api().put(&format!("/api/{endpoint}/{}/only", vhost.name()), &body);
        }
    }
    let mut probe = Probe { node: Node::connect(&vhost).await };
    let mut fields = arguments.clone();
    if *object == Object::Exchange {
        let (name, options) = ("it".into(), ExchangeDeclareOptions::default());
        probe
            .node
            .channel
            .exchange_declare(name, Kind::Fanout, options, declared(&fields))
            .await
            .expect("an exchange");
    } else {
        let kind = if *object == Object::Queue(QueueKind::Quorum) { "quorum" } else { "classic" };
        fields.insert("x-queue-type".to_owned(), kind.into());
        if *key == "overflow" {
            fields.insert("x-max-length".to_owned(), 1.into());
        }
        let options = QueueDeclareOptions { durable: true, ..Default::default() };
        probe.node.channel.queue_declare("it".into(), options, declared(&fields)).await.expect("a queue");
    }
    let got = probe.value_of(key).await;
    // a limit that is no integer is never reached
    let endless = *key == "delivery-limit" && matches!(wanted, Value::String(_));
    if got == if endless { (-1).into() } else { wanted.clone() } {
        Ok(())
    } else {
        Err(format!("{case:?} is {wanted:?}, the broker goes by {got:?}"))
    }
}

/// Arguments of a declaration, whose strings have to be strings on the wire.
fn declared(arguments: &Table) -> FieldTable {
    let mut fields = FieldTable::default();
    for (name, value) in arguments {
        let value = match value {
            Value::Integer(n) => AMQPValue::LongLongInt(*n),
            Value::String(text) => AMQPValue::LongString(LongString::from(text.as_slice())),
            other => panic!("no case has {other:?}"),
        };
        fields.insert(name.as_str().into(), value);
    }
    fields
}

struct Probe {
    node: Node,
}

impl Probe {
    /// The value of `key` that the broker goes by, seen by what `it` does.
    async fn value_of(&mut self, key: &str) -> Value {
        let soon = Duration::from_millis(1500);
        match key {
            "max-length" => {
                self.publish("", 6).await;
                self.ready("it").await.unwrap_or_default().into()
            }
            "message-ttl" => {
                self.publish("", 1).await;
                sleep(soon).await;
                if self.ready("it").await == Some(0) { 300.into() } else { 3_600_000.into() }
            }
            "expires" => {
                // a quorum queue looks at the time every five seconds
                sleep(Duration::from_secs(11)).await;
                if self.ready("it").await.is_none() { 300.into() } else { 3_600_000.into() }
            }
            "overflow" if self.publish("", 12).await == 0 => "drop-head".into(),
            "overflow" => "reject-publish".into(),
            "delivery-limit" => {
                self.publish("", 1).await;
                for returns in 0..60 {
                    let Some(got) = self.get().await else { return Value::Integer(returns - 1) };
                    got.nack(BasicNackOptions { requeue: true, multiple: false }).await.expect("a return");
                }
                // without end
                Value::Integer(-1)
            }
            "dead-letter-exchange" => {
                self.bind_targets().await;
                self.publish("", 1).await;
                let got = self.get().await.expect("a message");
                got.reject(BasicRejectOptions { requeue: false }).await.expect("a reject");
                self.target().await
            }
            "alternate-exchange" => {
                self.bind_targets().await;
                self.publish("it", 1).await;
                self.target().await
            }
            other => panic!("{other} cannot be watched"),
        }
    }

    /// Publishes to the queue or the exchange `it`: how many are refused.
    async fn publish(&mut self, exchange: &str, count: usize) -> usize {
        let mut refused = 0;
        for _ in 0..count {
            let options = BasicPublishOptions::default();
            let properties = BasicProperties::default();
            let confirm =
                self.node.channel.basic_publish(exchange.into(), "it".into(), options, b"probe", properties);
            let confirm = confirm.await.expect("a publish").await.expect("a confirm");
            refused += usize::from(matches!(confirm, Confirmation::Nack(_)));
        }
        refused
    }

    async fn get(&mut self) -> Option<lapin::message::BasicGetMessage> {
        // a quorum queue hands a returned message out again only a little later
        for _ in 0..4 {
            let got = self.node.channel.basic_get("it".into(), BasicGetOptions::default()).await;
            if let Some(got) = got.expect("a queue to read") {
                return Some(got);
            }
            sleep(Duration::from_millis(50)).await;
        }
        None
    }

    /// How many messages are ready; `None` if the queue is gone, which closes the channel.
    async fn ready(&mut self, queue: &str) -> Option<i64> {
        let options = QueueDeclareOptions { passive: true, ..Default::default() };
        let there = self.node.channel.queue_declare(queue.into(), options, FieldTable::default()).await;
        there.ok().map(|queue| i64::from(queue.message_count()))
    }

    /// Exchanges `to1` and `to2` with queues of the same names.
    async fn bind_targets(&mut self) {
        for name in ["to1", "to2"] {
            let channel = &self.node.channel;
            let (exchange, queue) = (ExchangeDeclareOptions::default(), QueueDeclareOptions::default());
            let none = FieldTable::default;
            channel.exchange_declare(name.into(), Kind::Fanout, exchange, none()).await.expect("an exchange");
            let queue = QueueDeclareOptions { durable: true, ..queue };
            channel.queue_declare(name.into(), queue, none()).await.expect("a queue");
            let options = QueueBindOptions::default();
            channel
                .queue_bind(name.into(), name.into(), "".into(), options, none())
                .await
                .expect("a binding");
        }
    }

    async fn target(&mut self) -> Value {
        for _ in 0..40 {
            for name in ["to1", "to2"] {
                if self.ready(name).await == Some(1) {
                    return name.into();
                }
            }
            sleep(Duration::from_millis(50)).await;
        }
        Value::Void
    }
}
