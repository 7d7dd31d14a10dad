//! Staying subscribed to a queue until the order to stop.

use super::Work;
use crate::{
    backoff::Backoff,
    connection::{ATTEMPT, Connection},
    delivery::Delivery,
    error::{Error, words},
};
use futures_util::StreamExt;
use lapin::{
    Channel,
    options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions},
    types::{FieldTable, ShortString},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tracing::Instrument;

/// A subscription that lasted so long was sound, so the next wait is short again.
const SOUND: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Consumer {
    pub(crate) queue: &'static str,
    pub(crate) prefetch: u16,
    pub(crate) concurrency: u16,
}

enum End {
    Stopped,
    Lost(String),
}

/// Consumes until the connection's shutdown or close; then waits for the messages in hand.
pub(crate) async fn consume<W: Work>(connection: Connection, consumer: Consumer, work: Arc<W>) {
    let mut backoff = Backoff::new(connection.options().reconnect_wait);
    let mut hands = Hands::new(consumer.concurrency);
    loop {
        let started = Instant::now();
        let end = subscription(&connection, consumer, &work, &mut hands).await;
        let Ok(End::Lost(reason)) = end else { return };
        tracing::warn!(queue = consumer.queue, reason, "the subscription ended; subscribing again");
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
struct Hands {
    free: Arc<Semaphore>,
    tasks: JoinSet<()>,
}

impl Hands {
    fn new(concurrency: u16) -> Self {
        Self { free: Arc::new(Semaphore::new(concurrency.max(1).into())), tasks: JoinSet::new() }
    }
}

async fn subscription<W: Work>(
    connection: &Connection,
    consumer: Consumer,
    work: &Arc<W>,
    hands: &mut Hands,
) -> Result<End, Error> {
    let shutdown = connection.shutdown();
    let channel = tokio::select! {
        biased;
        () = shutdown.triggered() => {
            finish(connection, consumer, hands).await;
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
            finish(connection, consumer, hands).await;
            return Ok(End::Stopped);
        }
        subscribed = timeout(ATTEMPT, subscribe(&channel, connection, consumer)) => subscribed,
    };
    let (tag, mut deliveries) = match subscribed {
        Ok(Ok(subscribed)) => subscribed,
        Ok(Err(error)) => return Ok(End::Lost(words(&error))),
        Err(_) => {
            return Ok(End::Lost(String::from("the broker does not answer: the queue may have no leader")));
        }
    };
    tracing::info!(queue = consumer.queue, "consuming");
    loop {
        while hands.tasks.try_join_next().is_some() {}
        let permit = tokio::select! {
            biased;
            () = shutdown.triggered() => break,
            permit = Arc::clone(&hands.free).acquire_owned() => permit,
        };
        let next = tokio::select! {
            biased;
            () = shutdown.triggered() => break,
            next = deliveries.next() => next,
        };
        let mut raw = match next {
            Some(Ok(delivery)) => delivery,
            Some(Err(error)) => return Ok(End::Lost(words(&error))),
            None => return Ok(End::Lost(String::from("the broker cancelled the consumer"))),
        };
        let delivery = Delivery::new(consumer.queue, &mut raw);
        let span = tracing::info_span!(
            "consume",
            queue = consumer.queue,
            message = delivery.name(),
            message_id = delivery.message_id(),
            attempt = delivery.attempt(),
        );
        let work = Arc::clone(work);
        let job = async move {
            work.run(delivery, raw.acker).await;
            drop(permit);
        };
        hands.tasks.spawn(job.instrument(span));
    }
    // an error means that the channel is gone, and the subscription with it
    let _ = timeout(Duration::from_secs(5), channel.basic_cancel(tag, BasicCancelOptions::default())).await;
    finish(connection, consumer, hands).await;
    // gives back what was prefetched and not begun
    let _ = timeout(Duration::from_secs(5), channel.close(200, "stopped".into())).await;
    Ok(End::Stopped)
}

async fn subscribe(
    channel: &Channel,
    connection: &Connection,
    consumer: Consumer,
) -> Result<(ShortString, lapin::Consumer), lapin::Error> {
    let prefetch = consumer.prefetch.max(consumer.concurrency);
    channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
    let name: String = connection.options().name.chars().take(40).collect();
    let tag = ShortString::from(format!("{name}.{}", uuid::Uuid::new_v4().simple()));
    let options = BasicConsumeOptions::default();
    let queue = consumer.queue.into();
    let deliveries = channel.basic_consume(queue, tag.clone(), options, FieldTable::default()).await?;
    Ok((tag, deliveries))
}

/// Waits for the handlers at work, no longer than the grace period.
async fn finish(connection: &Connection, consumer: Consumer, hands: &mut Hands) {
    let done = async { while hands.tasks.join_next().await.is_some() {} };
    tokio::select! {
        () = done => return,
        () = sleep(connection.options().grace) => {}
        () = connection.shutdown().triggered_now() => {}
    }
    let left = hands.tasks.len();
    tracing::warn!(
        queue = consumer.queue,
        left,
        "not waiting for handlers any longer: their messages go back"
    );
    hands.tasks.shutdown().await;
}
