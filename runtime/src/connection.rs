//! The connection to the broker, which comes back by itself.
//!
//! lapin can recover a connection on its own. Tried on a broker that was killed for 45 s, it came back,
//! some 13 s after the broker did: its waits double without jitter, and nothing tells a publisher that
//! the connection is down. It also declares again what this program declared (`Channel::start_recovery`),
//! which is not a service's to decide. So a lost connection is replaced here by a new one, and whoever
//! uses it opens a new channel on that.

#[cfg(feature = "memory")]
use crate::memory;
use crate::{
    address::Address,
    backoff::Backoff,
    error::{Error, Result, words},
    options::Options,
    shutdown::Shutdown,
};
use futures_util::{FutureExt, StreamExt};
use lapin::protocol::{AMQPErrorKind, AMQPHardError};
use std::{
    fmt,
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

/// How long one attempt to connect, to prepare a channel, to subscribe or to close may take.
/// The broker does not answer for a quorum queue without a leader.
pub(crate) const ATTEMPT: Duration = Duration::from_secs(10);

/// A connection to the broker that is replaced when it is lost. Clones share it.
#[derive(Clone)]
pub struct Connection {
    shared: Arc<Shared>,
}

struct Shared {
    options: Options,
    link: watch::Receiver<Link>,
    close: watch::Sender<bool>,
    shutdown: Shutdown,
    servers: AtomicUsize,
}

#[derive(Clone)]
enum Link {
    Up(Live),
    Down,
    Closed,
}

/// What a connection runs over.
#[derive(Clone)]
enum Live {
    Broker(Arc<lapin::Connection>),
    #[cfg(feature = "memory")]
    Memory(memory::Session),
}

impl Live {
    async fn channel(self) -> Result<Channel> {
        match self {
            Self::Broker(live) => {
                let lost = |reason: String| Error::Lost { doing: "opening a channel".into(), reason };
                match timeout(ATTEMPT, live.create_channel()).await {
                    Ok(Ok(channel)) => Ok(Channel::Broker(channel)),
                    Ok(Err(error)) => Err(lost(words(&error))),
                    Err(_) => Err(lost(format!("no answer within {} s", ATTEMPT.as_secs()))),
                }
            }
            #[cfg(feature = "memory")]
            Self::Memory(session) => Ok(Channel::Memory(session.channel())),
        }
    }
}

/// What publishers, consumers and declarations work on.
pub(crate) enum Channel {
    Broker(lapin::Channel),
    #[cfg(feature = "memory")]
    Memory(memory::Channel),
}

impl Connection {
    /// Connects with [`Options::from_env`].
    ///
    /// # Errors
    /// See [`open`](Self::open); and [`Error::Address`].
    pub async fn from_env() -> Result<Self> {
        Self::open(Options::from_env()?).await
    }

    /// Connects to `address`, an `amqp://` or `amqps://` URL, with the default options.
    ///
    /// # Errors
    /// See [`open`](Self::open); and [`Error::Address`].
    pub async fn connect(address: &str) -> Result<Self> {
        Self::open(Options::new(Address::parse(address)?)).await
    }

    /// Connects, trying for [`Options::connect_timeout`].
    ///
    /// # Errors
    /// [`Error::Refused`] at once if the broker refuses, [`Error::Unreachable`] when the time is over.
    pub async fn open(options: Options) -> Result<Self> {
        let (close, close_out) = watch::channel(false);
        #[cfg(feature = "memory")]
        if let Some(session) = options.memory() {
            let session = session?;
            let (link_in, link) = watch::channel(Link::Up(Live::Memory(session.clone())));
            tokio::spawn(supervise_memory(session, link_in, close_out));
            return Ok(Self::over(options, link, close));
        }
        let live = first(&options).await?;
        let (link_in, link) = watch::channel(Link::Up(Live::Broker(Arc::clone(&live))));
        tokio::spawn(supervise(options.clone(), live, link_in, close_out));
        Ok(Self::over(options, link, close))
    }

    fn over(options: Options, link: watch::Receiver<Link>, close: watch::Sender<bool>) -> Self {
        let shared = Shared { options, link, close, shutdown: Shutdown::new(), servers: AtomicUsize::new(0) };
        Self { shared: Arc::new(shared) }
    }

    /// What it was opened with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    /// The order to stop that everything served over this connection follows.
    #[must_use]
    pub fn shutdown(&self) -> &Shutdown {
        &self.shared.shutdown
    }

    /// Whether the broker is connected at this moment.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        matches!(&*self.shared.link.borrow(), Link::Up(_))
    }

    /// Closes for good. Publishes under way and later ones get `Closed`; what handlers hold goes back to its queue.
    pub async fn close(&self) {
        self.shared.close.send_replace(true);
        let mut link = self.shared.link.clone();
        // an error means that the supervisor is gone, which is as closed as it can be
        let _ = link.wait_for(|link| matches!(link, Link::Closed)).await;
    }

    /// A new channel, on the next connection if this one is lost.
    ///
    /// Fails with [`Error::Closed`] for good; any other error is worth another attempt after a wait.
    pub(crate) async fn channel(&self) -> Result<Channel> {
        self.live().await?.channel().await
    }

    /// The largest frame that the broker takes, in bytes.
    pub(crate) fn frame_max(&self) -> usize {
        match &*self.shared.link.borrow() {
            Link::Up(Live::Broker(live)) => live.configuration().frame_max().try_into().unwrap_or(usize::MAX),
            #[cfg(feature = "memory")]
            Link::Up(Live::Memory(_)) => memory::FRAME_MAX,
            // a channel on it will say so
            Link::Down | Link::Closed => usize::MAX,
        }
    }

    /// Returns when this connection was closed by the program.
    pub(crate) async fn closed(&self) {
        let mut link = self.shared.link.clone();
        let _ = link.wait_for(|link| matches!(link, Link::Closed)).await;
    }

    /// How many servers run on it; the last one to stop closes it.
    pub(crate) fn servers(&self) -> &AtomicUsize {
        &self.shared.servers
    }

    async fn live(&self) -> Result<Live> {
        let mut link = self.shared.link.clone();
        let ready = link.wait_for(|link| !matches!(link, Link::Down)).await;
        match ready.as_deref() {
            Ok(Link::Up(live)) => Ok(live.clone()),
            Ok(Link::Down | Link::Closed) | Err(_) => Err(Error::Closed),
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("address", &self.shared.options.address)
            .field("connected", &self.is_connected())
            .finish()
    }
}

async fn first(options: &Options) -> Result<Arc<lapin::Connection>> {
    let address = &options.address;
    let started = Instant::now();
    let mut backoff = Backoff::new(options.reconnect_wait);
    loop {
        let error = match attempt(options).await {
            Ok(live) => return Ok(Arc::new(live)),
            Err(error) => error,
        };
        let reason = words(&error);
        if is_refusal(&error) {
            return Err(Error::Refused { address: address.to_string(), reason });
        }
        let wait = backoff.next();
        if started.elapsed() + wait > options.connect_timeout {
            let waited = options.connect_timeout;
            return Err(Error::Unreachable { address: address.to_string(), waited, reason });
        }
        tracing::warn!(%address, reason, "not connected; trying again in {wait:.1?}");
        sleep(wait).await;
    }
}

async fn attempt(options: &Options) -> Result<lapin::Connection, lapin::Error> {
    let mut uri = options.address.uri().clone();
    uri.query.connection_timeout.get_or_insert(ATTEMPT.as_millis() as u64);
    let properties = lapin::ConnectionProperties::default()
        .with_connection_name(options.name.clone().into())
        .with_client_property("product".into(), concat!("topoc-runtime ", env!("CARGO_PKG_VERSION")).into());
    match timeout(ATTEMPT, lapin::Connection::connect_uri(uri, properties)).await {
        Ok(result) => result,
        Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
    }
}

/// Credentials and vhost do not mend themselves (403 and 530 in the AMQP 0-9-1 reference).
fn is_refusal(error: &lapin::Error) -> bool {
    let lapin::ErrorKind::ProtocolError(amqp) = error.kind() else { return false };
    match amqp.kind() {
        AMQPErrorKind::Soft(soft) => soft.get_id() == 403,
        AMQPErrorKind::Hard(hard) => matches!(hard, AMQPHardError::NOTALLOWED),
    }
}

async fn supervise(
    options: Options,
    mut live: Arc<lapin::Connection>,
    link: watch::Sender<Link>,
    mut close: watch::Receiver<bool>,
) {
    let address = &options.address;
    tracing::info!(%address, "connected");
    loop {
        let lost = tokio::select! {
            reason = lost(&live) => Some(reason),
            () = asked_to_close(&link, &mut close) => None,
        };
        let Some(reason) = lost else { break };
        link.send_replace(Link::Down);
        drop(live);
        tracing::warn!(%address, reason, "connection lost");
        let again = tokio::select! {
            again = reconnect(&options) => Some(again),
            () = asked_to_close(&link, &mut close) => None,
        };
        match again {
            Some(again) => live = again,
            None => {
                link.send_replace(Link::Closed);
                return;
            }
        }
        link.send_replace(Link::Up(Live::Broker(Arc::clone(&live))));
        tracing::info!(%address, "connected again");
    }
    if let Ok(Err(error)) = timeout(ATTEMPT, live.close(200, "closed by the service".into())).await {
        tracing::debug!(%address, reason = words(&error), "the connection was gone before it was closed");
    }
    link.send_replace(Link::Closed);
}

#[cfg(feature = "memory")]
async fn supervise_memory(
    session: memory::Session,
    link: watch::Sender<Link>,
    mut close: watch::Receiver<bool>,
) {
    tokio::select! {
        () = session.keep_time() => {}
        () = asked_to_close(&link, &mut close) => {}
    }
    session.disconnect();
    link.send_replace(Link::Closed);
}

async fn asked_to_close(link: &watch::Sender<Link>, close: &mut watch::Receiver<bool>) {
    tokio::select! {
        // an error means that every handle is gone
        _ = close.wait_for(|close| *close) => {}
        () = link.closed() => {}
    }
}

async fn reconnect(options: &Options) -> Arc<lapin::Connection> {
    let mut backoff = Backoff::new(options.reconnect_wait);
    loop {
        // at once is too early for a broker that has just closed the connection
        let wait = backoff.next();
        sleep(wait).await;
        match attempt(options).await {
            Ok(live) => return Arc::new(live),
            Err(error) => {
                tracing::warn!(address = %options.address, reason = words(&error), "still not connected");
            }
        }
    }
}

async fn lost(live: &lapin::Connection) -> String {
    let mut events = live.events_listener();
    let mut reason = String::from("the connection was closed");
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(lapin::Event::ConnectionBlocked(why)) => {
                    tracing::warn!(why, "the broker blocks publishers: it is short of memory or disk");
                }
                Some(lapin::Event::ConnectionUnblocked) => tracing::info!("the broker takes messages again"),
                Some(lapin::Event::Error(error)) => reason = words(&error),
                Some(_) => {}
                None => sleep(Duration::from_secs(1)).await,
            },
            () = sleep(Duration::from_secs(1)) => {}
        }
        if !live.status().connected() {
            while let Some(Some(lapin::Event::Error(error))) = events.next().now_or_never() {
                reason = words(&error);
            }
            return reason;
        }
    }
}
