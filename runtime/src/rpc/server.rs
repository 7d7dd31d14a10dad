//! Answering requests.

use super::{Failure, failure};
use crate::{
    backoff::Backoff,
    consume::{Hold, Work, panic_message},
    delivery::Delivery,
    publish::{Outgoing, PublishError, Publisher, properties},
};
use futures_util::FutureExt;
use std::{panic::AssertUnwindSafe, time::Duration};

/// Computes the answer to a request. Generated code implements it.
pub trait Answer: Send + Sync + 'static {
    /// The answer's body (see [`response`](super::response)), or the failure that the caller gets.
    /// A panic is answered with the failure `panic`.
    fn answer(&self, request: Delivery) -> impl Future<Output = Result<Vec<u8>, Failure>> + Send;
}

/// So often a reply is published that its queue does not take.
const TRIES: usize = 4;

/// The work of an RPC server.
pub(crate) struct Answering<A> {
    pub(crate) answer: A,
    pub(crate) publisher: Publisher,
}

impl<A: Answer> Work for Answering<A> {
    async fn run(&self, request: Delivery, hold: Hold) {
        let Some(reply_to) = request.reply_to().map(str::to_owned) else {
            tracing::error!("a request without reply-to: rejected");
            return hold.reject(false).await;
        };
        let correlation_id = request.correlation_id().map(str::to_owned);
        let computed = AssertUnwindSafe(async { self.answer.answer(request).await }).catch_unwind().await;
        let result = computed.unwrap_or_else(|panic| {
            tracing::error!(panic = panic_message(&*panic), "the handler panicked");
            // its words are the server's own business
            Err(Failure::new("panic", "the server's handler panicked"))
        });
        let (name, payload) = match result {
            Ok(payload) => ("topoc.rpc.response", payload),
            Err(failure) => {
                tracing::warn!(%failure, "answering with a failure");
                // two strings can always be written as JSON
                (failure::NAME, serde_json::to_vec(&failure).unwrap_or_default())
            }
        };
        let mut properties = properties(name, self.publisher.service());
        if let Some(id) = correlation_id {
            properties = properties.with_correlation_id(id.into());
        }
        // a reply queue holds nothing on disk
        properties = properties.with_delivery_mode(1);
        let reply = Outgoing {
            exchange: String::new(),
            routing_key: reply_to,
            mandatory: true,
            once: false,
            properties,
            payload,
        };
        self.reply(reply, hold).await;
    }
}

impl<A> Answering<A> {
    /// Publishes the reply, then acknowledges the request. The handler does not run again for a reply that does not
    /// get through.
    async fn reply(&self, reply: Outgoing, hold: Hold) {
        let mut backoff = Backoff::new(Duration::from_secs(5));
        for _ in 0..TRIES {
            match self.publisher.send(reply.clone(), self.publisher.timeout()).await {
                Ok(()) => return hold.ack().await,
                Err(PublishError::Unroutable { .. }) => {
                    tracing::warn!("the caller is gone: its answer is dropped");
                    return hold.ack().await;
                }
                Err(PublishError::Closed) => return hold.left(),
                // it would be refused again
                Err(error @ (PublishError::Refused { .. } | PublishError::Encode(_))) => {
                    tracing::error!(%error, "not answered: the request is rejected");
                    return hold.reject(false).await;
                }
                Err(error) if !hold.usable() => {
                    tracing::warn!(%error, "not answered");
                    return hold.left();
                }
                Err(error) => {
                    tracing::warn!(%error, "not answered yet; trying again");
                    tokio::time::sleep(backoff.next()).await;
                }
            }
        }
        tracing::error!("not answered after {TRIES} tries: the request is rejected");
        hold.reject(false).await;
    }
}
