//! `topoc policies`: which policies apply to each queue and exchange, and which values count.

use clap::Args;

use super::{Broker, Exit, Format, Input, Outcome, Screen, Stop, question};
use crate::{
    graph::Graph,
    policies::{self, Unknown},
};

/// Show which policies apply, and where each value comes from
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  topoc policies topology.kdl
  topoc policies topology.kdl --name inventory.queue
  topoc policies --live --name inventory.queue \\
    --broker http://guest:guest@localhost:15672")]
pub(super) struct Policies {
    #[command(flatten)]
    input: Input,
    /// Only the queues and exchanges of this name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Ask the broker's own topology in place of the files'
    #[arg(long)]
    live: bool,
    /// In which form to answer: human or json (docs/json.md)
    #[arg(long, value_name = "FORMAT", default_value = "human", hide_possible_values = true)]
    format: Format,
    #[command(flatten)]
    broker: Broker,
}

impl From<Unknown> for Stop {
    fn from(unknown: Unknown) -> Self {
        Self::usage(unknown.message, unknown.help)
    }
}

impl Policies {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        let Some(mut compiled) = question::compiled(&self.input, self.live, screen)? else {
            return Ok(Exit::Wrong);
        };
        if self.live {
            question::go_live(&mut compiled, &self.broker)?;
        }
        let graph = Graph::new(&compiled.topology);
        let found = policies::all(&graph, self.name.as_deref())?;
        match self.format {
            Format::Human => write!(screen.out(), "{}", policies::human(&found, &compiled.sources))?,
            Format::Json => writeln!(screen.out(), "{:#}", policies::json(&found, &compiled.sources))?,
        }
        Ok(Exit::Ok)
    }
}
