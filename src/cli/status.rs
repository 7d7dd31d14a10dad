//! `topoc status`: how what the topology owns fares on the broker.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::{Value as Json, json};

use super::{
    Broker, Exit, Format, Input, Outcome, Screen, Stop,
    pending::{Pending, Target, checked, command, pending, reach, runtime},
};
use crate::{
    broker::{Client, Error, Letters, Mailbox, Overview, Request, holder},
    dead::dead_queues,
    diag::{counted, shell_word, visible},
    graph::Graph,
    health::{Finding, Growth, Seen, judge},
    kind,
    topology::QueueType,
};

/// What is asked of each queue.
const COLUMNS: &str = "name,vhost,type,state,messages,consumers,members,online,leader";

/// The queue that somebody holds who applies.
const LOCK: &str = "topoc.lock";

/// Show how what the topology owns fares on the broker
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  topoc status topology.kdl --broker http://guest:guest@localhost:15672
  topoc status topology.kdl --env production --exit-code")]
pub(super) struct Status {
    #[command(flatten)]
    input: Input,
    /// Between the two looks at dead queues, which tell whether they grow
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = pause)]
    over: Duration,
    /// Leave with 3 when there is trouble, or changes are pending
    #[arg(long)]
    exit_code: bool,
    /// In which form to answer: human or json (docs/json.md)
    #[arg(long, value_name = "FORMAT", default_value = "human", hide_possible_values = true)]
    format: Format,
    #[command(flatten)]
    broker: Broker,
}

fn pause(text: &str) -> Result<Duration, String> {
    let milliseconds = kind::duration(text).and_then(|milliseconds| u64::try_from(milliseconds).ok());
    milliseconds.map(Duration::from_millis).ok_or_else(|| "write how long, such as 5s".to_owned())
}

/// What was looked at, and what could not be.
#[derive(Default)]
struct Looked {
    seen: Seen,
    notes: Vec<String>,
}

impl Status {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        let started = Instant::now();
        let Some(compiled) = checked(&self.input, screen)? else { return Ok(Exit::Wrong) };
        let runtime = runtime()?;
        let target = runtime.block_on(reach(&compiled, &self.broker))?;
        let Target::Broker(broker) = &target else {
            return Err(Stop::usage(
                "a definitions file stands for the broker, and says nothing of how it fares",
                format!("compare with it: {}", command("diff", &self.input, &self.broker, &[])),
            ));
        };
        let pending = runtime.block_on(pending(compiled, &target, false))?;
        let graph = Graph::new(&pending.compiled.topology);
        let looked = runtime.block_on(self.look(&graph, &broker.0, &broker.1))?;
        let found = judge(&graph, &looked.seen);
        match self.format {
            Format::Json => writeln!(screen.out(), "{:#}", answer(&pending, &looked, &found))?,
            Format::Human => self.show(&pending, &looked, &found, started, screen)?,
        }
        let is_well = found.iter().all(|finding| !finding.is_trouble) && pending.plan.is_empty();
        Ok(if self.exit_code && !is_well { Exit::Pending } else { Exit::Ok })
    }

    async fn look(&self, graph: &Graph<'_>, client: &Client, overview: &Overview) -> Result<Looked, Stop> {
        let mut looked = Looked::default();
        let topology = graph.topology;
        let vhosts: BTreeSet<Arc<str>> = topology.queues().map(|queue| Arc::from(queue.vhost())).collect();
        for vhost in &vhosts {
            let request = Request::get(&["queues", vhost]).query("columns", COLUMNS);
            match client.find(&request).await {
                Ok(queues) => looked.seen.queues.extend(queues),
                Err(Error::Unauthorized { username, .. }) => {
                    looked.notes.push(format!("vhost `{vhost}` is not seen: `{username}` may not enter it"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        let nodes =
            Request::get(&["nodes"]).query("columns", "name,running,mem_alarm,disk_free_alarm,partitions");
        let connections = Request::get(&["connections"]).query("columns", "name,vhost,state");
        looked.seen.nodes = looked.unless_barred(client, &nodes, "nodes and alarms").await?;
        looked.seen.connections = looked.unless_barred(client, &connections, "connections").await?;
        for vhost in &vhosts {
            let is_locked = |queue: &Json| queue["name"] == LOCK && queue["vhost"] == **vhost;
            if looked.seen.queues.iter().filter_map(Json::as_array).flatten().any(is_locked)
                && let Some(holder) = holder(client, vhost).await
            {
                looked.seen.applying.push((vhost.clone(), holder));
            }
        }
        match self.growth(graph, client, overview).await {
            Ok(dead) => looked.seen.dead = dead,
            Err(why) => looked.notes.push(format!("dead queues are not looked at: {why}")),
        }
        Ok(looked)
    }

    /// What dead queues hold, now and a while later, as AMQP tells it: the management API tells it seconds late.
    async fn growth(
        &self,
        graph: &Graph<'_>,
        client: &Client,
        overview: &Overview,
    ) -> Result<Vec<Growth>, String> {
        let letters = Letters::new(client, overview).await;
        let mut before: Vec<(Mailbox<'_>, Growth)> = Vec::new();
        for dead in dead_queues(graph).iter().filter(|dead| !dead.queue.0.external) {
            let (vhost, name) = (dead.queue.vhost(), dead.queue.name());
            let mailbox = match letters.mailbox(vhost, name).await {
                // that is a finding of its own
                Err(Error::Away { .. }) => None,
                found => found.map_err(|error| error.to_string())?,
            };
            // nothing is ever taken out of a stream, so that it grows is no news
            let Some(mailbox) = mailbox.filter(|mailbox| mailbox.kind() != QueueType::Stream) else {
                continue;
            };
            let Some((ready, _)) = mailbox.holds().await? else { continue };
            let growth = Growth {
                vhost: Arc::from(vhost),
                queue: name.to_owned(),
                before: ready,
                after: ready,
                over: self.over,
            };
            before.push((mailbox, growth));
        }
        if !before.is_empty() {
            tokio::time::sleep(self.over).await;
        }
        let mut found = Vec::new();
        for (mailbox, mut growth) in before {
            if let Some((ready, _)) = mailbox.holds().await? {
                growth.after = ready;
                found.push(growth);
            }
        }
        Ok(found)
    }

    fn show(
        &self,
        pending: &Pending<'_>,
        looked: &Looked,
        found: &[Finding],
        started: Instant,
        screen: &mut Screen,
    ) -> Result<(), Stop> {
        let time = started.elapsed().as_millis();
        let queues = pending.compiled.topology.queues().filter(|queue| !queue.0.external).count();
        let name = pending.plan.topology.as_deref().unwrap_or("a topology without a name");
        writeln!(screen.out(), "{name} on {}: {}", pending.target.name(), counted(queues, "queue"))?;
        let several =
            found.iter().filter_map(|found| found.vhost.as_ref()).collect::<BTreeSet<_>>().len() > 1;
        let title = |finding: &Finding| match &finding.vhost {
            Some(vhost) if several => format!("{}  ({vhost})", finding.name),
            _ => finding.name.clone(),
        };
        let width = |text: &str| text.chars().count();
        let kinds = found.iter().map(|found| width(found.kind)).max().unwrap_or(0);
        let titles =
            found.iter().map(|found| width(&visible(&title(found)))).filter(|w| *w <= 40).max().unwrap_or(0);
        if !found.is_empty() {
            writeln!(screen.out())?;
        }
        for finding in found {
            let sign = if finding.is_trouble { "✗" } else { "!" };
            let (kind, title) = (finding.kind, visible(&title(finding)));
            writeln!(screen.out(), "  {sign} {kind:kinds$}  {title:titles$}  {}", visible(&finding.text))?;
            if let Some(help) = self.help(finding) {
                writeln!(screen.out(), "    {:kinds$}  {:titles$}  help: {}", "", "", visible(&help))?;
            }
        }
        let notes: Vec<&String> = looked.notes.iter().chain(&pending.plan.notes).collect();
        for note in &notes {
            writeln!(screen.out(), "  · {}", visible(note))?;
        }
        let plan = &pending.plan;
        if !found.is_empty() || !notes.is_empty() {
            writeln!(screen.out())?;
        }
        if plan.is_empty() {
            writeln!(screen.out(), "as described: nothing has drifted")?;
        } else {
            let diff = command("diff", &self.input, &self.broker, &[]);
            writeln!(screen.out(), "not as described: {}.   {diff}", plan.totals())?;
        }
        let troubles = found.iter().filter(|finding| finding.is_trouble).count();
        let told = match (troubles, found.len() - troubles) {
            (0, 0) => "healthy".to_owned(),
            (0, remarks) => format!("healthy, {}", counted(remarks, "remark")),
            (troubles, 0) => counted(troubles, "trouble"),
            (troubles, remarks) => {
                format!("{}, {}", counted(troubles, "trouble"), counted(remarks, "remark"))
            }
        };
        Ok(writeln!(screen.out(), "{told} ({time} ms)")?)
    }

    /// What leads on; of dead letters that is another verb of ours.
    fn help(&self, finding: &Finding) -> Option<String> {
        if !finding.what.starts_with("dead-") {
            return finding.help.clone();
        }
        let verb = format!("dead peek {}", shell_word(&finding.name));
        Some(command(&verb, &self.input, &self.broker, &[]))
    }
}

impl Looked {
    /// What only who has the tag `monitoring` may see.
    async fn unless_barred(
        &mut self,
        client: &Client,
        request: &Request,
        what: &str,
    ) -> Result<Option<Json>, Stop> {
        match client.send(request).await {
            Ok(found) => Ok(Some(found)),
            Err(Error::Unauthorized { username, .. }) => {
                self.notes.push(format!(
                    "{what} are not seen: `{username}` may not see all of them without the tag `monitoring`"
                ));
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn answer(pending: &Pending<'_>, looked: &Looked, found: &[Finding]) -> Json {
    let plan = &pending.plan;
    json!({
        "version": 1,
        "topology": plan.topology.as_deref(),
        "broker": pending.target.name(),
        "healthy": found.iter().all(|finding| !finding.is_trouble),
        "findings": found.iter().map(Finding::to_json).collect::<Vec<_>>(),
        "pending": plan.steps.len(),
        "drifted": plan.drifted().count(),
        "notes": looked.notes.iter().chain(&plan.notes).collect::<Vec<_>>(),
    })
}
