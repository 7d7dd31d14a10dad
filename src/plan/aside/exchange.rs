//! Exchanges that are made anew.

use super::{Action, Aside, Asides, Pair, Plan, Step};
use crate::{
    diag::Span,
    graph::federates,
    kind::{Definition, KindId, Value},
};

/// The types that route by their bindings and the message alone: another exchange can route in their place for a while.
pub const STANDARD: &[&str] = &["direct", "fanout", "headers", "topic"];

impl<'a> Asides<'a> {
    /// Where what is published to an exchange can wait; else why it cannot.
    pub(super) fn of_exchange(
        &mut self,
        was: &'a Definition,
        desired: &Definition,
        steps: &[Step],
    ) -> Result<Aside, String> {
        for exchange in [was, desired] {
            let exchange_type = exchange.text("type").unwrap_or_default();
            if !STANDARD.contains(&exchange_type) {
                return Err(format!(
                    "nothing else can route in the place of an exchange of type `{exchange_type}`"
                ));
            }
            if exchange.flag("auto-delete") {
                return Err("it is auto-delete, and goes as soon as nothing is bound to it".to_owned());
            }
        }
        if let Some(policy) = self.effective().applied(was).policy.filter(|policy| federates(policy.0)) {
            return Err(format!(
                "policy `{}` federates it, and its links upstream go with it",
                policy.name()
            ));
        }
        self.beside(was, desired.name(), steps)
    }

    /// The same of one that has another name from now on.
    pub(super) fn of_new_exchange(
        &mut self,
        was: &'a Definition,
        desired: &Definition,
        steps: &[Step],
    ) -> Result<Aside, String> {
        can_be_stood_in_for(desired)?;
        leaves_the_rest(desired)?;
        let mut named = was.clone();
        named.set("name", Value::text(desired.name()), Span::NONE);
        self.beside(&named, desired.name(), steps)
    }

    /// Who is known to send to an exchange, and is told nothing when it is away.
    pub(super) fn straight_to_exchange(&mut self, exchange: &'a Definition) -> Vec<String> {
        let live = &self.pair.live.topology;
        let effective = self.effective();
        let beside = |from: &&Definition| from.vhost == exchange.vhost;
        let dead_letters = live.of(KindId::Queue).filter(beside).filter(|from| {
            effective.text_of(from, "dead-letter-exchange") == Some(exchange.name())
                // else it keeps them until they are confirmed (`rabbit_fifo_dlx`)
                && effective.text_of(from, "dead-letter-strategy") != Some("at-least-once")
        });
        let unrouted = live.of(KindId::Exchange).filter(beside).filter(|from| {
            from.name() != exchange.name()
                && effective.text_of(from, "alternate-exchange") == Some(exchange.name())
        });
        // one that waits for confirms takes the message again
        let shovels = live.of(KindId::Shovel).filter(beside).filter(|shovel| {
            shovel.text("dest-exchange") == Some(exchange.name())
                && matches!(shovel.text("ack-mode"), Some("no-ack" | "on-publish"))
        });
        let all = dead_letters.chain(unrouted).chain(shovels);
        all.map(|from| format!("{} `{}`", from.kind.word(), from.name())).collect()
    }
}

/// Whether another exchange can route in its place, and what it does not route can wait.
fn can_be_stood_in_for(exchange: &Definition) -> Result<(), String> {
    let exchange_type = exchange.text("type").unwrap_or_default();
    if !STANDARD.contains(&exchange_type) {
        return Err(format!("nothing else can route in the place of an exchange of type `{exchange_type}`"));
    }
    if exchange.flag("auto-delete") {
        return Err("it is auto-delete, and goes as soon as nothing is bound to it".to_owned());
    }
    Ok(())
}

fn leaves_the_rest(desired: &Definition) -> Result<(), String> {
    match desired.text("alternate-exchange") {
        Some(spare) => Err(format!(
            "what it does not route goes to `{spare}` at once; set its alternate exchange by a policy instead, and what is published waits aside"
        )),
        None => Ok(()),
    }
}

/// What is to be bound to an exchange that is made anew, and whose other end is there, is bound along with what stays: a
/// message that came in between would not find its way.
pub(super) fn take_along(pair: &Pair<'_>, plan: &mut Plan) {
    for id in 0..plan.steps.len() {
        let step = &plan.steps[id];
        let comes = matches!(step.action, Action::Replace | Action::Restore | Action::Move);
        if step.kind != KindId::Exchange || !comes || step.aside.is_none() {
            continue;
        }
        let new = |step: &&Step| (step.kind, step.action) == (KindId::Binding, Action::Create);
        let bindings = plan.steps.iter().filter(new).filter_map(|step| step.desired.as_ref());
        let along = bindings.filter(|binding| {
            let [source, destination] = crate::plan::order::ends(binding);
            source == step.identity && pair.live.topology.get(&destination).is_some()
        });
        let along: Vec<Definition> = along.cloned().collect();
        plan.steps[id].restores.extend(along);
    }
}
