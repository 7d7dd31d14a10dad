//! Moving messages from a queue to where an exchange leads: each is acknowledged once the broker has confirmed it there, and
//! keeps its routing key, properties and headers. Whoever is killed amidst moves some of them twice, and loses none.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream::FuturesOrdered};
use lapin::{
    Channel, Confirmation, Consumer,
    message::Delivery,
    options::{
        BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicPublishOptions,
        BasicQosOptions, ConfirmSelectOptions,
    },
    types::{DeliveryTag, FieldTable},
};
use tokio::{sync::Notify, task::JoinHandle};

use super::{Progress, connect::answered, pace::Pace};

/// How many messages are under way at once; a mover that is killed moves at most so many of them twice.
pub(super) const WINDOW: u16 = 50;
/// How many at most, where more come meanwhile than so few confirms let through.
pub(super) const WIDEST: u16 = 800;

/// How long the broker may take to confirm anything: a queue that has lost its majority does not.
const CONFIRMS_WITHIN: Duration = Duration::from_secs(30);

/// How long a queue that holds messages may give none: one that has lost its majority does not.
const GIVES_WITHIN: Duration = Duration::from_secs(60);

/// From where to where.
#[derive(Debug)]
pub(super) struct Way {
    /// The queue.
    pub(super) from: String,
    /// The exchange.
    pub(super) through: String,
    /// How many messages are under way at once.
    pub(super) window: u16,
    /// Whether what it leads nowhere stays in the queue, and ends the mover; else it is dropped, as if published there.
    pub(super) mandatory: bool,
    /// The user that it is done as, unless that one may publish what others have signed (`user_id`).
    pub(super) only_as: Option<String>,
}

/// Moves messages for as long as it is not stopped.
#[derive(Debug)]
pub(super) struct Mover {
    counts: Arc<Counts>,
    stop: Arc<Notify>,
    task: JoinHandle<Result<(), String>>,
    from: String,
    /// How many it had moved when that was last looked at, and when that was another number.
    progress: (u64, Instant),
}

#[derive(Debug, Default)]
struct Counts {
    moved: AtomicU64,
    in_flight: AtomicU64,
}

impl Mover {
    /// Starts; both channels are its own from then on.
    pub(super) async fn start(
        source: Channel,
        target: Channel,
        way: Way,
        pace: Arc<Pace>,
    ) -> Result<Self, String> {
        let trouble = |error: lapin::Error| error.to_string();
        answered(target.confirm_select(ConfirmSelectOptions::default())).await.map_err(trouble)?;
        answered(source.basic_qos(pace.window(way.window), BasicQosOptions::default()))
            .await
            .map_err(trouble)?;
        let options = BasicConsumeOptions::default();
        let consume = source.basic_consume(
            way.from.as_str().into(),
            "topoc-mover".into(),
            options,
            FieldTable::default(),
        );
        let consumer = answered(consume).await.map_err(trouble)?;
        let (counts, from) = (Arc::new(Counts::default()), way.from.clone());
        let stop = Arc::new(Notify::new());
        let work = Work {
            source,
            target,
            way,
            pace,
            counts: counts.clone(),
            waiting: VecDeque::new(),
            flights: FuturesOrdered::new(),
        };
        let task = tokio::spawn(work.run(consumer, stop.clone()));
        Ok(Self { counts, stop, task, from, progress: (0, Instant::now()) })
    }

    /// How many it has moved.
    pub(super) fn moved(&self) -> u64 {
        self.counts.moved.load(Ordering::Relaxed)
    }

    /// How many it has taken out of the queue that are not sent, or that the broker has not confirmed yet.
    pub(super) fn in_flight(&self) -> u64 {
        self.counts.in_flight.load(Ordering::Relaxed)
    }

    /// How far it is with a queue that holds so many more.
    pub(super) fn progress<'a>(&self, queue: &'a str, ready: u64) -> Progress<'a> {
        Progress::Moving { queue, moved: self.moved(), left: ready + self.in_flight() }
    }

    /// Whether it has come to an end by itself: its queue is gone, or something is wrong.
    pub(super) fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// That it gets on, with so many messages waiting in its queue.
    pub(super) fn gets_on(&mut self, ready: u64) -> Result<(), String> {
        let moved = self.moved();
        // what has come waits for its turn
        if ready == 0 || self.in_flight() > 0 || moved != self.progress.0 {
            self.progress = (moved, Instant::now());
        }
        if self.progress.1.elapsed() > GIVES_WITHIN {
            return Err(format!(
                "`{}` holds messages, and has given none for {} s: see whether its nodes are up",
                self.from,
                GIVES_WITHIN.as_secs()
            ));
        }
        Ok(())
    }

    /// Takes no further message, and waits for those under way: how many it has moved.
    pub(super) async fn stop(mut self) -> Result<u64, String> {
        self.stop.notify_one();
        match (&mut self.task).await {
            Ok(ended) => ended.map(|()| self.counts.moved.load(Ordering::Relaxed)),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Drop for Mover {
    /// Whoever gives it up leaves none behind that goes on.
    fn drop(&mut self) {
        self.stop.notify_one();
    }
}

type Flight =
    std::pin::Pin<Box<dyn Future<Output = (DeliveryTag, Result<Confirmation, lapin::Error>)> + Send>>;

struct Work {
    source: Channel,
    target: Channel,
    way: Way,
    pace: Arc<Pace>,
    counts: Arc<Counts>,
    /// What has come and is not sent yet.
    waiting: VecDeque<Delivery>,
    /// In the order in which they came.
    flights: FuturesOrdered<Flight>,
}

impl Work {
    async fn run(mut self, mut consumer: Consumer, stop: Arc<Notify>) -> Result<(), String> {
        let moved = self.move_all(&mut consumer, &stop).await;
        // what is not acknowledged goes back to where it was
        let _ = answered(self.source.close(200, "moved".into())).await;
        let _ = answered(self.target.close(200, "moved".into())).await;
        moved
    }

    async fn move_all(&mut self, consumer: &mut Consumer, stop: &Notify) -> Result<(), String> {
        let (mut stops, mut has_ended) = (false, false);
        // when the next one may be sent, once that is asked for
        let mut due: Option<Instant> = None;
        while !has_ended || !self.flights.is_empty() {
            let is_waiting = !has_ended && !self.waiting.is_empty();
            if is_waiting && due.is_none() {
                due = Some(self.pace.reserve(1).unwrap_or_else(Instant::now));
            }
            tokio::select! {
                biased;
                () = stop.notified(), if !stops => {
                    stops = true;
                    let cancel = self.source.basic_cancel("topoc-mover".into(), BasicCancelOptions::default());
                    answered(cancel).await.map_err(|error| error.to_string())?;
                    // what has come and is not sent on goes back with the channel
                    has_ended = true;
                }
                delivery = consumer.next(), if !has_ended => match delivery {
                    None => has_ended = true,
                    Some(Err(error)) => return Err(error.to_string()),
                    Some(Ok(delivery)) => {
                        self.waiting.push_back(delivery);
                        self.count_flights();
                    }
                },
                () = until(due), if is_waiting => {
                    due = None;
                    if let Some(delivery) = self.waiting.pop_front() {
                        self.send(delivery).await?;
                    }
                }
                Some((tag, confirmation)) = self.flights.next(), if !self.flights.is_empty() => {
                    self.settle(tag, confirmation).await?;
                }
                () = tokio::time::sleep(CONFIRMS_WITHIN), if !self.flights.is_empty() => {
                    return Err(format!(
                        "the broker has not confirmed for {} s that a message of `{}` is where it was moved to",
                        CONFIRMS_WITHIN.as_secs(),
                        self.way.from
                    ));
                }
            }
        }
        Ok(())
    }

    async fn send(&mut self, delivery: Delivery) -> Result<(), String> {
        let signed = delivery.properties.user_id().as_ref().map(lapin::types::ShortString::as_str);
        if let (Some(signed), Some(us)) = (signed, &self.way.only_as)
            && signed != us
        {
            return Err(format!(
                "a message in `{}` is signed by the user `{signed}`, and `{us}` may not publish it as such: give `{us}` the tag `impersonator`, and apply again",
                self.way.from
            ));
        }
        let options = BasicPublishOptions { mandatory: self.way.mandatory, ..BasicPublishOptions::default() };
        let publish = self.target.basic_publish(
            self.way.through.as_str().into(),
            delivery.routing_key,
            options,
            &delivery.data,
            delivery.properties,
        );
        let confirm = publish.await.map_err(|error| error.to_string())?;
        let tag = delivery.delivery_tag;
        self.flights.push_back(Box::pin(async move { (tag, confirm.await) }));
        self.count_flights();
        Ok(())
    }

    async fn settle(
        &mut self,
        tag: DeliveryTag,
        confirmation: Result<Confirmation, lapin::Error>,
    ) -> Result<(), String> {
        let confirmation = confirmation.map_err(|error| error.to_string())?;
        let refused = confirmation.is_nack();
        if refused || confirmation.take_message().is_some() {
            self.return_it(tag).await?;
            let why = if refused { "the broker has refused it" } else { "it leads nowhere" };
            return Err(format!("a message of `{}` could not be moved: {why}", self.way.from));
        }
        let acked = self.source.basic_ack(tag, BasicAckOptions::default()).await;
        acked.map_err(|error| error.to_string())?;
        self.counts.moved.fetch_add(1, Ordering::Relaxed);
        self.count_flights();
        Ok(())
    }

    async fn return_it(&mut self, tag: DeliveryTag) -> Result<(), String> {
        let options = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
        self.source.basic_nack(tag, options).await.map_err(|error| error.to_string())
    }

    fn count_flights(&self) {
        let under_way = self.waiting.len() + self.flights.len();
        self.counts.in_flight.store(under_way as u64, Ordering::Relaxed);
    }
}

async fn until(due: Option<Instant>) {
    if let Some(due) = due.filter(|due| *due > Instant::now()) {
        tokio::time::sleep_until(due.into()).await;
    }
}
