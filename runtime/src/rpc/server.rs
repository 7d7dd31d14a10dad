//! Answering requests.

use super::{Failure, failure};
use crate::{
    consume::{Hold, Work, panic_message},
    delivery::Delivery,
    publish::{Outgoing, PublishError, Publisher, properties},
};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;

/// Computes the answer to a request. Generated code implements it.
pub trait Answer: Send + Sync + 'static {
    /// The answer's body (see [`response`](super::response)), or the failure that the caller gets.
    /// A panic is answered with the failure `panic`.
    fn answer(&self, request: Delivery) -> impl Future<Output = Result<Vec<u8>, Failure>> + Send;
}

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
        let computed = AssertUnwindSafe(self.answer.answer(request)).catch_unwind().await;
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
        match self.publisher.send(reply, self.publisher.timeout()).await {
            Ok(()) => {}
            Err(PublishError::Unroutable { .. }) => {
                tracing::warn!("the caller is gone: its answer is dropped")
            }
            Err(error) => {
                tracing::warn!(%error, "not answered: the request goes back to its queue");
                return hold.reject(true).await;
            }
        }
        hold.ack().await;
    }
}
