//! What `diff` and `apply` share: a checked topology, a broker's state, and the plan between them.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write as _},
    path::PathBuf,
    time::{Duration, Instant},
};

use super::{Broker, Exit, Input, Screen, Stop, arguments::CommandSources};
use crate::{
    Compiled,
    broker::{self, Client, Error, Overview, Secrets},
    diag::{Severity, human, json, shell_word, visible},
    plan::{self, Action, Live, Pair, Plan, Shown},
    topology::secrets,
};

/// A broker that can be spoken to, or a definitions file that stands for one.
pub(super) enum Target {
    /// It can be changed.
    Broker(Box<(Client, Overview)>),
    /// It can be compared with.
    File(String),
}

/// A plan and what it was made of.
pub(super) struct Pending<'t> {
    pub(super) compiled: Compiled,
    pub(super) plan: Plan,
    pub(super) target: &'t Target,
    pub(super) secrets: Secrets,
    pub(super) started: Instant,
}

/// The one thread that waits for the broker.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Stop> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(|error| {
        Stop::because(Exit::Broker, format!("this system gives no threads: {error}"), "try again")
    })
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        let exit = if matches!(error, Error::Settings { .. }) { Exit::Usage } else { Exit::Broker };
        Self::because(exit, error.to_string(), error.help().unwrap_or_default())
    }
}

/// Reads and checks a topology.
pub(super) fn read(input: &Input) -> Result<Compiled, Stop> {
    let files = input.files()?;
    let mut compiled = crate::compile(&files.paths, &CommandSources, &input.inputs());
    compiled.report.extend(files.report);
    compiled.lint();
    Ok(compiled)
}

/// Reads and checks a topology; its errors are shown, and stop the run.
pub(super) fn checked(input: &Input, screen: &mut Screen) -> Result<Option<Compiled>, Stop> {
    let mut compiled = read(input)?;
    if !compiled.report.has_errors() {
        return Ok(Some(compiled));
    }
    refused(&mut compiled, input, screen)?;
    Ok(None)
}

/// Shows the errors for which a verb cannot go on.
pub(super) fn refused(compiled: &mut Compiled, input: &Input, screen: &mut Screen) -> Result<(), Stop> {
    compiled.report.retain(|found| found.severity == Severity::Error);
    if screen.is_json() {
        let mut found = json::report(&compiled.report, &compiled.sources);
        let count = plan::count(compiled.report.diagnostics().len() as u64, "mistake", "mistakes");
        let message = format!("the topology has {count}");
        found["error"] = serde_json::json!({ "exit": Exit::Wrong as u8, "message": message, "help": null });
        writeln!(screen.out(), "{found:#}")?;
    }
    let look = screen.look_err();
    let text = human::report(&compiled.report, &compiled.sources, look, &all_findings(input));
    Ok(write!(screen.err(), "{text}")?)
}

/// Reads the broker's state and makes the plan.
pub(super) async fn pending(compiled: Compiled, target: &Target, adopt: bool) -> Result<Pending<'_>, Stop> {
    let started = Instant::now();
    let secrets = Secrets::from_process();
    let mut live = target.live(&compiled).await?;
    let make = |live: &Live| {
        plan::plan(Pair {
            live,
            desired: &compiled.topology,
            same_secret: &|desired, live, attribute| secrets.same(desired, live, attribute),
            adopt,
        })
    };
    let mut plan = make(&live);
    if let (Target::Broker(broker), false) = (target, plan.left_behind.is_empty()) {
        live.published = broker::published(&broker.0, &plan.left_behind).await?;
        plan = make(&live);
    }
    let at_stake = plan.at_stake(&live.topology);
    if let (Target::Broker(broker), false) = (target, at_stake.is_empty()) {
        let (held, late) = broker::held(&broker.0, &broker.1, &at_stake).await?;
        live.held = Some(held);
        plan = make(&live);
        plan.notes.extend(late.map(|why| {
            format!("what quorum queues hold is told some seconds late here, as {why}: apply looks again")
        }));
    }
    // nothing is on record in a file, and nothing is taken over there
    if matches!(target, Target::File(_)) {
        plan.steps.retain(|step| step.action != Action::Adopt);
    }
    Ok(Pending { compiled, plan, target, secrets, started })
}

/// `--broker` comes first, then the environment that `--env` chooses, then the process's environment.
pub(super) async fn reach(compiled: &Compiled, broker: &Broker) -> Result<Target, Stop> {
    let mut named = broker.clone();
    if let Some(environment) = &compiled.topology.environment {
        let address = |word: &Option<crate::syntax::Word>| word.as_ref().map(|word| word.text.to_string());
        named.broker = named.broker.or_else(|| address(&environment.management));
        named.amqp = named.amqp.or_else(|| address(&environment.amqp));
    }
    let options = named.options();
    let path = options.broker.as_ref().and_then(|broker| broker.expose().strip_prefix("file:"));
    if let Some(path) = path {
        return Ok(Target::File(path.to_owned()));
    }
    let client = Client::new(options.open()?)?;
    let overview = told(&client, client.overview()).await?;
    Ok(Target::Broker(Box::new((client, overview))))
}

/// How long nothing is said of an answer that is waited for.
const SILENCE: Duration = Duration::from_secs(5);

/// Waits for an answer, and says so where it takes long.
async fn told<T>(client: &Client, answer: impl Future<Output = T>) -> T {
    let mut answer = std::pin::pin!(answer);
    let start = Instant::now();
    loop {
        match tokio::time::timeout(SILENCE, &mut answer).await {
            Ok(answer) => return answer,
            Err(_) => {
                let seconds = start.elapsed().as_secs();
                // nobody is there to be told that it cannot be told
                let _ = writeln!(io::stderr(), "waiting for {} to answer: {seconds} s", client.endpoint());
            }
        }
    }
}

impl Target {
    /// What is there.
    pub(super) async fn live(&self, compiled: &Compiled) -> Result<Live, Stop> {
        let path = match self {
            Self::Broker(broker) => {
                return Ok(told(&broker.0, broker::live(&broker.0, &broker.1.version)).await?);
            }
            Self::File(path) => path,
        };
        let bytes = fs::read(path).map_err(|error| {
            Stop::wrong(
                format!("the definitions file {path} cannot be read: {error}"),
                format!("a broker writes one: rabbitmqctl export_definitions {}", shell_word(path)),
            )
        })?;
        let vhosts: BTreeSet<&str> =
            compiled.topology.definitions().iter().filter_map(|found| found.vhost.as_deref()).collect();
        let only = vhosts.first().copied().filter(|_| vhosts.len() == 1);
        Live::from_text(&String::from_utf8_lossy(&bytes), only).map_err(|error| {
            Stop::wrong(
                format!("{path}: {error}"),
                "or export it anew, with all vhosts: GET /api/definitions",
            )
        })
    }

    /// How it is called.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Broker(broker) => visible(&broker.1.cluster_name),
            Self::File(path) => format!("file:{path}"),
        }
    }

    fn described(&self) -> String {
        match self {
            Self::Broker(broker) => {
                visible(&format!("{} (RabbitMQ {})", broker.1.cluster_name, broker.1.version))
            }
            Self::File(_) => self.name(),
        }
    }
}

impl Pending<'_> {
    /// The plan for people: where to, the steps, a line of totals.
    pub(super) fn show(&self, all: bool, color: bool) -> String {
        let name = self.plan.topology.as_deref().unwrap_or("a topology without a name");
        let mut vhosts: Vec<&str> =
            self.plan.steps.iter().filter_map(|step| step.vhost().map(|v| &**v)).collect();
        vhosts.sort_unstable();
        vhosts.dedup();
        let vhosts = visible(&match vhosts.as_slice() {
            [] => String::new(),
            [one] => format!(", vhost {one}"),
            several => format!(", vhosts {}", several.join(", ")),
        });
        let paint = |action: Action, sign: &str| if color { painted(action, sign) } else { sign.to_owned() };
        let steps = plan::human(&self.plan, &self.compiled.sources, Shown { all, paint: &paint });
        let applied = self
            .plan
            .stamp
            .as_ref()
            .map_or_else(String::new, |stamp| visible(&format!("last applied {stamp}")) + "\n");
        format!("{name} → {}{vhosts}\n{applied}\n{steps}\n", self.target.described())
    }

    /// `no drift: what orders has made on rabbit@mq-1 is as it was applied (87 ms)`.
    pub(super) fn no_drift(&self) -> String {
        let notes: String = self.plan.notes.iter().map(|note| format!("! {}\n", visible(note))).collect();
        let (name, target) = (self.plan.topology.as_deref().unwrap_or("nobody"), self.target.name());
        let time = self.started.elapsed().as_millis();
        match &self.plan.stamp {
            Some(stamp) => format!(
                "{notes}no drift: nobody has changed or deleted on {target} what `{name}` has made there, last applied {} ({time} ms)",
                visible(&stamp.to_string())
            ),
            None => format!("{notes}no drift: `{name}` has made nothing on {target} so far ({time} ms)"),
        }
    }

    /// `nothing to do: 14 entities are as described (87 ms)`.
    pub(super) fn nothing(&self) -> String {
        let notes: String = self.plan.notes.iter().map(|note| format!("! {}\n", visible(note))).collect();
        format!(
            "{notes}nothing to do: {} on {} {} as described ({} ms)",
            plan::count(self.plan.compared as u64, "entity", "entities"),
            self.target.name(),
            if self.plan.compared == 1 { "is" } else { "are" },
            self.started.elapsed().as_millis()
        )
    }
}

fn painted(action: Action, sign: &str) -> String {
    use owo_colors::OwoColorize as _;
    match action {
        Action::Create => sign.green().to_string(),
        Action::Adopt | Action::Restore | Action::Forget => sign.cyan().to_string(),
        Action::Change => sign.yellow().to_string(),
        Action::Replace | Action::Move => sign.magenta().to_string(),
        Action::Delete | Action::Refuse => sign.red().to_string(),
    }
}

/// The command that shows every finding.
pub(super) fn all_findings(input: &Input) -> String {
    command("check", input, &Broker::default(), &["--all"])
}

/// The command of a verb on the same input, to be pasted.
pub(super) fn command(verb: &str, input: &Input, broker: &Broker, flags: &[&str]) -> String {
    let mut words = vec!["topoc".to_owned(), verb.to_owned()];
    words.extend(input.files.iter().map(|file| shell_word(file)));
    for (name, value) in &input.variables {
        words.extend(["--var".to_owned(), shell_word(&format!("{name}={value}"))]);
    }
    if let Some(environment) = &input.environment {
        words.extend(["--env".to_owned(), shell_word(environment)]);
    }
    // what is pasted must not go to another broker; a password is not for the screen
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let options = [
        ("--broker", broker.broker.as_deref().map(without_passwords)),
        ("--amqp", broker.amqp.as_deref().map(without_passwords)),
        ("--broker-ca", path(&broker.broker_ca)),
        ("--broker-cert", path(&broker.broker_cert)),
        ("--broker-key", path(&broker.broker_key)),
    ];
    for (option, value) in options {
        words.extend(value.into_iter().flat_map(|value| [option.to_owned(), shell_word(&value)]));
    }
    words.extend(flags.iter().map(|flag| (*flag).to_owned()));
    words.join(" ")
}

/// `http://user@host`: the password is then taken from the environment.
fn without_passwords(addresses: &str) -> String {
    let without = |address: &str| match secrets::password(address) {
        Some(password) => address.replacen(&format!(":{password}@"), "@", 1),
        None => address.to_owned(),
    };
    addresses.split(',').map(without).collect::<Vec<_>>().join(",")
}
