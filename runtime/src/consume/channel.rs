//! A consumer's channel: what comes over it, and its end.

use super::{Consume, Hold};
#[cfg(feature = "memory")]
use crate::memory;
use crate::{
    connection::{Channel, Connection},
    delivery::Arrival,
    error::words,
};
use futures_util::StreamExt;
use lapin::{
    options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions},
    types::{FieldTable, ShortString},
};

/// A consumer on a channel of its own.
#[cfg_attr(
    feature = "memory",
    expect(
        clippy::large_enum_variant,
        reason = "there is one for each consumer, and RabbitMQ's is the large one"
    )
)]
pub(super) enum Subscribed {
    Broker {
        channel: lapin::Channel,
        tag: ShortString,
        deliveries: lapin::Consumer,
        auto_ack: bool,
    },
    #[cfg(feature = "memory")]
    Memory(memory::Subscription),
}

impl Subscribed {
    /// Subscribes as `consume` says; fails with the broker's words.
    pub(super) async fn on(
        channel: Channel,
        connection: &Connection,
        consume: Consume,
    ) -> Result<Self, String> {
        let prefetch = match consume.prefetch {
            0 => 0,
            prefetch => prefetch.max(consume.concurrency),
        };
        match channel {
            Channel::Broker(channel) => {
                let name = &connection.options().name;
                subscribe(channel, name, consume, prefetch).await.map_err(|error| words(&error))
            }
            #[cfg(feature = "memory")]
            Channel::Memory(channel) => {
                channel.consume(consume.queue, prefetch, consume.auto_ack).map(Self::Memory)
            }
        }
    }

    /// The next message; fails with why there is none any more.
    pub(super) async fn next(&mut self) -> Result<(Arrival, Hold), String> {
        let cancelled = || String::from("the broker cancelled the consumer");
        match self {
            Self::Broker { deliveries, auto_ack, .. } => {
                let next = deliveries.next().await.ok_or_else(cancelled)?;
                let raw = next.map_err(|error| words(&error))?;
                let hold = if *auto_ack { Hold::Forgotten } else { Hold::Kept(raw.acker) };
                let arrival = Arrival {
                    exchange: raw.exchange,
                    routing_key: raw.routing_key,
                    redelivered: raw.redelivered,
                    properties: raw.properties,
                    payload: raw.data,
                };
                Ok((arrival, hold))
            }
            #[cfg(feature = "memory")]
            Self::Memory(subscription) => {
                let (arrival, held) = subscription.next().await.ok_or_else(cancelled)?;
                Ok((arrival, Hold::Memory(held)))
            }
        }
    }

    /// Takes no more messages; those that were sent still come.
    pub(super) async fn cancel(&mut self) {
        match self {
            Self::Broker { channel, tag, .. } => {
                let _ = channel.basic_cancel(tag.clone(), BasicCancelOptions::default()).await;
            }
            #[cfg(feature = "memory")]
            Self::Memory(subscription) => subscription.cancel(),
        }
    }

    /// Closes the channel: what is not answered goes back to its queue.
    pub(super) async fn close(self) {
        match self {
            Self::Broker { channel, .. } => {
                let _ = channel.close(200, "stopped".into()).await;
            }
            #[cfg(feature = "memory")]
            Self::Memory(subscription) => drop(subscription),
        }
    }
}

async fn subscribe(
    channel: lapin::Channel,
    name: &str,
    consume: Consume,
    prefetch: u16,
) -> Result<Subscribed, lapin::Error> {
    channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
    let name: String = name.chars().take(40).collect();
    let tag = ShortString::from(format!("{name}.{}", uuid::Uuid::new_v4().simple()));
    let options = BasicConsumeOptions { no_ack: consume.auto_ack, ..BasicConsumeOptions::default() };
    let queue = consume.queue.into();
    let deliveries = channel.basic_consume(queue, tag.clone(), options, FieldTable::default()).await?;
    Ok(Subscribed::Broker { channel, tag, deliveries, auto_ack: consume.auto_ack })
}
