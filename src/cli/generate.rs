//! `topoc generate`: the typed code of a topology's services.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};

use super::{
    Exit, Input, Outcome, Screen, Stop,
    arguments::{CommandSources, Files},
    pending::all_findings,
    write,
};
use crate::{
    codegen::{self, Error, Generated},
    diag::{Severity, counted, human},
};

/// Generate the typed code of a topology's services
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  topoc generate rust topology.kdl
  topoc generate rust topology.kdl -o src/generated --service inventory
  topoc generate rust topology.kdl -o src/generated --check

A build.rs does the same: topoc::codegen::configure().compile(\"topology.kdl\")")]
pub(super) struct Generate {
    /// The language; there is one, rust
    #[arg(value_name = "LANGUAGE", hide_possible_values = true)]
    language: Language,
    #[command(flatten)]
    input: Input,
    /// Write into this folder, or to this file where it ends in .rs; without it, to standard output
    #[arg(long, short, value_name = "DIR|FILE")]
    output: Option<PathBuf>,
    /// Generate for this service, and others that are named so, in place of all
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,
    /// Write nothing; leave with 1 if what is there is not what would be written
    #[arg(long, requires = "output")]
    check: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Language {
    /// Rust, on the crate topoc-runtime
    Rust,
}

impl Generate {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        let Language::Rust = self.language;
        let Files { paths, report } = self.input.files()?;
        let mut compiled = crate::check(&paths, &CommandSources, &self.input.inputs());
        compiled.report.extend(report);
        compiled.report.sort();
        let generated = codegen::generate(&compiled, &CommandSources, &self.services);
        let mut report = match &generated {
            Err(Error::Findings { report, .. }) => report.clone(),
            _ => compiled.report.clone(),
        };
        report.retain(|found| found.severity <= Severity::Warning);
        let look = screen.look_err();
        let text = human::report(&report, &compiled.sources, look, &all_findings(&self.input));
        write!(screen.err(), "{text}")?;
        match generated {
            Ok(generated) => self.output(&generated, screen),
            Err(Error::Findings { .. }) => Ok(Exit::Wrong),
            Err(error) => Err(Stop::wrong(error.to_string(), "")),
        }
    }

    fn output(&self, generated: &Generated, screen: &mut Screen) -> Outcome {
        let Some(output) = write::file(self.output.as_ref()) else {
            if self.check {
                return Err(Stop::usage(
                    "standard output holds nothing to compare with",
                    "name a folder or file: `-o DIR`",
                ));
            }
            for text in generated.files.values() {
                write!(screen.out(), "{text}")?;
            }
            return Ok(Exit::Ok);
        };
        let one = output.extension().is_some_and(|extension| extension == "rs");
        let mut stale = 0;
        for (name, text) in &generated.files {
            let path = if one { output.to_owned() } else { output.join(name) };
            if fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
                continue;
            }
            stale += 1;
            if self.check {
                writeln!(screen.err(), "{} is not what the topology says", path.display())?;
            } else {
                create(&path, text)?;
                writeln!(screen.err(), "generated {}", path.display())?;
            }
        }
        if self.check && stale > 0 {
            writeln!(
                screen.err(),
                "{} to generate again: run the same without --check",
                counted(stale, "file")
            )?;
            return Ok(Exit::Wrong);
        }
        Ok(Exit::Ok)
    }
}

fn create(path: &Path, text: &str) -> Result<(), Stop> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or(Ok(()), fs::create_dir_all).and_then(|()| write::whole(path, text)).map_err(|error| {
        Stop::wrong(
            format!("`{}` cannot be written: {error}", path.display()),
            "name a folder or file that you may write with `-o`",
        )
    })
}
