use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use crate::ports::{Ports, random};
use crate::supervisor::Supervisor;
use crate::version::Installation;
use crate::{Api, Error, Options, Version, conf, conf::Name};

/// How long a node may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(120);

/// A RabbitMQ node of our own on loopback. Its directory and processes are gone when it is dropped, and also when this
/// process ends in any other way, by SIGKILL too.
#[derive(Debug)]
pub struct Broker {
    version: Version,
    installation: Installation,
    dir: PathBuf,
    name: Name,
    ports: Ports,
    supervisor: Supervisor,
    /// `None` where another node's is used.
    epmd: Option<u32>,
    /// `None` while it is down.
    node: Option<u32>,
}

impl Broker {
    /// A 3.10 node with the management plugin, ready for clients.
    ///
    /// # Panics
    /// When it does not start; the message has its log's errors.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(Options::default())
    }

    /// A node as `options` say, ready for clients.
    ///
    /// # Panics
    /// When it does not start; the message has its log's errors.
    #[must_use]
    #[track_caller]
    pub fn start_with(options: Options<'_>) -> Self {
        match Self::try_start_with(options) {
            Ok(broker) => broker,
            Err(error) => panic!("{error}"),
        }
    }

    /// A node as `options` say, ready for clients.
    ///
    /// # Errors
    /// When the version is not available or the node does not start; the message has its log's errors.
    pub fn try_start_with(options: Options<'_>) -> Result<Self, Error> {
        let installation = Installation::find(options.version)?;
        again_if_a_port_is_taken(|| {
            let mut broker =
                Self::ready_to_start(&installation, &options, Name::of("rabbit@localhost"), None)?;
            broker.start_node()?;
            Ok(broker)
        })
    }

    /// A node of which nothing runs yet but epmd, of its own or this one.
    pub(crate) fn ready_to_start(
        installation: &Installation,
        options: &Options<'_>,
        name: Name,
        epmd: Option<u16>,
    ) -> Result<Self, Error> {
        let dir = env::temp_dir().join(format!("topoc-broker-{:016x}", random()));
        let mut ports = Ports::pick()?;
        ports.epmd = epmd.unwrap_or(ports.epmd);
        let mut supervisor = Supervisor::start(installation, &dir)?;
        conf::write(&dir, installation, &name, ports, options)?;
        let own_epmd = if epmd.is_none() { Some(supervisor.epmd()?) } else { None };
        // without one the node would start a daemon that stays behind
        wait("epmd", || Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, ports.epmd)).is_ok()))?;
        Ok(Self {
            version: options.version,
            installation: installation.clone(),
            dir,
            name,
            ports,
            supervisor,
            epmd: own_epmd,
            node: None,
        })
    }

    fn start_node(&mut self) -> Result<(), Error> {
        let earlier = self.begin()?;
        self.until_ready(earlier)
    }

    /// Starts the node and does not wait for it: how much of its log is older.
    pub(crate) fn begin(&mut self) -> Result<usize, Error> {
        let earlier = self.log().len();
        self.node = Some(self.supervisor.node()?);
        Ok(earlier)
    }

    /// Waits until the node, whose log was so long when it was started, is ready for clients.
    pub(crate) fn until_ready(&self, earlier: usize) -> Result<(), Error> {
        let ready = wait("the node", || {
            if self.log().get(earlier..).is_some_and(|log| log.contains("Server startup complete")) {
                return Ok(true);
            }
            if self.node.is_some_and(is_running) {
                Ok(false)
            } else {
                Err(Error::new("the node ended while it started"))
            }
        });
        ready.map_err(|error| {
            let log: String = ["log/stderr", "log/epmd", "log/stdout", &self.name.log()]
                .into_iter()
                .map(|name| self.read(name))
                .collect();
            Error::new(format!("RabbitMQ {} on 127.0.0.1: {error}\n{}", self.version, telling_lines(&log)))
        })
    }

    /// The port of its epmd.
    pub(crate) fn epmd_port(&self) -> u16 {
        self.ports.epmd
    }

    /// The name by which it is known in its cluster: `rabbit@localhost`.
    pub fn name(&self) -> &str {
        &self.name.node
    }

    /// Which RabbitMQ this is.
    pub fn version(&self) -> Version {
        self.version
    }

    /// `amqp://guest:guest@127.0.0.1:PORT/%2f`.
    pub fn amqp_url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.ports.amqp)
    }

    /// `http://guest:guest@127.0.0.1:PORT`, the management API without its `/api`.
    pub fn management_url(&self) -> String {
        format!("http://guest:guest@127.0.0.1:{}", self.ports.management)
    }

    /// `amqps://guest:guest@localhost:PORT/%2f`, listening where [`Options::tls`] is given.
    pub fn amqps_url(&self) -> String {
        format!("amqps://guest:guest@localhost:{}/%2f", self.ports.amqps)
    }

    /// `https://guest:guest@localhost:PORT`, listening where [`Options::tls`] is given.
    pub fn management_tls_url(&self) -> String {
        format!("https://guest:guest@localhost:{}", self.ports.management_tls)
    }

    /// `http://127.0.0.1:PORT/metrics`, listening where the plugin `rabbitmq_prometheus` is on.
    pub fn prometheus_url(&self) -> String {
        format!("http://127.0.0.1:{}/metrics", self.ports.prometheus)
    }

    /// The loopback port of the stream protocol, listening where the plugin `rabbitmq_stream` is on.
    pub fn stream_port(&self) -> u16 {
        self.ports.stream
    }

    /// The management API, for what a test sets up or looks at.
    pub fn api(&self) -> Api {
        Api::new(&self.management_url())
    }

    /// `rabbitmqctl` of this node, which arguments are to be added to. It runs in [`Broker::dir`], where it finds files by
    /// their names alone.
    pub fn rabbitmqctl(&self) -> Command {
        let mut words = self.installation.enter(&self.dir);
        let script = self.installation.inside(&self.dir).join(conf::CTL);
        words.extend(["/bin/sh".to_owned(), script.display().to_string()]);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        command
    }

    /// All of the node's log so far.
    pub fn log(&self) -> String {
        self.read(&self.name.log())
    }

    /// The process ids of the private epmd, where it is this node's own, and, unless it is down, of the node.
    pub fn processes(&self) -> Vec<u32> {
        self.epmd.into_iter().chain(self.node).collect()
    }

    /// The directory of all of the node's files.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Ends the node at once, as a power cut would (SIGKILL). [`Broker::restart`] brings it back.
    ///
    /// # Panics
    /// When the supervising shell is gone.
    pub fn kill(&mut self) {
        if self.node.take().is_some()
            && let Err(error) = self.supervisor.kill()
        {
            panic!("{error}");
        }
    }

    /// Ends the node in good order (SIGTERM), which takes 3 to 8 seconds. [`Broker::restart`] brings it back.
    ///
    /// # Panics
    /// When the supervising shell is gone.
    pub fn shut_down(&mut self) {
        if self.node.take().is_some()
            && let Err(error) = self.supervisor.terminate()
        {
            panic!("{error}");
        }
    }

    /// Stops the node in its course (SIGSTOP): its connections stay open, and nothing answers. Its peers take it for down
    /// after about 10 s.
    ///
    /// # Panics
    /// When the supervising shell is gone.
    pub fn pause(&mut self) {
        if let Err(error) = self.supervisor.pause() {
            panic!("{error}");
        }
    }

    /// Lets a paused node go on.
    ///
    /// # Panics
    /// When the supervising shell is gone.
    pub fn resume(&mut self) {
        if let Err(error) = self.supervisor.resume() {
            panic!("{error}");
        }
    }

    /// Has the node evaluate an Erlang expression: what `rabbitmqctl eval` prints.
    ///
    /// # Panics
    /// When it cannot.
    #[track_caller]
    pub fn eval(&self, expression: &str) -> String {
        match self.rabbitmqctl().args(["eval", expression]).output() {
            Ok(done) if done.status.success() => String::from_utf8_lossy(&done.stdout).trim().to_owned(),
            failed => panic!("{}: rabbitmqctl eval '{expression}': {failed:?}", self.name.node),
        }
    }

    /// Starts the node again with its files and ports, after shutting it down in good order where it is up.
    ///
    /// # Panics
    /// When it does not start; the message has its log's errors.
    pub fn restart(&mut self) {
        self.shut_down();
        if let Err(error) = self.start_node() {
            panic!("{error}");
        }
    }

    /// Ends the node at once and removes its files, as dropping it does.
    pub fn stop(self) {
        drop(self);
    }

    fn read(&self, name: &str) -> String {
        fs::read(self.dir.join(name))
            .map_or_else(|_| String::new(), |log| String::from_utf8_lossy(&log).into_owned())
    }
}

/// Tries again where somebody took one of the ports between our look and the node's.
pub(crate) fn again_if_a_port_is_taken<T>(mut start: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    let mut attempts = 1;
    loop {
        match start() {
            Err(error) if attempts < 3 && error.to_string().contains("eaddrinuse") => attempts += 1,
            outcome => return outcome,
        }
    }
}

pub(crate) fn wait(what: &str, mut done: impl FnMut() -> Result<bool, Error>) -> Result<(), Error> {
    let start = Instant::now();
    while !done()? {
        if start.elapsed() > PATIENCE {
            return Err(Error::new(format!("{what} was not ready within {} s", PATIENCE.as_secs())));
        }
        thread::sleep(Duration::from_millis(25));
    }
    Ok(())
}

/// Whether the process exists and has not ended: one that its parent has not waited for is a zombie.
fn is_running(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')))
}

/// The first of a log's lines that are about errors: what comes after is mostly their consequence.
fn telling_lines(log: &str) -> String {
    let lines = log.lines().filter(|line| line.to_ascii_lowercase().contains("error"));
    lines.take(20).collect::<Vec<_>>().join("\n")
}
