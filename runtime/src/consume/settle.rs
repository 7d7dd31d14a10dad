//! Doing with a message what its handler said.

use super::{Hold, Ladder};
use crate::{
    backoff::Backoff,
    delivery::Delivery,
    outcome::Outcome,
    publish::{Outgoing, PublishError, Publisher},
};
use std::time::Duration;

/// A retry without a ladder would come back at once and again; so much time lies between.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) async fn settle(
    hold: &Hold,
    delivery: Delivery,
    outcome: Outcome,
    ladder: Option<Ladder>,
    publisher: &Publisher,
) {
    match (outcome, ladder) {
        (Outcome::Ack, _) => hold.ack().await,
        (Outcome::Requeue, _) => hold.reject(true).await,
        (Outcome::Retry { reason }, Some(ladder)) => {
            let reason = reason.unwrap_or_else(|| String::from("the handler asked for a retry"));
            tracing::info!(reason, attempt = delivery.attempt().saturating_add(1), "retrying later");
            forward(hold, ladder.retry(delivery, &reason), ladder, publisher).await;
        }
        (Outcome::Retry { reason }, None) => {
            tracing::info!(reason, "back to the queue: it has no retry ladder");
            tokio::time::sleep(PAUSE).await;
            hold.reject(true).await;
        }
        (Outcome::DeadLetter { reason }, Some(ladder)) => {
            tracing::error!(reason, "given up: to the dead queue");
            forward(hold, ladder.give_up(delivery, &reason), ladder, publisher).await;
        }
        (Outcome::DeadLetter { reason }, None) => {
            tracing::error!(reason, "given up: rejected");
            hold.reject(false).await;
        }
    }
}

/// Publishes, then acknowledges the original. While that does not succeed the message stays
/// unacknowledged, so that it is never lost; the channel's end gives it back to the queue. No message
/// stays for what stands in it: the second form of one that cannot be written always can.
async fn forward(hold: &Hold, mut outgoing: Outgoing, ladder: Ladder, publisher: &Publisher) {
    let mut backoff = Backoff::new(Duration::from_secs(30));
    let within = publisher.timeout();
    let mut bare = false;
    while hold.usable() {
        match publisher.send(outgoing.clone(), within).await {
            Ok(()) => return hold.ack().await,
            Err(PublishError::Closed) => break,
            Err(error @ PublishError::Encode(_)) if !bare => {
                tracing::error!(%error, "to the dead queue without the message's own headers");
                bare = true;
                outgoing = ladder.without_own_headers(outgoing, &error.to_string());
            }
            // no message is the cause, and to reject this one could lose it
            Err(error @ PublishError::Encode(_)) => {
                tracing::error!(%error, to = outgoing.routing_key, "cannot move the message on: left as it is");
                break;
            }
            Err(error) => {
                tracing::error!(%error, to = outgoing.routing_key, "cannot move the message on; trying again");
                tokio::time::sleep(backoff.next()).await;
            }
        }
    }
    hold.left();
}
