//! `topoc dead list`: which queues dead letters end in, and what is in them.

use clap::Args;
use serde_json::{Value as Json, json};

use super::{Reached, barred, now, reached};
use crate::{
    broker::{Error, Letters, Request},
    cli::{Broker, Exit, Format, Input, Outcome, Screen, Stop, pending::runtime, question},
    dead::{Census, DeadQueue, ago, dead_queues},
    diag::{counted, digits, visible},
    graph::Graph,
    topology::QueueType,
};

/// So many messages of a queue are looked at, where that does them no harm.
const LOOK: u64 = 100;

/// List the queues that dead letters end in, and what is in them
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  topoc dead list topology.kdl --broker http://guest:guest@localhost:15672
  topoc dead list --broker http://guest:guest@localhost:15672 --look 1000")]
pub(super) struct List {
    #[command(flatten)]
    input: Input,
    /// Look at so many messages of each queue, also of those that count it; 0: at none [default: 100, of those that do not]
    #[arg(long, value_name = "N")]
    look: Option<u64>,
    /// In which form to answer: human or json (docs/json.md)
    #[arg(long, value_name = "FORMAT", default_value = "human", hide_possible_values = true)]
    format: Format,
    #[command(flatten)]
    broker: Broker,
}

/// What was found of a dead queue.
struct Row<'a> {
    dead: DeadQueue<'a>,
    /// None where it is not on the broker.
    found: Option<Found>,
    /// Why nobody can look into it.
    away: Option<String>,
}

struct Found {
    kind: QueueType,
    messages: u64,
    consumers: u64,
    looked: Looked,
}

/// Why a queue is not looked into.
enum Trouble {
    /// Nobody can, and the others can.
    Away(String),
    Stop(Stop),
}

impl<E: Into<Stop>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Stop(error.into())
    }
}

/// What is known of why letters are there.
enum Looked {
    At(Census),
    /// Each look counts to a delivery limit of so many.
    No(i64),
    /// Nobody wanted to know.
    Unasked,
}

impl List {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        let Some(mut compiled) = question::compiled(&self.input, true, screen)? else {
            return Ok(Exit::Wrong);
        };
        let runtime = runtime()?;
        let reached = runtime.block_on(reached(&compiled, &self.broker))?;
        let described = compiled.topology.queues().next().is_some();
        if !described {
            question::go_live(&mut compiled, &self.broker)?;
        }
        let graph = Graph::new(&compiled.topology);
        let rows = runtime.block_on(self.rows(dead_queues(&graph), &reached))?;
        let name = compiled.topology.name.as_ref().map(|name| &*name.text);
        match self.format {
            Format::Json => writeln!(screen.out(), "{:#}", answer(&rows, name, &reached))?,
            Format::Human => self.show(&rows, name, &reached, screen)?,
        }
        Ok(Exit::Ok)
    }

    async fn rows<'a>(&self, dead: Vec<DeadQueue<'a>>, reached: &Reached) -> Result<Vec<Row<'a>>, Stop> {
        let mut rows = Vec::new();
        let letters = Letters::new(&reached.client, &reached.overview).await;
        for dead in dead {
            let (found, away) = match self.found(&dead, reached, &letters).await {
                Err(Trouble::Away(why)) => (None, Some(why)),
                Err(Trouble::Stop(stop)) => return Err(stop),
                Ok(found) => (found, None),
            };
            rows.push(Row { dead, found, away });
        }
        Ok(rows)
    }

    async fn found(
        &self,
        dead: &DeadQueue<'_>,
        reached: &Reached,
        letters: &Letters<'_>,
    ) -> Result<Option<Found>, Trouble> {
        let (vhost, name) = (dead.queue.vhost(), dead.queue.name());
        let mailbox = match letters.mailbox(vhost, name).await {
            Err(Error::Away { why, .. }) => return Err(Trouble::Away(why)),
            found => found?,
        };
        let Some(mailbox) = mailbox else { return Ok(None) };
        let Some((mut messages, consumers)) = mailbox.holds().await.map_err(barred)? else { return Ok(None) };
        if mailbox.kind() == QueueType::Stream {
            let queue = reached.client.find(&Request::get(&["queues", vhost, name])).await?;
            messages = queue.and_then(|queue| queue["messages"].as_u64()).unwrap_or(0);
        }
        let most = match (self.look, mailbox.limit()) {
            (Some(0), _) => None,
            (Some(most), _) => Some(most),
            (None, None) => Some(LOOK),
            (None, Some(_)) => None,
        };
        let looked = match (most, mailbox.limit()) {
            (None, Some(limit)) if self.look.is_none() => Looked::No(limit),
            (None, _) => Looked::Unasked,
            (Some(most), _) => {
                let mut census = Census::default();
                let count = |letter| {
                    census.count(&letter);
                    true
                };
                mailbox.look(most.min(messages), count).await.map_err(barred)?;
                Looked::At(census)
            }
        };
        Ok(Some(Found { kind: mailbox.kind(), messages, consumers, looked }))
    }

    fn show(
        &self,
        rows: &[Row<'_>],
        name: Option<&str>,
        reached: &Reached,
        screen: &mut Screen,
    ) -> Result<(), Stop> {
        let of = name.map_or_else(|| reached.name.clone(), |name| format!("{name} on {}", reached.name));
        if rows.is_empty() {
            return Ok(writeln!(screen.out(), "{of}: no queue gets dead letters")?);
        }
        writeln!(screen.out(), "{of}: {}\n", counted(rows.len(), "dead queue"))?;
        let several = rows.iter().any(|row| row.dead.queue.vhost() != rows[0].dead.queue.vhost());
        let now = now();
        let mut table = vec![["queue", "messages", "consumers", "oldest", "why"].map(ToOwned::to_owned)];
        for row in rows {
            let queue = row.dead.queue;
            let mut title = visible(queue.name());
            if several {
                title.push_str(&format!("  ({})", visible(queue.vhost())));
            }
            table.push(match (&row.found, &row.away) {
                (None, Some(why)) => [title, "?".to_owned(), "?".to_owned(), "?".to_owned(), visible(why)],
                (None, None) => {
                    [title, "–".to_owned(), "–".to_owned(), "–".to_owned(), "not on the broker".to_owned()]
                }
                (Some(found), _) => {
                    let number = |number: u64| digits(i64::try_from(number).unwrap_or(i64::MAX));
                    let (oldest, why) = why(found, now);
                    [title, number(found.messages), number(found.consumers), oldest, why]
                }
            });
        }
        let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths = [0, 1, 2, 3, 4].map(width);
        let sources = std::iter::once("from".to_owned()).chain(
            rows.iter()
                .map(|row| row.dead.sources.iter().map(|name| visible(name)).collect::<Vec<_>>().join(", ")),
        );
        for (row, from) in table.iter().zip(sources) {
            let [queue, messages, consumers, oldest, why] = row;
            let [a, b, c, d, e] = widths;
            let line =
                format!("  {queue:a$}  {messages:>b$}  {consumers:>c$}  {oldest:>d$}  {why:e$}  {from}");
            writeln!(screen.out(), "{}", line.trim_end())?;
        }
        if let Some(row) = rows.iter().find(|row| {
            row.found
                .as_ref()
                .is_some_and(|found| matches!(found.looked, Looked::No(_)) && found.messages > 0)
        }) {
            writeln!(
                screen.out(),
                "\n! not looked into: a quorum queue counts each look at a message to its delivery limit; `{}` does with --look {LOOK}",
                visible(row.dead.queue.name())
            )?;
        }
        Ok(())
    }
}

fn why(found: &Found, now: u64) -> (String, String) {
    match &found.looked {
        _ if found.messages == 0 => ("–".to_owned(), String::new()),
        Looked::Unasked => ("?".to_owned(), String::new()),
        Looked::No(limit) => ("?".to_owned(), format!("not looked into: delivery limit {limit}")),
        Looked::At(census) => {
            let oldest =
                census.oldest.map_or_else(|| "?".to_owned(), |oldest| ago(now.saturating_sub(oldest)));
            let first = if census.letters < found.messages {
                format!(" of the first {}", digits(i64::try_from(census.letters).unwrap_or(i64::MAX)))
            } else {
                String::new()
            };
            (oldest, format!("{}{first}", census.why()))
        }
    }
}

fn answer(rows: &[Row<'_>], name: Option<&str>, reached: &Reached) -> Json {
    let queues: Vec<Json> = rows
        .iter()
        .map(|row| {
            let found = row.found.as_ref();
            let census = found.and_then(|found| match &found.looked {
                Looked::At(census) => Some(census),
                Looked::No(_) | Looked::Unasked => None,
            });
            json!({
                "vhost": row.dead.queue.vhost(),
                "name": row.dead.queue.name(),
                "type": found.map(|found| found.kind.word()),
                "from": row.dead.sources,
                "messages": found.map(|found| found.messages),
                "consumers": found.map(|found| found.consumers),
                "away": row.away,
                "looked": census.map(|census| census.letters),
                "reasons": census.map(|census| &census.reasons),
                "oldest": census.and_then(|census| census.oldest),
            })
        })
        .collect();
    json!({ "version": 1, "topology": name, "broker": reached.name, "queues": queues })
}
