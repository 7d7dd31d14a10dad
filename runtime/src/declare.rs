//! Declaring a service's own part of the topology.
//!
//! `topoc apply` is what brings a broker in line with a topology; this is for tests, for a
//! developer's empty broker, and for a service that checks at its start that all it needs is there.

use crate::{
    connection::{self, Connection},
    error::{DeclareRefused, Error, Result, words},
};
use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeBindOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable, ShortString},
};

/// A whole topology, as a constant that generated code holds.
#[derive(Clone, Copy, Debug)]
pub struct Topology {
    /// The release series of RabbitMQ that it is written for: `(3, 10)`.
    pub rabbitmq: (u16, u16),
    /// Its vhosts.
    pub vhosts: &'static [Vhost],
}

/// A vhost with all that stands in it.
#[derive(Clone, Copy, Debug)]
pub struct Vhost {
    /// Its name.
    pub name: &'static str,
    /// The type of queues that state none.
    pub default_queue_type: &'static str,
    /// Its exchanges, queues and bindings.
    pub declaration: Declaration,
    /// What policies say of them.
    pub policies: &'static [Policies],
}

/// The policies that apply to a queue or an exchange.
#[derive(Clone, Copy, Debug)]
pub struct Policies {
    /// What they apply to.
    pub to: Destination,
    /// What the policy says, by its own keys: `("message-ttl", Argument::Int(60_000))`.
    pub policy: &'static [(&'static str, Argument)],
    /// What the operator policy says.
    pub operator_policy: &'static [(&'static str, Argument)],
}

/// What a service publishes to and consumes, as constants that generated code holds.
#[derive(Clone, Copy, Debug)]
pub struct Declaration {
    /// Exchanges, each before those that name it.
    pub exchanges: &'static [Exchange],
    /// Queues.
    pub queues: &'static [Queue],
    /// Bindings between them.
    pub bindings: &'static [Binding],
}

/// An exchange. `amq.` exchanges and those of others are [`external`](Self::external).
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    /// Its name.
    pub name: &'static str,
    /// `direct`, `topic`, `fanout`, `headers` or a plugin's type.
    pub kind: &'static str,
    /// Survives a restart of the broker.
    pub durable: bool,
    /// Is deleted with its last binding.
    pub auto_delete: bool,
    /// Can only be published to by other exchanges.
    pub internal: bool,
    /// Somebody else makes it: only its existence is checked.
    pub external: bool,
    /// Its arguments, with their `x-` where the broker has one.
    pub arguments: &'static [(&'static str, Argument)],
}

/// A queue or stream.
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    /// Its name.
    pub name: &'static str,
    /// Survives a restart of the broker.
    pub durable: bool,
    /// Belongs to the connection that declares it.
    pub exclusive: bool,
    /// Is deleted with its last consumer.
    pub auto_delete: bool,
    /// Somebody else makes it: only its existence is checked.
    pub external: bool,
    /// Its arguments, with their `x-`: `("x-queue-type", Argument::String("quorum"))`.
    pub arguments: &'static [(&'static str, Argument)],
}

/// A binding of a queue or an exchange to an exchange.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// The exchange that messages come from.
    pub source: &'static str,
    /// Where they go.
    pub destination: Destination,
    /// The routing key, empty where the exchange's type ignores it.
    pub routing_key: &'static str,
    /// What a headers exchange matches.
    pub arguments: &'static [(&'static str, Argument)],
}

/// Where a binding leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Destination {
    /// To the queue of this name.
    Queue(&'static str),
    /// To the exchange of this name.
    Exchange(&'static str),
}

/// An argument's value, typed as the broker compares it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Argument {
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating point number.
    Float(f64),
    /// A string.
    String(&'static str),
    /// No value: in a binding to a headers exchange it asks for the header, whatever its value
    /// (`rabbit_exchange_type_headers`).
    Void,
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Make,
    Check,
}

impl Connection {
    /// Declares what is missing; what is there already must be as described.
    ///
    /// # Errors
    /// [`Error::Declare`] with everything that the broker refuses, in its words; the rest is declared.
    pub async fn declare(&self, declaration: &Declaration) -> Result<()> {
        run(self, declaration, Mode::Make).await
    }

    /// Checks that the exchanges and queues exist, and changes nothing.
    ///
    /// # Errors
    /// [`Error::Declare`] with everything that is missing.
    pub async fn check(&self, declaration: &Declaration) -> Result<()> {
        run(self, declaration, Mode::Check).await
    }
}

async fn run(connection: &Connection, declaration: &Declaration, mode: Mode) -> Result<()> {
    let refused = match connection.channel().await? {
        connection::Channel::Broker(channel) => over(connection, channel, declaration, mode).await?,
        #[cfg(feature = "memory")]
        connection::Channel::Memory(channel) => channel.declare(declaration, mode == Mode::Check)?,
    };
    if refused.is_empty() { Ok(()) } else { Err(Error::Declare(refused)) }
}

/// Declares over a channel; gives what is refused.
async fn over(
    connection: &Connection,
    channel: Channel,
    declaration: &Declaration,
    mode: Mode,
) -> Result<Vec<DeclareRefused>> {
    let mut steps = Steps { connection, channel, refused: Vec::new() };
    for exchange in declaration.exchanges {
        let result = declare_exchange(&steps.channel, exchange, mode).await;
        steps.took(format!("exchange `{}`", exchange.name), result).await?;
    }
    for queue in declaration.queues {
        let result = declare_queue(&steps.channel, queue, mode).await;
        steps.took(format!("queue `{}`", queue.name), result).await?;
    }
    // AMQP has no passive binding
    let bindings = if mode == Mode::Make { declaration.bindings } else { &[] };
    for binding in bindings {
        let result = bind(&steps.channel, binding).await;
        let (Destination::Queue(to) | Destination::Exchange(to)) = binding.destination;
        let what =
            format!("binding of `{to}` to `{}` with routing key `{}`", binding.source, binding.routing_key);
        steps.took(what, result).await?;
    }
    Ok(steps.refused)
}

struct Steps<'a> {
    connection: &'a Connection,
    channel: Channel,
    refused: Vec<DeclareRefused>,
}

enum Trouble {
    Name(usize),
    Broker(lapin::Error),
}

impl From<lapin::Error> for Trouble {
    fn from(error: lapin::Error) -> Self {
        Self::Broker(error)
    }
}

impl Steps<'_> {
    async fn took(&mut self, what: String, result: Result<(), Trouble>) -> Result<()> {
        let reason = match result {
            Ok(()) => return Ok(()),
            Err(Trouble::Name(bytes)) => format!("the name has {bytes} bytes, AMQP allows 255"),
            Err(Trouble::Broker(error)) if error.is_amqp_soft_error() => {
                // a refusal closes the channel; the rest is tried on another
                match self.connection.channel().await? {
                    connection::Channel::Broker(channel) => self.channel = channel,
                    // a connection stays what it is
                    #[cfg(feature = "memory")]
                    connection::Channel::Memory(_) => {}
                }
                words(&error)
            }
            Err(Trouble::Broker(error)) => {
                return Err(Error::Lost { doing: format!("declaring {what}"), reason: words(&error) });
            }
        };
        self.refused.push(DeclareRefused { what, reason });
        Ok(())
    }
}

async fn declare_exchange(channel: &Channel, exchange: &Exchange, mode: Mode) -> Result<(), Trouble> {
    let options = ExchangeDeclareOptions {
        passive: exchange.external || mode == Mode::Check,
        durable: exchange.durable,
        auto_delete: exchange.auto_delete,
        internal: exchange.internal,
        nowait: false,
    };
    let kind = ExchangeKind::Custom(exchange.kind.to_owned());
    let table = table(exchange.arguments)?;
    Ok(channel.exchange_declare(short(exchange.name)?, kind, options, table).await?)
}

async fn declare_queue(channel: &Channel, queue: &Queue, mode: Mode) -> Result<(), Trouble> {
    let options = QueueDeclareOptions {
        passive: queue.external || mode == Mode::Check,
        durable: queue.durable,
        exclusive: queue.exclusive,
        auto_delete: queue.auto_delete,
        nowait: false,
    };
    channel.queue_declare(short(queue.name)?, options, table(queue.arguments)?).await?;
    Ok(())
}

async fn bind(channel: &Channel, binding: &Binding) -> Result<(), Trouble> {
    let source = short(binding.source)?;
    let key = short(binding.routing_key)?;
    let table = table(binding.arguments)?;
    match binding.destination {
        Destination::Queue(queue) => {
            channel.queue_bind(short(queue)?, source, key, QueueBindOptions::default(), table).await?;
        }
        Destination::Exchange(exchange) => {
            channel
                .exchange_bind(short(exchange)?, source, key, ExchangeBindOptions::default(), table)
                .await?;
        }
    }
    Ok(())
}

fn short(name: &str) -> Result<ShortString, Trouble> {
    if name.len() > 255 { Err(Trouble::Name(name.len())) } else { Ok(name.into()) }
}

fn table(arguments: &[(&str, Argument)]) -> Result<FieldTable, Trouble> {
    let mut table = FieldTable::default();
    for (name, value) in arguments {
        let value = match *value {
            Argument::Bool(value) => AMQPValue::Boolean(value),
            Argument::Int(value) => AMQPValue::LongLongInt(value),
            Argument::Float(value) => AMQPValue::Double(value),
            Argument::String(value) => AMQPValue::LongString(value.into()),
            Argument::Void => AMQPValue::Void,
        };
        table.insert(short(name)?, value);
    }
    Ok(table)
}
