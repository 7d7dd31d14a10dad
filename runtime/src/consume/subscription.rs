//! Staying subscribed to a queue until the order to stop.

use super::{Consume, Hold, Work, channel::Subscribed, panic_message};
use crate::{
    backoff::Backoff,
    connection::{ATTEMPT, Connection},
    delivery::{Arrival, Delivery},
    error::Error,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::{JoinError, JoinSet},
    time::{Instant, sleep, sleep_until, timeout},
};
use tracing::Instrument;

/// A subscription that lasted so long was sound, so the next wait is short again.
const SOUND: Duration = Duration::from_secs(10);

enum End {
    Stopped,
    Lost(String),
}

/// Consumes until the connection's shutdown or close; then waits for the messages in hand.
///
/// # Errors
/// [`Error::Panicked`] when the work itself panics; handlers do not get so far.
pub(crate) async fn consume<W: Work>(
    connection: Connection,
    consume: Consume,
    work: Arc<W>,
) -> Result<(), Error> {
    let mut backoff = Backoff::new(connection.options().reconnect_wait);
    let mut hands = Hands::new(consume, work);
    loop {
        let started = Instant::now();
        let end = subscription(&connection, consume, &mut hands).await;
        if let Some(reason) = hands.panicked {
            return Err(Error::Panicked { queue: consume.queue.to_owned(), reason });
        }
        let Ok(End::Lost(reason)) = end else { return Ok(()) };
        tracing::warn!(queue = consume.queue, reason, "the subscription ended; subscribing again");
        if started.elapsed() > SOUND {
            backoff.reset();
        }
        tokio::select! {
            () = sleep(backoff.next()) => {}
            () = connection.shutdown().triggered() => {}
        }
    }
}

/// The handlers at work, over all subscriptions: a new one does not let more of them run.
struct Hands<W> {
    consume: Consume,
    work: Arc<W>,
    free: Arc<Semaphore>,
    tasks: JoinSet<()>,
    /// What the first task to panic said.
    panicked: Option<String>,
}

impl<W: Work> Hands<W> {
    fn new(consume: Consume, work: Arc<W>) -> Self {
        let free = Arc::new(Semaphore::new(consume.concurrency.max(1).into()));
        Self { consume, work, free, tasks: JoinSet::new(), panicked: None }
    }

    /// Waits for a free one; `None` never comes, because nobody closes the semaphore.
    async fn free(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).acquire_owned().await.ok()
    }

    fn done(&mut self, ended: Result<(), JoinError>) {
        if let Some(panic) = ended.err().and_then(|error| error.try_into_panic().ok()) {
            self.panicked.get_or_insert_with(|| panic_message(&*panic).to_owned());
        }
    }

    fn take(&mut self, (arrival, hold): (Arrival, Hold), permit: Option<OwnedSemaphorePermit>) {
        while let Some(ended) = self.tasks.try_join_next() {
            self.done(ended);
        }
        let delivery = Delivery::new(self.consume.queue, arrival);
        let span = tracing::info_span!(
            "consume",
            queue = self.consume.queue,
            message = delivery.name(),
            message_id = delivery.message_id(),
            attempt = delivery.attempt(),
        );
        let work = Arc::clone(&self.work);
        let job = async move {
            work.run(delivery, hold).await;
            drop(permit);
        };
        self.tasks.spawn(job.instrument(span));
    }
}

async fn subscription<W: Work>(
    connection: &Connection,
    consume: Consume,
    hands: &mut Hands<W>,
) -> Result<End, Error> {
    let shutdown = connection.shutdown();
    let channel = tokio::select! {
        biased;
        () = shutdown.triggered() => {
            finish(connection, hands, None).await;
            return Ok(End::Stopped);
        }
        channel = connection.channel() => match channel {
            Ok(channel) => channel,
            Err(Error::Closed) => return Err(Error::Closed),
            Err(error) => return Ok(End::Lost(error.to_string())),
        },
    };
    let subscribed = tokio::select! {
        biased;
        () = shutdown.triggered() => {
            finish(connection, hands, None).await;
            return Ok(End::Stopped);
        }
        subscribed = timeout(ATTEMPT, Subscribed::on(channel, connection, consume)) => subscribed,
    };
    let mut subscribed = match subscribed {
        Ok(Ok(subscribed)) => subscribed,
        Ok(Err(reason)) => return Ok(End::Lost(reason)),
        Err(_) => {
            return Ok(End::Lost(String::from("the broker does not answer: the queue may have no leader")));
        }
    };
    tracing::info!(queue = consume.queue, "consuming");
    loop {
        let permit = tokio::select! {
            biased;
            () = shutdown.triggered() => break,
            permit = hands.free() => permit,
        };
        let next = tokio::select! {
            biased;
            () = shutdown.triggered() => break,
            Some(ended) = hands.tasks.join_next() => {
                hands.done(ended);
                if hands.panicked.is_some() {
                    break;
                }
                continue;
            }
            next = subscribed.next() => next,
        };
        match next {
            Ok(next) => hands.take(next, permit),
            Err(reason) => return Ok(End::Lost(reason)),
        }
    }
    // without an answer the channel is gone, and the subscription with it
    let _ = timeout(Duration::from_secs(5), subscribed.cancel()).await;
    // the broker would not send these again
    let rest = consume.auto_ack.then_some(&mut subscribed);
    finish(connection, hands, rest).await;
    // gives back what was prefetched and not begun
    let _ = timeout(Duration::from_secs(5), subscribed.close()).await;
    Ok(End::Stopped)
}

/// Waits for the handlers at work, and for those of the `rest`, no longer than the grace period.
async fn finish<W: Work>(connection: &Connection, hands: &mut Hands<W>, rest: Option<&mut Subscribed>) {
    let end = Instant::now() + connection.options().grace;
    let done = async {
        if let Some(rest) = rest {
            while let Ok(next) = rest.next().await {
                let permit = hands.free().await;
                hands.take(next, permit);
            }
        }
        while let Some(ended) = hands.tasks.join_next().await {
            hands.done(ended);
        }
    };
    tokio::select! {
        () = done => return,
        () = sleep_until(end) => {}
        () = connection.shutdown().triggered_now() => {}
    }
    let queue = hands.consume.queue;
    let left = hands.tasks.len();
    if hands.consume.auto_ack {
        tracing::error!(queue, left, "not waiting for handlers any longer: what was sent to them is lost");
    } else {
        tracing::warn!(queue, left, "not waiting for handlers any longer: their messages go back");
    }
    hands.tasks.shutdown().await;
}
