//! `topoc why-not`: why a queue does not get a message.

use clap::Args;

use super::{
    Broker, Exit, Format, Input, Outcome, Screen, Stop,
    question::{Asked, Question},
};
use crate::{diag::shell_word, graph::Graph, route::why_not};

/// Show why a queue does not get a message, or by which way it does
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  topoc why-not inventory.queue topology.kdl --exchange orders --key order.paid
  topoc why-not inventory.queue topology.kdl --message OrderPaid
  topoc why-not billing --live --vhost shop --exchange orders --key order.created")]
pub(super) struct WhyNot {
    /// The queue that is asked about
    #[arg(value_name = "QUEUE")]
    queue: String,
    #[command(flatten)]
    input: Input,
    /// In which form to answer: human or json (docs/json.md)
    #[arg(long, value_name = "FORMAT", default_value = "human", hide_possible_values = true)]
    format: Format,
    #[command(flatten)]
    question: Question,
    #[command(flatten)]
    broker: Broker,
}

impl WhyNot {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        let is_file = |name: &str| name == "-" || name.ends_with(".kdl");
        if is_file(&self.queue) {
            let mut words = vec![self.queue.clone()];
            let queue = self.input.files.iter().find(|name| !is_file(name)).cloned();
            words.extend(self.input.files.iter().filter(|name| is_file(name)).cloned());
            let files: Vec<String> = words.iter().map(|file| shell_word(file)).collect();
            let queue = queue.map_or_else(|| "QUEUE".to_owned(), |name| shell_word(&name));
            return Err(Stop::usage(
                format!("`{}` is a file, and the queue comes before the files", self.queue),
                format!("write `topoc why-not {queue} {} …`", files.join(" ")),
            ));
        }
        let Some(Asked { compiled, publish }) = self.question.asked(self.input, &self.broker, screen)? else {
            return Ok(Exit::Wrong);
        };
        let graph = Graph::new(&compiled.topology);
        let answer = why_not(&graph, publish, &self.queue)?;
        match self.format {
            Format::Human => write!(screen.out(), "{}", answer.human(&compiled.sources))?,
            Format::Json => writeln!(screen.out(), "{:#}", answer.json(&compiled.sources))?,
        }
        Ok(Exit::Ok)
    }
}
