//! One at a time: who applies to a vhost holds a lock in it, an exclusive queue. It dies with its holder's connection, so
//! that nobody ever has to break it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use lapin::{
    Channel, Connection, Consumer, ConsumerDelegate, ErrorKind,
    message::DeliveryResult,
    options::{BasicConsumeOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use serde_json::Value as Json;
use tokio::sync::Mutex;

use super::{
    Client, Error, Overview, Request,
    connect::{Connected, answered, connect},
};
use crate::plan::Stamp;

/// The queue that is the lock of its vhost.
const LOCK: &str = "topoc.lock";

/// How often a lock that another holds is asked for again.
const PAUSE: Duration = Duration::from_millis(500);

/// How long a node that had a lock may take to speak AMQP again.
const STARTS_WITHIN: Duration = Duration::from_secs(15);

/// How the broker says that a user may not enter a vhost (`rabbit_reader:not_allowed`).
const NO_ACCESS: &str = "NOT_ALLOWED - access to vhost";

/// 405: the queue is another connection's own.
const RESOURCE_LOCKED: u16 = 405;
/// 406.
const PRECONDITION_FAILED: u16 = 406;
/// How the broker says that a vhost may have no further queue (`rabbit_amqqueue:check_queue_limits`).
pub(super) const QUEUE_LIMIT: &str = "queue limit in vhost";
/// 403.
const ACCESS_REFUSED: u16 = 403;

const TOPOLOGY: &str = "x-topoc-topology";
const BY: &str = "x-topoc-by";
const SINCE: &str = "x-topoc-since";

/// Why it is not our turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoTurn {
    /// Somebody else applies to the vhost.
    Taken {
        /// The vhost.
        vhost: String,
        /// Who, and since when, as far as the broker says.
        holder: String,
    },
    /// The lock cannot be taken at all.
    Barred {
        /// The vhost.
        vhost: String,
        /// Why.
        reason: String,
    },
}

impl fmt::Display for NoTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken { vhost, holder } => write!(f, "{holder} is applying to vhost `{vhost}`"),
            Self::Barred { vhost, reason } => {
                write!(f, "vhost `{vhost}` cannot be locked against others who apply: {reason}")
            }
        }
    }
}

impl NoTurn {
    /// What leads on.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Taken { .. } => {
                "wait until that has ended: --lock-timeout 5m does; the lock goes with who holds it"
                    .to_owned()
            }
            Self::Barred { .. } => format!(
                "it takes AMQP, whose address --amqp gives, and the right to configure and to read the queue `{LOCK}`; --no-lock does without"
            ),
        }
    }
}

/// The locks that are held: for as long as this is kept, nobody else applies there.
pub struct Turn<'a> {
    client: &'a Client,
    overview: &'a Overview,
    arguments: FieldTable,
    /// None where a vhost has no room for a lock.
    held: Mutex<BTreeMap<Arc<str>, Option<Lock>>>,
}

struct Lock {
    connection: Connection,
    /// A channel that is dropped is closed.
    _channel: Channel,
    /// Nothing ever comes. While somebody listens, no policy's `expires` takes the queue away, and who deletes it is heard.
    _consumer: Consumer,
    is_gone: Arc<AtomicBool>,
}

impl Lock {
    /// Whether nobody has taken it away.
    fn is_held(&self) -> bool {
        self.connection.status().connected() && !self.is_gone.load(Ordering::Relaxed)
    }

    async fn end(self) {
        // it goes with the process all the same
        let _ = answered(self.connection.close(200, "applied".into())).await;
    }
}

/// Hears that the queue is gone, and with it the lock.
struct Watch(Arc<AtomicBool>);

impl ConsumerDelegate for Watch {
    fn on_new_delivery(&self, delivery: DeliveryResult) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        if !matches!(delivery, Ok(Some(_))) {
            self.0.store(true, Ordering::Relaxed);
        }
        Box::pin(std::future::ready(()))
    }
}

/// What came of asking for a lock.
enum Taken {
    Lock(Box<Lock>),
    NoRoom,
    NoVhost,
}

impl<'a> Turn<'a> {
    /// Nothing is held yet.
    #[must_use]
    pub fn new(client: &'a Client, overview: &'a Overview, topology: &str, stamp: &Stamp) -> Self {
        let mut arguments = FieldTable::default();
        let said = [(TOPOLOGY, topology), (BY, &*stamp.by), (SINCE, &*stamp.at), ("x-queue-type", "classic")];
        for (name, value) in said {
            arguments.insert(name.into(), AMQPValue::LongString(value.into()));
        }
        Self { client, overview, arguments, held: Mutex::default() }
    }

    /// Takes the locks of these vhosts that are there and not yet held, or held no more; waits for those that others hold.
    ///
    /// # Errors
    /// When another holds one after so long, or one cannot be taken.
    pub async fn take(&self, vhosts: &BTreeSet<Arc<str>>, patience: Duration) -> Result<(), NoTurn> {
        let start = Instant::now();
        let mut held = self.held.lock().await;
        // in one order for everybody, so that two that wait do not wait for each other
        for vhost in vhosts {
            let was_held = match held.get(vhost) {
                Some(Some(lock)) if lock.is_held() => continue,
                Some(None) => continue,
                found => found.is_some(),
            };
            match self.lock(vhost, was_held, start, patience).await? {
                Taken::Lock(lock) => drop(held.insert(vhost.clone(), Some(*lock))),
                Taken::NoRoom => drop(held.insert(vhost.clone(), None)),
                Taken::NoVhost => {}
            }
        }
        Ok(())
    }

    /// Gives up the lock of a vhost that may have no queue besides, and says whether there was one.
    pub(super) async fn make_room(&self, vhost: &Arc<str>) -> bool {
        let Some(lock) = self.held.lock().await.insert(vhost.clone(), None).flatten() else { return false };
        lock.end().await;
        true
    }

    /// The vhosts that have no room for a lock: nobody is kept from applying to them.
    pub async fn open(&self) -> Vec<Arc<str>> {
        let held = self.held.lock().await;
        held.iter().filter(|(_, lock)| lock.is_none()).map(|(vhost, _)| vhost.clone()).collect()
    }

    /// The vhost's lock, where there can be one.
    async fn lock(
        &self,
        vhost: &Arc<str>,
        was_held: bool,
        start: Instant,
        patience: Duration,
    ) -> Result<Taken, NoTurn> {
        let barred = |reason: String| NoTurn::Barred { vhost: vhost.to_string(), reason };
        match self.client.find(&Request::get(&["vhosts", vhost])).await {
            Ok(None) => return Ok(Taken::NoVhost),
            // who may not look at a vhost may well be let in
            Ok(Some(_)) | Err(Error::Unauthorized { .. }) => {}
            Err(error) => return Err(barred(error.to_string())),
        }
        let Connected { connection, address } = match self.connect(vhost, was_held).await {
            // nothing can be done there either
            Err(reason) if reason.contains(NO_ACCESS) => return Ok(Taken::NoVhost),
            connected => connected.map_err(barred)?,
        };
        loop {
            // a refusal closes the channel
            let channel =
                answered(connection.create_channel()).await.map_err(|error| barred(error.to_string()))?;
            let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
            let declared = channel.queue_declare(LOCK.into(), options, self.arguments.clone());
            let consumed = match answered(declared).await {
                Ok(_) => {
                    let options = BasicConsumeOptions::default();
                    let consumed =
                        channel.basic_consume(LOCK.into(), "".into(), options, FieldTable::default());
                    answered(consumed).await
                }
                Err(error) => Err(error),
            };
            let refused = match consumed {
                Ok(consumer) => {
                    let is_gone = Arc::new(AtomicBool::new(false));
                    consumer.set_delegate(Watch(is_gone.clone()));
                    self.see(vhost, &address).await.map_err(barred)?;
                    let lock = Lock { connection, _channel: channel, _consumer: consumer, is_gone };
                    return Ok(Taken::Lock(Box::new(lock)));
                }
                Err(error) => error,
            };
            match code(&refused) {
                Some(RESOURCE_LOCKED) if start.elapsed() < patience => tokio::time::sleep(PAUSE).await,
                Some(RESOURCE_LOCKED) => {
                    let holder = holder(self.client, vhost).await;
                    let holder = holder.unwrap_or_else(|| "somebody else".to_owned());
                    return Err(NoTurn::Taken { vhost: vhost.to_string(), holder });
                }
                Some(PRECONDITION_FAILED) if refused.to_string().contains(QUEUE_LIMIT) => {
                    return Ok(Taken::NoRoom);
                }
                Some(ACCESS_REFUSED) => {
                    let user = &self.client.access().credentials().username;
                    return Err(barred(format!(
                        "`{user}` may not declare and read the queue `{LOCK}` there"
                    )));
                }
                _ => return Err(barred(refused.to_string())),
            }
        }
    }

    /// A node that starts again answers requests some time before it speaks AMQP.
    async fn connect(&self, vhost: &str, was_held: bool) -> Result<Connected, String> {
        let start = Instant::now();
        loop {
            match connect(self.client, self.overview, vhost, "topoc apply").await {
                Err(_) if was_held && start.elapsed() < STARTS_WITHIN => tokio::time::sleep(PAUSE).await,
                connected => return connected,
            }
        }
    }

    /// That AMQP and the management API lead to the same broker: a lock on another keeps nobody away.
    async fn see(&self, vhost: &Arc<str>, address: &str) -> Result<(), String> {
        let found = self.client.find(&Request::get(&["queues", vhost, LOCK])).await;
        if found.map_err(|error| error.to_string())?.is_some() {
            return Ok(());
        }
        Err(format!("{address} is another broker than {}", self.client.endpoint()))
    }

    /// Lets others come.
    pub async fn end(self) {
        for lock in self.held.into_inner().into_values().flatten() {
            lock.end().await;
        }
    }
}

impl fmt::Debug for Turn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("client", &self.client).finish_non_exhaustive()
    }
}

/// Who applies to a vhost, and since when, as the queue that is its lock says; none where there is none.
pub async fn holder(client: &Client, vhost: &str) -> Option<String> {
    let queue = client.find(&Request::get(&["queues", vhost, LOCK])).await.ok()??;
    let said = |name: &str| queue["arguments"][name].as_str().filter(|text| !text.is_empty());
    let mut holder = said(BY).map_or_else(|| "somebody".to_owned(), |by| format!("`{by}`"));
    if let Some(peer) = peer(&queue) {
        holder.push_str(&format!(" from {peer}"));
    }
    if let Some(topology) = said(TOPOLOGY) {
        holder.push_str(&format!(", topology `{topology}`,"));
    }
    if let Some(since) = said(SINCE) {
        holder.push_str(&format!(" since {}", since.replacen('T', " ", 1).replace('Z', " UTC")));
    }
    Some(holder)
}

/// `10.0.0.7:53422`, of a connection that is called `10.0.0.7:53422 -> 10.0.0.2:5672`.
fn peer(queue: &Json) -> Option<&str> {
    queue["owner_pid_details"]["name"].as_str()?.split(" -> ").next()
}

fn code(error: &lapin::Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => Some(error.get_id()),
        _ => None,
    }
}
