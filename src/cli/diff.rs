//! `topoc diff`: the steps that `apply` would take.

use std::{thread, time::Duration};

use clap::Args;
use serde_json::Value as Json;
use time::OffsetDateTime;
use tokio::runtime::Runtime;

use super::{
    Broker, Exit, Format, Input, Outcome, Screen, Stop,
    pending::{Pending, Target, checked, command, pending, reach, read, refused, runtime},
};
use crate::{
    Compiled,
    diag::json,
    kind,
    plan::{self, Action},
};

/// Show what apply would do to the broker as it is
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  topoc diff topology.kdl --broker http://guest:guest@localhost:15672
  topoc diff topology.kdl --env production --exit-code
  topoc diff topology.kdl --drift --watch 30s
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
    /// Show only what somebody has changed or deleted on the broker since the last apply
    #[arg(long)]
    drift: bool,
    /// Compare again and again, every 5 s or as often as said, and show what has become different
    #[arg(
        long,
        value_name = "DURATION",
        num_args = 0..=1,
        default_missing_value = "5s",
        value_parser = pause,
        conflicts_with = "exit_code"
    )]
    watch: Option<Duration>,
    /// Plan to take over what this topology has not made and describes otherwise
    #[arg(long)]
    adopt: bool,
    /// Show every step, also of many alike
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    broker: Broker,
}

fn pause(text: &str) -> Result<Duration, String> {
    let milliseconds = kind::duration(text).and_then(|milliseconds| u64::try_from(milliseconds).ok());
    let long_enough = milliseconds.filter(|milliseconds| *milliseconds >= 1_000);
    long_enough
        .map(Duration::from_millis)
        .ok_or_else(|| "write how long, such as 30s; at least 1s".to_owned())
}

impl Diff {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        if let Some(pause) = self.watch {
            return self.watch(pause, screen);
        }
        let Some(compiled) = checked(&self.input, screen)? else { return Ok(Exit::Wrong) };
        let runtime = runtime()?;
        let target = runtime.block_on(reach(&compiled, &self.broker))?;
        let pending = self.narrowed(runtime.block_on(pending(compiled, &target, self.adopt))?)?;
        self.show(&pending, screen)?;
        Ok(if self.exit_code && !pending.plan.is_empty() { Exit::Pending } else { Exit::Ok })
    }

    /// Only what is asked for.
    fn narrowed<'t>(&self, mut pending: Pending<'t>) -> Result<Pending<'t>, Stop> {
        if self.drift {
            if pending.plan.unrecorded {
                return Err(Stop::because(
                    Exit::Broker,
                    "what was changed on the broker cannot be told: this user may not see what was applied",
                    "give it the tag `policymaker`, or leave out --drift",
                ));
            }
            pending.plan.steps.retain(|step| step.drifted);
        }
        Ok(pending)
    }

    fn show(&self, pending: &Pending<'_>, screen: &mut Screen) -> Result<(), Stop> {
        match self.format {
            Format::Json => writeln!(screen.out(), "{:#}", answer(pending))?,
            Format::Human if pending.plan.is_empty() && self.drift => {
                writeln!(screen.out(), "{}", pending.no_drift())?;
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
        Ok(())
    }

    /// Shows each state that is another than the one before, until somebody ends it.
    fn watch(&self, pause: Duration, screen: &mut Screen) -> Outcome {
        if self.input.files.iter().any(|file| file == "-") {
            return Err(Stop::usage("standard input is read once, and cannot be watched", "name a file"));
        }
        let runtime = runtime()?;
        let mut shown: Option<String> = None;
        loop {
            let mut compiled = read(&self.input)?;
            let wrong = compiled.report.has_errors();
            if wrong {
                let found = json::report(&compiled.report, &compiled.sources).to_string();
                if self.is_news(&mut shown, found, screen)? {
                    refused(&mut compiled, &self.input, screen)?;
                }
            } else {
                match self.look(compiled, &runtime, &mut shown, screen) {
                    Ok(()) => {}
                    // what is typed wrong does not come right by itself
                    Err(stop @ (Stop::Output(_) | Stop::Because { exit: Exit::Usage, .. })) => {
                        return Err(stop);
                    }
                    Err(stop) => {
                        if self.is_news(&mut shown, stop.to_string(), screen)? {
                            screen.stop(&stop);
                        }
                    }
                }
            }
            screen.flush()?;
            thread::sleep(pause);
        }
    }

    fn look(
        &self,
        compiled: Compiled,
        runtime: &Runtime,
        shown: &mut Option<String>,
        screen: &mut Screen,
    ) -> Result<(), Stop> {
        let target = runtime.block_on(reach(&compiled, &self.broker))?;
        let pending = self.narrowed(runtime.block_on(pending(compiled, &target, self.adopt))?)?;
        if self.is_news(shown, answer(&pending).to_string(), screen)? {
            self.show(&pending, screen)?;
        }
        Ok(())
    }

    /// Whether this has not just been shown; if so, makes room for it.
    fn is_news(&self, shown: &mut Option<String>, now: String, screen: &mut Screen) -> Result<bool, Stop> {
        if shown.as_ref() == Some(&now) {
            return Ok(false);
        }
        let first = shown.replace(now).is_none();
        if self.format == Format::Human {
            if screen.columns().is_some() {
                write!(screen.out(), "\x1b[H\x1b[2J")?;
            } else if !first {
                writeln!(screen.out())?;
            }
            let now = OffsetDateTime::now_utc();
            writeln!(screen.out(), "{:02}:{:02}:{:02} UTC", now.hour(), now.minute(), now.second())?;
        }
        Ok(true)
    }
}

fn answer(pending: &Pending<'_>) -> Json {
    let mut plan = plan::json(&pending.plan, &pending.compiled.sources);
    plan["broker"] = pending.target.name().into();
    plan
}
