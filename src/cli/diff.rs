//! `topoc diff`: the steps that `apply` would take.

use clap::Args;

use super::{
    Broker, Exit, Format, Input, Outcome, Screen,
    pending::{Target, checked, command, pending, runtime},
};
use crate::plan::{self, Action};

/// Show what apply would do to the broker as it is
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  topoc diff topology.kdl --broker http://guest:guest@localhost:15672
  topoc diff topology.kdl --env production --exit-code
  topoc diff topology.kdl --broker file:definitions.json --format json")]
pub(super) struct Diff {
    #[command(flatten)]
    input: Input,
    /// In which form to answer: human or json (docs/json.md)
    #[arg(long, value_name = "FORMAT", default_value = "human", hide_possible_values = true)]
    format: Format,
    /// Leave with 3 when changes are pending
    #[arg(long)]
    exit_code: bool,
    /// Plan to take over what this topology has not made and describes otherwise
    #[arg(long)]
    adopt: bool,
    /// Show every step, also of many alike
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    broker: Broker,
}

impl Diff {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        let Some(compiled) = checked(&self.input, screen)? else { return Ok(Exit::Wrong) };
        let pending = runtime()?.block_on(pending(compiled, &self.broker, self.adopt))?;
        match self.format {
            Format::Json => {
                let mut plan = plan::json(&pending.plan, &pending.compiled.sources);
                plan["broker"] = pending.target.name().into();
                writeln!(screen.out(), "{plan:#}")?;
            }
            Format::Human if pending.plan.is_empty() => writeln!(screen.out(), "{}", pending.nothing())?,
            Format::Human => {
                let text = pending.show(self.all, screen.look().color);
                write!(screen.out(), "{text}{}.", pending.plan.totals())?;
                // a file is not applied to
                // nor does it go on where no flag lifts a refusal
                let steps = &pending.plan.steps;
                let stuck = steps.iter().all(|step| step.action == Action::Refuse && step.lacks.is_none());
                if let (Target::Broker(_), false) = (&pending.target, stuck) {
                    let adopt: &[&str] = if self.adopt { &["--adopt"] } else { &[] };
                    write!(screen.out(), "   {}", command("apply", &self.input, &self.broker, adopt))?;
                }
                writeln!(screen.out())?;
            }
        }
        Ok(if self.exit_code && !pending.plan.is_empty() { Exit::Pending } else { Exit::Ok })
    }
}
