//! `topoc adopt`: what others made becomes the topology's, as it is.

use std::{
    collections::BTreeSet,
    io::{self, BufRead as _},
    time::Duration,
};

use clap::Args;
use serde_json::{Value as Json, json};

use super::{
    Broker, Exit, Format, Input, Outcome, Screen, Stop,
    apply::{not_recorded, patience, take, unseen_record},
    pending::{Target, checked, command, reach, runtime},
    stamp::stamp,
};
use crate::{
    Compiled,
    broker::{Client, Overview, Secrets, Turn, settle},
    diag::{counted, did_you_mean, visible},
    plan::{self, Action, Consent, Content, Live, Pair, Plan, Stamp, Step},
};

/// Put on record what others made as this topology's, and change nothing on the broker
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  topoc adopt topology.kdl --broker http://guest:guest@localhost:15672
  topoc adopt topology.kdl --name billing --name orders --yes
  topoc adopt topology.kdl --force && topoc diff topology.kdl")]
pub(super) struct Adopt {
    #[command(flatten)]
    input: Input,
    /// Only what is called so, also where it differs; any number
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// Also what differs from its description, as it is: diff then shows it as a change
    #[arg(long)]
    force: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// How long to wait for somebody else who applies to the same vhost: 30s, 5m
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = patience)]
    lock_timeout: Duration,
    /// Do not keep others from applying meanwhile: where AMQP cannot be spoken
    #[arg(long, conflicts_with = "lock_timeout")]
    no_lock: bool,
    /// What to call this version of the files on record, such as a commit; also TOPOC_REVISION
    #[arg(long, value_name = "TEXT", env = "TOPOC_REVISION", hide_env = true, hide_env_values = true)]
    revision: Option<String>,
    /// In which form to answer: human or json (docs/json.md)
    #[arg(long, value_name = "FORMAT", default_value = "human", hide_possible_values = true)]
    format: Format,
    #[command(flatten)]
    broker: Broker,
}

/// An entity that others made.
struct Found {
    step: Step,
    /// What becomes of it.
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is as described.
    Same,
    /// It differs, and is taken as it is.
    AsItIs,
    /// It differs, and nobody has said that it is to be taken.
    Differs,
    /// It is another topology's.
    Others,
}

impl Fate {
    fn is_taken(self) -> bool {
        matches!(self, Self::Same | Self::AsItIs)
    }

    fn sign(self) -> &'static str {
        if self.is_taken() { Action::Adopt.sign() } else { Action::Refuse.sign() }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::AsItIs => "as-it-is",
            Self::Differs => "differs",
            Self::Others => "others",
        }
    }
}

/// What was found, and the plan whose record is to have it.
struct Findings {
    plan: Plan,
    found: Vec<Found>,
}

impl Adopt {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        let Some(compiled) = checked(&self.input, screen)? else { return Ok(Exit::Wrong) };
        let Some(name) = compiled.topology.name.clone() else {
            return Err(Stop::wrong(
                "the topology has no name, and what is adopted would be nobody's",
                "write `topology \"name\"` at the top: the name owns what is adopted",
            ));
        };
        let runtime = runtime()?;
        let target = runtime.block_on(reach(&compiled, &self.broker))?;
        let Target::Broker(broker) = &target else {
            return Err(Stop::usage(
                "a definitions file stands for the broker, and nothing is put on record in it",
                format!("compare with it: {}", command("diff", &self.input, &self.broker, &[])),
            ));
        };
        let stamp = stamp(&compiled, &broker.0, self.revision.clone());
        let turn = (!self.no_lock).then(|| Turn::new(&broker.0, &broker.1, &name.text, &stamp));
        if let Some(turn) = &turn {
            runtime.block_on(take(turn, &compiled, &target, self.lock_timeout))?;
        }
        let ended = runtime.block_on(self.in_turn(&compiled, &target, broker, &stamp, screen));
        if let Some(turn) = turn {
            runtime.block_on(turn.end());
        }
        ended
    }

    /// The run, while nobody else applies.
    async fn in_turn(
        &self,
        compiled: &Compiled,
        target: &Target,
        broker: &(Client, Overview),
        stamp: &Stamp,
        screen: &mut Screen,
    ) -> Outcome {
        let live = target.live(compiled).await?;
        let Findings { mut plan, found } = self.look(compiled, &live);
        if plan.unrecorded {
            return Err(unseen_record(&broker.0).await);
        }
        self.known(compiled, &live, target)?;
        let taken = || found.iter().filter(|found| found.fate.is_taken());
        let number = taken().count();
        let human = self.format == Format::Human;
        if human {
            self.show(&found, compiled, target, screen)?;
        }
        if number > 0 && !self.yes && !self.consent(number, target, screen)? {
            writeln!(screen.err(), "nothing has been put on record")?;
            return Ok(Exit::Ok);
        }
        plan.settled = taken()
            .filter_map(|found| {
                let is = match found.fate {
                    Fate::Same => compiled.topology.get(&found.step.identity),
                    Fate::AsItIs | Fate::Differs | Fate::Others => found.step.live.as_ref(),
                };
                Some((found.step.identity.clone(), Some(Content::of(is?))))
            })
            .collect();
        settle(&plan, &broker.0, stamp).await.map_err(not_recorded)?;
        let refused = found.len() - number;
        if !human {
            writeln!(screen.out(), "{:#}", answer(&plan, &found, compiled, target))?;
        } else if number > 0 {
            writeln!(
                screen.out(),
                "adopted {} on {}; nothing on the broker has been changed",
                counted(number, "entity"),
                target.name()
            )?;
        }
        if human && found.iter().any(|found| found.fate == Fate::AsItIs) {
            let diff = command("diff", &self.input, &self.broker, &[]);
            writeln!(screen.out(), "what differs is shown by: {diff}")?;
        }
        Ok(match (refused, number) {
            (0, _) => Exit::Ok,
            (_, 0) => Exit::Broker,
            _ => Exit::Partly,
        })
    }

    /// What is there, described, and not this topology's.
    fn look(&self, compiled: &Compiled, live: &Live) -> Findings {
        let secrets = Secrets::from_process();
        let mut plan = plan::plan(Pair {
            live,
            desired: &compiled.topology,
            same_secret: &|desired, live, attribute| secrets.same(desired, live, attribute),
            adopt: false,
        });
        let mut found: Vec<Found> = Vec::new();
        for step in std::mem::take(&mut plan.steps) {
            let fate = match (step.action, step.lacks) {
                (Action::Adopt, _) => Fate::Same,
                (Action::Refuse, Some(Consent::Adopt)) if self.force || !self.name.is_empty() => Fate::AsItIs,
                (Action::Refuse, Some(Consent::Adopt)) => Fate::Differs,
                (Action::Refuse, _) if live.owner(&step.identity).is_some() => Fate::Others,
                _ => continue,
            };
            found.push(Found { step, fate });
        }
        // what another topology has, and describes alike, is no step of any plan
        for definition in compiled.topology.definitions().iter().filter(|found| !found.external) {
            let identity = definition.identity();
            let is_ours = plan.owned.contains_key(&identity);
            let is_known = found.iter().any(|found| found.step.identity == identity);
            if let (false, false, Some(other)) = (is_ours, is_known, live.owner(&identity)) {
                let mut step = Step::of(Action::Refuse, identity.clone(), definition.span);
                step.reason = format!(
                    "it belongs to topology `{}`, which describes it alike: write `external` on it here",
                    other.topology
                );
                step.live = live.topology.get(&identity).cloned();
                found.push(Found { step, fate: Fate::Others });
            }
        }
        if !self.name.is_empty() {
            found.retain(|found| self.name.iter().any(|name| is_called(&found.step, name)));
        }
        Findings { plan, found }
    }

    /// What is asked for by name is described, and there.
    fn known(&self, compiled: &Compiled, live: &Live, target: &Target) -> Result<(), Stop> {
        let described = || compiled.topology.definitions().iter().filter(|found| !found.external);
        for name in &self.name {
            let mut called =
                described().filter(|found| found.name() == name || found.title() == *name).peekable();
            if called.peek().is_none() {
                let names = described().map(|found| found.name());
                return Err(Stop::wrong(
                    format!("the topology describes nothing that is called `{name}`"),
                    did_you_mean(name, names, "entity"),
                ));
            }
            if !called.any(|found| live.topology.get(&found.identity()).is_some()) {
                return Err(Stop::because(
                    Exit::Broker,
                    format!("nothing that is called `{name}` is on {}", target.name()),
                    format!("make it: {}", command("apply", &self.input, &self.broker, &[])),
                ));
            }
        }
        Ok(())
    }

    fn show(
        &self,
        found: &[Found],
        compiled: &Compiled,
        target: &Target,
        screen: &mut Screen,
    ) -> Result<(), Stop> {
        if found.is_empty() {
            let text = "nothing to adopt: what is described is this topology's, or is not there";
            return Ok(writeln!(screen.out(), "{text} on {}", target.name())?);
        }
        let several = found.iter().filter_map(|found| found.step.vhost()).collect::<BTreeSet<_>>().len() > 1;
        let name = |step: &Step| match step.vhost() {
            Some(vhost) if several => visible(&format!("{}  ({vhost})", step.name())),
            _ => visible(&step.name()),
        };
        let width = |text: &str| text.chars().count();
        let kinds = found.iter().map(|found| width(found.step.kind.word())).max().unwrap_or(0);
        let names =
            found.iter().map(|found| width(&name(&found.step))).filter(|w| *w <= 60).max().unwrap_or(0);
        for Found { step, fate } in found {
            let place = compiled.sources.line_of(step.span).unwrap_or_default();
            let reason = reason(step, *fate);
            let (sign, kind) = (fate.sign(), step.kind.word());
            let line =
                format!("  {sign} {kind:kinds$}  {:names$}  {}  {place}", name(step), visible(&reason));
            writeln!(screen.out(), "{}", line.trim_end())?;
        }
        Ok(writeln!(screen.out())?)
    }

    fn consent(&self, number: usize, target: &Target, screen: &mut Screen) -> Result<bool, Stop> {
        if !screen.is_interactive() || self.format == Format::Json {
            let flags: Vec<&str> = ["--yes"].into_iter().chain(self.force.then_some("--force")).collect();
            return Err(Stop::usage(
                "nobody is there to be asked whether to adopt this, and nothing has been put on record",
                format!("say it beforehand: {}", command("adopt", &self.input, &self.broker, &flags)),
            ));
        }
        write!(screen.err(), "Adopt {} on {}? [y/N] ", counted(number, "entity"), target.name())?;
        screen.err().flush()?;
        let mut answer = String::new();
        if io::stdin().lock().read_line(&mut answer)? == 0 {
            writeln!(screen.err())?;
        }
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }
}

fn is_called(step: &Step, name: &str) -> bool {
    let definition = step.desired.as_ref().or(step.live.as_ref());
    step.name() == name || definition.is_some_and(|definition| definition.name() == name)
}

fn reason(step: &Step, fate: Fate) -> String {
    let differs = || {
        let said = step.differences.iter().map(|found| match (&found.from, &found.to) {
            (Some(from), Some(to)) => format!("{} is {from}, described as {to}", found.name),
            (Some(from), None) => format!("{} is {from}, and not described", found.name),
            (None, Some(to)) => format!("{} is not set, described as {to}", found.name),
            (None, None) => format!("{} differs", found.name),
        });
        said.collect::<Vec<_>>().join("; ")
    };
    match fate {
        Fate::Same => "as described".to_owned(),
        Fate::AsItIs => format!("as it is: {}", differs()),
        Fate::Differs => format!("{}: --force adopts it as it is", differs()),
        Fate::Others => step.reason.clone(),
    }
}

fn answer(plan: &Plan, found: &[Found], compiled: &Compiled, target: &Target) -> Json {
    let entities: Vec<Json> = found
        .iter()
        .map(|Found { step, fate }| {
            let mut entity = step.to_json(&compiled.sources);
            let whole = json!({
                "kind": entity["kind"].take(),
                "vhost": entity["vhost"].take(),
                "name": entity["name"].take(),
                "adopted": fate.is_taken(),
                "state": fate.word(),
                "reason": reason(step, *fate),
                "differences": entity["differences"].take(),
                "file": entity["file"].take(),
                "line": entity["line"].take(),
            });
            whole
        })
        .collect();
    json!({
        "version": 1,
        "topology": plan.topology.as_deref(),
        "broker": target.name(),
        "adopted": found.iter().filter(|found| found.fate.is_taken()).count(),
        "entities": entities,
        "notes": plan.notes,
    })
}
