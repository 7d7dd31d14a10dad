//! `topoc route`: where a message goes, and what may become of it.

use clap::Args;

use super::{
    Broker, Exit, Format, Input, Outcome, Screen,
    question::{Asked, Question},
};
use crate::{
    diag::human::Look,
    graph::Graph,
    route::{self, ask},
};
use topoc_routing::Certainty;

/// Show where a message goes, and what becomes of it when it dies
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  topoc route topology.kdl --exchange order.exchange --key order.created
  topoc route topology.kdl --message ShipmentMoved country=de
  topoc route topology.kdl --exchange files --header type=pdf --header pages=12
  topoc route --live --vhost shop --exchange orders --key order.created \\
    --broker http://guest:guest@localhost:15672")]
pub(super) struct Route {
    #[command(flatten)]
    input: Input,
    /// In which form to answer: human or json (docs/json.md)
    #[arg(long, value_name = "FORMAT", default_value = "human", hide_possible_values = true)]
    format: Format,
    /// Show every binding, however many match or do not
    #[arg(long)]
    all: bool,
    /// Leave with 1 unless a queue gets the message in any case
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    question: Question,
    #[command(flatten)]
    broker: Broker,
}

impl Route {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        let Some(Asked { compiled, publish }) = self.question.asked(self.input, &self.broker, screen)? else {
            return Ok(Exit::Wrong);
        };
        let graph = Graph::new(&compiled.topology);
        let route = ask(&graph, publish)?;
        let look = Look { all: self.all, ..screen.look() };
        match self.format {
            Format::Human => write!(screen.out(), "{}", route::human(&route, &compiled.sources, look))?,
            Format::Json => writeln!(screen.out(), "{:#}", route::json(&route, &compiled.sources))?,
        }
        let arrives =
            route.delivered.as_ref().is_ok_and(|delivered| delivered.unroutable == Certainty::Never);
        Ok(if self.exit_code && !arrives { Exit::Wrong } else { Exit::Ok })
    }
}
