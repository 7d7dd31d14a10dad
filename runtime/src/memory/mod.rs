//! A broker in this process, for tests and demonstrations without RabbitMQ.
//!
//! A [`Broker`] holds a whole topology, which generated code has as the constant `TOPOLOGY`. Connections to it are
//! [`Connection`]s like any other: publishers, consumers, rpcs and `serve` run on them unchanged.
//!
//! Where a message goes is decided by the crate `topoc-routing` alone, as everywhere in topoc: exchanges of all types,
//! alternate exchanges, dead letters with `x-death` and the cycle rule, and which value counts out of arguments and
//! policies. Beside that it does what queues do: time to live, limits and overflow, delivery limits, priorities,
//! prefetch, single active consumers, confirms, returned messages and direct reply-to.
//!
//! # Time
//! The broker's clock stands still until [`Broker::advance`] moves it, so a test of a retry ladder takes no time and
//! always sees the same. [`Broker::with_running_clock`] lets it run by tokio's clock instead. What a service itself
//! waits for, as the timeout of a call, goes by tokio's clock in either case.
//!
//! # What it leaves out
//! It has no users, permissions or plugins; delayed-message exchanges are refused. Nothing is ever deleted: not by
//! `auto-delete` or `exclusive`, and no queue `expires`. A stream is read from its end on. Which queue a hash picks is
//! not RabbitMQ's choice, though one key always gives one queue.
//!
//! ```no_run
//! # use topoc_runtime::{Result, declare::Topology, memory::Broker};
//! # const TOPOLOGY: Topology = Topology { rabbitmq: (3, 10), vhosts: &[] };
//! # async fn example() -> Result<()> {
//! let broker = Broker::new(&TOPOLOGY)?;
//! let connection = broker.connect().await?;
//! // … publish and serve over the connection, then look at where it ended:
//! broker.advance(std::time::Duration::from_secs(35)).await;
//! assert_eq!(broker.messages("shop", "billing.dead")?.len(), 1);
//! # Ok(())
//! # }
//! ```

mod client;
mod clock;
mod consumers;
mod declare;
mod fields;
mod line;
mod pick;
mod session;
mod stored;
mod vhost;

pub use client::{Client, Got};
pub(crate) use session::{Channel, Held, Session, Subscription};
pub use topoc_routing::Version;

use crate::{
    address::Address,
    connection::Connection,
    delivery::Delivery,
    error::{Error, Result},
    options::Options,
};
use clock::Clock;
use declare::Mode;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;
use vhost::{Now, Vhost};

/// The largest frame that the broker takes, in bytes: RabbitMQ's default.
pub(crate) const FRAME_MAX: usize = 131_072;

/// What became of a message that was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Confirmed: every queue that it goes to has it. One that is not mandatory may go to none.
    Acked,
    /// A queue refuses it; others that it goes to have their copy.
    Nacked,
    /// It is mandatory and goes to no queue.
    Returned,
    /// The publish is refused, in the broker's words.
    Refused(String),
}

/// A broker in this process. Clones are handles to the same one.
#[derive(Clone)]
pub struct Broker {
    shared: Arc<Shared>,
}

struct Shared {
    /// The vhost that [`Broker::connect`] connects to.
    first: String,
    state: Mutex<State>,
    /// Counts what happens.
    changed: watch::Sender<u64>,
}

struct State {
    clock: Clock,
    vhosts: BTreeMap<String, Vhost>,
}

impl Broker {
    /// A broker with this topology in it, which behaves as the RabbitMQ that the topology is written for.
    ///
    /// # Errors
    /// [`Error::Declare`] with what a broker would refuse, and what is not available in memory.
    pub fn new(topology: &crate::declare::Topology) -> Result<Self> {
        let (major, minor) = topology.rabbitmq;
        Self::of_version(Version::new(major, minor), topology)
    }

    /// The same as another version of RabbitMQ has it.
    ///
    /// # Errors
    /// See [`new`](Self::new).
    pub fn of_version(version: Version, topology: &crate::declare::Topology) -> Result<Self> {
        let (mut vhosts, mut refused) = (Vec::new(), Vec::new());
        for described in topology.vhosts {
            let mut vhost = Vhost::new(described.name, topoc_routing::Topology::new(version));
            vhost.declared.default_queue_type = Some(described.default_queue_type);
            vhost.declared.policies =
                described.policies.iter().map(|policies| (policies.to, *policies)).collect();
            refused.extend(vhost.declare(&described.declaration, Mode::All));
            vhosts.push(vhost);
        }
        if refused.is_empty() { Ok(Self::of(vhosts)) } else { Err(Error::Declare(refused)) }
    }

    /// A broker with one vhost, in which this stands.
    #[must_use]
    pub fn of_routing(vhost: &str, topology: topoc_routing::Topology) -> Self {
        Self::of(vec![Vhost::new(vhost, topology)])
    }

    fn of(vhosts: Vec<Vhost>) -> Self {
        let first = vhosts.first().map_or("/", |vhost| &vhost.name).to_owned();
        let vhosts = vhosts.into_iter().map(|vhost| (vhost.name.clone(), vhost)).collect();
        let state = Mutex::new(State { clock: Clock::new(), vhosts });
        Self { shared: Arc::new(Shared { first, state, changed: watch::Sender::new(0) }) }
    }

    /// Lets time run by tokio's clock from now on, as long as there is a connection.
    #[must_use]
    pub fn with_running_clock(self) -> Self {
        self.state().clock.run();
        self.change();
        self
    }

    /// How to connect to it: to the vhost that its topology names first, unless
    /// [`vhost`](Options::vhost) says another.
    #[must_use]
    pub fn options(&self) -> Options {
        let mut options = Options::new(Address::in_memory(&self.shared.first));
        options.broker = Some(self.clone());
        options
    }

    /// Connects with [`options`](Self::options).
    ///
    /// # Errors
    /// See [`Connection::open`].
    pub async fn connect(&self) -> Result<Connection> {
        Connection::open(self.options()).await
    }

    /// A client that owes nothing to topoc, as tests use it.
    ///
    /// # Errors
    /// [`Error::Refused`] where there is no such vhost.
    pub fn client(&self, vhost: &str) -> Result<Client> {
        self.session(vhost).map(Client::new).map_err(|reason| self.refused(reason))
    }

    /// The ready messages of a queue in their order; those in hand of a consumer are not among them.
    ///
    /// # Errors
    /// [`Error::Refused`] where there is no such vhost or queue.
    pub fn messages(&self, vhost: &str, queue: &str) -> Result<Vec<Delivery>> {
        let messages = self.ask(vhost, |vhost, _| {
            let id = vhost.queue(queue)?;
            let messages = vhost.lines[id.index()].messages();
            Ok(messages.map(|stored| Delivery::new(queue, stored.arrival(None))).collect())
        });
        messages.unwrap_or_else(|| Err(missing(vhost))).map_err(|reason| self.refused(reason))
    }

    /// How many consumers a queue has.
    ///
    /// # Errors
    /// [`Error::Refused`] where there is no such vhost or queue.
    pub fn consumers(&self, vhost: &str, queue: &str) -> Result<usize> {
        let consumers = self.ask(vhost, |vhost, _| Ok(vhost.consumers(vhost.queue(queue)?)));
        consumers.unwrap_or_else(|| Err(missing(vhost))).map_err(|reason| self.refused(reason))
    }

    /// Returns when a queue has a consumer: a service that was just started may not be so far.
    ///
    /// # Errors
    /// [`Error::Refused`] where there is no such vhost or queue.
    pub async fn consumed(&self, vhost: &str, queue: &str) -> Result<()> {
        let mut changed = self.shared.changed.subscribe();
        loop {
            if self.consumers(vhost, queue)? > 0 {
                return Ok(());
            }
            // cannot end early: `self` holds the sender
            let _ = changed.changed().await;
        }
    }

    /// Returns when nothing is in hand: every message that a consumer was given is answered, and every message that
    /// a consumer could take was given. What a handler publishes before it is done counts with it.
    pub async fn settled(&self) {
        let mut changed = self.shared.changed.subscribe();
        while !self.is_idle() {
            let _ = changed.changed().await;
        }
    }

    /// Moves the clock on. Whatever expires on the way does so at its own time, and
    /// [what follows](Self::settled) from it is waited for before the clock moves on.
    pub async fn advance(&self, by: Duration) {
        let end = self.state().clock.millis().saturating_add(millis(by));
        loop {
            self.settled().await;
            let mut state = self.state();
            let due = state.next_due().filter(|due| *due <= end);
            state.clock.move_to(due.unwrap_or(end));
            if due.is_none() {
                return;
            }
            state.expire();
            drop(state);
            self.change();
        }
    }

    /// How much time has passed since it began, by its own clock.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Duration::from_millis(self.state().clock.millis())
    }

    /// A connection to a vhost, or the broker's words.
    pub(crate) fn session(&self, vhost: &str) -> Result<Session, String> {
        let id = self.with(vhost, |vhost, _| vhost.connect()).ok_or_else(|| missing(vhost))?;
        Ok(Session::new(self.clone(), vhost, id))
    }

    fn refused(&self, reason: String) -> Error {
        Error::Refused { address: self.options().address.to_string(), reason }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) {
        self.shared.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn is_idle(&self) -> bool {
        self.state().vhosts.values().all(Vhost::is_idle)
    }

    /// Does something in a vhost, and tells whoever waits for a change.
    fn with<R>(&self, vhost: &str, ask: impl FnOnce(&mut Vhost, Now) -> R) -> Option<R> {
        let answer = self.ask(vhost, ask);
        self.change();
        answer
    }

    /// Asks a vhost something that changes nothing.
    fn ask<R>(&self, vhost: &str, ask: impl FnOnce(&mut Vhost, Now) -> R) -> Option<R> {
        let mut state = self.state();
        let now = state.clock.now();
        state.vhosts.get_mut(vhost).map(|vhost| ask(vhost, now))
    }

    /// Lets messages expire while time runs by itself.
    async fn keep_time(&self) {
        let mut changed = self.shared.changed.subscribe();
        loop {
            let due = {
                let mut state = self.state();
                let running = state.clock.is_running();
                if running && state.next_due().is_some_and(|due| due <= state.clock.millis()) {
                    state.expire();
                    drop(state);
                    self.change();
                    continue;
                }
                state.next_due().and_then(|due| state.clock.when(due))
            };
            match due {
                Some(due) => tokio::select! {
                    _ = changed.changed() => {}
                    () = tokio::time::sleep_until(due) => {}
                },
                None => drop(changed.changed().await),
            }
        }
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let vhosts: Vec<String> = self.state().vhosts.keys().cloned().collect();
        f.debug_struct("Broker").field("vhosts", &vhosts).finish_non_exhaustive()
    }
}

impl State {
    fn next_due(&self) -> Option<u64> {
        self.vhosts.values().filter_map(Vhost::next_due).min()
    }

    fn expire(&mut self) {
        let now = self.clock.now();
        for vhost in self.vhosts.values_mut() {
            vhost.expire(now);
        }
    }
}

fn missing(vhost: &str) -> String {
    format!("NOT_ALLOWED - vhost {vhost} not found")
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
