//! `topoc plan`: the steps that `apply` would take, kept in a file: once it is reviewed, `apply` takes these and no others.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value as Json, json};

use super::{
    Broker, Exit, Input, Outcome, Screen, Stop,
    pending::{Pending, checked, command, pending, reach, runtime},
    stamp::digest,
    write,
};
use crate::{
    diag::shell_word,
    plan::{self, list},
};

const VERSION: u64 = 1;

/// Keep in a file what apply would do, to be reviewed and then applied as it is
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  topoc plan topology.kdl -o plan.json
  topoc plan topology/ --env production -o plan.json && topoc apply plan.json")]
pub(super) struct Plan {
    #[command(flatten)]
    input: Input,
    /// The file to write; JSON (docs/json.md)
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Plan to take over what this topology has not made and describes otherwise
    #[arg(long)]
    adopt: bool,
    /// Show every step, also of many alike
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    broker: Broker,
}

impl Plan {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        let Some(compiled) = checked(&self.input, screen)? else { return Ok(Exit::Wrong) };
        let runtime = runtime()?;
        let target = runtime.block_on(reach(&compiled, &self.broker))?;
        let pending = runtime.block_on(pending(compiled, &target, self.adopt))?;
        let mut kept = plan::json(&pending.plan, &pending.compiled.sources);
        kept["plan"] = VERSION.into();
        kept["broker"] = target.name().into();
        kept["input"] = json!({
            "files": self.input.files, "environment": self.input.environment, "digest": digest(&pending.compiled),
        });
        kept["adopt"] = self.adopt.into();
        for (change, step) in kept["changes"].as_array_mut().into_iter().flatten().zip(&pending.plan.steps) {
            change["title"] = step.title().into();
            change["fingerprint"] = step.fingerprint().into();
        }
        let path = self.output.display().to_string();
        write::whole(&self.output, format!("{kept:#}\n")).map_err(|error| {
            Stop::wrong(format!("the plan {path} cannot be written: {error}"), "name another file")
        })?;
        if pending.plan.is_empty() {
            writeln!(screen.out(), "{}", pending.nothing())?;
        } else {
            let text = pending.show(self.all, screen.look().color);
            writeln!(screen.out(), "{text}{}.", pending.plan.totals())?;
        }
        let file = Input { files: vec![path.clone()], ..self.input };
        writeln!(screen.out(), "written to {path}   {}", command("apply", &file, &self.broker, &[]))?;
        Ok(Exit::Ok)
    }
}

/// A plan that was kept.
#[derive(Debug)]
pub(super) struct Kept {
    path: String,
    broker: String,
    digest: String,
    /// Whether it was planned to take over what others have made.
    pub(super) adopt: bool,
    steps: Vec<(String, String)>,
    again: String,
}

/// The plan that is named in the place of a topology, if it is one; then the input is the plan's.
pub(super) fn kept(input: &mut Input) -> Result<Option<Kept>, Stop> {
    let [path] = input.files.as_slice() else { return Ok(None) };
    if !Path::new(path).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json")) {
        return Ok(None);
    }
    let path = path.clone();
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Stop::wrong(format!("the plan {path} cannot be read: {error}"), "`topoc plan -o FILE` writes one")
    })?;
    let no_plan = || {
        Stop::wrong(
            format!("{path} is no plan of this version of topoc"),
            "plan anew: `topoc plan … -o FILE` writes one; a topology's file ends with .kdl",
        )
    };
    let plan: Json = serde_json::from_str(&text).map_err(|_| no_plan())?;
    if plan["plan"] != VERSION {
        return Err(no_plan());
    }
    let text = |json: &Json| json.as_str().map(ToOwned::to_owned);
    let read = || {
        let steps = plan["changes"].as_array()?.iter();
        let steps: Option<Vec<_>> =
            steps.map(|step| Some((text(&step["title"])?, text(&step["fingerprint"])?))).collect();
        let files: Option<Vec<String>> = plan["input"]["files"].as_array()?.iter().map(text).collect();
        Some((
            steps?,
            files?,
            text(&plan["input"]["digest"])?,
            text(&plan["broker"])?,
            plan["adopt"].as_bool()?,
        ))
    };
    let (steps, files, digest, broker, adopt) = read().ok_or_else(no_plan)?;
    input.files = files;
    input.environment = input.environment.take().or_else(|| text(&plan["input"]["environment"]));
    let again = format!("{} -o {}", command("plan", input, &Broker::default(), &[]), shell_word(&path));
    Ok(Some(Kept { path, broker, digest, adopt, steps, again }))
}

impl Kept {
    /// That what is to be done is what was reviewed.
    pub(super) fn verify(&self, pending: &Pending<'_>) -> Result<(), Stop> {
        let refused = |exit, why: String| {
            Stop::because(
                exit,
                format!("{why}; nothing has been changed"),
                format!("plan anew, and review that: {}", self.again),
            )
        };
        if pending.target.name() != self.broker {
            let why = format!(
                "the plan {} is for {}, and this is {}",
                self.path,
                self.broker,
                pending.target.name()
            );
            return Err(refused(Exit::Wrong, why));
        }
        if digest(&pending.compiled) != self.digest {
            return Err(refused(
                Exit::Wrong,
                format!("the files are not those that {} was made from", self.path),
            ));
        }
        let Some(moved) = pending.plan.moved(&self.steps) else { return Ok(()) };
        let mut why = format!("{} is not what is to be done any more", self.path);
        for (titles, said) in [(&moved.new, "now also"), (&moved.gone, "no longer, or not so")] {
            if !titles.is_empty() {
                why.push_str(&format!("; {said}: {}", list(titles, ", ")));
            }
        }
        Err(refused(Exit::Broker, why))
    }
}
