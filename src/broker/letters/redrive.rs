//! Moving dead letters back to where they came from.
//!
//! A message is acknowledged only once the broker has confirmed its copy, and a copy that no queue takes is returned
//! (`mandatory`), so a run that ends at any moment loses none. What was published and not yet acknowledged then is there
//! twice: at most [`WINDOW`] messages, since acknowledgements go before the next copies on one connection.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::{
    StreamExt as _,
    future::join_all,
    stream::{SelectAll, select_all},
};
use lapin::{
    BasicProperties, Channel, Confirmation, Consumer,
    message::{BasicReturnMessage, Delivery},
    options::{
        BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
        ConfirmSelectOptions,
    },
    types::FieldTable,
};

use super::{
    super::{connect::answered, look::done_with, pace::Pace},
    Mailbox,
    wire::{letter, redriven},
};
use crate::dead::{Astray, Letter, Way};

/// How many messages are under way at once, and so how many may be there twice after a run that was killed.
const WINDOW: u16 = 256;

/// How long confirms may take: a replicated queue that has lost its majority gives none.
pub(super) const CONFIRMS_WITHIN: Duration = Duration::from_secs(30);

/// How long the next message may take.
const COMES_WITHIN: Duration = Duration::from_secs(3);

/// How long more messages are waited for once one has come.
const TOGETHER: Duration = Duration::from_millis(10);

/// What is to be moved, and how.
pub struct Redrive<'r> {
    /// No more messages are looked at: as many as wait at the start, so that what dies again is not moved again.
    pub most: u64,
    /// No more are moved.
    pub limit: Option<u64>,
    /// No more are moved in a second.
    pub rate: Option<u32>,
    /// Which are moved.
    pub wanted: &'r dyn Fn(&Letter) -> bool,
    /// Where to.
    pub way: &'r dyn Fn(&Letter) -> Result<Way, Astray>,
    /// Whether the run is to end.
    pub stop: &'r AtomicBool,
    /// Hears what goes on: how many have been looked at and moved so far.
    pub progress: &'r dyn Fn(&Redriven),
    /// Hears at once why messages would die again.
    pub warn: &'r dyn Fn(&str),
}

impl fmt::Debug for Redrive<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redrive").field("most", &self.most).finish_non_exhaustive()
    }
}

/// What became of it.
#[derive(Clone, Debug, Default)]
pub struct Redriven {
    /// How many messages were looked at.
    pub looked: u64,
    /// How many of them were not asked for, and are where they were.
    pub passed: u64,
    /// How many were moved, and where to.
    pub moved: BTreeMap<Way, u64>,
    /// How many were to be moved and are where they were, by the reason.
    pub kept: BTreeMap<String, u64>,
    /// How many of those moved had been redriven before.
    pub again: u64,
    /// How many lost the property `user-id`, as it is another user's.
    pub without_user: u64,
    /// Why messages would die again.
    pub warnings: BTreeSet<String>,
    /// Why it was not gone on with.
    pub stopped: Option<String>,
}

impl Redriven {
    /// How many were moved in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.moved.values().sum()
    }
}

/// A message on its way: published, and not confirmed yet.
struct Outgoing {
    delivery: Delivery,
    /// Of the copy.
    properties: BasicProperties,
    way: Way,
    again: bool,
    without_user: bool,
}

impl Mailbox<'_> {
    /// Moves messages, the oldest first. What is not moved goes back to its place.
    ///
    /// # Errors
    /// Why nothing could be begun.
    pub async fn redrive(&self, how: &Redrive<'_>) -> Result<Redriven, String> {
        self.looker.verify(&self.vhost).await?;
        let channel = self.looker.channel(&self.vhost).await?;
        let trouble = |error: lapin::Error| error.to_string();
        answered(channel.confirm_select(ConfirmSelectOptions::default())).await.map_err(trouble)?;
        let pace = Pace::new(how.rate);
        let most = how.limit.map_or(WINDOW, |limit| u16::try_from(limit).unwrap_or(WINDOW)).clamp(1, WINDOW);
        let window = pace.window(most);
        answered(channel.basic_qos(window, BasicQosOptions::default())).await.map_err(trouble)?;
        let mut run = Run {
            mailbox: self,
            channel: &channel,
            how,
            window,
            held: 0,
            asked: BTreeSet::new(),
            pace,
            inbox: select_all([]),
            tags: Vec::new(),
            done: Redriven::default(),
        };
        if let Err(why) = run.all().await {
            run.done.stopped = Some(why);
        } else if let Err(why) = run.leave().await {
            run.done.stopped = Some(why);
        }
        let done = run.done;
        done_with(&channel).await;
        Ok(done)
    }
}

struct Run<'r> {
    mailbox: &'r Mailbox<'r>,
    channel: &'r Channel,
    how: &'r Redrive<'r>,
    window: u16,
    /// How many messages stay unacknowledged until the end.
    held: usize,
    /// Of which way and reason it was asked whether what goes there dies again.
    asked: BTreeSet<(Way, String)>,
    pace: Pace,
    inbox: SelectAll<Consumer>,
    tags: Vec<lapin::types::ShortString>,
    done: Redriven,
}

impl Run<'_> {
    async fn all(&mut self) -> Result<(), String> {
        let how = self.how;
        while !how.stop.load(Ordering::Relaxed) && self.done.looked < how.most && self.room() > 0 {
            // each consumer is given so many at a time, and what is held stays with it: once it is full, the next one
            // goes on from there, in the order of the queue
            let free = self.tags.len() * usize::from(self.window) - self.held;
            if free == 0 {
                self.consume().await?;
                continue;
            }
            let batch = self.batch(free).await?;
            if batch.is_empty() {
                break;
            }
            let outgoing = self.sort(batch).await?;
            if let Some(due) = self.pace.reserve(outgoing.len()) {
                tokio::time::sleep_until(due.into()).await;
            }
            self.send(outgoing).await?;
            (how.progress)(&self.done);
        }
        Ok(())
    }

    /// How many may still be moved.
    fn room(&self) -> u64 {
        self.how.limit.map_or(u64::MAX, |limit| limit.saturating_sub(self.done.total()))
    }

    async fn consume(&mut self) -> Result<(), String> {
        let options = BasicConsumeOptions::default();
        let queue = self.mailbox.queue.as_str().into();
        let consumer = self.channel.basic_consume(queue, "".into(), options, FieldTable::default());
        let consumer = answered(consumer).await.map_err(|error| error.to_string())?;
        self.tags.push(consumer.tag());
        self.inbox.push(consumer);
        Ok(())
    }

    /// What comes next, in the order of the queue.
    async fn batch(&mut self, most: usize) -> Result<Vec<Delivery>, String> {
        let left = usize::try_from(self.how.most - self.done.looked).unwrap_or(usize::MAX);
        let mut batch = Vec::new();
        let mut patience = COMES_WITHIN;
        while batch.len() < most.min(left)
            && let Ok(Some(delivery)) = tokio::time::timeout(patience, self.inbox.next()).await
        {
            batch.push(delivery.map_err(|error| error.to_string())?);
            patience = TOGETHER;
        }
        Ok(batch)
    }

    /// Those that are to be moved, each with its way; the others are held until the end.
    async fn sort(&mut self, batch: Vec<Delivery>) -> Result<Vec<Outgoing>, String> {
        let mut outgoing = Vec::new();
        for delivery in batch {
            if outgoing.len() as u64 >= self.room() {
                self.hold(&delivery).await?;
                continue;
            }
            self.done.looked += 1;
            let letter = letter(&delivery);
            if !(self.how.wanted)(&letter) {
                self.done.passed += 1;
                self.hold(&delivery).await?;
                continue;
            }
            match (self.how.way)(&letter) {
                Ok(way) => {
                    self.ask(&way, &letter).await;
                    let published = letter.published();
                    let published = published
                        .as_ref()
                        .map(|(exchange, keys)| (*exchange, keys.first().copied().unwrap_or("")));
                    let (properties, without_user) =
                        self.mailbox.sendable(&delivery.properties, Some(&way), published);
                    let again = redriven(&letter) > 0;
                    outgoing.push(Outgoing { delivery, properties, way, again, without_user });
                }
                Err(astray) => {
                    self.keep(astray.to_string());
                    self.hold(&delivery).await?;
                }
            }
        }
        Ok(outgoing)
    }

    /// Whether what goes there would die again, once for each reason.
    async fn ask(&mut self, way: &Way, letter: &Letter) {
        let reason = letter.reason().unwrap_or("").to_owned();
        if !self.asked.insert((way.clone(), reason.clone())) {
            return;
        }
        if let Some(warning) = self.mailbox.dies_again(way, &reason).await
            && self.done.warnings.insert(warning.clone())
        {
            (self.how.warn)(&warning);
        }
    }

    fn keep(&mut self, why: String) {
        *self.done.kept.entry(why).or_default() += 1;
    }

    /// Leaves a message unacknowledged until the end; one that could not be given back any more goes as a copy.
    async fn hold(&mut self, delivery: &Delivery) -> Result<(), String> {
        let is_safe = !self.mailbox.is_at_its_limit(letter(delivery).returned());
        if is_safe || !self.mailbox.copy(self.channel, delivery).await? {
            self.held += 1;
        }
        Ok(())
    }

    /// Publishes copies, waits for all confirms, and acknowledges what is safe.
    async fn send(&mut self, outgoing: Vec<Outgoing>) -> Result<(), String> {
        let trouble = |error: lapin::Error| error.to_string();
        let mut confirms = Vec::with_capacity(outgoing.len());
        for out in &outgoing {
            let (exchange, key) = out.way.address();
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let sent = self.channel.basic_publish(
                exchange.into(),
                key.into(),
                options,
                &out.delivery.data,
                out.properties.clone(),
            );
            confirms.push(answered(sent).await.map_err(trouble)?);
        }
        let confirmed = tokio::time::timeout(CONFIRMS_WITHIN, join_all(confirms))
            .await
            .map_err(|_| format!("the broker has confirmed nothing for {} s", CONFIRMS_WITHIN.as_secs()))?;
        let mut returned = Vec::new();
        let mut taken = Vec::with_capacity(outgoing.len());
        for confirmation in confirmed {
            let confirmation = confirmation.map_err(trouble)?;
            taken.push(confirmation.is_ack());
            if let Confirmation::Ack(Some(back)) | Confirmation::Nack(Some(back)) = confirmation {
                returned.push(back);
            }
        }
        let unroutable = unroutable(&outgoing, &returned);
        for (index, out) in outgoing.into_iter().enumerate() {
            if unroutable.contains(&index) {
                self.keep(format!("{} takes none", out.way.title()));
                self.hold(&out.delivery).await?;
            } else if !taken[index] {
                self.keep(format!("{} refuses them", out.way.title()));
                self.hold(&out.delivery).await?;
            } else {
                let tag = out.delivery.delivery_tag;
                answered(self.channel.basic_ack(tag, BasicAckOptions::default())).await.map_err(trouble)?;
                *self.done.moved.entry(out.way).or_default() += 1;
                self.done.again += u64::from(out.again);
                self.done.without_user += u64::from(out.without_user);
            }
        }
        Ok(())
    }

    /// Gives back what is left, also what was delivered and not looked at.
    async fn leave(&mut self) -> Result<(), String> {
        for tag in &self.tags {
            let cancelled = self.channel.basic_cancel(tag.clone(), BasicCancelOptions::default());
            let cancelled = answered(cancelled).await;
            cancelled.map_err(|error| error.to_string())?;
        }
        // what is at its limit among it must not go back as it is
        while let Ok(Some(Ok(delivery))) = tokio::time::timeout(COMES_WITHIN, self.inbox.next()).await {
            self.hold(&delivery).await?;
        }
        self.mailbox.give_back(self.channel).await
    }
}

/// Which copies no queue has taken. lapin tells of a returned message with whichever confirm comes next, so the message
/// is found by what it is; where that is not one alone, all of its way stay here.
fn unroutable(outgoing: &[Outgoing], returned: &[BasicReturnMessage]) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    for back in returned {
        let of_its_way = |out: &Outgoing| {
            out.way.address() == (back.delivery.exchange.as_str(), back.delivery.routing_key.as_str())
        };
        let same = |(index, out): &(usize, &Outgoing)| {
            !found.contains(index)
                && of_its_way(out)
                && out.delivery.data == back.delivery.data
                && out.delivery.properties.message_id() == back.delivery.properties.message_id()
        };
        let mut alike = outgoing.iter().enumerate().filter(same);
        match (alike.next(), alike.next()) {
            (Some((index, _)), None) => {
                found.insert(index);
            }
            _ => found.extend(
                outgoing.iter().enumerate().filter(|(_, out)| of_its_way(out)).map(|(index, _)| index),
            ),
        }
    }
    found
}
