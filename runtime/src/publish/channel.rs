//! The task that owns a publisher's channel.
//!
//! One task writes, because lapin numbers a message and queues its frames in two steps: from several
//! threads a confirm could be counted for another message. It keeps up to a window of messages
//! outstanding, publishes again what a lost connection left open, and finds out which message made
//! the broker close the channel by publishing the suspects one at a time.

use super::{
    Outgoing, PublishError,
    returns::{Confirmed, Fate, Ledger, Likeness, Number},
    size,
};
use crate::{
    backoff::Backoff,
    connection::{self, ATTEMPT, Connection},
    error::{Error, words},
};
use futures_util::stream::{FuturesUnordered, Stream, StreamExt};
use lapin::{
    Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use std::{
    collections::{BTreeMap, VecDeque},
    iter,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{MissedTickBehavior, interval, sleep, timeout},
};

pub(crate) type Sent = Result<(), PublishError>;

pub(crate) struct Job {
    pub(crate) outgoing: Arc<Outgoing>,
    pub(crate) reply: oneshot::Sender<Sent>,
}

/// What else a channel needs when it is new, as an RPC client's reply consumer.
pub(crate) trait Setup: Send + Sync + 'static {
    fn set_up(&self, channel: &connection::Channel) -> impl Future<Output = Result<(), lapin::Error>> + Send;

    /// This is about to be published on the channel set up last.
    fn publishing(&self, _outgoing: &Outgoing) {}
}

pub(crate) struct NoSetup;

impl Setup for NoSetup {
    async fn set_up(&self, _: &connection::Channel) -> Result<(), lapin::Error> {
        Ok(())
    }
}

/// Starts the task; it ends when the sender's clones are gone or the connection is closed.
pub(crate) fn start(connection: Connection, setup: impl Setup) -> mpsc::Sender<Job> {
    let window = connection.options().publish_window.max(1);
    let (jobs, inbox) = mpsc::channel(window);
    tokio::spawn(run(connection, setup, inbox, window));
    jobs
}

/// Messages not (or not for sure) taken by the broker, oldest first.
#[derive(Default)]
pub(super) struct Backlog {
    jobs: VecDeque<Job>,
    /// The oldest so many, one of them perhaps under way, are published one at a time:
    /// one of them made the broker close the channel.
    suspects: usize,
}

impl Backlog {
    /// The next that somebody still waits for, of these and then of those in the inbox.
    pub(super) fn take(&mut self, inbox: &mut mpsc::Receiver<Job>) -> Option<Job> {
        while let Some(job) = self.jobs.pop_front() {
            if !job.reply.is_closed() {
                return Some(job);
            }
            self.cleared();
        }
        iter::from_fn(|| inbox.try_recv().ok()).find(|job| !job.reply.is_closed())
    }

    fn cleared(&mut self) {
        self.suspects = self.suspects.saturating_sub(1);
    }
}

async fn run(connection: Connection, setup: impl Setup, mut inbox: mpsc::Receiver<Job>, window: usize) {
    let mut backlog = Backlog::default();
    let mut backoff = Backoff::new(connection.options().reconnect_wait);
    loop {
        if backlog.jobs.is_empty() {
            match inbox.recv().await {
                Some(job) => backlog.jobs.push_back(job),
                None => return,
            }
        }
        let channel = match open(&connection, &setup).await {
            Ok(connection::Channel::Broker(channel)) => channel,
            #[cfg(feature = "memory")]
            Ok(connection::Channel::Memory(channel)) => tokio::select! {
                () = super::memory::publish(&channel, &setup, &mut backlog, &mut inbox) => return,
                () = connection.closed() => break,
            },
            Err(Error::Closed) => break,
            Err(error) => {
                tracing::warn!(%error, "no channel to publish on");
                sleep(backoff.next()).await;
                continue;
            }
        };
        let mut session = Session::new(channel, window, connection.frame_max());
        let end = tokio::select! {
            end = session.publish(&setup, &mut backlog, &mut inbox) => Some(end),
            () = connection.closed() => None,
        };
        match end {
            Some(End::Finished) => {
                let _ = session.channel.close(200, "done".into()).await;
                return;
            }
            Some(End::Broken { reason, progress }) => {
                tracing::warn!(reason, "the publishing channel was lost");
                if progress {
                    backoff.reset();
                }
                sleep(backoff.next()).await;
            }
            None => {
                session.abandon(&mut backlog);
                break;
            }
        }
    }
    inbox.close();
    while let Some(job) = inbox.recv().await {
        backlog.jobs.push_back(job);
    }
    for job in backlog.jobs {
        let _ = job.reply.send(Err(PublishError::Closed));
    }
}

async fn open(connection: &Connection, setup: &impl Setup) -> Result<connection::Channel, Error> {
    let channel = connection.channel().await?;
    let prepare = async {
        match &channel {
            connection::Channel::Broker(channel) => {
                channel.confirm_select(ConfirmSelectOptions::default()).await?;
            }
            #[cfg(feature = "memory")]
            connection::Channel::Memory(_) => {}
        }
        setup.set_up(&channel).await
    };
    let reason = match timeout(ATTEMPT, prepare).await {
        Ok(Ok(())) => return Ok(channel),
        Ok(Err(error)) => words(&error),
        Err(_) => String::from("no answer"),
    };
    Err(Error::Lost { doing: "preparing a channel".into(), reason })
}

enum End {
    /// Nobody can publish any more, and all is confirmed.
    Finished,
    Broken {
        reason: String,
        progress: bool,
    },
}

type Resolved = (Number, Result<Confirmation, lapin::Error>);
type Flight = Pin<Box<dyn Future<Output = Resolved> + Send>>;

/// One channel's life.
struct Session {
    channel: Channel,
    window: usize,
    /// The largest frame that the broker takes, in bytes.
    frame_max: usize,
    next: Number,
    flights: FuturesUnordered<Flight>,
    jobs: BTreeMap<Number, Job>,
    ledger: Ledger,
    progress: bool,
}

impl Session {
    fn new(channel: Channel, window: usize, frame_max: usize) -> Self {
        Self {
            channel,
            window,
            frame_max,
            next: 0,
            flights: FuturesUnordered::new(),
            jobs: BTreeMap::new(),
            ledger: Ledger::default(),
            progress: false,
        }
    }

    async fn publish(
        &mut self,
        setup: &impl Setup,
        backlog: &mut Backlog,
        inbox: &mut mpsc::Receiver<Job>,
    ) -> End {
        let mut check = interval(Duration::from_secs(1));
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut open = true;
        loop {
            let window = if backlog.suspects > 0 { 1 } else { self.window };
            while self.jobs.len() < window
                && let Some(job) = backlog.take(inbox)
            {
                if let Err(error) = fits(&job.outgoing, self.frame_max) {
                    let _ = job.reply.send(Err(error));
                    backlog.cleared();
                    continue;
                }
                setup.publishing(&job.outgoing);
                self.start(job);
            }
            if !open && self.jobs.is_empty() && backlog.jobs.is_empty() {
                return End::Finished;
            }
            tokio::select! {
                biased;
                Some(first) = self.flights.next(), if !self.flights.is_empty() => {
                    let mut resolved = vec![first];
                    self.drain(&mut resolved);
                    if let Err(error) = self.settle(resolved, backlog) {
                        return self.broken(error, backlog).await;
                    }
                }
                job = inbox.recv(), if open && backlog.jobs.is_empty() && self.jobs.len() < window => match job {
                    Some(job) => backlog.jobs.push_back(job),
                    None => open = false,
                },
                _ = check.tick() => {
                    if self.jobs.values().filter(|job| job.reply.is_closed()).count() * 2 >= self.window {
                        let reason = String::from("half the window waits for confirms that nobody waits for any more");
                        let _ = timeout(Duration::from_secs(1), self.channel.close(200, "stuck".into())).await;
                        self.abandon(backlog);
                        return End::Broken { reason, progress: self.progress };
                    }
                    if !self.channel.status().connected() && self.flights.is_empty() {
                        let reason = String::from("the channel was closed");
                        self.abandon(backlog);
                        return End::Broken { reason, progress: true };
                    }
                }
            }
        }
    }

    fn start(&mut self, job: Job) {
        let number = self.next;
        self.next += 1;
        let outgoing = Arc::clone(&job.outgoing);
        let message_id = outgoing.properties.message_id().as_ref().map(ToString::to_string);
        let likeness = Likeness {
            message_id: message_id.unwrap_or_default(),
            exchange: outgoing.exchange.clone(),
            routing_key: outgoing.routing_key.clone(),
        };
        self.ledger.published(number, likeness);
        self.jobs.insert(number, job);
        let channel = self.channel.clone();
        self.flights.push(Box::pin(async move { (number, flight(&channel, &outgoing).await) }));
    }

    /// Takes all that is resolved at this moment. `Pending` alone does not say so:
    /// [`FuturesUnordered`] also yields now and then, but wakes its task when it does.
    fn drain(&mut self, resolved: &mut Vec<Resolved>) {
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        loop {
            match Pin::new(&mut self.flights).poll_next(&mut context) {
                Poll::Ready(Some(one)) => resolved.push(one),
                Poll::Ready(None) => return,
                Poll::Pending if woken.0.swap(false, Ordering::AcqRel) => {}
                Poll::Pending => return,
            }
        }
    }

    /// Tells publishers the fate of their messages; fails with what ended the channel.
    fn settle(&mut self, resolved: Vec<Resolved>, backlog: &mut Backlog) -> Result<(), lapin::Error> {
        let mut failed = Ok(());
        let mut batch = Vec::with_capacity(resolved.len());
        for (number, result) in resolved {
            match result {
                Ok(confirmation) => batch.push(confirmed(number, confirmation)),
                // a closed channel is the consequence: an error in the broker's words is the reason
                Err(error) if failed.is_ok() || error.is_amqp_error() => failed = Err(error),
                Err(_) => {}
            }
        }
        for (number, fate) in self.ledger.confirmed(batch) {
            let Some(job) = self.jobs.remove(&number) else { continue };
            self.progress = true;
            backlog.cleared();
            let exchange = || job.outgoing.exchange.clone();
            let routing_key = || job.outgoing.routing_key.clone();
            let sent = match fate {
                Fate::Taken => Ok(()),
                Fate::Nacked => {
                    Err(PublishError::Nacked { exchange: exchange(), routing_key: routing_key() })
                }
                Fate::Unroutable { reply } => {
                    Err(PublishError::Unroutable { exchange: exchange(), routing_key: routing_key(), reply })
                }
            };
            let _ = job.reply.send(sent);
        }
        failed
    }

    async fn broken(&mut self, mut error: lapin::Error, backlog: &mut Backlog) -> End {
        // confirms that arrived before the end still count
        let rest = async { self.flights.by_ref().collect::<Vec<_>>().await };
        if let Ok(resolved) = timeout(Duration::from_secs(2), rest).await
            && let Err(other) = self.settle(resolved, backlog)
            && !error.is_amqp_error()
        {
            error = other;
        }
        let reason = words(&error);
        if error.is_amqp_soft_error() {
            // a message that is alone on the channel is what the error is about
            if self.jobs.len() > 1 {
                backlog.suspects = self.jobs.values().filter(|job| !job.outgoing.once).count();
            } else if let Some((_, job)) = self.jobs.pop_first() {
                let exchange = job.outgoing.exchange.clone();
                let _ = job.reply.send(Err(PublishError::Refused { exchange, reason: reason.clone() }));
                backlog.cleared();
            }
        }
        self.abandon(backlog);
        End::Broken { reason, progress: self.progress }
    }

    /// Puts what is not settled before what was not published yet.
    fn abandon(&mut self, backlog: &mut Backlog) {
        self.flights.clear();
        while let Some((_, job)) = self.jobs.pop_last() {
            if job.outgoing.once {
                let _ = job.reply.send(Err(PublishError::Lost));
            } else {
                backlog.jobs.push_front(job);
            }
        }
    }
}

/// Whether headers and properties go into one frame of so many bytes.
pub(super) fn fits(outgoing: &Outgoing, frame_max: usize) -> Result<(), PublishError> {
    let bytes = size::header_frame(&outgoing.properties);
    if bytes > frame_max {
        return Err(PublishError::Encode(format!(
            "the headers and properties have {bytes} bytes, the broker takes {frame_max}"
        )));
    }
    Ok(())
}

async fn flight(channel: &Channel, outgoing: &Outgoing) -> Result<Confirmation, lapin::Error> {
    let options = BasicPublishOptions { mandatory: outgoing.mandatory, ..BasicPublishOptions::default() };
    let confirm = channel.basic_publish(
        outgoing.exchange.as_str().into(),
        outgoing.routing_key.as_str().into(),
        options,
        &outgoing.payload,
        outgoing.properties.clone(),
    );
    confirm.await?.await
}

fn confirmed(number: Number, confirmation: Confirmation) -> Confirmed {
    let ack = !confirmation.is_nack();
    let took = confirmation.take_message().map(|message| {
        let message_id = message.properties.message_id().as_ref().map(ToString::to_string);
        let likeness = Likeness {
            message_id: message_id.unwrap_or_default(),
            exchange: message.exchange.to_string(),
            routing_key: message.routing_key.to_string(),
        };
        (likeness, format!("{} {}", message.reply_code, message.reply_text))
    });
    Confirmed { number, ack, took }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}
