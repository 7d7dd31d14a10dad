//! The exchanges and queues beside a queue or an exchange that is made anew.

use std::sync::Arc;

use super::super::{
    Error, Request,
    guard::Look,
    tools::{Tools, Trouble},
};
use crate::{
    diag::Span,
    kind::{Definition, KindId, Provenance, Value},
    plan::{Aside, STANDARD},
};

impl Tools<'_> {
    /// That nobody else has anything by these names.
    pub(super) async fn helpers_are_free(&self, was: &Definition, aside: &Aside) -> Result<(), Trouble> {
        let vhost = was.vhost.as_deref().unwrap_or("");
        let mut names = vec![
            ("exchanges", aside.valve()),
            ("exchanges", aside.limbo()),
            ("exchanges", aside.out()),
            ("queues", aside.limbo()),
        ];
        if was.kind == KindId::Queue {
            names.extend([("queues", aside.hold()), ("exchanges", aside.shovel())]);
        } else {
            names.push(("policies", aside.policy()));
            names.extend(STANDARD.iter().map(|exchange_type| ("exchanges", aside.via(exchange_type))));
        }
        for (list, name) in names {
            if self.client.find(&Request::get(&[list, vhost, &name])).await?.is_some() {
                return Err(Trouble::Back(format!(
                    "`{name}` is there already, which messages would pass through: see whose it is, and delete it; nothing has been changed"
                )));
            }
        }
        Ok(())
    }

    /// The valve is there; whatever it leads nowhere waits in limbo.
    pub(super) async fn make_valve(&self, was: &Definition, aside: &Aside) -> Result<(), Trouble> {
        let queue_type = self.type_of_helpers().await?;
        let queue = |name: &str| aside.queue(was.vhost.as_ref(), name, queue_type);
        self.make(&queue(&aside.limbo())).await?;
        self.make(&fanout(was, &aside.limbo(), None)).await?;
        self.add(&led(was, &aside.limbo(), KindId::Queue, &aside.limbo())).await?;
        self.make(&fanout(was, &aside.out(), None)).await?;
        if was.kind == KindId::Queue {
            self.make(&queue(&aside.hold())).await?;
            self.add(&led(was, &aside.out(), KindId::Queue, &aside.hold())).await?;
        }
        self.make(&fanout(was, &aside.valve(), Some(aside.limbo()))).await
    }

    /// In a cluster what waits is replicated, as nobody knows which node goes next.
    async fn type_of_helpers(&self) -> Result<&'static str, Error> {
        let nodes = self.client.find(&Request::get(&["nodes"])).await;
        let several = match nodes {
            Ok(nodes) => nodes.is_some_and(|nodes| nodes.as_array().is_some_and(|nodes| nodes.len() > 1)),
            // who may not see the nodes may have several
            Err(Error::Refused { .. }) => true,
            Err(error) => return Err(error),
        };
        Ok(if several { "quorum" } else { "classic" })
    }

    /// Everything that leads to the queue or exchange leads to the valve, and then to that alone.
    pub(super) async fn lead_through(
        &self,
        was: &Definition,
        bindings: &[Definition],
        aside: &Aside,
    ) -> Result<(), Trouble> {
        let valve = fanout(was, &aside.valve(), None);
        let through: Vec<Definition> = bindings
            .iter()
            .map(|binding| {
                let mut binding = binding.clone();
                binding.set("destination", Value::text(aside.valve()), Span::NONE);
                binding.set("destination-type", Value::text("exchange"), Span::NONE);
                binding
            })
            .collect();
        self.bind(&valve, &through).await?;
        Ok(self.unbind(bindings).await?)
    }

    pub(super) async fn shut_valve(&self, was: &Definition, aside: &Aside) -> Result<(), Error> {
        self.delete_binding(&led(was, &aside.valve(), was.kind, was.name())).await
    }

    /// What is published comes to the queue or exchange by the valve again.
    pub(super) async fn open_valve_to(&self, target: &Definition, aside: &Aside) -> Result<(), Trouble> {
        self.add(&led(target, &aside.valve(), target.kind, target.name())).await
    }

    /// What is moved comes to a queue, or to an exchange, and to nothing else.
    pub(super) async fn lead_out_to(
        &self,
        target: &Definition,
        name: &str,
        aside: &Aside,
    ) -> Result<(), Trouble> {
        let out = fanout(target, &aside.out(), None);
        self.make(&out).await?;
        self.lead_only_to(&out, &led(target, &aside.out(), target.kind, name)).await
    }

    /// An exchange leads by this binding, and by none else.
    pub(super) async fn lead_only_to(&self, out: &Definition, wanted: &Definition) -> Result<(), Trouble> {
        self.add(wanted).await?;
        let mut others = self.bindings(out).await?.unwrap_or_default();
        others.retain(|binding| binding.identity() != wanted.identity());
        Ok(self.unbind(&others).await?)
    }

    pub(super) async fn has_valve(&self, beside: &Definition, aside: &Aside) -> Result<bool, Error> {
        let vhost = beside.vhost.as_deref().unwrap_or("");
        Ok(self.client.find(&Request::get(&["exchanges", vhost, &aside.valve()])).await?.is_some())
    }

    /// Nothing leads to the valve any more.
    pub(super) async fn lead_past(&self, was: &Definition, aside: &Aside) -> Result<(), Error> {
        let valve = aside.valve();
        let mut leading = self.bindings(&fanout(was, &valve, None)).await?.unwrap_or_default();
        leading.retain(|binding| binding.text("destination") == Some(&*valve));
        self.unbind(&leading).await
    }

    /// Nothing of ours is left. What still holds something stays.
    pub(super) async fn drop_helpers(&self, was: &Definition, aside: &Aside) -> Result<(), Trouble> {
        let vhost = was.vhost.as_deref().unwrap_or("");
        self.change(&Request::delete(&["exchanges", vhost, &aside.valve()])).await?;
        let (queues, vias) = match was.kind {
            KindId::Queue => (vec![aside.limbo(), aside.hold()], Vec::new()),
            _ => (vec![aside.limbo()], STANDARD.iter().map(|name| aside.via(name)).collect()),
        };
        for queue in queues {
            let delete = Request::delete(&["queues", vhost, &queue]);
            // what seemed empty may have been without a majority
            let waits = self.guard.objection(&Arc::from(vhost), &queue, Look::Last).await?;
            if let Some(objection) = waits {
                return Err(Trouble::Back(format!(
                    "`{queue}` is not known to be empty: {}",
                    objection.text()
                )));
            }
            let found = self.client.find(&Request::get(&["queues", vhost, &queue])).await?;
            let classic = found.is_some_and(|found| found["type"] == "classic");
            // other types do not know that guard
            self.change(&if classic { delete.query("if-empty", "true") } else { delete }).await?;
        }
        for exchange in [aside.limbo(), aside.out(), aside.shovel()].into_iter().chain(vias) {
            self.change(&Request::delete(&["exchanges", vhost, &exchange])).await?;
        }
        Ok(())
    }
}

/// An exchange that leads to all that is bound to it, whatever the key; where nothing is, to its alternate exchange.
pub(super) fn fanout(beside: &Definition, name: &str, spare: Option<String>) -> Definition {
    let mut exchange = Definition::new(KindId::Exchange, beside.vhost.clone(), Span::NONE, Provenance::Live);
    exchange.set("name", Value::text(name), Span::NONE);
    exchange.set("type", Value::text("fanout"), Span::NONE);
    if let Some(spare) = spare {
        exchange.set("internal", Value::Bool(true), Span::NONE);
        exchange.set("alternate-exchange", Value::text(spare), Span::NONE);
    }
    exchange
}

/// A binding to a queue or an exchange, whatever the key.
pub(super) fn led(beside: &Definition, source: &str, kind: KindId, destination: &str) -> Definition {
    let mut binding = Definition::new(KindId::Binding, beside.vhost.clone(), Span::NONE, Provenance::Live);
    let to = if kind == KindId::Exchange { "exchange" } else { "queue" };
    for (name, text) in
        [("source", source), ("destination", destination), ("destination-type", to), ("routing-key", "")]
    {
        binding.set(name, Value::text(text), Span::NONE);
    }
    binding
}
