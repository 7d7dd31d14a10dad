//! What `route` and `why-not` ask about: a message, in a topology or on a live broker.

use clap::Args;
use topoc_routing::{Table, Value};

use super::{
    Broker, Input, Screen, Stop,
    arguments::{CommandSources, DEFAULT_FILE},
    pending::{Target, reach, refused, runtime},
};
use crate::{
    Compiled,
    diag::{Span, did_you_mean, shell_word},
    kind,
    route::{Publish, Unknown, publish_of},
    topology::recognise_ladders,
};

/// Which message.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Message")]
pub(super) struct Question {
    /// The exchange that it is published to; '' is the default exchange
    #[arg(long, value_name = "NAME")]
    exchange: Option<String>,
    /// Its routing key [default: empty]
    #[arg(long, value_name = "KEY", requires = "exchange")]
    key: Option<String>,
    /// A message of the topology, in place of exchange and key; its key's parameters follow as NAME=VALUE
    #[arg(long, value_name = "NAME", conflicts_with_all = ["exchange", "cc", "bcc"])]
    message: Option<String>,
    /// A header: text, a number, true or false; NAME='"5"' is a text
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = header)]
    headers: Vec<(String, Value)>,
    /// A property; of those that a publisher sets, `expiration` (30000, 30s) counts for where the message goes
    #[arg(long = "property", value_name = "NAME=VALUE", value_parser = property)]
    properties: Vec<(String, String)>,
    /// One more routing key, in the header CC
    #[arg(long, value_name = "KEY")]
    cc: Vec<String>,
    /// One more routing key, in the header BCC
    #[arg(long, value_name = "KEY")]
    bcc: Vec<String>,
    /// The vhost, where the exchange's name does not say which
    #[arg(long, value_name = "NAME")]
    vhost: Option<String>,
    /// Ask the broker's own topology in place of the files'; services are still the files'
    #[arg(long, help_heading = "Broker")]
    live: bool,
}

/// The basic properties of AMQP 0-9-1.
const PROPERTIES: &[&str] = &[
    "content-type",
    "content-encoding",
    "delivery-mode",
    "priority",
    "correlation-id",
    "reply-to",
    "expiration",
    "message-id",
    "timestamp",
    "type",
    "user-id",
    "app-id",
    "cluster-id",
];

fn pair(text: &str) -> Result<(&str, &str), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name, value)),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

fn header(text: &str) -> Result<(String, Value), String> {
    let (name, value) = pair(text)?;
    let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let value = match (quoted, value) {
        (Some(text), _) => Value::from(text.to_owned()),
        (None, "true") => Value::Bool(true),
        (None, "false") => Value::Bool(false),
        (None, value) => match (value.parse(), value.parse::<f64>()) {
            (Ok(integer), _) => Value::Integer(integer),
            (Err(_), Ok(float)) if value.contains(|c: char| c.is_ascii_digit()) => Value::Float(float),
            _ => Value::from(value.to_owned()),
        },
    };
    Ok((name.to_owned(), value))
}

fn property(text: &str) -> Result<(String, String), String> {
    let (name, value) = pair(text)?;
    let name = name.replace('_', "-");
    if !PROPERTIES.contains(&&*name) {
        return Err(did_you_mean(&name, PROPERTIES.iter().copied(), "property"));
    }
    if name == "expiration" && expiration(value).is_none() {
        return Err("write a time such as 30s, or milliseconds".to_owned());
    }
    Ok((name, value.to_owned()))
}

/// A time in milliseconds: `30000` as on the wire, or `30s`.
fn expiration(text: &str) -> Option<u64> {
    text.parse().ok().or_else(|| u64::try_from(kind::duration(text)?).ok())
}

/// A question, and the topology that answers it.
pub(super) struct Asked {
    pub(super) compiled: Compiled,
    pub(super) publish: Publish,
}

impl From<Unknown> for Stop {
    fn from(unknown: Unknown) -> Self {
        Self::usage(unknown.message, unknown.help)
    }
}

impl Question {
    /// Reads the topology and makes the message; none where the topology cannot be read, which is then shown.
    pub(super) fn asked(
        self,
        mut input: Input,
        broker: &Broker,
        screen: &mut Screen,
    ) -> Result<Option<Asked>, Stop> {
        let mut values = Vec::new();
        if self.message.is_some() {
            input.files.retain(|argument| match argument.split_once('=') {
                Some((name, value)) if !std::path::Path::new(argument).exists() => {
                    values.push((name.to_owned(), value.to_owned()));
                    false
                }
                _ => true,
            });
        }
        let Some(mut compiled) = compiled(&input, self.live, screen)? else { return Ok(None) };
        let publish = self.publish(&compiled, &values)?;
        if self.live {
            go_live(&mut compiled, broker)?;
        }
        Ok(Some(Asked { compiled, publish }))
    }

    fn publish(&self, compiled: &Compiled, values: &[(String, String)]) -> Result<Publish, Stop> {
        let contract = &compiled.topology.contract;
        let mut publish = match &self.message {
            Some(name) => {
                let message = contract.message(name).ok_or_else(|| {
                    let names = contract.messages.iter().map(|message| &*message.name.text);
                    Stop::usage(
                        format!("no message is called `{name}`"),
                        did_you_mean(name, names, "message"),
                    )
                })?;
                publish_of(message, values)?
            }
            None => Publish {
                exchange: self.exchange.clone().ok_or_else(|| nothing_asked(compiled))?,
                key: self.key.clone().unwrap_or_default(),
                headers: Some(Table::new()),
                cc: self.cc.clone(),
                bcc: self.bcc.clone(),
                ..Publish::default()
            },
        };
        if !self.headers.is_empty() {
            // with the publisher's own headers named, all that count are known
            publish.headers.get_or_insert_default().extend(self.headers.iter().cloned());
        }
        if let Some((_, time)) = self.properties.iter().find(|(name, _)| name == "expiration") {
            publish.expiration = expiration(time);
        }
        publish.vhost = self.vhost.clone().or(publish.vhost);
        Ok(publish)
    }
}

/// What could be asked about, where nothing is.
fn nothing_asked(compiled: &Compiled) -> Stop {
    let first = compiled.topology.contract.messages.first();
    let message = first.map_or("NAME", |message| &message.name.text);
    Stop::usage(
        "which message is asked about is not said",
        format!(
            "name one of the topology: --message {}\nor where it is published: --exchange NAME --key KEY",
            shell_word(message)
        ),
    )
}

/// Reads a topology; none where it cannot be read, which is then shown. A live question needs none.
pub(super) fn compiled(input: &Input, live: bool, screen: &mut Screen) -> Result<Option<Compiled>, Stop> {
    if live && input.files.is_empty() && !std::path::Path::new(DEFAULT_FILE).is_file() {
        return Ok(Some(Compiled::default()));
    }
    let files = input.files()?;
    let mut compiled = crate::compile(&files.paths, &CommandSources, &input.inputs());
    compiled.report.extend(files.report);
    if !compiled.report.has_errors() {
        return Ok(Some(compiled));
    }
    // an answer that leaves out what cannot be read would be wrong
    refused(&mut compiled, input, screen)?;
    Ok(None)
}

/// Puts the broker's entities in the place of the files'; what services agree on stays. Gives who was asked.
pub(super) fn go_live(compiled: &mut Compiled, broker: &Broker) -> Result<Target, Stop> {
    let (target, live) = runtime()?.block_on(async {
        let target = reach(compiled, broker).await?;
        let live = target.live(compiled).await?;
        Ok::<_, Stop>((target, live))
    })?;
    let contract = std::mem::take(&mut compiled.topology.contract);
    let stated = std::mem::replace(&mut compiled.topology, live.topology);
    recognise_ladders(&mut compiled.topology, &stated);
    compiled.topology.contract = contract;
    compiled.topology.target = live.version.map(|version| (version, Span::NONE));
    Ok(target)
}
