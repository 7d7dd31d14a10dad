//! `topoc dead redrive`: dead letters back to where they came from.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, BufRead as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Args;
use indicatif::ProgressBar;
use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;

use super::{
    Place, Reached, Which, barred, now,
    peek::{number, trace},
    reached,
};
use crate::{
    broker::{Letters, Looked, Mailbox, Redrive as How, Redriven},
    cli::{
        Broker, Exit, Format, Input, Outcome, Screen, Stop,
        pending::runtime,
        question,
        watch::{bar, signals, stop_on},
    },
    dead::{Astray, Census, Ladders, Letter, Wanted, Way, way},
    diag::{digits, shell_word, visible},
    plan::count,
    topology::QueueType,
};

/// So many messages are looked at before it is asked whether to move them.
const PREVIEW: u64 = 100;

/// Why a run stopped that was told to.
const INTERRUPTED: &str = "interrupted";

/// Move dead letters back to the queues that they died in
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  topoc dead redrive billing.dead topology.kdl --dry-run
  topoc dead redrive billing.dead --reason expired --limit 10 --yes
  topoc dead redrive billing.dead --rate 50 --env production")]
pub(super) struct Redrive {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    input: Input,
    /// Move no more than so many, the oldest first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Move no more than so many a second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Publish them to the exchange that they were published to at first: all that is bound to it gets them again
    #[arg(long)]
    through_exchange: bool,
    /// Move all of them to this queue, wherever they died
    #[arg(long, value_name = "QUEUE", conflicts_with = "through_exchange")]
    to: Option<String>,
    /// Move nothing, and say of the first so many [1 000] where each would go
    #[arg(
        long,
        value_name = "N",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1000",
        conflicts_with = "yes"
    )]
    dry_run: Option<u64>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// In which form to answer: human or json (docs/json.md)
    #[arg(long, value_name = "FORMAT", default_value = "human", hide_possible_values = true)]
    format: Format,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    broker: Broker,
}

/// What is known beforehand of the first messages.
#[derive(Default)]
struct Preview {
    looked: Looked,
    ways: BTreeMap<Way, Census>,
    astray: BTreeMap<Astray, u64>,
    passed: u64,
    warnings: BTreeSet<String>,
}

impl Redrive {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        let Some(compiled) = question::compiled(&self.input, true, screen)? else { return Ok(Exit::Wrong) };
        let runtime = runtime()?;
        let reached = runtime.block_on(reached(&compiled, &self.broker))?;
        let post = runtime.block_on(Letters::new(&reached.client, &reached.overview));
        let (vhost, mailbox) = runtime.block_on(self.place.open(&compiled, &reached, &post))?;
        if mailbox.kind() == QueueType::Stream {
            return Err(Stop::usage(
                format!("`{}` is a stream, and nothing is ever taken out of one", self.place.queue),
                format!("see what is in it: {}", self.place.command("peek", &self.input, &self.broker, &[])),
            ));
        }
        let ready = runtime.block_on(mailbox.holds()).map_err(barred)?.unwrap_or_default().0;
        let ladders = Ladders::of(&compiled.topology, &vhost);
        let wanted = self.which.wanted();
        let way = |letter: &Letter| self.way(letter, &ladders);
        let human = self.format == Format::Human;
        if human {
            writeln!(screen.out(), "{}: {}", self.place.title(&vhost, &reached), number(ready, "message"))?;
        }
        let asks = !self.yes && self.dry_run.is_none();
        if asks && (!screen.is_interactive() || !human) {
            return Err(Stop::usage(
                "nobody is there to be asked whether to move them, and nothing has been moved",
                format!("say it beforehand: {}", self.again()),
            ));
        }
        if let Some(most) = self.dry_run.or(asks.then_some(PREVIEW)).filter(|_| ready > 0) {
            let preview = runtime.block_on(self.preview(&mailbox, most.min(ready), &wanted, &way))?;
            if human {
                self.tell_preview(&preview, ready, &mailbox, screen)?;
            } else {
                writeln!(screen.out(), "{:#}", self.json_preview(&preview, ready, &vhost, &reached))?;
            }
        }
        if self.dry_run.is_some() {
            if !human && ready == 0 {
                let nothing = self.json_preview(&Preview::default(), 0, &vhost, &reached);
                writeln!(screen.out(), "{nothing:#}")?;
            }
            return Ok(Exit::Ok);
        }
        if asks && ready > 0 && !self.consent(&reached, screen)? {
            writeln!(screen.err(), "nothing has been moved")?;
            return Ok(Exit::Ok);
        }
        let started = Instant::now();
        let done = self.drive(&runtime, &mailbox, ready, &wanted, &way, screen)?;
        if human {
            self.tell(&done, started.elapsed(), screen)?;
        } else {
            writeln!(screen.out(), "{:#}", self.json(&done, ready, &vhost, &reached))?;
        }
        Ok(match (done.kept.is_empty() && done.stopped.is_none(), done.total() > 0) {
            (true, _) => Exit::Ok,
            (false, true) => Exit::Partly,
            (false, false) => Exit::Broker,
        })
    }

    /// This run once more, unasked: of the same messages, to the same places.
    fn again(&self) -> String {
        let mut flags = vec!["--yes".to_owned()];
        flags.extend(self.which.flags());
        flags.extend(self.limit.map(|limit| format!("--limit {limit}")));
        flags.extend(self.rate.map(|rate| format!("--rate {rate}")));
        flags.extend(self.to.as_ref().map(|queue| format!("--to {}", shell_word(queue))));
        flags.extend(self.through_exchange.then(|| "--through-exchange".to_owned()));
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        self.place.command("redrive", &self.input, &self.broker, &flags)
    }

    fn way(&self, letter: &Letter, ladders: &Ladders) -> Result<Way, Astray> {
        match &self.to {
            Some(queue) => Ok(Way::Queue(queue.clone())),
            None => way(letter, &self.place.queue, ladders, self.through_exchange),
        }
    }

    async fn preview(
        &self,
        mailbox: &Mailbox<'_>,
        most: u64,
        wanted: &Wanted,
        way: &dyn Fn(&Letter) -> Result<Way, Astray>,
    ) -> Result<Preview, Stop> {
        let now = now();
        let mut preview = Preview::default();
        let mut found = 0;
        let take = |letter: Letter| {
            if !wanted.takes(&letter, now) {
                preview.passed += 1;
                return true;
            }
            found += 1;
            match way(&letter) {
                Ok(way) => preview.ways.entry(way).or_default().count(&letter),
                Err(astray) => *preview.astray.entry(astray).or_default() += 1,
            }
            self.limit.is_none_or(|limit| found < limit)
        };
        let looked = mailbox.look(most, take).await.map_err(barred)?;
        preview.looked = looked;
        for (way, census) in &preview.ways {
            for reason in census.reasons.keys() {
                preview.warnings.extend(mailbox.dies_again(way, reason).await);
            }
        }
        Ok(preview)
    }

    fn tell_preview(
        &self,
        preview: &Preview,
        ready: u64,
        mailbox: &Mailbox<'_>,
        screen: &mut Screen,
    ) -> Result<(), Stop> {
        if preview.looked.letters < ready {
            let first = digits(i64::try_from(preview.looked.letters).unwrap_or(i64::MAX));
            writeln!(screen.out(), "of the first {first}:")?;
        }
        for (way, census) in &preview.ways {
            writeln!(screen.out(), "  → {}   {}", visible(&way.title()), census.why())?;
        }
        for (why, many) in &preview.astray {
            writeln!(screen.out(), "  · {}: {why}; --to QUEUE says where to", stay(*many))?;
        }
        if preview.passed > 0 {
            writeln!(screen.out(), "  · {}: not asked for", stay(preview.passed))?;
        }
        for warning in &preview.warnings {
            writeln!(screen.out(), "  ! {}", visible(warning))?;
        }
        writeln!(screen.out(), "{}", trace(preview.looked, mailbox))?;
        Ok(screen.flush()?)
    }

    fn consent(&self, reached: &Reached, screen: &mut Screen) -> Result<bool, Stop> {
        let most = self.limit.map_or_else(String::new, |limit| format!(", at most {limit},"));
        write!(screen.err(), "Move them{most} back on {}? [y/N] ", reached.name)?;
        screen.err().flush()?;
        let mut answer = String::new();
        if io::stdin().lock().read_line(&mut answer)? == 0 {
            writeln!(screen.err())?;
        }
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    fn drive(
        &self,
        runtime: &Runtime,
        mailbox: &Mailbox<'_>,
        ready: u64,
        wanted: &Wanted,
        way: &dyn Fn(&Letter) -> Result<Way, Astray>,
        screen: &Screen,
    ) -> Result<Redriven, Stop> {
        let human = self.format == Format::Human;
        let stop = Arc::new(AtomicBool::new(false));
        let steps = self.limit.map_or(ready, |limit| limit.min(ready));
        let watched = screen.is_interactive() && human;
        let bar =
            if watched { bar(usize::try_from(steps).unwrap_or(usize::MAX)) } else { ProgressBar::hidden() };
        let by_limit = self.limit.is_some();
        let progress = |done: &Redriven| bar.set_position(if by_limit { done.total() } else { done.looked });
        let warn = |warning: &str| {
            let line = format!("! {}", visible(warning));
            // one who does not watch is told at the end
            bar.println(line);
        };
        let see = self.place.command("peek", &self.input, &self.broker, &[]);
        let start = now();
        let done = runtime.block_on(async {
            let signal = tokio::spawn(stop_on(signals(), stop.clone(), bar.clone(), human, see));
            let done = mailbox
                .redrive(&How {
                    most: ready,
                    limit: self.limit,
                    rate: self.rate,
                    wanted: &|letter| wanted.takes(letter, start),
                    way,
                    stop: &stop,
                    progress: &progress,
                    warn: &warn,
                })
                .await;
            signal.abort();
            done
        });
        bar.finish_and_clear();
        let mut done = done.map_err(barred)?;
        if stop.load(Ordering::Relaxed) && done.stopped.is_none() {
            done.stopped = Some(INTERRUPTED.to_owned());
        }
        Ok(done)
    }

    fn tell(&self, done: &Redriven, time: Duration, screen: &mut Screen) -> Result<(), Stop> {
        let amount = |amount: u64| digits(i64::try_from(amount).unwrap_or(i64::MAX));
        for (way, moved) in &done.moved {
            writeln!(screen.out(), " ✓ {} → {}", amount(*moved), visible(&way.title()))?;
        }
        for (why, kept) in &done.kept {
            writeln!(screen.out(), " · {}: {}", stay(*kept), visible(why))?;
        }
        if done.passed > 0 {
            writeln!(screen.out(), " · {}: not asked for", stay(done.passed))?;
        }
        for warning in &done.warnings {
            writeln!(screen.out(), " ! {}", visible(warning))?;
        }
        if done.again > 0 {
            writeln!(
                screen.out(),
                " ! {} had been redriven before, and died again: what refuses them may well do so once more",
                amount(done.again)
            )?;
        }
        if done.without_user > 0 {
            writeln!(
                screen.out(),
                " ! {} lost `user-id`: the broker takes no other user's without the tag `impersonator`",
                amount(done.without_user)
            )?;
        }
        let seconds = time.as_secs_f64();
        writeln!(screen.out(), "moved {} ({seconds:.1} s)", number(done.total(), "message"))?;
        if let Some(why) = &done.stopped {
            let again = self.again();
            let twice = if why == INTERRUPTED { "" } else { ", those under way may be there twice" };
            writeln!(screen.out(), "stopped: {}; none is lost{twice}.   go on with: {again}", visible(why))?;
        }
        Ok(())
    }

    fn json(&self, done: &Redriven, ready: u64, vhost: &str, reached: &Reached) -> Json {
        let to: Vec<Json> = done.moved.iter().map(|(way, moved)| destination(way, *moved)).collect();
        let kept: Vec<Json> =
            done.kept.iter().map(|(why, kept)| json!({ "reason": why, "messages": kept })).collect();
        json!({
            "version": 1,
            "broker": reached.name,
            "vhost": vhost,
            "queue": self.place.queue,
            "dry_run": false,
            "messages": ready,
            "looked": done.looked,
            "moved": done.total(),
            "to": to,
            "kept": kept,
            "passed": done.passed,
            "redriven_before": done.again,
            "without_user_id": done.without_user,
            "warnings": done.warnings,
            "stopped": done.stopped,
        })
    }

    fn json_preview(&self, preview: &Preview, ready: u64, vhost: &str, reached: &Reached) -> Json {
        let to: Vec<Json> = preview
            .ways
            .iter()
            .map(|(way, census)| {
                let mut to = destination(way, census.letters);
                to["reasons"] = json!(census.reasons);
                to
            })
            .collect();
        let kept: Vec<Json> = preview
            .astray
            .iter()
            .map(|(why, kept)| json!({ "reason": why.to_string(), "messages": kept }))
            .collect();
        json!({
            "version": 1,
            "broker": reached.name,
            "vhost": vhost,
            "queue": self.place.queue,
            "dry_run": true,
            "messages": ready,
            "looked": preview.looked.letters,
            "copied": preview.looked.copied,
            "moved": 0,
            "to": to,
            "kept": kept,
            "passed": preview.passed,
            "warnings": preview.warnings,
        })
    }
}

/// `1 stays`, `5 stay`.
fn stay(messages: u64) -> String {
    count(messages, "stays", "stay")
}

fn destination(way: &Way, messages: u64) -> Json {
    let (exchange, routing_key) = way.address();
    json!({ "exchange": exchange, "routing_key": routing_key, "messages": messages })
}
