//! Making an exchange anew without losing what is published to it meanwhile.
//!
//! Bindings are made and taken away one by one, and a message that is routed in between would reach some of its queues only.
//! So another exchange, of the same type and with the same bindings, routes in its place meanwhile: one binding leads there
//! whatever comes (of a direct exchange, one for each key), and no queue gets a message twice, as an exchange routes to each
//! once (`rabbit_exchange:route`). Where that one binding is missing, nothing is routed, and all that comes waits: what is
//! published, by a policy with an alternate exchange; what comes from other exchanges, by the valve.

use super::{
    super::{
        Request, entity,
        replace::PAUSE_AFTER_UNBINDING,
        tools::{Tools, Trouble},
    },
    helpers::led,
};
use crate::{
    diag::Span,
    kind::{Definition, KindId, Provenance, Value, from_wire},
    plan::{Aside, Purpose, Step},
};

impl Tools<'_> {
    /// Makes an exchange anew, while what is published to it waits aside.
    pub(in super::super) async fn migrate_exchange(
        &self,
        was: &Definition,
        desired: &Definition,
        bindings: &[Definition],
        aside: &Aside,
        step: &Step,
    ) -> Result<(), Trouble> {
        // what can go wrong goes wrong before anything is changed
        let made_anew = entity::put(desired, None, self.secrets)?;
        self.may_cover().await?;
        self.helpers_are_free(was, aside).await?;
        self.can_bind_again(bindings).await?;
        let mut staying = self.staying(bindings, step);
        staying.extend(step.restores.iter().cloned());
        let kept = self.keep(Purpose::Move(aside.clone()), was, bindings).await?;
        if let Err(trouble) = self.stand_in(was, desired, bindings, &staying, aside).await {
            return Err(self.come_back(was, bindings, aside, kept, trouble).await);
        }
        if let Err(trouble) = self.change_all(&entity::delete(was)).await {
            return Err(self.come_back(was, bindings, aside, kept, trouble.into()).await);
        }
        if let Err(refusal) = self.change_all(&made_anew).await {
            return Err(self.as_it_was(was, bindings, aside, kept, refusal).await);
        }
        self.come_to(desired, was, &staying, aside, kept).await
    }

    /// Makes an exchange under its new name. The one of the old name stays as it is.
    pub(super) async fn rename_exchange(&self, desired: &Definition, step: &Step) -> Result<(), Trouble> {
        self.can_bind_again(&step.restores).await?;
        let one_exchange = self.one_exchange.lock();
        let _alone = one_exchange.await;
        let bindings = &step.restores;
        let Some(aside) = step.aside.as_ref().filter(|_| self.guarded) else {
            self.make(desired).await?;
            return Ok(self.bind(desired, bindings).await?);
        };
        let vhost = desired.vhost.clone().unwrap_or_default();
        self.guard.looker().verify(&vhost).await.map_err(super::by_amqp)?;
        self.may_cover().await?;
        self.helpers_are_free(desired, aside).await?;
        let kept = self.keep(Purpose::Move(aside.clone()), desired, bindings).await?;
        let made = async {
            self.make_valve(desired, aside).await?;
            // it routes nothing before it is told to
            self.cover(desired, aside).await?;
            self.make(desired).await
        };
        if let Err(trouble) = made.await {
            // nothing leads there yet
            self.uncover(desired, aside).await?;
            self.drop_helpers(desired, aside).await?;
            self.forget(kept).await;
            return Err(trouble);
        }
        self.come_to(desired, desired, bindings, aside, kept).await
    }

    /// Another exchange routes in its place, and whatever it does not route waits.
    async fn stand_in(
        &self,
        was: &Definition,
        desired: &Definition,
        bindings: &[Definition],
        staying: &[Definition],
        aside: &Aside,
    ) -> Result<(), Trouble> {
        self.make_valve(was, aside).await?;
        self.open_valve_to(was, aside).await?;
        if type_of(was) != type_of(desired) {
            // a type that the broker does not know is refused here
            self.lead_on(desired, staying, aside).await?;
        }
        self.lead_on(was, bindings, aside).await?;
        self.route_by(was, aside).await?;
        let (from_it, to_it) = sides(was, bindings);
        self.unbind(&from_it).await?;
        self.lead_through(was, &to_it, aside).await?;
        self.cover(was, aside).await
    }

    /// What waits aside is routed by an exchange that is there, which is then bound as it is to be. Each part of it may have
    /// been done.
    pub(super) async fn settle(
        &self,
        target: &Definition,
        bindings: &[Definition],
        aside: &Aside,
    ) -> Result<(), Trouble> {
        let vhost = target.vhost.clone().unwrap_or_default();
        let via = aside.via(type_of(target));
        self.lead_on(target, bindings, aside).await?;
        self.lead_out_to(target, &via, aside).await?;
        if self.has_valve(target, aside).await? {
            self.open_valve_to(target, aside).await?;
            self.catch_up(&vhost, target, aside).await?;
            self.bind(target, bindings).await?;
            self.lead_past(target, aside).await?;
            let mut by_another = self.bindings(target).await?.unwrap_or_default();
            by_another.retain(|binding| binding.text("destination") == Some(&*via));
            self.unbind(&by_another).await?;
        }
        self.uncover(target, aside).await?;
        tokio::time::sleep(PAUSE_AFTER_UNBINDING).await;
        self.move_all(&vhost, &aside.limbo(), target, aside).await?;
        self.drop_helpers(target, aside).await
    }

    /// The exchange that routes in its place is there, with exactly its bindings.
    async fn lead_on(
        &self,
        exchange: &Definition,
        bindings: &[Definition],
        aside: &Aside,
    ) -> Result<(), Trouble> {
        let name = aside.via(type_of(exchange));
        let mut via = Definition::new(KindId::Exchange, exchange.vhost.clone(), Span::NONE, Provenance::Live);
        via.set("name", Value::text(&*name), Span::NONE);
        via.set("type", Value::text(type_of(exchange)), Span::NONE);
        let vhost = exchange.vhost.as_deref().unwrap_or("");
        if self.client.find(&Request::get(&["exchanges", vhost, &name])).await?.is_none() {
            if let Some(spare) = self.alternate_of(exchange, aside).await? {
                via.set("alternate-exchange", Value::text(spare), Span::NONE);
            }
            self.make(&via).await?;
        }
        let (mut wanted, _) = sides(exchange, bindings);
        wanted
            .retain(|binding| binding.text("destination") != Some(exchange.name()) || !to_exchange(binding));
        for binding in &mut wanted {
            binding.set("source", Value::text(&*name), Span::NONE);
        }
        self.bind(&via, &wanted).await?;
        let mut others = self.bindings(&via).await?.unwrap_or_default();
        others.retain(|found| {
            found.text("source") == Some(&*name)
                && !wanted.iter().any(|binding| binding.identity() == found.identity())
        });
        Ok(self.unbind(&others).await?)
    }

    /// All that the other exchange routes comes there: from then on, nothing waits.
    pub(super) async fn route_by(&self, exchange: &Definition, aside: &Aside) -> Result<(), Trouble> {
        let name = aside.via(type_of(exchange));
        let to_via = |key: &str| {
            let mut binding = led(exchange, exchange.name(), KindId::Exchange, &name);
            binding.set("routing-key", Value::text(key), Span::NONE);
            binding
        };
        let all = match type_of(exchange) {
            "direct" => {
                let mut via = exchange.clone();
                via.set("name", Value::text(&*name), Span::NONE);
                let leading = self.bindings(&via).await?.unwrap_or_default();
                let leading = leading.iter().filter(|binding| binding.text("source") == Some(&*name));
                let keys: std::collections::BTreeSet<&str> =
                    leading.map(|binding| binding.text("routing-key").unwrap_or("")).collect();
                keys.into_iter().map(to_via).collect()
            }
            "topic" => vec![to_via("#")],
            "headers" => {
                let mut binding = to_via("");
                binding.set("match", Value::text("all"), Span::NONE);
                vec![binding]
            }
            _ => vec![to_via("")],
        };
        Ok(self.bind(exchange, &all).await?)
    }

    /// An exchange that a run which ended amidst was at: as it is there, or made now.
    pub(super) async fn exchange_again(
        &self,
        made: &Definition,
        aside: &Aside,
    ) -> Result<Definition, Trouble> {
        let vhost = made.vhost.as_deref().unwrap_or("");
        let there = self.client.find(&Request::get(&["exchanges", vhost, made.name()])).await?;
        if let Some(there) = there.as_ref().and_then(serde_json::Value::as_object) {
            return from_wire(KindId::Exchange, there).map_err(|error| {
                Trouble::Halfway(format!(
                    "exchange `{}` is not as the broker shows them: {error}",
                    made.name()
                ))
            });
        }
        if self.has_valve(made, aside).await? {
            self.cover(made, aside).await?;
        }
        self.make(made).await?;
        Ok(made.clone())
    }
}

fn type_of(exchange: &Definition) -> &str {
    exchange.text("type").unwrap_or_default()
}

fn to_exchange(binding: &Definition) -> bool {
    binding.text("destination-type") == Some("exchange")
}

/// The bindings that lead on from an exchange, and those that lead to it from others.
fn sides(exchange: &Definition, bindings: &[Definition]) -> (Vec<Definition>, Vec<Definition>) {
    bindings.iter().cloned().partition(|binding| binding.text("source") == Some(exchange.name()))
}
