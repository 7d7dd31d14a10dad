//! `topoc lints`: the list.

use clap::Args;
use serde_json::{Value, json};

use super::{Exit, Format, Outcome, Screen, list::line};
use crate::lint::LINTS;

/// List the lints
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  topoc lints --format json")]
pub(super) struct Lints {
    /// In which form to answer: human or json
    #[arg(long, value_name = "FORMAT", default_value = "human", hide_possible_values = true)]
    format: Format,
}

impl Lints {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        match self.format {
            Format::Human => {
                let columns = screen.columns();
                for lint in LINTS {
                    let code = lint.code;
                    let (severity, fix) = (code.severity.word(), if lint.is_fixable() { "fix" } else { "" });
                    let head = format!("{} {:<30} {severity:<8} {fix:<3}", code.code, code.name);
                    writeln!(screen.out(), "{}", line(&head, code.summary, columns))?;
                }
            }
            Format::Json => {
                let lints = LINTS.iter().map(|lint| (lint, lint.code)).map(|(lint, code)| {
                    json!({
                        "code": code.code,
                        "name": code.name,
                        "severity": code.severity.word(),
                        "summary": code.summary,
                        "fixable": lint.is_fixable(),
                    })
                });
                let lints: Vec<Value> = lints.collect();
                writeln!(screen.out(), "{:#}", json!({ "version": 1, "lints": lints }))?;
            }
        }
        Ok(Exit::Ok)
    }
}
