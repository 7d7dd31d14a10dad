//! `topoc export`: a topology as files for other tools.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Exit, Input, Outcome, Screen, Stop, pending::checked, write};
use crate::{
    broker::Secrets,
    export,
    kind::{Definition, Secret},
};

/// Write the topology in another tool's form
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
#[command(after_help = "\
Examples:
  topoc export definitions topology.kdl -o definitions.json
  rabbitmqctl import_definitions definitions.json")]
pub(super) struct Export {
    #[command(subcommand)]
    form: Form,
}

#[derive(Debug, Subcommand)]
enum Form {
    Definitions(ExportDefinitions),
}

/// A definitions file, as `rabbitmqctl import_definitions` takes it
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  topoc export definitions topology.kdl -o definitions.json")]
struct ExportDefinitions {
    #[command(flatten)]
    input: Input,
    /// Write to this file in place of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Find passwords and addresses, and write them: passwords as hashes, addresses as they are
    #[arg(long)]
    with_secrets: bool,
}

impl Export {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        match self.form {
            Form::Definitions(definitions) => definitions.run(screen),
        }
    }
}

impl ExportDefinitions {
    fn run(self, screen: &mut Screen) -> Outcome {
        let Some(compiled) = checked(&self.input, screen)? else { return Ok(Exit::Wrong) };
        let secrets = Secrets::from_process();
        let reveal = |definition: &Definition, secret: &Secret| secrets.reveal(definition, secret);
        let with: Option<crate::kind::Reveal<'_>> = if self.with_secrets { Some(&reveal) } else { None };
        let exported = export::definitions(&compiled.topology, with)
            .map_err(|error| Stop::wrong(error.to_string(), "set it, or leave out --with-secrets"))?;
        for note in &exported.notes {
            writeln!(screen.err(), "note: {note}")?;
        }
        let text = format!("{:#}\n", exported.json);
        match write::file(self.output.as_ref()) {
            Some(path) => write::whole(path, &text).map_err(|error| {
                Stop::wrong(
                    format!("`{}` cannot be written: {error}", path.display()),
                    "name another file by -o",
                )
            })?,
            None => write!(screen.out(), "{text}")?,
        }
        Ok(Exit::Ok)
    }
}
