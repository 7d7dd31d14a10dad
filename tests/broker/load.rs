//! Publishers and consumers that go on while a topology is changed, as careful ones do: confirms, acknowledgements,
//! subscribing again; and an account of what became of each message.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::StreamExt as _;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    },
    types::FieldTable,
};
use tokio::{runtime::Runtime, task::JoinHandle};

/// Two publishers and as many consumers as are asked for.
pub(crate) struct Load {
    runtime: Runtime,
    ledger: Arc<Ledger>,
    publishers: Vec<JoinHandle<()>>,
    consumers: Vec<JoinHandle<()>>,
}

/// Where it publishes and consumes.
#[derive(Clone)]
pub(crate) struct Route {
    /// With the vhost.
    pub(crate) url: String,
    pub(crate) exchange: &'static str,
    pub(crate) key: &'static str,
    /// Several, where consumers hear several at once.
    pub(crate) queues: &'static [&'static str],
    /// A second, of each publisher.
    pub(crate) rate: u32,
    pub(crate) consumers: usize,
    /// The number of the first of two publishers.
    pub(crate) first: u32,
    /// After how long without a message consumers subscribe anew, as a cluster need not tell them that their queue is gone.
    pub(crate) silence: Option<Duration>,
}

/// After how long without a confirm a publisher connects anew and sends again: a node that ends takes some along.
const CONFIRMS_WITHIN: Duration = Duration::from_secs(15);

/// Messages a second of each of two publishers: `TOPOC_LOAD` says otherwise.
pub(crate) fn rate() -> u32 {
    std::env::var("TOPOC_LOAD").ok().and_then(|text| text.parse().ok()).unwrap_or(500)
}

/// A publisher sends what is due so many times a second, and waits for the confirms.
const TICKS: u32 = 100;

#[derive(Default)]
struct Ledger {
    stop_publishing: AtomicBool,
    stop_consuming: AtomicBool,
    confirmed: Mutex<BTreeSet<(u32, u64)>>,
    /// Sent again, as no answer came: these may be there twice.
    resent: Mutex<BTreeSet<(u32, u64)>>,
    returned: AtomicU64,
    received: Mutex<Vec<(u32, u64)>>,
    resubscribed: AtomicU64,
}

/// Who publishes nothing but what is there from the start.
const FILLER: u32 = 9;

/// What became of the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) confirmed: usize,
    pub(crate) lost: usize,
    pub(crate) duplicated: usize,
    /// After one that was published later by the same publisher.
    pub(crate) reordered: usize,
    pub(crate) returned: u64,
    pub(crate) resubscribed: u64,
}

impl Load {
    pub(crate) fn start(route: &Route) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let ledger = Arc::new(Ledger::default());
        let consumers = (0..route.consumers)
            .flat_map(|_| route.queues)
            .map(|queue| runtime.spawn(consume(route.clone(), queue, ledger.clone())))
            .collect();
        let publishers = (route.first..route.first + 2)
            .map(|publisher| runtime.spawn(publish(route.clone(), publisher, ledger.clone())))
            .collect();
        Self { runtime, ledger, publishers, consumers }
    }

    /// Publishes so many at once, as one who publishes nothing else.
    pub(crate) fn fill(&self, route: &Route, messages: u64) {
        let filled = self.runtime.block_on(async {
            let (_connection, channel) = connect(&route.url).await.unwrap();
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            let mut confirms = VecDeque::new();
            for number in 0..messages {
                let payload = format!("{FILLER}:{number}");
                let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
                let properties = BasicProperties::default().with_delivery_mode(2);
                let (exchange, key) = (route.exchange.into(), route.key.into());
                confirms.push_back(
                    channel.basic_publish(exchange, key, options, payload.as_bytes(), properties).await?,
                );
                if confirms.len() > 500 {
                    for confirm in confirms.drain(..) {
                        assert!(confirm.await?.is_ack());
                    }
                }
            }
            for confirm in confirms {
                assert!(confirm.await?.is_ack());
            }
            Ok::<_, lapin::Error>(())
        });
        filled.unwrap();
        self.ledger.confirmed.lock().unwrap().extend((0..messages).map(|number| (FILLER, number)));
    }

    /// More consumers, from now on.
    pub(crate) fn hear(&mut self, route: &Route, consumers: usize) {
        for queue in route.queues.iter().cycle().take(consumers * route.queues.len()) {
            self.consumers.push(self.runtime.spawn(consume(route.clone(), queue, self.ledger.clone())));
        }
    }

    /// Until so many messages more are confirmed.
    pub(crate) fn go_on_for(&self, messages: usize) {
        let confirmed = || self.ledger.confirmed.lock().unwrap().len();
        let (goal, start) = (confirmed() + messages, Instant::now());
        while confirmed() < goal {
            assert!(start.elapsed().as_secs() < 60, "{} of {goal} are confirmed", confirmed());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Publishes no more, waits for the consumers, and counts.
    pub(crate) fn end(self) -> Tally {
        self.end_with_names().0
    }

    /// Besides what is counted, the payloads that are confirmed, and those that were sent again.
    pub(crate) fn end_with_names(self) -> (Tally, BTreeSet<String>, BTreeSet<String>) {
        self.ledger.stop_publishing.store(true, Ordering::Relaxed);
        self.runtime.block_on(async {
            for publisher in self.publishers {
                publisher.await.unwrap();
            }
        });
        let confirmed = self.ledger.confirmed.lock().unwrap().clone();
        let missing = || {
            let received: BTreeSet<(u32, u64)> =
                self.ledger.received.lock().unwrap().iter().copied().collect();
            confirmed.difference(&received).count()
        };
        let (mut left, mut since) = (missing(), Instant::now());
        while left > 0 && !self.consumers.is_empty() && since.elapsed().as_secs() < 10 {
            std::thread::sleep(Duration::from_millis(100));
            if missing() < left {
                (left, since) = (missing(), Instant::now());
            }
        }
        std::thread::sleep(Duration::from_millis(300));
        self.ledger.stop_consuming.store(true, Ordering::Relaxed);
        self.runtime.block_on(async {
            for consumer in self.consumers {
                consumer.await.unwrap();
            }
        });
        let received = self.ledger.received.lock().unwrap();
        let resent = self.ledger.resent.lock().unwrap();
        let mut times: BTreeMap<(u32, u64), usize> = BTreeMap::new();
        let mut latest: BTreeMap<u32, u64> = BTreeMap::new();
        let mut reordered = 0;
        for message in received.iter() {
            *times.entry(*message).or_default() += 1;
            let latest = latest.entry(message.0).or_default();
            reordered += usize::from(message.1 < *latest);
            *latest = message.1.max(*latest);
        }
        let again = times.iter().filter(|(message, times)| **times > 1 && !resent.contains(*message));
        let names = |messages: &BTreeSet<(u32, u64)>| -> BTreeSet<String> {
            messages.iter().map(|(publisher, number)| format!("{publisher}:{number}")).collect()
        };
        let tally = Tally {
            confirmed: confirmed.len(),
            lost: confirmed.iter().filter(|message| !times.contains_key(*message)).count(),
            duplicated: again.map(|(_, times)| times - 1).sum(),
            reordered,
            returned: self.ledger.returned.load(Ordering::Relaxed),
            resubscribed: self.ledger.resubscribed.load(Ordering::Relaxed),
        };
        (tally, names(&confirmed), names(&resent))
    }
}

async fn connect(url: &str) -> Option<(Connection, Channel)> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await.ok()?;
    let channel = connection.create_channel().await.ok()?;
    Some((connection, channel))
}

async fn publish(route: Route, publisher: u32, ledger: Arc<Ledger>) {
    let mut waiting: VecDeque<u64> = VecDeque::new();
    let mut next = 0;
    let mut held = None;
    let mut tick = tokio::time::interval(Duration::from_secs(1) / TICKS);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !ledger.stop_publishing.load(Ordering::Relaxed) || !waiting.is_empty() {
        if held.is_none() {
            held = connect(&route.url).await;
            let Some((_, channel)) = &held else {
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            };
            if channel.confirm_select(ConfirmSelectOptions::default()).await.is_err() {
                held = None;
                continue;
            }
            ledger.resent.lock().unwrap().extend(waiting.iter().map(|number| (publisher, *number)));
        }
        tick.tick().await;
        if !ledger.stop_publishing.load(Ordering::Relaxed) && waiting.len() < 200 {
            let due = u64::from(route.rate / TICKS);
            waiting.extend(next..next + due);
            next += due;
        }
        let Some((_, channel)) = &held else { continue };
        let mut flights = Vec::new();
        let mut failed = false;
        for number in &waiting {
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let payload = format!("{publisher}:{number}");
            let properties = BasicProperties::default().with_delivery_mode(2);
            let sent = channel
                .basic_publish(
                    route.exchange.into(),
                    route.key.into(),
                    options,
                    payload.as_bytes(),
                    properties,
                )
                .await;
            match sent {
                Ok(confirm) => flights.push((*number, confirm)),
                Err(_) => {
                    failed = true;
                    break;
                }
            }
        }
        for (number, confirm) in flights {
            match tokio::time::timeout(CONFIRMS_WITHIN, confirm).await {
                Ok(Ok(confirmation)) if confirmation.is_ack() => {
                    if confirmation.take_message().is_some() {
                        ledger.returned.fetch_add(1, Ordering::Relaxed);
                    }
                    ledger.confirmed.lock().unwrap().insert((publisher, number));
                    waiting.retain(|waiting| *waiting != number);
                }
                _ => failed = true,
            }
        }
        if failed {
            held = None;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn consume(route: Route, queue: &'static str, ledger: Arc<Ledger>) {
    let is_over = || ledger.stop_consuming.load(Ordering::Relaxed);
    while !is_over() {
        if let Some((_connection, channel)) = connect(&route.url).await {
            let _ = hear(&channel, queue, &ledger, route.silence).await;
        }
        ledger.resubscribed.fetch_add(1, Ordering::Relaxed);
        // who subscribes again at once may be cut off again while a queue is being made anew
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
}

async fn hear(
    channel: &Channel,
    queue: &str,
    ledger: &Ledger,
    silence: Option<Duration>,
) -> Result<(), lapin::Error> {
    let mut heard = Instant::now();
    channel.basic_qos(50, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await?;
    loop {
        let delivery = match tokio::time::timeout(Duration::from_millis(200), consumer.next()).await {
            Ok(Some(delivery)) => delivery?,
            Ok(None) => return Ok(()),
            Err(_) if ledger.stop_consuming.load(Ordering::Relaxed) => return Ok(()),
            Err(_) if silence.is_some_and(|silence| heard.elapsed() > silence) => return Ok(()),
            Err(_) => continue,
        };
        heard = Instant::now();
        let text = String::from_utf8_lossy(&delivery.data).into_owned();
        if let Some((publisher, number)) = text.split_once(':') {
            let message = (publisher.parse().unwrap(), number.parse().unwrap());
            ledger.received.lock().unwrap().push(message);
        }
        channel.basic_ack(delivery.delivery_tag, BasicAckOptions::default()).await?;
    }
}
