//! Calling a remote procedure.

use super::{
    Failure, Procedure, failure,
    waiting::{Reply, Waiting},
};
use crate::{
    connection::{Channel, Connection},
    publish::{
        Outgoing, PublishError,
        channel::{Job, Setup, start},
        encode, properties, send,
    },
};
use futures_util::StreamExt;
use lapin::{
    BasicProperties,
    options::{BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{borrow::Cow, fmt, marker::PhantomData, pin::Pin, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};
use tracing::Instrument;

/// The pseudo-queue of direct reply-to: answers come to the channel that published the request.
pub(crate) const REPLY_TO: &str = "amq.rabbitmq.reply-to";

/// Why a call has no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The server answered with a failure.
    #[error("the server of `{procedure}` answers: {failure}")]
    Server {
        /// The procedure called.
        procedure: &'static str,
        /// The server's answer.
        failure: Failure,
    },
    /// No answer came in time. The server may have run the request.
    #[error("no answer from `{procedure}` within {} ms", after.as_millis())]
    Timeout {
        /// The procedure called.
        procedure: &'static str,
        /// How long it was waited for.
        after: Duration,
    },
    /// The connection was lost before the answer. The server may have run the request.
    #[error("the connection was lost before `{procedure}` answered")]
    Lost {
        /// The procedure called.
        procedure: &'static str,
    },
    /// The request was not taken: `Unroutable` says that its queue does not exist.
    #[error("`{procedure}` cannot be called: {error}")]
    Publish {
        /// The procedure called.
        procedure: &'static str,
        /// Why the request was not published.
        error: PublishError,
    },
    /// The answer is not what the procedure's response is declared as.
    #[error("the answer of `{procedure}` cannot be read: {reason}")]
    Undecodable {
        /// The procedure called.
        procedure: &'static str,
        /// What the JSON reader says.
        reason: String,
    },
}

/// Calls remote procedures over one channel. Clones share it.
#[derive(Clone)]
pub struct Client {
    connection: Connection,
    service: Cow<'static, str>,
    jobs: mpsc::Sender<Job>,
    waiting: Waiting,
}

impl Client {
    /// A client whose requests carry `service` as their `app-id`.
    #[must_use]
    pub fn new(connection: &Connection, service: impl Into<Cow<'static, str>>) -> Self {
        let waiting = Waiting::default();
        let jobs = start(connection.clone(), Replies { waiting: waiting.clone() });
        Self { connection: connection.clone(), service: service.into(), jobs, waiting }
    }

    /// A call; nothing happens before it is awaited.
    pub fn call<Q: Serialize + ?Sized, R: DeserializeOwned>(
        &self,
        procedure: &Procedure,
        request: &Q,
    ) -> Call<'_, R> {
        let request = encode(procedure.name, request);
        Call { client: self, procedure: *procedure, request, priority: None, response: PhantomData }
    }

    async fn answer(
        &self,
        procedure: Procedure,
        payload: Vec<u8>,
        priority: Option<u8>,
    ) -> Result<Reply, CallError> {
        let Procedure { name, queue, timeout: after } = procedure;
        let deadline = Instant::now() + after;
        let mut place = self.waiting.place();
        let mut properties = properties(name, &self.service)
            .with_reply_to(REPLY_TO.into())
            .with_correlation_id(place.id.as_str().into())
            .with_expiration(after.as_millis().to_string().into());
        if let Some(priority) = priority {
            properties = properties.with_priority(priority);
        }
        let outgoing = Outgoing {
            exchange: String::new(),
            routing_key: queue.to_owned(),
            mandatory: true,
            once: true,
            properties,
            payload,
        };
        let failed = |error| match error {
            PublishError::Lost => CallError::Lost { procedure: name },
            PublishError::Timeout { .. } => CallError::Timeout { procedure: name, after },
            error => CallError::Publish { procedure: name, error },
        };
        let sent = send(&self.connection, &self.jobs, outgoing, after);
        tokio::pin!(sent);
        // the answer can overtake the confirm
        let early = tokio::select! {
            biased;
            answered = &mut place.answer => Some(answered),
            sent = &mut sent => {
                sent.map_err(failed)?;
                None
            }
        };
        let answered = match early {
            Some(Ok(answer)) => return Ok(answer),
            // the channel is gone; whoever published the request may know that it was refused
            Some(Err(gone)) => {
                sent.await.map_err(failed)?;
                Err(gone)
            }
            None => match timeout_at(deadline, &mut place.answer).await {
                Ok(answered) => answered,
                Err(_) => return Err(CallError::Timeout { procedure: name, after }),
            },
        };
        answered.map_err(|_| CallError::Lost { procedure: name })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("service", &self.service).finish_non_exhaustive()
    }
}

/// A call being prepared: `await` sends the request and returns the response.
#[must_use = "nothing is sent before it is awaited"]
pub struct Call<'c, R> {
    client: &'c Client,
    procedure: Procedure,
    request: Result<Vec<u8>, PublishError>,
    priority: Option<u8>,
    response: PhantomData<fn() -> R>,
}

impl<R: DeserializeOwned> Call<'_, R> {
    /// Waits this long for the answer, instead of the procedure's own timeout.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.procedure.timeout = timeout;
        self
    }

    /// Sets the request's priority.
    pub fn priority(mut self, priority: u8) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Sends the request and waits for the response; the same as `await`.
    ///
    /// # Errors
    /// [`CallError`] says which of the ways it went.
    pub async fn send(self) -> Result<R, CallError> {
        let procedure = self.procedure.name;
        let span = tracing::debug_span!("rpc.call", procedure);
        async {
            let payload = self.request.map_err(|error| CallError::Publish { procedure, error })?;
            let answer = self.client.answer(self.procedure, payload, self.priority).await?;
            decode(procedure, &answer.properties, &answer.payload)
        }
        .instrument(span)
        .await
    }
}

impl<'c, R: DeserializeOwned + 'c> IntoFuture for Call<'c, R> {
    type Output = Result<R, CallError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'c>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl<R> fmt::Debug for Call<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("procedure", &self.procedure).finish_non_exhaustive()
    }
}

fn decode<R: DeserializeOwned>(
    procedure: &'static str,
    properties: &BasicProperties,
    payload: &[u8],
) -> Result<R, CallError> {
    let undecodable =
        |error: serde_json::Error| CallError::Undecodable { procedure, reason: error.to_string() };
    if properties.kind().as_ref().is_some_and(|name| name.as_str() == failure::NAME) {
        let failure = serde_json::from_slice(payload).map_err(undecodable)?;
        return Err(CallError::Server { procedure, failure });
    }
    serde_json::from_slice(payload).map_err(undecodable)
}

/// Subscribes each new channel of the client to its answers.
struct Replies {
    waiting: Waiting,
}

impl Setup for Replies {
    async fn set_up(&self, channel: &Channel) -> Result<(), lapin::Error> {
        let waiting = self.waiting.clone();
        match channel {
            Channel::Broker(channel) => subscribe(channel, waiting).await?,
            #[cfg(feature = "memory")]
            Channel::Memory(channel) => channel.reply_to(waiting),
        }
        Ok(())
    }

    fn publishing(&self, outgoing: &Outgoing) {
        if let Some(id) = outgoing.properties.correlation_id() {
            self.waiting.sent(id.as_str());
        }
    }
}

async fn subscribe(channel: &lapin::Channel, waiting: Waiting) -> Result<(), lapin::Error> {
    channel.basic_qos(0, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
    let mut answers =
        channel.basic_consume(REPLY_TO.into(), "".into(), options, FieldTable::default()).await?;
    let generation = waiting.channel();
    tokio::spawn(async move {
        while let Some(Ok(answer)) = answers.next().await {
            waiting.answered(Reply { properties: answer.properties, payload: answer.data });
        }
        waiting.ended(generation);
    });
    Ok(())
}
