//! Doing with a message what its handler said.

use super::Ladder;
use crate::{
    backoff::Backoff,
    delivery::Delivery,
    outcome::Outcome,
    publish::{Outgoing, PublishError, Publisher},
};
use lapin::{
    Acker,
    options::{BasicAckOptions, BasicRejectOptions},
};
use std::time::Duration;

/// A retry without a ladder would come back at once and again; so much time lies between.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) async fn settle(
    acker: &Acker,
    delivery: Delivery,
    outcome: Outcome,
    ladder: Option<Ladder>,
    publisher: &Publisher,
) {
    let answered = match (outcome, ladder) {
        (Outcome::Ack, _) => ack(acker).await,
        (Outcome::Requeue, _) => reject(acker, true).await,
        (Outcome::Retry { reason }, Some(ladder)) => {
            let reason = reason.unwrap_or_else(|| String::from("the handler asked for a retry"));
            tracing::info!(reason, attempt = delivery.attempt() + 1, "retrying later");
            forward(acker, ladder.retry(delivery, &reason), publisher).await
        }
        (Outcome::Retry { reason }, None) => {
            tracing::info!(reason, "back to the queue: it has no retry ladder");
            tokio::time::sleep(PAUSE).await;
            reject(acker, true).await
        }
        (Outcome::DeadLetter { reason }, Some(ladder)) => {
            tracing::error!(reason, "given up: to the dead queue");
            forward(acker, ladder.give_up(delivery, &reason), publisher).await
        }
        (Outcome::DeadLetter { reason }, None) => {
            tracing::error!(reason, "given up: rejected");
            reject(acker, false).await
        }
    };
    match answered {
        Ok(true) => {}
        Ok(false) => tracing::warn!("the channel is gone: the broker delivers the message again"),
        Err(error) => tracing::warn!(%error, "not answered: the broker delivers the message again"),
    }
}

/// Publishes, then acknowledges the original. While that does not succeed the message stays
/// unacknowledged, so that it is never lost; the channel's end gives it back to the queue.
async fn forward(acker: &Acker, outgoing: Outgoing, publisher: &Publisher) -> Result<bool, lapin::Error> {
    let mut backoff = Backoff::new(Duration::from_secs(30));
    let within = publisher.timeout();
    while acker.usable() {
        match publisher.send(outgoing.clone(), within).await {
            Ok(()) => return ack(acker).await,
            Err(PublishError::Closed) => return Ok(false),
            Err(error) => {
                tracing::error!(%error, to = outgoing.routing_key, "cannot move the message on; trying again");
                tokio::time::sleep(backoff.next()).await;
            }
        }
    }
    Ok(false)
}

async fn ack(acker: &Acker) -> Result<bool, lapin::Error> {
    acker.ack(BasicAckOptions::default()).await
}

async fn reject(acker: &Acker, requeue: bool) -> Result<bool, lapin::Error> {
    acker.reject(BasicRejectOptions { requeue }).await
}
