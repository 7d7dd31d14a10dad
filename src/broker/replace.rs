//! Steps of more than one request: deleting a queue without loss, and replacing what cannot be changed, with all bindings
//! restored.

use std::{collections::BTreeSet, time::Duration};

use futures_util::{StreamExt as _, stream};
use serde_json::Value as Json;

use super::{Client, Error, Request, Secrets, entity, guard::Guard};
use crate::{
    kind::{Definition, Identity, KindId, from_wire},
    plan::{Action, Step},
};

/// How many bindings of one entity are taken away or restored at once.
const BINDINGS: usize = 8;

/// The broker needs a moment after a quorum queue is deleted: without it consumers of a queue of the same name are left on
/// the dead one (seen on 3.10).
const PAUSE_AFTER_QUORUM: Duration = Duration::from_millis(600);

/// Why a step is not done.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It would lose messages, and nobody has consented.
    Objection(String),
    /// The broker did not do it.
    Broker(Error),
    /// A secret is missing; nothing was sent.
    Secret(String),
    /// What was deleted could not be made anew.
    Other(String),
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

/// What replacing and deleting needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tools<'a> {
    pub(super) client: &'a Client,
    pub(super) secrets: &'a Secrets,
    pub(super) guard: &'a Guard<'a>,
    /// None where the loss of messages is allowed.
    pub(super) guarded: bool,
    /// Bindings that leave in the same run: they are not restored.
    pub(super) leaving: &'a BTreeSet<Identity>,
}

impl Tools<'_> {
    async fn object(&self, queue: &Definition) -> Result<(), Trouble> {
        if !self.guarded {
            return Ok(());
        }
        match self.guard.objection(queue).await? {
            Some(objection) => Err(Trouble::Objection(objection)),
            None => Ok(()),
        }
    }

    async fn send(&self, requests: Vec<Request>) -> Result<(), Error> {
        for request in requests {
            self.client.send(&request).await?;
        }
        Ok(())
    }

    /// All bindings of an entity, also those that others made, with the broker's handles.
    async fn bindings(&self, entity: &Definition) -> Result<Vec<Definition>, Error> {
        let vhost = entity.vhost.as_deref().unwrap_or("");
        let name = entity.name();
        let lists = match entity.kind {
            KindId::Queue => vec![Request::get(&["queues", vhost, name, "bindings"])],
            _ => ["source", "destination"]
                .map(|end| Request::get(&["exchanges", vhost, name, "bindings", end]))
                .to_vec(),
        };
        let mut found = Vec::new();
        for list in lists {
            for binding in read_bindings(&self.client.send(&list).await?) {
                // one from an exchange to itself is in both lists
                if !found.iter().any(|known: &Definition| known.identity() == binding.identity()) {
                    found.push(binding);
                }
            }
        }
        Ok(found)
    }

    async fn unbind(&self, bindings: &[Definition]) -> Result<(), Error> {
        let requests: Vec<Request> = bindings.iter().flat_map(entity::delete).collect();
        let results: Vec<Result<_, Error>> = stream::iter(&requests)
            .map(|request| self.client.find(request))
            .buffer_unordered(BINDINGS)
            .collect()
            .await;
        results.into_iter().collect::<Result<Vec<_>, _>>().map(drop)
    }

    /// Binds again. The other end of a binding that somebody else made may be gone by now: that one is gone with it.
    async fn bind(&self, bindings: &[Definition]) -> Result<(), Trouble> {
        let mut requests = Vec::new();
        for binding in bindings {
            requests.extend(entity::put(binding, None, self.secrets)?);
        }
        let results: Vec<Result<_, Error>> = stream::iter(&requests)
            .map(|request| self.client.find(request))
            .buffer_unordered(BINDINGS)
            .collect()
            .await;
        results.into_iter().collect::<Result<Vec<_>, _>>().map(drop).map_err(Trouble::Broker)
    }

    /// Deletes a binding; one that is gone already is deleted.
    pub(super) async fn delete_binding(&self, binding: &Definition) -> Result<(), Error> {
        let Some(found) = self.client.find(&entity::between(binding)).await? else { return Ok(()) };
        let identity = binding.identity();
        let found = read_bindings(&found).into_iter().find(|found| found.identity() == identity);
        self.unbind(found.as_slice()).await
    }

    /// Deletes a queue that holds nothing. Its bindings go first: deleting a queue with thousands of them stalls publishers'
    /// confirms (rabbitmq-server#12926). They come back if a message turns up meanwhile.
    pub(super) async fn delete_queue(&self, queue: &Definition) -> Result<(), Trouble> {
        self.object(queue).await?;
        let bindings = self.bindings(queue).await?;
        self.unbind(&bindings).await?;
        let deleted = self.delete_unbound(queue).await;
        if deleted.is_err() {
            self.bind(&bindings).await?;
        }
        deleted
    }

    async fn delete_unbound(&self, queue: &Definition) -> Result<(), Trouble> {
        self.object(queue).await?;
        let quorum = queue.text("type") == Some("quorum");
        let classic = queue.text("type").is_none_or(|queue_type| queue_type == "classic");
        for request in entity::delete(queue) {
            let request = if self.guarded && classic { request.query("if-empty", "true") } else { request };
            self.client.find(&request).await?;
        }
        if quorum {
            tokio::time::sleep(PAUSE_AFTER_QUORUM).await;
        }
        Ok(())
    }

    /// Deletes an entity and makes it anew, with the bindings that it had.
    pub(super) async fn replace(&self, step: &Step) -> Result<(), Trouble> {
        let (Some(live), Some(desired)) = (&step.live, &step.desired) else { return Ok(()) };
        debug_assert_eq!(step.action, Action::Replace);
        // what can go wrong goes wrong before anything is deleted
        let made_anew = entity::put(desired, Some(live), self.secrets)?;
        if live.kind == KindId::Queue {
            self.object(live).await?;
        }
        let bindings = self.bindings(live).await?;
        if live.kind == KindId::Queue {
            self.unbind(&bindings).await?;
            if let Err(trouble) = self.delete_unbound(live).await {
                self.bind(&bindings).await?;
                return Err(trouble);
            }
        } else {
            for request in entity::delete(live) {
                self.client.find(&request).await?;
            }
        }
        if let Err(refusal) = self.send(made_anew).await {
            let back = async {
                self.send(entity::put(live, None, self.secrets)?).await?;
                self.bind(&bindings).await
            };
            let outcome = match back.await {
                Ok(()) => "it is back as it was, with its bindings",
                Err(_) => "and it could not be put back as it was: it is gone",
            };
            return Err(Trouble::Other(format!(
                "{}; {outcome}",
                refusal.reason().unwrap_or(&refusal.to_string())
            )));
        }
        let kept: Vec<Definition> =
            bindings.into_iter().filter(|binding| !self.leaving.contains(&binding.identity())).collect();
        self.bind(&kept).await
    }
}

/// Bindings as the management API lists them, without those of the default exchange.
fn read_bindings(list: &Json) -> Vec<Definition> {
    let entries = list.as_array().into_iter().flatten().filter_map(Json::as_object);
    let bindings = entries.filter_map(|entry| from_wire(KindId::Binding, entry).ok());
    bindings.filter(|binding| binding.text("source").is_some_and(|source| !source.is_empty())).collect()
}
