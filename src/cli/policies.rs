//! `topoc policies`: which policies apply to each queue and exchange, which values count, and which arguments policies
//! could say as well.

use std::path::Path;

use clap::Args;

use super::{
    Broker, Exit, Format, Input, Outcome, Screen, Stop,
    arguments::CommandSources,
    pending::{command, refused},
    question, unified, write,
};
use crate::{
    graph::Graph,
    policies::{self, Unknown, hoist},
    syntax::{ReadOnce, STANDARD_INPUT},
};

/// Show which policies apply, and where each value comes from
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  topoc policies topology.kdl
  topoc policies topology.kdl --name inventory.queue
  topoc policies topology.kdl --hoist
  topoc policies topology.kdl --hoist --diff
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
    /// Propose policies in place of arguments, with the proof that every value that counts stays the same
    #[arg(long, conflicts_with_all = ["name", "live"])]
    hoist: bool,
    /// With --hoist: show what would change in the files
    #[arg(long, requires = "hoist", conflicts_with_all = ["format", "fix"])]
    diff: bool,
    /// With --hoist: change the files so
    #[arg(long, requires = "hoist", conflicts_with = "format")]
    fix: bool,
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
        if self.hoist {
            return self.hoist(screen);
        }
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

    fn hoist(&self, screen: &mut Screen) -> Outcome {
        let files = self.input.files()?;
        let (texts, inputs) = (ReadOnce::new(&CommandSources), self.input.inputs());
        let mut compiled = crate::compile(&files.paths, &texts, &inputs);
        compiled.report.extend(files.report);
        if compiled.report.has_errors() {
            refused(&mut compiled, &self.input, screen)?;
            return Ok(Exit::Wrong);
        }
        let proposal = hoist::propose(&compiled, &files.paths, &texts, &inputs);
        if self.fix {
            for file in &proposal.files {
                if file.path == STANDARD_INPUT {
                    write!(screen.out(), "{}", file.text)?;
                    continue;
                }
                write::whole(Path::new(&file.path), &file.text).map_err(|error| {
                    Stop::wrong(
                        format!("`{}` cannot be written: {error}", file.path),
                        "it is as it was before",
                    )
                })?;
                writeln!(screen.err(), "changed {}", file.path)?;
            }
        } else if self.diff {
            for file in &proposal.files {
                unified::diff(&file.path, "hoisted", (&file.before, &file.after), screen)?;
            }
        } else {
            match self.format {
                Format::Human => {
                    write!(screen.out(), "{}", hoist::human(&proposal, &compiled.sources))?;
                    if !proposal.files.is_empty() {
                        let go_on =
                            command("policies", &self.input, &Broker::default(), &["--hoist", "--fix"]);
                        writeln!(screen.out(), "to write it: {go_on}")?;
                    }
                }
                Format::Json => writeln!(screen.out(), "{:#}", hoist::json(&proposal, &compiled.sources))?,
            }
        }
        Ok(Exit::Ok)
    }
}
