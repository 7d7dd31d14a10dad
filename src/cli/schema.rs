//! `topoc schema`: the language, for editors, generators and readers.

use clap::{Args, ValueEnum};

use super::{Exit, Outcome, Screen};
use crate::{kind::reference, lint};

/// Print the language: its kinds, attributes and lints
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  topoc schema > topoc.schema.json
  topoc schema --format reference > reference.md")]
pub(super) struct Schema {
    /// What to print: json (kinds and attributes), reference (the same in Markdown) or lints (in Markdown)
    #[arg(long, value_name = "FORMAT", default_value = "json", hide_possible_values = true)]
    format: SchemaFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SchemaFormat {
    Json,
    Reference,
    Lints,
}

impl Schema {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        match self.format {
            SchemaFormat::Json => writeln!(screen.out(), "{:#}", reference::json())?,
            SchemaFormat::Reference => write!(screen.out(), "{}", reference::markdown())?,
            SchemaFormat::Lints => write!(screen.out(), "{}", lint::index())?,
        }
        Ok(Exit::Ok)
    }
}
