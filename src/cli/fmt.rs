//! `topoc fmt`: topologies in one form.

use std::path::Path;

use clap::Args;

use super::{
    Broker, Exit, Input, Outcome, Screen, Stop,
    arguments::{CommandSources, Files, files},
    pending::{all_findings, command},
    unified, write,
};
use crate::{
    diag::{Report, SourceMap, human},
    syntax::{self, STANDARD_INPUT},
    topology::unread,
};

/// Format topology files: comments stay, meaning never changes
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  topoc fmt
  topoc fmt --check topology/
  topoc fmt - < topology.kdl")]
pub(super) struct Fmt {
    /// Topology files; a folder stands for its *.kdl, and - for standard input, which is printed
    /// [default: topology.kdl]
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// Write nothing; show what would change, and leave with 1 if anything would
    #[arg(long)]
    check: bool,
    /// Write nothing; show what would change
    #[arg(long)]
    diff: bool,
}

impl Fmt {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        let Files { paths, mut report } = files(&self.files)?;
        let mut sources = SourceMap::default();
        let (mut changed, mut seen) = (0, 0);
        for path in &paths {
            let Some(file) = syntax::read(path, &CommandSources, &mut sources, &mut report) else { continue };
            let Some(formatted) = syntax::format(&sources, file, &mut report) else { continue };
            seen += 1;
            let text = sources.get(file).map_or("", |source| source.text.as_str());
            let same = formatted == text;
            changed += usize::from(!same);
            if self.check || self.diff {
                if !same {
                    unified::diff(path, "formatted", (text, &formatted), screen)?;
                }
            } else if path == STANDARD_INPUT {
                write!(screen.out(), "{formatted}")?;
            } else if !same {
                write::whole(Path::new(path), &formatted).map_err(|error| {
                    Stop::wrong(format!("`{path}` cannot be written: {error}"), "it is as it was before")
                })?;
                writeln!(screen.err(), "formatted {path}")?;
            }
        }
        unread::hide(&mut sources, &mut report);
        report.sort();
        self.end(&report, &sources, (changed, seen), screen)
    }

    fn end(
        &self,
        report: &Report,
        sources: &SourceMap,
        (changed, seen): (usize, usize),
        screen: &mut Screen,
    ) -> Outcome {
        screen.flush()?;
        let look = screen.look_err();
        let input = Input { files: self.files.clone(), ..Input::default() };
        write!(screen.err(), "{}", human::report(report, sources, look, &all_findings(&input)))?;
        if self.check && changed > 0 {
            let command = command("fmt", &input, &Broker::default(), &[]);
            writeln!(screen.err(), "{changed} of {seen} would change: {command}")?;
        }
        let wrong = report.has_errors() || (self.check && changed > 0);
        Ok(if wrong { Exit::Wrong } else { Exit::Ok })
    }
}
