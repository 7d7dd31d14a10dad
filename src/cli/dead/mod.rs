//! `topoc dead`: what is in dead queues, why, and back to where it came from.

mod list;
mod peek;
mod redrive;

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::{Args, Subcommand};

use super::{
    Broker, Exit, Input, Outcome, Screen, Stop,
    pending::{Target, command, reach},
};
use crate::{
    Compiled,
    broker::{Client, Letters, Mailbox, Overview, Request},
    dead::{Age, REASONS, Wanted},
    diag::{did_you_mean, one_of, shell_word, visible},
    kind::KindId,
};

/// See what is in dead queues and why, and move it back
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
#[command(after_help = "\
Examples:
  topoc dead list topology.kdl
  topoc dead peek billing.dead --reason rejected
  topoc dead redrive billing.dead --dry-run")]
pub(super) struct Dead {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(list::List),
    Peek(peek::Peek),
    Redrive(redrive::Redrive),
}

impl Dead {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        match self.verb {
            Verb::List(list) => list.run(screen),
            Verb::Peek(peek) => peek.run(screen),
            Verb::Redrive(redrive) => redrive.run(screen),
        }
    }
}

/// Which dead letters.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Which messages")]
struct Which {
    /// Only what died for this reason: rejected, expired, maxlen, delivery_limit, or given-up by a retry ladder; any number
    #[arg(long, value_name = "REASON", value_parser = reason)]
    reason: Vec<String>,
    /// Only what died so long ago: 1h (at least), ..1h (at most), 1h..2D
    #[arg(long, value_name = "AGE", value_parser = age)]
    age: Option<(String, Age)>,
    /// Only what has this header; any number
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// Only messages that are called so, by their property `type`; any number
    #[arg(long = "type", value_name = "MESSAGE")]
    kinds: Vec<String>,
}

fn reason(text: &str) -> Result<String, String> {
    let word = if text == "delivery-limit" { "delivery_limit" } else { text };
    if REASONS.contains(&word) {
        return Ok(word.to_owned());
    }
    Err(format!("a message dies as {}", one_of(REASONS.iter().copied())))
}

/// With the words that it was said in.
fn age(text: &str) -> Result<(String, Age), String> {
    Ok((text.to_owned(), Age::parse(text)?))
}

fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE, such as tenant=acme".to_owned()),
    }
}

impl Which {
    /// The same, to be pasted.
    fn flags(&self) -> Vec<String> {
        let mut flags: Vec<String> = self.reason.iter().map(|reason| format!("--reason {reason}")).collect();
        flags.extend(self.age.iter().map(|(age, _)| format!("--age {}", shell_word(age))));
        let headers = self.headers.iter().map(|(name, value)| shell_word(&format!("{name}={value}")));
        flags.extend(headers.map(|header| format!("--header {header}")));
        flags.extend(self.kinds.iter().map(|kind| format!("--type {}", shell_word(kind))));
        flags
    }

    fn wanted(&self) -> Wanted {
        Wanted {
            reasons: self.reason.clone(),
            age: self.age.as_ref().map(|(_, age)| *age),
            headers: self.headers.clone(),
            kinds: self.kinds.clone(),
        }
    }
}

/// A dead queue, by its name.
#[derive(Clone, Debug, Default, Args)]
struct Place {
    /// The queue
    #[arg(value_name = "QUEUE")]
    queue: String,
    /// Its vhost, where its name does not say which
    #[arg(long, value_name = "NAME")]
    vhost: Option<String>,
}

/// What is spoken to.
struct Reached {
    client: Client,
    overview: Overview,
    name: String,
}

async fn reached(compiled: &Compiled, broker: &Broker) -> Result<Reached, Stop> {
    let target = reach(compiled, broker).await?;
    let name = target.name();
    match target {
        Target::Broker(found) => {
            let (client, overview) = *found;
            Ok(Reached { client, overview, name })
        }
        Target::File(_) => Err(Stop::usage(
            "a definitions file stands for the broker, and holds no messages",
            "name a broker: --broker http://user:password@host:15672",
        )),
    }
}

impl Place {
    /// Opens the queue, which need not be one that the files describe.
    async fn open<'a>(
        &self,
        compiled: &Compiled,
        reached: &Reached,
        letters: &'a Letters<'_>,
    ) -> Result<(Arc<str>, Mailbox<'a>), Stop> {
        let vhost = self.vhost(compiled, reached).await?;
        let Some(mailbox) = letters.mailbox(&vhost, &self.queue).await? else {
            return Err(Stop::because(
                Exit::Broker,
                format!("there is no queue `{}` in vhost `{vhost}` on {}", self.queue, reached.name),
                "topoc dead list shows those that are there",
            ));
        };
        Ok((vhost, mailbox))
    }

    /// As it is said, else as the files say, else where the broker has such a queue.
    async fn vhost(&self, compiled: &Compiled, reached: &Reached) -> Result<Arc<str>, Stop> {
        if let Some(vhost) = &self.vhost {
            return Ok(Arc::from(&**vhost));
        }
        let mut vhosts: BTreeSet<Arc<str>> =
            compiled.topology.vhosts_of(KindId::Queue, &self.queue).into_iter().collect();
        let mut names = BTreeSet::new();
        if vhosts.is_empty() {
            let request =
                Request::get(&["queues"]).query("disable_stats", "true").query("enable_queue_totals", "true");
            let queues = reached.client.send(&request).await?;
            for queue in queues.as_array().into_iter().flatten() {
                let (Some(vhost), Some(name)) = (queue["vhost"].as_str(), queue["name"].as_str()) else {
                    continue;
                };
                if name == self.queue {
                    vhosts.insert(Arc::from(vhost));
                }
                names.insert(name.to_owned());
            }
        }
        let mut vhosts = vhosts.into_iter();
        match (vhosts.next(), vhosts.next()) {
            (Some(one), None) => Ok(one),
            (Some(one), Some(other)) => Err(Stop::usage(
                format!("there is a queue `{}` in more than one vhost", self.queue),
                format!("say in which: --vhost {} or --vhost {}", shell_word(&one), shell_word(&other)),
            )),
            (None, _) => Err(Stop::because(
                Exit::Broker,
                format!("there is no queue `{}` on {}", self.queue, reached.name),
                did_you_mean(&self.queue, names.iter().map(String::as_str), "queue"),
            )),
        }
    }

    /// The command of a verb on this queue, to be pasted.
    fn command(&self, verb: &str, input: &Input, broker: &Broker, flags: &[&str]) -> String {
        let mut verb = format!("dead {verb} {}", shell_word(&self.queue));
        if let Some(vhost) = &self.vhost {
            verb.push_str(&format!(" --vhost {}", shell_word(vhost)));
        }
        command(&verb, input, broker, flags)
    }

    fn title(&self, vhost: &str, reached: &Reached) -> String {
        format!("`{}`, vhost {}, on {}", visible(&self.queue), visible(vhost), reached.name)
    }
}

/// What a broker says that could not be done.
fn barred(why: String) -> Stop {
    Stop::because(Exit::Broker, why, "")
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
