//! Publishing to the broker in this process, which confirms each message at once.

use super::{
    PublishError,
    channel::{Backlog, Job, Setup, fits},
};
use crate::memory::{Channel, FRAME_MAX, Taken};
use tokio::sync::mpsc;

/// Publishes until nobody can any more.
pub(super) async fn publish(
    channel: &Channel,
    setup: &impl Setup,
    backlog: &mut Backlog,
    inbox: &mut mpsc::Receiver<Job>,
) {
    loop {
        let job = match backlog.take(inbox) {
            Some(job) => job,
            None => match inbox.recv().await {
                Some(job) => job,
                None => return,
            },
        };
        let Job { outgoing, reply } = job;
        let exchange = || outgoing.exchange.clone();
        let routing_key = || outgoing.routing_key.clone();
        let sent = fits(&outgoing, FRAME_MAX).and_then(|()| {
            setup.publishing(&outgoing);
            match channel.publish(&outgoing)? {
                Taken::Acked => Ok(()),
                Taken::Nacked => {
                    Err(PublishError::Nacked { exchange: exchange(), routing_key: routing_key() })
                }
                Taken::Returned => Err(PublishError::Unroutable {
                    exchange: exchange(),
                    routing_key: routing_key(),
                    reply: String::from("312 NO_ROUTE"),
                }),
                Taken::Refused(reason) => Err(PublishError::Refused { exchange: exchange(), reason }),
            }
        });
        // an error means that nobody waits any more
        let _ = reply.send(sent);
    }
}
