//! Looking at messages without taking them out.
//!
//! No look is without a trace. A stream is read, and nothing changes. A classic queue gives the messages back to their
//! places, marked as delivered before. A quorum queue counts each time that it takes a message back (`rabbit_fifo`), and
//! drops one that comes back more often than its delivery limit: seen on 4.0, where that is 20 by default, a message is
//! gone with the 21st look. So a message that is about to reach the limit is not given back: a copy goes to the end of
//! the queue, its count begins anew, and only then is the message taken out.

use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::{
    Channel,
    options::{
        BasicConsumeOptions, BasicGetOptions, BasicNackOptions, BasicQosOptions, ConfirmSelectOptions,
    },
    types::{AMQPValue, FieldTable},
};

use super::{
    super::{connect::answered, look::done_with},
    Mailbox,
    wire::letter,
};
use crate::{dead::Letter, topology::QueueType};

/// How long a stream is listened to for one more message.
const LISTENS: Duration = Duration::from_secs(3);

/// How many messages of a stream are under way at once.
const AHEAD: u16 = 64;

/// What a look came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// How many messages were looked at.
    pub letters: u64,
    /// How many of them were at their delivery limit, and are at the end of the queue now, as copies.
    pub copied: u64,
}

impl Mailbox<'_> {
    /// Looks at messages, the oldest first, until `take` has enough or so many are looked at; then all go back.
    ///
    /// # Errors
    /// Why they cannot be seen; what was delivered has gone back.
    pub async fn look(&self, most: u64, mut take: impl FnMut(Letter) -> bool) -> Result<Looked, String> {
        self.looker.verify(&self.vhost).await?;
        let channel = self.looker.channel(&self.vhost).await?;
        let looked = if self.kind == QueueType::Stream {
            self.read(&channel, most, &mut take).await
        } else {
            self.get(&channel, most, &mut take).await
        };
        done_with(&channel).await;
        looked
    }

    async fn read(
        &self,
        channel: &Channel,
        most: u64,
        take: &mut dyn FnMut(Letter) -> bool,
    ) -> Result<Looked, String> {
        let trouble = |error: lapin::Error| error.to_string();
        answered(channel.basic_qos(AHEAD, BasicQosOptions::default())).await.map_err(trouble)?;
        let mut arguments = FieldTable::default();
        arguments.insert("x-stream-offset".into(), AMQPValue::LongString("first".into()));
        let options = BasicConsumeOptions::default();
        let stream = channel.basic_consume(self.queue.as_str().into(), "".into(), options, arguments);
        let mut stream = answered(stream).await.map_err(trouble)?;
        let mut looked = Looked::default();
        while looked.letters < most
            && let Ok(Some(delivery)) = tokio::time::timeout(LISTENS, stream.next()).await
        {
            let delivery = delivery.map_err(trouble)?;
            looked.letters += 1;
            // of a stream that only asks for more
            delivery.ack(lapin::options::BasicAckOptions::default()).await.map_err(trouble)?;
            if !take(letter(&delivery)) {
                break;
            }
        }
        Ok(looked)
    }

    async fn get(
        &self,
        channel: &Channel,
        most: u64,
        take: &mut dyn FnMut(Letter) -> bool,
    ) -> Result<Looked, String> {
        let trouble = |error: lapin::Error| error.to_string();
        answered(channel.confirm_select(ConfirmSelectOptions::default())).await.map_err(trouble)?;
        let mut looked = Looked::default();
        let mut most = most;
        while looked.letters < most {
            let options = BasicGetOptions::default();
            let got =
                answered(channel.basic_get(self.queue.as_str().into(), options)).await.map_err(trouble)?;
            let Some(message) = got else { break };
            if looked.letters == 0 {
                // what is put at the end meanwhile is not looked at again
                most = most.min(u64::from(message.message_count) + 1);
            }
            looked.letters += 1;
            let letter = letter(&message.delivery);
            if self.is_at_its_limit(letter.returned()) && self.copy(channel, &message.delivery).await? {
                looked.copied += 1;
            }
            if !take(letter) {
                break;
            }
        }
        self.give_back(channel).await?;
        Ok(looked)
    }

    /// Gives back all that is delivered and not acknowledged.
    pub(super) async fn give_back(&self, channel: &Channel) -> Result<(), String> {
        let options = BasicNackOptions { multiple: true, requeue: true };
        answered(channel.basic_nack(0, options)).await.map_err(|error| error.to_string())
    }
}
