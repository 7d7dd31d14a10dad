//! `topoc route`: where a message goes, and what may become of it.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{
    Broker, Exit, Input, Outcome, Screen, Stop, graphviz,
    question::{Asked, Question},
    write,
};
use crate::{
    Compiled,
    diag::human::Look,
    diagram,
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
    /// In which form to answer: human, json (docs/json.md), or the whole picture with the way in it as dot or svg
    /// [default: by the ending of -o, else human]
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    format: Option<Form>,
    /// Write to this file in place of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A tree for people
    Human,
    /// For programs
    Json,
    /// Graphviz' own text
    Dot,
    /// A picture for browsers and documents
    Svg,
}

impl Form {
    /// The form of a file, by its ending.
    fn of(file: Option<&Path>) -> Self {
        match file.and_then(|path| path.extension()?.to_str()) {
            Some("svg") => Self::Svg,
            Some("dot" | "gv") => Self::Dot,
            Some("json") => Self::Json,
            _ => Self::Human,
        }
    }
}

impl Route {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        let Some(Asked { compiled, publish }) = self.question.asked(self.input, &self.broker, screen)? else {
            return Ok(Exit::Wrong);
        };
        let graph = Graph::new(&compiled.topology);
        let route = ask(&graph, publish)?;
        let look = Look { all: self.all, ..screen.look() };
        let file = write::file(self.output.as_ref());
        let look = if file.is_some() { Look { color: false, ..look } } else { look };
        let answer = match self.format.unwrap_or_else(|| Form::of(file)) {
            Form::Human => route::human(&route, &compiled.sources, look),
            Form::Json => format!("{:#}\n", route::json(&route, &compiled.sources)),
            Form::Dot => picture(&graph, &compiled, &route, self.all)?,
            Form::Svg => {
                let picture = graphviz::draw(&picture(&graph, &compiled, &route, self.all)?, "svg")?;
                String::from_utf8_lossy(&picture).into_owned()
            }
        };
        match file {
            Some(path) => {
                write::whole(path, &answer).map_err(|error| {
                    Stop::wrong(
                        format!("`{}` cannot be written: {error}", path.display()),
                        "name another file by -o",
                    )
                })?;
                writeln!(screen.err(), "wrote {}", path.display())?;
            }
            None => write!(screen.out(), "{answer}")?,
        }
        let arrives =
            route.delivered.as_ref().is_ok_and(|delivered| delivered.unroutable == Certainty::Never);
        Ok(if self.exit_code && !arrives { Exit::Wrong } else { Exit::Ok })
    }
}

/// The whole topology, all that the message does not pass pale.
fn picture(
    graph: &Graph<'_>,
    compiled: &Compiled,
    route: &route::Route<'_, '_>,
    all: bool,
) -> Result<String, Stop> {
    let options = diagram::Options { all, ..diagram::Options::default() };
    let picture = diagram::draw_trail(graph, &compiled.sources, &route.trail(), &options);
    Ok(picture.map_err(|unknown| Stop::usage(unknown.message, unknown.help))?.dot())
}
