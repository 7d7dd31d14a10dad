//! Deleting a queue without loss, and replacing what cannot be changed, with all bindings restored.
//!
//! Whatever goes wrong after the first binding is taken away, all are put back. Where that is refused too, or the run is
//! killed, the pre-image on record tells the next run what is missing.

use std::{sync::Arc, time::Duration};

use super::{
    Error, Request, entity,
    guard::{Look, Objection},
    hold::Hold,
    migrate::by_amqp,
    tools::{Kept, Tools, Trouble},
};
use crate::{
    kind::{Definition, KindId},
    plan::{Purpose, Step},
};

/// The broker needs a moment after a quorum queue is deleted: without it consumers of a queue of the same name are left on
/// the dead one (seen on 3.10).
pub(super) const PAUSE_AFTER_QUORUM: Duration = Duration::from_millis(600);

/// What was routed before the bindings were gone reaches the queue some milliseconds later, and a consumer may then hold
/// it, where `if-empty` does not see it.
pub(super) const PAUSE_AFTER_UNBINDING: Duration = Duration::from_millis(100);

/// With so many bindings, deleting an exchange at once takes longer than others should wait.
const MANY: usize = 200;

impl Tools<'_> {
    async fn objection(&self, queue: &Definition, look: Look) -> Result<Option<Objection>, Error> {
        if !self.guarded {
            return Ok(None);
        }
        let vhost = queue.vhost.clone().unwrap_or_else(|| Arc::from(""));
        self.guard.objection(&vhost, queue.name(), look).await
    }

    async fn object(&self, queue: &Definition, look: Look) -> Result<(), Trouble> {
        self.objection(queue, look).await?.map_or(Ok(()), |objection| Err(Trouble::Objection(objection)))
    }

    /// Deletes a queue that holds nothing. Its bindings go first: while a queue with thousands of them is deleted, nobody else
    /// binds anything (docs/performance.md). They come back if a message turns up meanwhile.
    pub(super) async fn delete_queue(&self, queue: &Definition) -> Result<(), Trouble> {
        self.object(queue, Look::First).await?;
        let bindings = self.bindings(queue).await?.unwrap_or_default();
        if bindings.is_empty() {
            return self.delete_unbound(queue).await;
        }
        self.can_bind_again(&bindings).await?;
        let held = self.hold(queue, &bindings).await?;
        let deleted = self.delete_bound(queue, &bindings).await;
        Hold::release(held).await;
        deleted
    }

    /// Deletes an exchange. Where it has many bindings they go first: while an exchange with thousands of them is deleted,
    /// nobody else binds anything (docs/performance.md).
    pub(super) async fn delete_exchange(&self, exchange: &Definition) -> Result<(), Trouble> {
        let bindings = self.bindings(exchange).await?.unwrap_or_default();
        if bindings.len() < MANY {
            return Ok(self.change_all(&entity::delete(exchange)).await?);
        }
        self.can_bind_again(&bindings).await?;
        let kept = self.keep(Purpose::Delete, exchange, &bindings).await?;
        let deleted = async {
            self.unbind(&bindings).await?;
            self.change_all(&entity::delete(exchange)).await
        };
        if let Err(error) = deleted.await {
            return Err(self.put_back(exchange, &bindings, kept, error.into()).await);
        }
        self.forget(kept).await;
        Ok(())
    }

    async fn delete_bound(&self, queue: &Definition, bindings: &[Definition]) -> Result<(), Trouble> {
        let kept = self.keep(Purpose::Delete, queue, bindings).await?;
        if let Err(trouble) = self.cut_off_and_delete(queue, bindings).await {
            return Err(self.put_back(queue, bindings, kept, trouble).await);
        }
        self.forget(kept).await;
        Ok(())
    }

    async fn cut_off_and_delete(&self, queue: &Definition, bindings: &[Definition]) -> Result<(), Trouble> {
        self.unbind(bindings).await?;
        if self.guarded {
            tokio::time::sleep(PAUSE_AFTER_UNBINDING).await;
        }
        self.delete_unbound(queue).await
    }

    async fn delete_unbound(&self, queue: &Definition) -> Result<(), Trouble> {
        self.object(queue, Look::Last).await?;
        let quorum = queue.text("type") == Some("quorum");
        let classic = queue.text("type").is_none_or(|queue_type| queue_type == "classic");
        for request in entity::delete(queue) {
            let request = if self.guarded && classic { request.query("if-empty", "true") } else { request };
            self.delete_by(queue, &request).await?;
        }
        if quorum {
            tokio::time::sleep(PAUSE_AFTER_QUORUM).await;
        }
        Ok(())
    }

    /// Binds again what was taken away. What comes of it is why the step is not done, and what is missing now.
    async fn put_back(
        &self,
        entity: &Definition,
        bindings: &[Definition],
        kept: Kept,
        trouble: Trouble,
    ) -> Trouble {
        match self.bind(entity, bindings).await {
            Ok(()) => {
                self.forget(kept).await;
                trouble
            }
            Err(unbound) => Trouble::Halfway(format!("{trouble}; {unbound}")),
        }
    }

    /// Deletes an entity and makes it anew, with the bindings that it had.
    pub(super) async fn replace(&self, step: &Step) -> Result<(), Trouble> {
        let (Some(live), Some(desired)) = (&step.live, &step.desired) else { return Ok(()) };
        // what can go wrong goes wrong before anything is deleted
        let made_anew = entity::put(desired, Some(live), self.secrets)?;
        let is_queue = live.kind == KindId::Queue;
        let one_exchange = self.one_exchange.lock();
        let _alone = if is_queue { None } else { Some(one_exchange.await) };
        let objection = if is_queue { self.objection(live, Look::First).await? } else { None };
        let bindings = self.bindings(live).await?.unwrap_or_default();
        let gap = step.danger.as_ref().is_some_and(|danger| danger.gap);
        if let Some(away @ Objection::Away(_)) = objection {
            return Err(Trouble::Objection(away));
        }
        if let Some(aside) = step.aside.as_ref().filter(|_| self.guarded) {
            if gap && self.gapless {
                return Err(Trouble::Gap(None));
            }
            if objection.is_some() || !bindings.is_empty() {
                match self.guard.looker().verify(&live.vhost.clone().unwrap_or_default()).await {
                    Ok(()) if is_queue => return self.migrate(live, desired, &bindings, aside, step).await,
                    Ok(()) => return self.migrate_exchange(live, desired, &bindings, aside, step).await,
                    Err(trouble) if self.gapless => return Err(by_amqp(trouble)),
                    // who may lose what is published meanwhile has a way without
                    Err(_) => {}
                }
            }
        }
        match objection {
            objection if self.gapless && !bindings.is_empty() => return Err(Trouble::Gap(objection)),
            Some(objection) => return Err(Trouble::Objection(objection)),
            None => {}
        }
        self.can_bind_again(&bindings).await?;
        let held = self.hold(live, &bindings).await?;
        let replaced = self.make_anew(live, desired, &bindings, &made_anew).await;
        Hold::release(held).await;
        replaced
    }

    async fn make_anew(
        &self,
        live: &Definition,
        desired: &Definition,
        bindings: &[Definition],
        made_anew: &[Request],
    ) -> Result<(), Trouble> {
        let kept = self.keep(Purpose::Replace, live, bindings).await?;
        let deleted = if live.kind == KindId::Queue {
            self.cut_off_and_delete(live, bindings).await
        } else {
            self.change_all(&entity::delete(live)).await.map_err(Trouble::Broker)
        };
        if let Err(trouble) = deleted {
            return Err(self.put_back(live, bindings, kept, trouble).await);
        }
        if let Err(refusal) = self.change_all(made_anew).await {
            return Err(self.make_as_it_was(live, bindings, kept, refusal).await);
        }
        let stay = |binding: &&Definition| !self.leaving.contains(&binding.identity());
        let staying: Vec<Definition> = bindings.iter().filter(stay).cloned().collect();
        self.bind(desired, &staying).await?;
        self.forget(kept).await;
        Ok(())
    }

    /// The broker does not take the new one.
    async fn make_as_it_was(
        &self,
        was: &Definition,
        bindings: &[Definition],
        kept: Kept,
        refusal: Error,
    ) -> Trouble {
        let refusal = Trouble::Broker(refusal);
        if let Err(also) = self.make(was).await {
            return Trouble::Halfway(format!(
                "{refusal}; it is deleted, and could not be made again as it was: {also}; what was bound to it is on record, and the next apply makes it and binds it again"
            ));
        }
        let back = format!("{refusal}; it is back as it was, with its bindings");
        match self.put_back(was, bindings, kept, refusal).await {
            Trouble::Halfway(text) => Trouble::Halfway(text),
            _ => Trouble::Back(back),
        }
    }

    /// Binds again what an interrupted run has taken away.
    pub(super) async fn restore(&self, step: &Step) -> Result<(), Trouble> {
        if let Some(aside) = &step.aside {
            return self.bring_back(step, aside).await;
        }
        let Some(was) = &step.live else { return Ok(()) };
        self.bind(was, &step.restores).await?;
        self.forget(Kept::earlier(&step.kept_in)).await;
        Ok(())
    }
}
