//! `topoc dead peek`: what is in a dead queue, and how it died.

use clap::Args;
use serde_json::json;

use super::{Place, Which, barred, now, reached};
use crate::{
    broker::{Letters, Looked, Mailbox},
    cli::{Broker, Exit, Format, Input, Outcome, Screen, pending::runtime, question},
    dead::{Letter, human, json},
    diag::{counted, digits},
    topology::QueueType,
};

/// Show what is in a dead queue, and how it died; it stays there
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  topoc dead peek billing.dead topology.kdl --env production
  topoc dead peek billing.dead --reason expired --age 1h --type OrderCreated
  topoc dead peek billing.dead --format json --limit 100")]
pub(super) struct Peek {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    input: Input,
    /// Show no more than so many, the oldest first
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: u64,
    /// Look at no more than the first so many, to find them
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    look: u64,
    /// Show payloads whole, however long
    #[arg(long)]
    whole: bool,
    /// In which form to answer: human or json (docs/json.md)
    #[arg(long, value_name = "FORMAT", default_value = "human", hide_possible_values = true)]
    format: Format,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    broker: Broker,
}

impl Peek {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        let Some(compiled) = question::compiled(&self.input, true, screen)? else { return Ok(Exit::Wrong) };
        let runtime = runtime()?;
        let reached = runtime.block_on(reached(&compiled, &self.broker))?;
        let post = runtime.block_on(Letters::new(&reached.client, &reached.overview));
        let (vhost, mailbox) = runtime.block_on(self.place.open(&compiled, &reached, &post))?;
        let (now, wanted) = (now(), self.which.wanted());
        let mut letters: Vec<Letter> = Vec::new();
        let (holds, looked) = runtime
            .block_on(async {
                let holds = mailbox.holds().await?;
                let take = |letter: Letter| {
                    if wanted.takes(&letter, now) {
                        letters.push(letter);
                    }
                    (letters.len() as u64) < self.limit
                };
                let most = if self.limit == 0 { 0 } else { self.look };
                Ok((holds, mailbox.look(most, take).await?))
            })
            .map_err(barred)?;
        let (messages, consumers) = holds.unwrap_or_default();
        // what a passive declaration says of a stream is nothing
        let messages = (mailbox.kind() != QueueType::Stream).then_some(messages);
        if self.format == Format::Json {
            let whole = json!({
                "version": 1,
                "broker": reached.name,
                "vhost": &*vhost,
                "queue": self.place.queue,
                "type": mailbox.kind().word(),
                "messages": messages,
                "consumers": consumers,
                "looked": looked.letters,
                "copied": looked.copied,
                "letters": letters.iter().map(json).collect::<Vec<_>>(),
            });
            writeln!(screen.out(), "{whole:#}")?;
            return Ok(Exit::Ok);
        }
        let holds =
            messages.map_or_else(String::new, |messages| format!(": {}", number(messages, "message")));
        let hears =
            if consumers == 0 { String::new() } else { format!(", {}", number(consumers, "consumer")) };
        writeln!(screen.out(), "{}{holds}{hears}", self.place.title(&vhost, &reached))?;
        for (index, letter) in letters.iter().enumerate() {
            write!(screen.out(), "\n{}", human(index + 1, letter, now, self.whole))?;
        }
        if looked.letters > 0 {
            let asked = if wanted.is_all() {
                String::new()
            } else {
                format!("{} as asked for; ", digits(i64::try_from(letters.len()).unwrap_or(i64::MAX)))
            };
            writeln!(screen.out(), "\n{asked}{}", trace(looked, &mailbox))?;
        }
        Ok(Exit::Ok)
    }
}

pub(super) fn number(number: u64, noun: &str) -> String {
    match number {
        1 => counted(1, noun),
        many => format!("{} {noun}s", digits(i64::try_from(many).unwrap_or(i64::MAX))),
    }
}

/// What the look has left behind.
pub(super) fn trace(looked: Looked, mailbox: &Mailbox<'_>) -> String {
    let letters = number(looked.letters, "message");
    let mut said = match (mailbox.kind(), mailbox.limit()) {
        (QueueType::Stream, _) => return format!("read {letters}, which changes nothing"),
        (QueueType::Quorum, Some(limit)) => format!(
            "looked at {letters} and gave them back; the queue counts that, and drops what comes back more than {}",
            number(u64::try_from(limit).unwrap_or(0), "time")
        ),
        (QueueType::Quorum | QueueType::Classic, _) => {
            format!("looked at {letters} and gave them back, marked as delivered before")
        }
    };
    if looked.copied > 0 {
        said.push_str(&format!(
            "\n! {} near that limit: not given back, but put at the end as a copy",
            match looked.copied {
                1 => "1 was".to_owned(),
                many => format!("{} were", digits(i64::try_from(many).unwrap_or(i64::MAX))),
            }
        ));
    }
    said
}
