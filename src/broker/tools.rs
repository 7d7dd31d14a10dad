//! What steps of more than one request share, and how they end.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use super::{
    Client, Error, Method, Progress, Request, Secrets,
    bindings::Unbound,
    entity,
    guard::{Guard, Objection},
    pace::Pace,
};
use crate::{
    kind::{Definition, Identity},
    plan::{PreImage, Purpose},
};

/// Why a step is not done.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It would lose messages, and nobody has consented.
    Objection(Objection),
    /// What is published while it is made anew would be lost, and nobody has consented; and what else stands against it.
    Gap(Option<Objection>),
    /// The broker did not do it.
    Broker(Error),
    /// It is done by AMQP alone, and could not be.
    Amqp {
        /// What: `a header without a value is bound`.
        what: &'static str,
        /// Why it could not be.
        trouble: String,
    },
    /// A secret is missing; nothing was sent.
    Secret(String),
    /// The broker did not do it, and all is as it was before.
    Back(String),
    /// It is done in part, and what was taken away could not all be put back.
    Halfway(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Broker(error)
    }
}

impl From<crate::kind::WireError> for Trouble {
    fn from(error: crate::kind::WireError) -> Self {
        Self::Secret(error.to_string())
    }
}

impl From<Unbound> for Trouble {
    fn from(unbound: Unbound) -> Self {
        Self::Halfway(unbound.to_string())
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Objection(objection) => objection.fmt(f),
            Self::Gap(objection) => {
                if let Some(objection) = objection {
                    write!(f, "{objection}; ")?;
                }
                f.write_str(
                    "what is published to it while it is made anew would be lost; pause its publishers, and say --allow-gap",
                )
            }
            Self::Amqp { what, trouble } => write!(f, "{what} by AMQP alone, and {trouble}"),
            Self::Secret(text) | Self::Back(text) | Self::Halfway(text) => f.write_str(text),
            Self::Broker(error) => match error.reason() {
                Some(reason) => f.write_str(reason.trim()),
                None => error.fmt(f),
            },
        }
    }
}

/// What replacing and deleting needs.
pub(super) struct Tools<'a> {
    pub(super) client: &'a Client,
    pub(super) secrets: &'a Secrets,
    pub(super) guard: &'a Guard<'a>,
    /// False where the loss of messages is allowed.
    pub(super) guarded: bool,
    /// False where the loss of what is published meanwhile is allowed.
    pub(super) gapless: bool,
    /// The topology that is applied.
    pub(super) topology: Option<&'a Arc<str>>,
    /// Bindings that leave in the same run: they are not restored.
    pub(super) leaving: &'a BTreeSet<Identity>,
    /// Two exchanges that are bound to one another are not replaced at once: the binding has to have an end.
    pub(super) one_exchange: tokio::sync::Mutex<()>,
    /// Once it is true, nothing is begun, and what waits for others is given up.
    pub(super) stop: &'a AtomicBool,
    /// How long consumers may take to empty a queue that is made anew.
    pub(super) drain_timeout: Duration,
    /// Whether a shovel moves messages where it can.
    pub(super) shovel: bool,
    /// How fast messages are moved.
    pub(super) pace: Arc<Pace>,
    /// Is told how far a long step is.
    pub(super) progress: &'a (dyn Fn(Progress<'_>) + Sync),
    /// Whether the broker has carried anything out, or may have.
    pub(super) changed: AtomicBool,
    /// What was otherwise than promised.
    pub(super) remarks: Mutex<Vec<String>>,
    /// Why a pre-image that is of no more use is still there.
    pub(super) unrecorded: Mutex<Option<Error>>,
}

/// A pre-image in the broker: the names of its parameters.
#[derive(Debug)]
#[must_use]
pub(super) struct Kept(Vec<String>);

impl Tools<'_> {
    /// Sends what changes the broker. What is to go and is gone has gone.
    pub(super) async fn change(&self, request: &Request) -> Result<(), Error> {
        self.change_found(request).await.map(drop)
    }

    /// The same, and whether it was there.
    async fn change_found(&self, request: &Request) -> Result<bool, Error> {
        let result = match request.method() {
            Method::Delete => self.client.find(request).await.map(|found| found.is_some()),
            _ => self.client.send(request).await.map(|_| true),
        };
        // what was not there has not been changed
        if matches!(result, Ok(true) | Err(Error::Lost { .. } | Error::Unreachable { .. })) {
            self.changed.store(true, Ordering::Relaxed);
        }
        result
    }

    /// Deletes a queue, as the request says. One whose node is down is said not to be there, and comes back with it (3.10).
    pub(super) async fn delete_by(&self, queue: &Definition, request: &Request) -> Result<(), Trouble> {
        let vhost = queue.vhost.clone().unwrap_or_default();
        if !self.change_found(request).await? && self.guard.is_there(&vhost, queue.name()).await? {
            let text = "its node is down, and the broker deletes it only once that is back";
            return Err(Trouble::Back(text.to_owned()));
        }
        Ok(())
    }

    /// Sends several, one after the other.
    pub(super) async fn change_all(&self, requests: &[Request]) -> Result<(), Error> {
        for request in requests {
            self.change(request).await?;
        }
        Ok(())
    }

    /// Tells what is otherwise than promised.
    pub(super) fn remark(&self, text: String) {
        self.remarks.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    /// Makes an entity that is not there.
    pub(super) async fn make(&self, entity: &Definition) -> Result<(), Trouble> {
        Ok(self.change_all(&entity::put(entity, None, self.secrets)?).await?)
    }

    /// Puts on record what an entity is bound to, before its bindings are taken away.
    pub(super) async fn keep(
        &self,
        purpose: Purpose,
        was: &Definition,
        bindings: &[Definition],
    ) -> Result<Kept, Error> {
        let Some(topology) = self.topology else { return Ok(Kept(Vec::new())) };
        let pre_image =
            PreImage { topology: topology.clone(), purpose, was: was.clone(), bindings: bindings.to_vec() };
        let mut names = Vec::new();
        for (name, value) in pre_image.parameters() {
            let body = json!({"name": name, "value": value});
            self.client.send(&Request::put(&["global-parameters", &name], body)).await?;
            names.push(name);
        }
        Ok(Kept(names))
    }

    /// Forgets what is of no more use. One that stays does no harm: the next run finds nothing missing.
    pub(super) async fn forget(&self, kept: Kept) {
        for name in &kept.0 {
            if let Err(error) = self.client.find(&Request::delete(&["global-parameters", name])).await {
                self.unrecorded.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
        }
    }
}

impl Kept {
    /// What an interrupted run has kept.
    pub(super) fn earlier(names: &[String]) -> Self {
        Self(names.to_vec())
    }
}
