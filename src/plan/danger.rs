//! What steps may hurt: messages that would be lost, and what the broker does on its own when a setting changes.

use std::collections::BTreeMap;

use super::{
    Action, Danger, Live, Messages, Pair, Plan, Step, StepId,
    aside::Bypass,
    cost::{self, Ends},
    last_binding, limits, order,
    show::{count, digits, list},
};
use crate::{
    diag::size,
    graph::{FEDERATES, federates},
    kind::{Definition, KindId},
};

/// Says of each step what it may hurt.
pub(super) fn assess(pair: &Pair<'_>, plan: &mut Plan, bypasses: &BTreeMap<StepId, Bypass>) {
    let deletes = plan.steps.iter().any(|step| step.action == Action::Delete);
    let bindings_live = pair.live.topology.of(KindId::Binding);
    let foreign: Vec<&Definition> = bindings_live
        .filter(|_| deletes)
        .filter(|binding| !plan.owned.contains_key(&binding.identity()))
        .collect();
    let bound = Ends::of(pair.live, &plan.steps);
    cost::count(pair.live, plan, &bound);
    let taken_away = last_binding::taken_away(pair.live, plan);
    let referring: Vec<&Definition> = REFERRING
        .iter()
        .filter(|_| deletes)
        .flat_map(|kind| pair.live.topology.of(*kind))
        .filter(|definition| !plan.owned.contains_key(&definition.identity()))
        .collect();
    for (id, step) in plan.steps.iter_mut().enumerate() {
        let mut danger = Danger::default();
        match (step.kind, step.action) {
            (KindId::Queue, Action::Delete | Action::Replace | Action::Move) => {
                queue(step, pair.live, &mut danger);
                if step.action != Action::Delete {
                    anew(step, &bound, bypasses.get(&id), &mut danger);
                }
                bindings(step, &foreign, &mut danger);
            }
            (KindId::Exchange, Action::Delete | Action::Replace) => {
                exchange(step, &bound, bypasses.get(&id), &mut danger);
                references(step, &referring, &mut danger);
                bindings(step, &foreign, &mut danger);
            }
            (KindId::Exchange, Action::Move) => moved_exchange(step, bypasses.get(&id), &mut danger),
            (KindId::Binding, Action::Delete) if order::is_reweighed(step) => {
                danger.add("until its new weight is set, other queues get what it would get", 0);
            }
            (KindId::Vhost, Action::Delete) => vhost(step, pair.live, &mut danger),
            (KindId::Policy | KindId::OperatorPolicy, _) => {
                limits::assess(step, pair.live, &mut danger);
                federation(step, &mut danger);
            }
            (KindId::User, Action::Create)
                if step.desired.as_ref().is_some_and(|user| user.field("password").is_none()) =>
            {
                danger.add("it has no password, and cannot log in with one", 0);
            }
            (KindId::User, Action::Delete) => danger.add("its connections are closed", 0),
            (KindId::Permission, Action::Delete) => {
                danger.add("a busy channel keeps its rights for up to half a minute", 0);
            }
            (KindId::FederationUpstream, Action::Change | Action::Delete) => upstream(step, &mut danger),
            _ => {}
        }
        for exchange in taken_away.get(&step.identity).into_iter().flatten() {
            let text =
                format!("exchange `{exchange}` is auto-delete, and goes with what is last bound to it");
            danger.add(&text, 0);
        }
        if !danger.text.is_empty() {
            step.danger = Some(danger);
        }
    }
}

fn queue(step: &Step, live: &Live, danger: &mut Danger) {
    let Some(found) = &step.live else { return };
    let vhost = found.vhost.as_deref().unwrap_or("");
    if let Some(held) = &live.held {
        match held.of(vhost, found.name()) {
            Some(held) if held.total() > 0 && step.aside.is_none() => {
                let text = format!("it holds {}{}, which would be lost", held.text(), weight(step));
                danger.add(&text, held.total());
            }
            Some(_) => {}
            None => match held.away(vhost, found.name()) {
                Some(why) => danger.add(&format!("{why}, so nobody knows what it holds"), 0),
                None => danger.add("the broker does not say what it holds", 0),
            },
        }
        let consumers = held.consumers_of(vhost, found.name());
        if consumers > 0 && step.action == Action::Delete {
            let are = if consumers == 1 { "is" } else { "are" };
            danger.add(&format!("{} {are} cancelled", count(consumers, "consumer", "consumers")), 0);
        }
    }
}

/// ` (3.2 MB)`, as far as it is known.
fn weight(step: &Step) -> String {
    let bytes = step.cost.and_then(|cost| cost.bytes).filter(|bytes| *bytes > 0);
    bytes.map_or_else(String::new, |bytes| format!(" ({})", size(bytes)))
}

/// What making a queue anew does to what it holds and to what is on its way to it.
fn anew(step: &Step, bound: &Ends<'_>, bypass: Option<&Bypass>, danger: &mut Danger) {
    let Some(found) = &step.live else { return };
    let is_bound = bound.count(found) > 0;
    let cost = step.cost.unwrap_or_default();
    let figures = cost.messages.filter(|held| held.total() > 0);
    let figures = figures.map(|held| format!("{}{}", held.text(), weight(step)));
    match (&step.aside, bypass) {
        (Some(aside), _) if is_bound => {
            let figures = figures.map_or_else(String::new, |figures| format!(", {figures},"));
            let text = format!(
                "what it holds{figures} and what is published meanwhile wait aside, in `{}`, and come back in order",
                aside.limbo()
            );
            danger.add(&text, 0);
        }
        (Some(aside), _) if let Some(figures) = figures => {
            let text =
                format!("what it holds, {figures}, waits aside, in `{}`, and comes back", aside.hold());
            danger.add(&text, 0);
        }
        (None, Some(Bypass::All(why))) if is_bound => {
            let text = format!(
                "its bindings are away until it is there again, and what is published meanwhile is lost: {why}"
            );
            danger.add(&text, 0);
            danger.gap = true;
        }
        _ => {}
    }
    let moves = step.action == Action::Move;
    let (when, name) = if moves { ("from then on", "old name") } else { ("meanwhile", "name") };
    match bypass {
        Some(Bypass::From(senders)) => {
            danger.add(&format!("what {} sends straight to it {when} is lost", list(senders, ", ")), 0);
            danger.gap = true;
        }
        _ => danger.add(&format!("what is sent straight to it, by its {name}, {when} is lost"), 0),
    }
    let to = if moves { "to the new one" } else { "again" };
    let consumers = match cost.consumers {
        None | Some(0) => "its consumers are".to_owned(),
        Some(1) => "its consumer is".to_owned(),
        Some(consumers) => format!("its {} are", count(consumers, "consumer", "consumers")),
    };
    let have = if cost.consumers == Some(1) { "has" } else { "have" };
    danger.add(&format!("{consumers} cancelled, and {have} to subscribe {to}"), 0);
    if found.text("type") == Some("quorum") {
        danger.add("that takes some 7 s while it has consumers, as what they hold is told late", 0);
    }
}

fn exchange(step: &Step, bound: &Ends<'_>, bypass: Option<&Bypass>, danger: &mut Danger) {
    let delayed = step.live.as_ref().and_then(|live| live.text("type")) == Some("x-delayed-message");
    if delayed {
        danger.add("the messages that it delays would be lost, and the broker does not count them", 1);
    }
    if step.action != Action::Replace {
        return;
    }
    let is_bound = step.live.as_ref().is_some_and(|live| bound.count(live) > 0);
    match (&step.aside, bypass) {
        (Some(aside), _) if is_bound => {
            let text = format!(
                "what is published meanwhile waits aside, in `{}`, and is routed afterwards, in order",
                aside.limbo()
            );
            danger.add(&text, 0);
        }
        (None, Some(Bypass::All(why))) if is_bound => {
            let text = format!(
                "what is published to it meanwhile is lost or refused; its bindings are restored: {why}"
            );
            danger.add(&text, 0);
            danger.gap = true;
        }
        _ => {}
    }
    if let Some(Bypass::From(senders)) = bypass
        && is_bound
    {
        danger.add(&format!("what {} sends to it while it is away is lost", list(senders, ", ")), 0);
        danger.gap = true;
    }
    if !danger.gap {
        danger.add(
            "its publishers' channels are closed once: they have to publish again what is not confirmed",
            0,
        );
    }
}

/// What another name does to an exchange.
fn moved_exchange(step: &Step, bypass: Option<&Bypass>, danger: &mut Danger) {
    let old = step.live.as_ref().map_or("", |was| was.name());
    danger.add(
        &format!(
            "it gets what `{old}` is bound to, also by others; `{old}` stays, and goes with a later apply once nobody publishes to it"
        ),
        0,
    );
    if let Some(Bypass::All(why)) = bypass {
        danger.add(
            &format!(
                "what is published to it before all its bindings are there reaches some of its queues only: {why}"
            ),
            0,
        );
    }
}

/// What names an exchange for what nobody else takes.
const REFERRING: &[KindId] = &[KindId::Queue, KindId::Exchange, KindId::Policy, KindId::OperatorPolicy];

/// What others send to an exchange that goes is dropped, and the broker says nothing.
fn references(step: &Step, others: &[&Definition], danger: &mut Danger) {
    let Some(gone) = step.live.as_ref().filter(|_| step.action == Action::Delete) else { return };
    for (name, what) in
        [("dead-letter-exchange", "dead letters"), ("alternate-exchange", "what they cannot route")]
    {
        let refers = |definition: &&&Definition| {
            definition.vhost == gone.vhost && definition.text(name) == Some(gone.name())
        };
        let found: Vec<String> = others
            .iter()
            .filter(refers)
            .map(|found| format!("{} `{}`", found.kind.word(), found.name()))
            .collect();
        if !found.is_empty() {
            let text = format!(
                "{what} sent to it by {}, which this topology has not made, would be dropped",
                list(&found, ", ")
            );
            danger.add(&text, 0);
        }
    }
}

/// What others have bound to what goes goes with it.
fn bindings(step: &Step, foreign: &[&Definition], danger: &mut Danger) {
    let Some(gone) = step.live.as_ref().filter(|_| step.action == Action::Delete) else { return };
    let ends_there = |binding: &Definition| {
        let kind = if gone.kind == KindId::Queue { "queue" } else { "exchange" };
        let source = gone.kind == KindId::Exchange && binding.text("source") == Some(gone.name());
        let destination = binding.text("destination") == Some(gone.name());
        source || (destination && binding.text("destination-type") == Some(kind))
    };
    let others = foreign.iter().filter(|binding| binding.vhost == gone.vhost && ends_there(binding)).count();
    let (others, all) = (others as u64, step.cost.map_or(0, |cost| cost.bindings));
    if all == 0 {
        return;
    }
    let bindings = count(all, "binding", "bindings");
    let go = if all == 1 { "goes" } else { "go" };
    let mut text = match others {
        0 => format!("{bindings} {go} with it"),
        _ if others == all => format!("{bindings} that this topology has not made {go} with it"),
        _ => {
            let others = digits(i64::try_from(others).unwrap_or(i64::MAX));
            format!("{bindings} {go} with it, {others} of which this topology has not made")
        }
    };
    if let Some(seconds) = step.cost.and_then(|cost| cost.seconds()) {
        let seconds = digits(i64::try_from(seconds).unwrap_or(i64::MAX));
        text.push_str(&format!(", one by one before it, in about {seconds} s"));
    }
    danger.add(&text, 0);
}

fn vhost(step: &Step, live: &Live, danger: &mut Danger) {
    danger.add("all that is in it goes with it", 0);
    let name = step.live.as_ref().map_or("", |found| found.name());
    let Some(held) = &live.held else { return };
    let queues = live.topology.of(KindId::Queue).filter(|queue| queue.vhost.as_deref() == Some(name));
    let queues: Vec<&Definition> = queues.collect();
    let consumers: u64 = queues.iter().map(|queue| held.consumers_of(name, queue.name())).sum();
    if consumers > 0 {
        let are = if consumers == 1 { "is" } else { "are" };
        danger.add(&format!("{} {are} cancelled", count(consumers, "consumer", "consumers")), 0);
    }
    let figures: Vec<Option<Messages>> = queues.iter().map(|queue| held.of(name, queue.name())).collect();
    let messages = figures.iter().flatten().copied().sum::<Messages>().total();
    if messages > 0 {
        let messages_held = count(messages, "message", "messages");
        let text = format!("its queues hold {messages_held}{}, which would be lost", weight(step));
        danger.add(&text, messages);
    }
    let unknown = figures.iter().filter(|figure| figure.is_none()).count();
    if unknown > 0 {
        let queues = count(unknown as u64, "queue holds", "queues hold");
        danger.add(&format!("the broker does not say what {queues}"), 0);
    }
}

/// The links of what a policy no longer federates go down, with what they have made upstream.
fn federation(step: &Step, danger: &mut Danger) {
    let differs =
        step.differences.iter().any(|found| FEDERATES.contains(&&*found.name) || found.name == "pattern");
    let goes = step.action == Action::Delete || (step.action == Action::Change && differs);
    if goes && step.live.as_ref().is_some_and(federates) {
        danger.add("federation links go down, and what their queues upstream hold is deleted with those, unless an upstream's resource-cleanup-mode is `never`", 0);
    }
}

fn upstream(step: &Step, danger: &mut Danger) {
    let changes = step.differences.iter().any(|difference| difference.name == "queue-type");
    let never = |definition: &Option<Definition>| {
        definition.as_ref().is_some_and(|found| found.text("resource-cleanup-mode") == Some("never"))
    };
    let text = "the upstream's queue is deleted with what it holds, as resource-cleanup-mode is not `never`";
    // the link that goes down is the one with the old settings
    if (changes || step.action == Action::Delete) && !never(&step.live) {
        // who lets go of an upstream lets go of what comes from it
        danger.add(text, u64::from(changes));
    }
}
