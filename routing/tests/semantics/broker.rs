//! The crate's answers against a real broker: declares, publishes, drains, compares.

use std::collections::{BTreeMap, BTreeSet};

use lapin::options::{
    BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeBindOptions, ExchangeDeclareOptions,
    QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, DecimalValue, FieldArray, FieldTable, LongString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, ExchangeKind as Kind};
use topoc_routing::{
    Certainty, Destination, Overflow, Queue, QueueId, QueueKind, Refused, Strategy, Table, Topology, Value,
};
use topoc_test_support::Vhost;

use crate::made::{Published, Random};
use crate::memory::Memory;
use crate::naive;

/// A connection to one virtual host.
pub(crate) struct Node {
    connection: Connection,
    pub(crate) channel: Channel,
    /// Of all the integer types on the wire, which one a value gets.
    widths: Random,
}

impl Node {
    pub(crate) async fn connect(vhost: &Vhost) -> Self {
        let connection = Connection::connect(&vhost.amqp_url(), ConnectionProperties::default()).await;
        let connection = connection.expect("the broker takes connections");
        let channel = open(&connection).await;
        Self { connection, channel, widths: Random::new(1) }
    }

    /// Ends the connection: many runs at once would be too many for the broker.
    pub(crate) async fn close(self) {
        let _ = self.connection.close(200, "done".into()).await;
    }

    /// Declares all of a topology but what every virtual host has.
    pub(crate) async fn declare(&mut self, net: &Topology) {
        for (_, exchange) in net.exchanges().filter(|(_, exchange)| !is_predeclared(&exchange.name)) {
            let mut arguments = FieldTable::default();
            if let Some(name) = &exchange.alternate_exchange {
                arguments.insert("alternate-exchange".into(), text(name));
            }
            let options = ExchangeDeclareOptions { internal: exchange.internal, ..Default::default() };
            let kind = Kind::Custom(exchange.kind.type_name().to_owned());
            let name = exchange.name.as_str().into();
            self.channel.exchange_declare(name, kind, options, arguments).await.expect("an exchange");
        }
        for (_, queue) in net.queues() {
            let arguments = queue_arguments(queue);
            let options = QueueDeclareOptions { durable: true, ..Default::default() };
            self.channel
                .queue_declare(queue.name.as_str().into(), options, arguments)
                .await
                .expect("a queue");
        }
        for (_, binding) in net.bindings() {
            let source = net.exchange(binding.source).name.as_str().into();
            let key = binding.routing_key.as_str().into();
            let arguments = self.fields(&binding.arguments);
            let bound = match binding.destination {
                Destination::Queue(queue) => {
                    let queue = net.queue(queue).name.as_str().into();
                    self.channel.queue_bind(queue, source, key, QueueBindOptions::default(), arguments).await
                }
                Destination::Exchange(exchange) => {
                    let exchange = net.exchange(exchange).name.as_str().into();
                    let options = ExchangeBindOptions::default();
                    self.channel.exchange_bind(exchange, source, key, options, arguments).await
                }
            };
            bound.expect("a binding");
        }
    }

    /// The properties of a message as they go over the wire; with a time to live of its own in milliseconds.
    pub(crate) fn properties(&mut self, published: &Published, expiration: Option<u64>) -> BasicProperties {
        let mut headers = self.fields(&published.headers);
        for (name, keys) in [("CC", &published.cc), ("BCC", &published.bcc)] {
            if !keys.is_empty() {
                let keys: Vec<AMQPValue> = keys.iter().map(|key| text(key)).collect();
                headers.insert(name.into(), AMQPValue::FieldArray(FieldArray::from(keys)));
            }
        }
        let properties = BasicProperties::default().with_headers(headers);
        match expiration {
            Some(milliseconds) => properties.with_expiration(milliseconds.to_string().into()),
            None => properties,
        }
    }

    /// Publishes with `mandatory` and waits for the confirm: whether the message came back, or the code of a refusal.
    pub(crate) async fn publish(
        &mut self,
        published: &Published,
        properties: BasicProperties,
        body: &[u8],
    ) -> Result<bool, u16> {
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let (exchange, key) = (published.exchange.as_str().into(), published.routing_key.as_str().into());
        let confirm = match self.channel.basic_publish(exchange, key, options, body, properties).await {
            Ok(confirm) => confirm.await,
            Err(error) => Err(error),
        };
        match confirm {
            Ok(Confirmation::Ack(returned)) => Ok(returned.is_some()),
            Ok(other) => panic!("the broker answers {other:?}"),
            Err(error) => {
                // the refusal closes the channel
                self.channel = open(&self.connection).await;
                Err(refusal(&error))
            }
        }
    }

    /// Takes all messages out of all queues: which queues had each body, one entry a copy.
    async fn drain(&self, net: &Topology) -> BTreeMap<Vec<u8>, Vec<QueueId>> {
        let mut copies: BTreeMap<Vec<u8>, Vec<QueueId>> = BTreeMap::new();
        for (id, queue) in net.queues() {
            let options = BasicGetOptions { no_ack: true };
            while let Some(got) =
                self.channel.basic_get(queue.name.as_str().into(), options).await.expect("a queue to read")
            {
                copies.entry(got.data.clone()).or_default().push(id);
            }
        }
        copies
    }

    pub(crate) fn fields(&mut self, table: &Table) -> FieldTable {
        let mut fields = FieldTable::default();
        for (name, value) in table {
            // the one name whose value has to be a string and not a byte array
            let field = match (name.as_str(), value) {
                ("x-match", Value::String(bytes)) => {
                    AMQPValue::LongString(LongString::from(bytes.as_slice()))
                }
                _ => self.field(value),
            };
            fields.insert(name.as_str().into(), field);
        }
        fields
    }

    fn field(&mut self, value: &Value) -> AMQPValue {
        match value {
            Value::Void => AMQPValue::Void,
            Value::Bool(yes) => AMQPValue::Boolean(*yes),
            Value::Integer(n) => {
                let wide = AMQPValue::LongLongInt(*n);
                let narrow = [
                    i8::try_from(*n).ok().map(AMQPValue::ShortShortInt),
                    u8::try_from(*n).ok().map(AMQPValue::ShortShortUInt),
                    i16::try_from(*n).ok().map(AMQPValue::ShortInt),
                    u16::try_from(*n).ok().map(AMQPValue::ShortUInt),
                    i32::try_from(*n).ok().map(AMQPValue::LongInt),
                    u32::try_from(*n).ok().map(AMQPValue::LongUInt),
                ];
                let fit: Vec<AMQPValue> = narrow.into_iter().flatten().chain([wide]).collect();
                self.widths.pick(&fit).clone()
            }
            Value::Float(n) if f64::from(*n as f32) == *n && self.widths.one_in(2) => {
                AMQPValue::Float(*n as f32)
            }
            Value::Float(n) => AMQPValue::Double(*n),
            Value::String(bytes) if self.widths.one_in(4) => AMQPValue::ByteArray(bytes.clone().into()),
            Value::String(bytes) => AMQPValue::LongString(LongString::from(bytes.as_slice())),
            Value::Timestamp(seconds) => AMQPValue::Timestamp(*seconds),
            Value::Opaque(wire) => opaque(wire),
        }
    }
}

async fn open(connection: &Connection) -> Channel {
    let channel = connection.create_channel().await.expect("a channel");
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
    channel
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

/// The values that [`crate::made`] makes, read back from their wire form.
fn opaque(wire: &[u8]) -> AMQPValue {
    match wire {
        [b'A', _, _, _, _, b'S', _, _, _, _, body @ ..] => {
            AMQPValue::FieldArray(vec![AMQPValue::LongString(LongString::from(body))].into())
        }
        [b'A', ..] => AMQPValue::FieldArray(FieldArray::default()),
        [b'D', scale, value @ ..] => {
            let value = u32::from_be_bytes(value.try_into().expect("four bytes"));
            AMQPValue::DecimalValue(DecimalValue { scale: *scale, value })
        }
        _ => {
            let mut table = FieldTable::default();
            table.insert("k".into(), text("v"));
            AMQPValue::FieldTable(table)
        }
    }
}

fn queue_arguments(queue: &Queue) -> FieldTable {
    let mut arguments = FieldTable::default();
    let kind = match queue.kind {
        QueueKind::Classic => "classic",
        QueueKind::Quorum => "quorum",
        QueueKind::Stream => "stream",
    };
    arguments.insert("x-queue-type".into(), text(kind));
    let texts = [
        ("x-dead-letter-exchange", &queue.dead_letter_exchange),
        ("x-dead-letter-routing-key", &queue.dead_letter_routing_key),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            arguments.insert(name.into(), text(value));
        }
    }
    if queue.dead_letter_strategy == Strategy::AtLeastOnce {
        arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
    }
    let overflow = match queue.overflow {
        Overflow::DropHead => None,
        Overflow::RejectPublish => Some("reject-publish"),
        Overflow::RejectPublishDlx => Some("reject-publish-dlx"),
    };
    if let Some(overflow) = overflow {
        arguments.insert("x-overflow".into(), text(overflow));
    }
    let numbers = [
        ("x-message-ttl", queue.message_ttl.map(|n| n as i64)),
        ("x-max-length", queue.max_length.map(|n| n as i64)),
        ("x-max-length-bytes", queue.max_length_bytes.map(|n| n as i64)),
        ("x-delivery-limit", queue.delivery_limit),
    ];
    for (name, value) in numbers {
        if let Some(value) = value {
            arguments.insert(name.into(), AMQPValue::LongLongInt(value));
        }
    }
    arguments
}

pub(crate) fn is_predeclared(exchange: &str) -> bool {
    exchange.is_empty() || exchange.starts_with("amq.")
}

fn refusal(error: &lapin::Error) -> u16 {
    match error.kind() {
        lapin::ErrorKind::ProtocolError(error) => error.get_id(),
        other => panic!("the broker refuses with {other:?}"),
    }
}

/// What the crate says and the broker does differently.
pub(crate) struct Disagreement {
    pub(crate) message: usize,
    pub(crate) why: String,
}

/// Declares the topology in an empty virtual host and on a broker in memory, publishes all messages to both and compares
/// where each went.
pub(crate) async fn compare(vhost: &Vhost, net: &Topology, messages: &[Published]) -> Vec<Disagreement> {
    let mut node = Node::connect(vhost).await;
    node.declare(net).await;
    let mut memory = Memory::with(net);
    let mut answers = Vec::new();
    for (i, message) in messages.iter().enumerate() {
        let (properties, body) = (node.properties(message, None), i.to_string());
        let in_memory = memory.publish(message, properties.clone(), body.as_bytes());
        answers.push((node.publish(message, properties, body.as_bytes()).await, in_memory));
    }
    let (mut copies, mut copies_in_memory) = (node.drain(net).await, memory.drain(net));
    node.close().await;
    let mut disagreements = Vec::new();
    for (i, (published, (answer, in_memory))) in messages.iter().zip(answers).enumerate() {
        let got = copies.remove(i.to_string().as_bytes()).unwrap_or_default();
        let verdict = judge(net, published, answer, &got).and_then(|decided| {
            let there = copies_in_memory.remove(i.to_string().as_bytes()).unwrap_or_default();
            if decided && (answer, &got) != (in_memory, &there) {
                return Err(format!(
                    "the broker has it in {got:?} ({answer:?}), memory in {there:?} ({in_memory:?})"
                ));
            }
            judge(net, published, in_memory, &there).map(drop).map_err(|why| format!("in memory {why}"))
        });
        disagreements.extend(verdict.err().map(|why| Disagreement { message: i, why }));
    }
    disagreements
}

/// Whether a broker did what the crate says; true where that leaves nothing open.
fn judge(
    net: &Topology,
    published: &Published,
    answer: Result<bool, u16>,
    got: &[QueueId],
) -> Result<bool, String> {
    let names = |queues: &mut dyn Iterator<Item = QueueId>| -> Vec<String> {
        queues.map(|id| net.queue(id).name.clone()).collect()
    };
    let delivered = match (net.publish(&published.exchange, &published.message()), answer) {
        (Err(refused), Err(code)) if refused.code() == code => return Ok(true),
        (Err(Refused::NotFound(_) | Refused::Internal(_)), answer) => {
            return Err(format!("it is refused, the broker answers {answer:?}"));
        }
        (Ok(_), Err(code)) => return Err(format!("it is taken, the broker answers {code}")),
        (Ok(delivered), Ok(returned)) => {
            if returned != got.is_empty() {
                return Err(format!(
                    "it is returned: {returned}, with copies in {:?}",
                    names(&mut got.iter().copied())
                ));
            }
            delivered
        }
    };
    let set: BTreeSet<QueueId> = got.iter().copied().collect();
    if set.len() != got.len() {
        return Err(format!("a queue gets it twice: {:?}", names(&mut got.iter().copied())));
    }
    let sure: BTreeSet<QueueId> = delivered
        .queues
        .iter()
        .filter(|reached| reached.certainty == Certainty::Always)
        .map(|reached| reached.queue)
        .collect();
    let may: BTreeSet<QueueId> = delivered.queues.iter().map(|reached| reached.queue).collect();
    let unroutable = match delivered.unroutable {
        Certainty::Always => got.is_empty(),
        Certainty::Never => !got.is_empty(),
        Certainty::Possible => true,
    };
    let outcomes =
        net.exchange_id(&published.exchange).and_then(|id| naive::outcomes(net, id, &published.message()));
    let possible = outcomes.is_none_or(|outcomes| outcomes.contains(&set));
    if sure.is_subset(&set) && set.is_subset(&may) && unroutable && possible {
        return Ok(sure.len() == may.len());
    }
    Err(format!(
        "it goes to {:?} and perhaps {:?} (unroutable: {:?}), the broker puts it into {:?}",
        names(&mut sure.iter().copied()),
        names(&mut may.difference(&sure).copied()),
        delivered.unroutable,
        names(&mut set.into_iter()),
    ))
}
