//! `topoc readiness`: what another RabbitMQ series denies, changes or ignores.

use clap::{Args, ValueEnum};

use super::{
    Broker, Exit, Format, Input, Outcome, Screen, Stop,
    check::series,
    pending::{Target, runtime},
    question,
};
use crate::{
    broker::{Client, Error, Request},
    diag::human::Look,
    kind::{KindId, Version},
    readiness::{self, Cluster, Effect, Readiness as Verdict},
    topology::Topology,
};

/// Say what a newer RabbitMQ denies, changes or ignores of a topology
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  topoc readiness topology.kdl --to 4.3
  topoc readiness topology.kdl --from 3.13 --to 4.2 --deny refused
  topoc readiness --live --to 4.3 --broker http://guest:guest@localhost:15672")]
pub(super) struct Readiness {
    #[command(flatten)]
    input: Input,
    /// The RabbitMQ series that it is to run on
    #[arg(long, value_name = "SERIES", value_parser = series)]
    to: Version,
    /// The series that it runs on [default: with --live the broker's, else the topology's own `rabbitmq`]
    #[arg(long, value_name = "SERIES", value_parser = series)]
    from: Option<Version>,
    /// Ask for what is on the broker in place of the files, and what the cluster says of itself; services are still the
    /// files'
    #[arg(long)]
    live: bool,
    /// Leave with 1 only for what is refused, or also for what is ignored: refused, changes or ignored
    #[arg(long, value_name = "EFFECT", default_value = "changes", hide_possible_values = true)]
    deny: Deny,
    /// Show every finding, and every place of each
    #[arg(long)]
    all: bool,
    /// Show the verdict alone
    #[arg(long, short)]
    quiet: bool,
    /// In which form to answer: human or json (docs/json.md)
    #[arg(long, value_name = "FORMAT", default_value = "human", hide_possible_values = true)]
    format: Format,
    #[command(flatten)]
    broker: Broker,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Deny {
    /// What the newer series refuses
    Refused,
    /// That, and what it does otherwise
    Changes,
    /// That, and what it ignores
    Ignored,
}

impl Readiness {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        let Some(mut compiled) = question::compiled(&self.input, self.live, screen)? else {
            return Ok(Exit::Wrong);
        };
        let target = self.live.then(|| question::go_live(&mut compiled, &self.broker)).transpose()?;
        let from = self.from.unwrap_or_else(|| compiled.topology.target_version());
        if from > self.to {
            return Err(Stop::usage(
                format!("RabbitMQ {} is older than {from}, and a broker does not go back", self.to),
                "name a newer series by --to, or the one that it runs on by --from",
            ));
        }
        let mut verdict = Verdict::new(&compiled.topology, from, self.to);
        if self.from.is_none() && compiled.topology.target.is_none() {
            verdict.notes.push(if self.live {
                format!("the definitions do not say which RabbitMQ has written them, so {from} is taken: --from")
            } else {
                format!("the topology does not say what it runs on, so {from} is taken: write `topology {{ rabbitmq \"…\" }}`, or --from")
            });
        }
        match &target {
            Some(Target::Broker(broker)) => verdict.add(&runtime()?.block_on(cluster(&broker.0, self.to))?),
            Some(Target::File(path)) => verdict.notes.push(format!(
                "{path} does not tell which deprecated features, feature flags and channels are in use: name a running broker"
            )),
            None => {}
        }
        let bound = match self.deny {
            Deny::Refused => Effect::Refused,
            Deny::Changes => Effect::Changes,
            Deny::Ignored => Effect::Ignored,
        };
        match self.format {
            Format::Json => {
                writeln!(screen.out(), "{:#}", readiness::json(&verdict, &compiled.sources, bound))?;
            }
            Format::Human => {
                if !self.quiet {
                    let look = Look { all: self.all, ..screen.look() };
                    write!(screen.out(), "{}", readiness::human(&verdict, &compiled.sources, look))?;
                }
                let whose = target.map_or_else(|| asked(&compiled.topology), |target| target.name());
                writeln!(screen.out(), "{}   ({whose}, from {from})", verdict.verdict(bound))?;
            }
        }
        Ok(if verdict.is_ready(bound) { Exit::Ok } else { Exit::Wrong })
    }
}

/// Whose verdict it is: `tickets`, or `3 queues, 1 exchange` of a topology without a name.
fn asked(topology: &Topology) -> String {
    let count = |kind, word| crate::diag::counted(topology.of(kind).count(), word);
    match &topology.name {
        Some(name) => name.text.to_string(),
        None => format!("{}, {}", count(KindId::Queue, "queue"), count(KindId::Exchange, "exchange")),
    }
}

/// Asks a cluster for what it says of itself that matters to a series. What it does not tell, or not to us, is a note.
async fn cluster(client: &Client, to: Version) -> Result<Cluster, Stop> {
    let mut cluster = Cluster::default();
    let ask = async |segments: &[&str], what: &str, notes: &mut Vec<String>| {
        let why = match client.send(&Request::get(segments)).await {
            Ok(answer) => return Ok(Some(answer)),
            Err(Error::NotFound { .. } | Error::NotManagement { .. }) => "this broker does not tell",
            Err(Error::Unauthorized { .. }) => "this user may not see",
            Err(Error::Refused { .. }) => "this broker keeps no account of",
            Err(error) => return Err(Stop::from(error)),
        };
        notes.push(format!("{why} {what}"));
        Ok(None)
    };
    let mut notes = Vec::new();
    if let Some(used) =
        ask(&["deprecated-features", "used"], "which deprecated features are in use", &mut notes).await?
    {
        cluster.read_deprecated(&used);
    }
    if let Some(flags) = ask(&["feature-flags"], "which feature flags are enabled", &mut notes).await? {
        cluster.read_flags(&flags);
    }
    if readiness::denies_global_qos(to)
        && let Some(channels) =
            ask(&["channels"], "which channels limit their consumers together (global QoS)", &mut notes)
                .await?
    {
        cluster.read_channels(&channels);
    }
    cluster.notes.extend(notes);
    Ok(cluster)
}
