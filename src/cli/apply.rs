//! `topoc apply`: the steps of the plan, carried out and accounted for.

mod told;

use std::{
    collections::BTreeSet,
    io::{self, BufRead as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use clap::{Args, ValueEnum};
use tokio::runtime::Runtime;

use super::{
    Broker, Exit, Format, Input, Outcome as Verdict, Screen, Stop,
    pending::{Pending, Target, checked, command, pending, reach, runtime},
    plan::{Kept, kept},
    stamp::stamp,
    watch::{Bars, signals, stop_on},
};
use crate::{
    Compiled,
    broker::{Applied, Apply as How, Client, NoTurn, Outcome, Overview, Progress, Turn, apply, settle},
    diag::{shell_word, visible},
    kind::{self, Scope},
    plan::{Stamp, Step, count},
};
use told::line;

/// Make the broker as the topology says
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  topoc apply topology.kdl --broker http://guest:guest@localhost:15672
  topoc apply topology.kdl --env production --yes
  topoc plan topology.kdl -o plan.json && topoc apply plan.json
  topoc apply topology.kdl --adopt")]
pub(super) struct Apply {
    #[command(flatten)]
    input: Input,
    /// In which form to answer: human or json (docs/json.md)
    #[arg(long, value_name = "FORMAT", default_value = "human", hide_possible_values = true)]
    format: Format,
    /// What other tools have, and `diff` is here
    #[arg(long, hide = true)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Take over what this topology has not made and describes otherwise
    #[arg(long)]
    adopt: bool,
    /// Replace what is published to meanwhile also where that is lost, as `diff` says of each
    #[arg(long)]
    allow_gap: bool,
    /// Lose messages: delete and replace queues also when they hold some, and all that --allow-gap allows
    #[arg(long)]
    allow_data_loss: bool,
    /// How many requests are under way at once
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    /// How long to wait for somebody else who applies to the same vhost: 30s, 5m
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = patience)]
    lock_timeout: Duration,
    /// How long consumers may take to empty a queue that is made anew, before topoc puts aside what they leave: 30s, 5m
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = patience)]
    drain_timeout: Duration,
    /// Move no more than so many messages a second, over all queues that are made anew or moved
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Who moves the messages of queues that are made anew or moved: topoc, or a shovel on the broker, for those who are far
    /// from it
    #[arg(
        long,
        value_name = "topoc|shovel",
        default_value = "topoc",
        hide_possible_values = true,
        conflicts_with = "rate"
    )]
    mover: Mover,
    /// Do not keep others from applying meanwhile: where AMQP cannot be spoken
    #[arg(long, conflicts_with = "lock_timeout")]
    no_lock: bool,
    /// What to call this version of the files on record, such as a commit
    #[arg(long, value_name = "TEXT", env = "TOPOC_REVISION", hide_env_values = true)]
    revision: Option<String>,
    /// Show every step, also of many alike
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    broker: Broker,
}

/// Who moves messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mover {
    /// topoc, over AMQP.
    Topoc,
    /// A dynamic shovel on the broker.
    Shovel,
}

/// What a run goes by: where to, what is put on record of it, what keeps others away, and what was reviewed.
struct Run<'a> {
    target: &'a Target,
    broker: &'a (Client, Overview),
    stamp: &'a Stamp,
    turn: Option<&'a Turn<'a>>,
    kept: Option<&'a Kept>,
}

pub(super) fn patience(text: &str) -> Result<Duration, String> {
    let milliseconds = kind::duration(text).and_then(|milliseconds| u64::try_from(milliseconds).ok());
    milliseconds.map(Duration::from_millis).ok_or_else(|| "write how long, such as 30s".to_owned())
}

impl Apply {
    pub(super) fn run(mut self, screen: &mut Screen) -> Verdict {
        if self.dry_run {
            return Err(Stop::usage(
                "`apply` has no dry run: `diff` shows the same steps, and takes none",
                format!("run `{}`", command("diff", &self.input, &self.broker, &[])),
            ));
        }
        let kept = kept(&mut self.input)?;
        if let Some(kept) = &kept {
            // it was reviewed
            self.yes = true;
            self.adopt = kept.adopt;
        }
        let Some(compiled) = checked(&self.input, screen)? else { return Ok(Exit::Wrong) };
        if compiled.topology.name.is_none() {
            return Err(Stop::wrong(
                "the topology has no name, and what is applied would be nobody's",
                "write `topology \"name\"` at the top: the name owns what is applied",
            ));
        }
        let runtime = runtime()?;
        let target = runtime.block_on(reach(&compiled, &self.broker))?;
        let Target::Broker(broker) = &target else {
            return Err(Stop::usage(
                "a definitions file stands for the broker, and cannot be applied to",
                format!("compare with it: {}", command("diff", &self.input, &self.broker, &[])),
            ));
        };
        let stamp = stamp(&compiled, &broker.0, self.revision.clone());
        let turn = match (self.no_lock, &compiled.topology.name) {
            (false, Some(name)) => Some(Turn::new(&broker.0, &broker.1, &name.text, &stamp)),
            _ => None,
        };
        if let Some(turn) = &turn {
            runtime.block_on(take(turn, &compiled, &target, self.lock_timeout))?;
        }
        let run = Run { target: &target, broker, stamp: &stamp, turn: turn.as_ref(), kept: kept.as_ref() };
        let ended = self.in_turn(&runtime, compiled, run, screen);
        if let Some(turn) = turn {
            for vhost in runtime.block_on(turn.open()) {
                writeln!(
                    screen.err(),
                    "vhost `{}` has as many queues as it may: others were not kept from applying to it meanwhile",
                    visible(&vhost)
                )?;
            }
            runtime.block_on(turn.end());
        }
        ended
    }

    /// The run, while nobody else applies.
    fn in_turn(&self, runtime: &Runtime, compiled: Compiled, run: Run<'_>, screen: &mut Screen) -> Verdict {
        let Run { target, broker, stamp, turn, kept } = run;
        let pending = runtime.block_on(pending(compiled, target, self.adopt))?;
        if let Some(kept) = kept.filter(|_| !pending.plan.is_empty()) {
            kept.verify(&pending)?;
        }
        let moved = pending.plan.steps.iter().find(|step| step.aside.is_some()).and_then(Step::vhost);
        if let Some(vhost) = moved.filter(|_| self.mover == Mover::Shovel)
            && !runtime.block_on(broker.0.has_shovels(vhost))?
        {
            return Err(Stop::because(
                Exit::Broker,
                "the broker has no shovels, as its plugin is not enabled; nothing has been changed",
                "rabbitmq-plugins enable rabbitmq_shovel, or leave out --mover shovel",
            ));
        }
        if pending.plan.unrecorded {
            return Err(runtime.block_on(unseen_record(&broker.0)));
        }
        let written = pending.plan.steps.iter().filter(|step| step.action.writes());
        let missing = pending.secrets.missing(written.filter_map(|step| step.desired.as_ref()));
        if !missing.is_empty() {
            let help = "set it, and apply again; nothing has been changed";
            return Err(Stop::wrong(missing.join("\n       "), help));
        }
        let human = self.format == Format::Human;
        if pending.plan.is_empty() {
            runtime.block_on(settle(&pending.plan, &broker.0, stamp)).map_err(not_recorded)?;
            if human {
                writeln!(screen.out(), "{}", pending.nothing())?;
            } else {
                self.json(&pending, &Applied::default(), screen)?;
            }
            return Ok(Exit::Ok);
        }
        if human {
            let text = pending.show(self.all, screen.look().color);
            write!(screen.out(), "{text}")?;
            writeln!(screen.out(), "{}.", pending.plan.totals())?;
            screen.flush()?;
        }
        if !self.yes && !self.consent(&pending, screen)? {
            writeln!(screen.err(), "nothing has been changed")?;
            return Ok(Exit::Ok);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let watched = screen.is_interactive() && human;
        let bars = Bars::new(pending.plan.steps.len(), watched);
        let bar = bars.steps();
        let ended = |id: usize, outcome: &Outcome| {
            bar.inc(1);
            bar.set_message(line(&pending, id, outcome).trim().to_owned());
        };
        let progress = |progress: Progress<'_>| bars.told(progress);
        let applied = runtime.block_on(async {
            let signal =
                tokio::spawn(stop_on(signals(), stop.clone(), bar.clone(), human, "topoc diff".to_owned()));
            let applied = apply(
                &pending.plan,
                How {
                    client: &broker.0,
                    overview: &broker.1,
                    desired: &pending.compiled.topology,
                    stamp,
                    turn,
                    secrets: &pending.secrets,
                    concurrency: usize::from(self.concurrency),
                    allow_data_loss: self.allow_data_loss,
                    allow_gap: self.allow_gap,
                    drain_timeout: self.drain_timeout,
                    shovel: self.mover == Mover::Shovel,
                    rate: self.rate,
                    progress: &progress,
                    stop: &stop,
                    ended: &ended,
                },
            )
            .await;
            signal.abort();
            applied
        });
        bars.clear();
        let applied = applied.map_err(not_recorded)?;
        let interrupted = stop.load(Ordering::Relaxed);
        if human {
            self.tell(&pending, &applied, interrupted, screen)?;
        } else {
            self.json(&pending, &applied, screen)?;
        }
        Ok(match (applied.is_complete(), applied.done() > 0 || applied.changed) {
            (true, _) => Exit::Ok,
            (false, false) => Exit::Broker,
            (false, true) => Exit::Partly,
        })
    }

    fn consent(&self, pending: &Pending<'_>, screen: &mut Screen) -> Result<bool, Stop> {
        if !screen.is_interactive() || self.format == Format::Json {
            return Err(Stop::usage(
                "nobody is there to be asked whether to apply this, and nothing has been changed",
                format!("say it beforehand: {}", self.again(&[])),
            ));
        }
        let changes = count(pending.plan.steps.len() as u64, "change", "changes");
        write!(screen.err(), "Apply {changes} to {}? [y/N] ", pending.target.name())?;
        screen.err().flush()?;
        let mut answer = String::new();
        if io::stdin().lock().read_line(&mut answer)? == 0 {
            // no line end came, and what follows wants a line of its own
            writeln!(screen.err())?;
        }
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }
}

/// Keeps others from applying to the same vhosts, from before they are looked at.
pub(super) async fn take(
    turn: &Turn<'_>,
    compiled: &Compiled,
    target: &Target,
    patience: Duration,
) -> Result<(), Stop> {
    let definitions = compiled.topology.definitions().iter();
    let vhosts: BTreeSet<Arc<str>> = definitions
        .filter(|found| !found.external && found.kind.kind().scope == Scope::Vhost)
        .filter_map(|found| found.vhost.clone())
        .collect();
    let Err(why) = turn.take(&vhosts, patience).await else { return Ok(()) };
    // who may not see what the topology has made is told that first: a lock is of no use to them
    if let (NoTurn::Barred { .. }, Target::Broker(broker)) = (&why, target)
        && target.live(compiled).await?.records_unseen.is_some()
    {
        return Err(unseen_record(&broker.0).await);
    }
    Err(Stop::because(Exit::Broker, format!("{why}; nothing has been changed"), why.help()))
}

/// Who does not see what the topology has made cannot know what to change.
pub(super) async fn unseen_record(client: &Client) -> Stop {
    let user = &client.access().credentials().username;
    // the command sets all tags: it must not take away those that are not known
    let help = match client.tags().await {
        Ok(tags) if !tags.is_empty() => {
            format!("rabbitmqctl set_user_tags {} {} policymaker", shell_word(user), tags.join(" "))
        }
        _ => format!("give `{user}` the tag `policymaker` besides those that it has: rabbitmqctl list_users"),
    };
    Stop::because(
        Exit::Broker,
        format!(
            "topoc keeps on record in the broker what it makes there, and `{user}` may not see that; nothing has been changed"
        ),
        help,
    )
}

/// The record comes first, so nothing has been changed.
pub(super) fn not_recorded(error: crate::broker::Error) -> Stop {
    let help = error.help().unwrap_or_default();
    Stop::because(
        Exit::Broker,
        format!(
            "topoc keeps on record in the broker what it makes there, and cannot: {error}; nothing has been changed"
        ),
        help,
    )
}
