//! Making a queue or an exchange anew without losing what it holds or what is published meanwhile.
//!
//! A fanout exchange is put between the queue and what it is bound to: a valve. Once the queue is unbound from the valve, its
//! alternate exchange takes what comes into a queue in which it waits, so at no time is anything unroutable, and nothing is
//! routed twice (an exchange routes a message to each queue once, `rabbit_exchange:route`). The old queue is emptied by its
//! consumers, or into a queue of our own; it is deleted and made anew; and what waits is moved to it, what came first first.
//!
//! What is bound and what it is to become is on record before anything is changed. A run that ends amidst leaves messages
//! nowhere but in the old queue, in the new one and in those two; the next run brings them back before it does anything else.

mod consumers;
mod cover;
mod drain;
mod exchange;
mod helpers;
mod refill;
mod shovel;

use super::{
    Error, Request, entity,
    guard::{Look, Objection},
    replace::{PAUSE_AFTER_QUORUM, PAUSE_AFTER_UNBINDING},
    tools::{Kept, Tools, Trouble},
};
use crate::{
    kind::{Definition, KindId},
    plan::{Aside, Purpose, Step, led_to},
};

impl Tools<'_> {
    /// Makes a queue anew, while its messages wait aside.
    pub(super) async fn migrate(
        &self,
        was: &Definition,
        desired: &Definition,
        bindings: &[Definition],
        aside: &Aside,
        step: &Step,
    ) -> Result<(), Trouble> {
        // what can go wrong goes wrong before anything is changed
        let made_anew = entity::put(desired, None, self.secrets)?;
        let consumers = self.consumers_will_learn(was).await?;
        self.helpers_are_free(was, aside).await?;
        self.can_bind_again(bindings).await?;
        let kept = self.keep(Purpose::Move(aside.clone()), was, bindings).await?;
        if let Err(trouble) = self.stand_before(was, aside).await {
            // nothing leads there yet
            let undone = self.drop_helpers(was, aside).await;
            self.forget(kept).await;
            return Err(undone.map_or_else(|also| also, |()| trouble));
        }
        if let Err(trouble) = self.empty(was, bindings, aside).await {
            return Err(self.come_back(was, bindings, aside, kept, trouble).await);
        }
        if let Err(trouble) = self.delete_empty(was).await {
            return Err(self.come_back(was, bindings, aside, kept, trouble).await);
        }
        if let Err(refusal) = self.change_all(&made_anew).await {
            return Err(self.as_it_was(was, bindings, aside, kept, refusal).await);
        }
        let mut staying = led_to(&self.staying(bindings, step), desired.name());
        staying.extend(step.restores.iter().cloned());
        self.come_to(desired, was, &staying, aside, kept).await?;
        // those of a queue that has another name now subscribe to that when they are told to
        let consumers = if was.name() == desired.name() { consumers } else { 0 };
        self.consumers_are_back(desired, consumers).await;
        Ok(())
    }

    /// The bindings that are there afterwards, too.
    fn staying(&self, bindings: &[Definition], step: &Step) -> Vec<Definition> {
        let stay = |binding: &&Definition| {
            let identity = binding.identity();
            !self.leaving.contains(&identity) && !step.implies.contains(&identity)
        };
        bindings.iter().filter(stay).cloned().collect()
    }

    /// Makes a queue under its new name, with all that it held and was bound to under its old one; or an exchange.
    pub(super) async fn rename(&self, step: &Step) -> Result<(), Trouble> {
        let (Some(was), Some(desired)) = (&step.live, &step.desired) else { return Ok(()) };
        if step.kind == KindId::Exchange {
            return self.rename_exchange(desired, step).await;
        }
        let Some(aside) = &step.aside else { return Ok(()) };
        if self.gapless && step.danger.as_ref().is_some_and(|danger| danger.gap) {
            return Err(Trouble::Gap(None));
        }
        let vhost = was.vhost.clone().unwrap_or_default();
        self.guard.looker().verify(&vhost).await.map_err(by_amqp)?;
        if let Some(Objection::Away(why)) = self.guard.objection(&vhost, was.name(), Look::First).await? {
            return Err(Trouble::Back(format!("{why}: apply again once its nodes are back")));
        }
        let bindings = self.bindings(was).await?.unwrap_or_default();
        self.migrate(was, desired, &bindings, aside, step).await
    }

    /// The queue is bound to the valve.
    async fn stand_before(&self, was: &Definition, aside: &Aside) -> Result<(), Trouble> {
        self.make_valve(was, aside).await?;
        self.open_valve_to(was, aside).await
    }

    /// Cuts a queue off and empties it, by the valve.
    async fn empty(&self, was: &Definition, bindings: &[Definition], aside: &Aside) -> Result<(), Trouble> {
        self.lead_through(was, bindings, aside).await?;
        self.shut_valve(was, aside).await?;
        tokio::time::sleep(PAUSE_AFTER_UNBINDING).await;
        self.drain(was, aside).await?;
        self.consumers_will_learn(was).await?;
        // a client that has declared its binding again meanwhile
        let again = self.bindings(was).await?.unwrap_or_default();
        if let Some(binding) = again.first() {
            return Err(Trouble::Back(format!(
                "{} was bound again while it was emptied: somebody declares it; stop them, and apply again",
                binding.title()
            )));
        }
        Ok(())
    }

    /// Consumers are still there; what is not empty is not deleted (a classic queue knows by itself).
    async fn delete_empty(&self, was: &Definition) -> Result<(), Trouble> {
        let classic = was.text("type").is_none_or(|queue_type| queue_type == "classic");
        for request in entity::delete(was) {
            let request = if classic { request.query("if-empty", "true") } else { request };
            self.delete_by(was, &request).await?;
        }
        if was.text("type") == Some("quorum") {
            tokio::time::sleep(PAUSE_AFTER_QUORUM).await;
        }
        Ok(())
    }

    /// Everything comes back to the queue as it was: what stood against it is why the step is not done.
    async fn come_back(
        &self,
        was: &Definition,
        bindings: &[Definition],
        aside: &Aside,
        kept: Kept,
        trouble: Trouble,
    ) -> Trouble {
        match self.come_to(was, was, bindings, aside, kept).await {
            Ok(()) => trouble,
            Err(also) => Trouble::Halfway(format!("{trouble}; {also}")),
        }
    }

    /// The broker does not take the new one.
    async fn as_it_was(
        &self,
        was: &Definition,
        bindings: &[Definition],
        aside: &Aside,
        kept: Kept,
        refusal: Error,
    ) -> Trouble {
        let refusal = Trouble::Broker(refusal);
        if let Err(also) = self.make(was).await {
            return Trouble::Halfway(format!(
                "{refusal}; it is deleted, and could not be made again as it was: {also}; {}",
                waits(was, aside)
            ));
        }
        let back = format!("{refusal}; it is back as it was, with its bindings and messages");
        match self.come_back(was, bindings, aside, kept, refusal).await {
            Trouble::Halfway(text) => Trouble::Halfway(text),
            _ => Trouble::Back(back),
        }
    }

    /// What waits aside comes to a queue that is there, which is bound as it is to be; then nothing of ours is left.
    async fn come_to(
        &self,
        target: &Definition,
        was: &Definition,
        bindings: &[Definition],
        aside: &Aside,
        kept: Kept,
    ) -> Result<(), Trouble> {
        let settled = match was.kind {
            KindId::Queue => self.refill(target, was, bindings, aside).await,
            _ => self.settle(target, bindings, aside).await,
        };
        match settled {
            Ok(()) => {
                self.forget(kept).await;
                Ok(())
            }
            Err(trouble) => Err(Trouble::Halfway(format!("{trouble}; {}", waits(was, aside)))),
        }
    }

    /// Brings back what a run that ended amidst has left aside.
    pub(super) async fn bring_back(&self, step: &Step, aside: &Aside) -> Result<(), Trouble> {
        let Some(was) = &step.live else { return Ok(()) };
        let vhost = was.vhost.clone().unwrap_or_default();
        self.guard.looker().verify(&vhost).await.map_err(by_amqp)?;
        let kept = Kept::earlier(&step.kept_in);
        if was.kind == KindId::Exchange {
            let target = self.exchange_again(step.desired.as_ref().unwrap_or(was), aside).await?;
            return self.come_to(&target, was, &step.restores, aside, kept).await;
        }
        if let Some(made) = &step.desired {
            self.make(made).await?;
            return self.come_to(made, was, &step.restores, aside, kept).await;
        }
        let there = Request::get(&["queues", &vhost, was.name()]);
        if self.client.find(&there).await?.is_some() {
            return self.come_to(was, was, &step.restores, aside, kept).await;
        }
        let target = aside.queue(was.vhost.as_ref(), &aside.to, "classic");
        self.come_to(&target, was, &step.restores, aside, kept).await
    }
}

/// What is told of messages that are not where they were.
fn waits(was: &Definition, aside: &Aside) -> String {
    let where_they_are = match was.kind {
        KindId::Queue => format!("`{}` and `{}`", aside.limbo(), aside.hold()),
        _ => format!("`{}`", aside.limbo()),
    };
    format!("messages may wait in {where_they_are}: nothing is lost, and the next apply brings them back")
}

/// What only AMQP can do.
pub(super) fn by_amqp(trouble: String) -> Trouble {
    Trouble::Amqp { what: "messages are moved", trouble }
}
