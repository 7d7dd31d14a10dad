//! `topoc graph`: a topology as a picture.

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
};

use clap::{Args, ValueEnum};

use super::{
    Exit, Input, Outcome, Screen, Stop,
    arguments::{CommandSources, Files},
    graphviz,
    pending::all_findings,
    write,
};
use crate::{
    diag::{Report, human},
    diagram::{self, MERMAID_ARROWS, Picture},
    graph::Graph as Places,
};

/// Draw a topology, and what is wrong with it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  topoc graph topology.kdl -o topology.svg
  topoc graph topology.kdl --focus payment.queue -o payment.png
  topoc graph topology.kdl --format mermaid >> README.md

SVG and PNG are drawn by Graphviz' dot, found on the path or named by TOPOC_DOT.")]
pub(super) struct Graph {
    #[command(flatten)]
    input: Input,
    /// In which form to draw: dot, svg, png or mermaid [default: by the ending of -o, else dot]
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    format: Option<Form>,
    /// Write to this file in place of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Draw only what leads into and out of this exchange, queue, service, message or rpc
    #[arg(long, value_name = "NAME")]
    focus: Option<String>,
    /// So many steps from one queue or service to the next [default: on to the next services]
    #[arg(long, value_name = "N", requires = "focus")]
    depth: Option<usize>,
    /// Draw only this vhost
    #[arg(long, value_name = "NAME")]
    vhost: Option<String>,
    /// Draw the queues of retry ladders and the partitions of super streams each for itself
    #[arg(long)]
    expand: bool,
    /// Draw queues, exchanges and services each for itself, however many are alike
    #[arg(long)]
    all: bool,
    /// Do not show what `topoc check` finds
    #[arg(long)]
    no_lints: bool,
    /// Leave out the legend
    #[arg(long)]
    no_legend: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Graphviz' own text
    Dot,
    /// A picture for browsers and documents
    Svg,
    /// A picture for everything else
    Png,
    /// A flowchart for Markdown
    #[value(alias = "mmd")]
    Mermaid,
}

/// More boxes than this do not fit a screen.
const READABLE: usize = 120;

impl Graph {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        let form = self.form()?;
        let Files { paths, report } = self.input.files()?;
        let mut compiled = crate::compile(&paths, &CommandSources, &self.input.inputs());
        compiled.report.extend(report);
        // lints stand in the picture; what cannot be read at all stands nowhere in it
        let unread = compiled.report.has_errors();
        if unread {
            let look = screen.look_err();
            write!(
                screen.err(),
                "{}",
                human::report(&compiled.report, &compiled.sources, look, &all_findings(&self.input))
            )?;
        }
        if !self.no_lints {
            compiled.lint();
        }
        let none = Report::default();
        let found = if self.no_lints { &none } else { &compiled.report };
        let options = diagram::Options {
            focus: self.focus,
            depth: self.depth,
            vhost: self.vhost,
            expand: self.expand,
            all: self.all,
            bare: self.no_legend,
        };
        let places = Places::new(&compiled.topology);
        let picture = match diagram::draw(&places, &compiled.sources, found, &options) {
            Ok(picture) => picture,
            Err(_) if unread => return Ok(Exit::Wrong),
            Err(unknown) => return Err(Stop::usage(unknown.message, unknown.help)),
        };
        if unread && picture.size().0 == 0 {
            return Ok(Exit::Wrong);
        }
        let bytes = match form {
            Form::Dot => picture.dot().into_bytes(),
            Form::Mermaid => picture.mermaid().into_bytes(),
            Form::Svg => graphviz::draw(&picture.dot(), "svg")?,
            Form::Png => graphviz::draw(&picture.dot(), "png")?,
        };
        match write::file(self.output.as_ref()) {
            Some(path) => {
                write::whole(path, &bytes).map_err(|error| {
                    Stop::wrong(
                        format!("`{}` cannot be written: {error}", path.display()),
                        "name another file by -o",
                    )
                })?;
                writeln!(screen.err(), "wrote {}: {}", path.display(), picture.summary())?;
            }
            None => {
                screen.flush()?;
                // a picture is bytes: nothing may be taken out of it as if it were colours
                let mut out = io::stdout().lock();
                out.write_all(&bytes)?;
                out.flush()?;
            }
        }
        notes(&picture, form, screen)?;
        Ok(if unread { Exit::Wrong } else { Exit::Ok })
    }

    fn form(&self) -> Result<Form, Stop> {
        let file = write::file(self.output.as_ref());
        let ending = file.and_then(|path| path.extension()?.to_str());
        let form = match (self.format, ending) {
            (Some(form), _) => form,
            (None, Some("svg")) => Form::Svg,
            (None, Some("png")) => Form::Png,
            (None, Some("mmd" | "mermaid")) => Form::Mermaid,
            (None, Some("dot" | "gv") | None) => Form::Dot,
            (None, Some(other)) => {
                return Err(Stop::usage(
                    format!("`.{other}` is the ending of no form that a topology is drawn in"),
                    "say which: `--format dot`, `svg`, `png` or `mermaid`",
                ));
            }
        };
        if form == Form::Png && file.is_none() && io::stdout().is_terminal() {
            return Err(Stop::usage("a PNG is no text for a terminal", "name a file: `-o topology.png`"));
        }
        Ok(form)
    }
}

/// What to know beside the picture.
fn notes(picture: &Picture, form: Form, screen: &mut Screen) -> Result<(), Stop> {
    for note in picture.notes() {
        writeln!(screen.err(), "note: {note}")?;
    }
    let (boxes, arrows) = picture.size();
    if boxes > READABLE {
        writeln!(
            screen.err(),
            "note: {boxes} boxes are more than one look takes in: `--focus NAME` draws the neighbourhood of one, \
             `--vhost NAME` one vhost"
        )?;
    }
    if form == Form::Mermaid && arrows > MERMAID_ARROWS {
        writeln!(
            screen.err(),
            "note: Mermaid draws no more than {MERMAID_ARROWS} arrows unless its `maxEdges` is raised, and here are {arrows}"
        )?;
    }
    if picture.has_findings() {
        writeln!(screen.err(), "note: `topoc check` says what the red and amber marks mean")?;
    }
    Ok(())
}
