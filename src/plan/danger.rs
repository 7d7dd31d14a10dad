//! What steps may hurt: messages that would be lost, and what the broker does on its own when a setting changes.

use fancy_regex::Regex;

use super::{
    Action, Danger, Live, Messages, Pair, Plan, Step,
    show::{count, digits},
};
use crate::kind::{Definition, KindId};

/// Says of each step what it may hurt.
pub(super) fn assess(pair: &Pair<'_>, plan: &mut Plan) {
    let deletes = plan.steps.iter().any(|step| step.action == Action::Delete);
    let bindings_live = pair.live.topology.of(KindId::Binding).filter(|_| deletes);
    let foreign: Vec<&Definition> =
        bindings_live.filter(|binding| !plan.owned.contains(&binding.identity())).collect();
    for step in &mut plan.steps {
        let mut danger = Danger::default();
        match (step.kind, step.action) {
            (KindId::Queue, Action::Delete | Action::Replace) => {
                queue(step, pair.live, &mut danger);
                bindings(step, &foreign, &mut danger);
            }
            (KindId::Exchange, Action::Delete | Action::Replace) => {
                exchange(step, &mut danger);
                bindings(step, &foreign, &mut danger);
            }
            (KindId::Vhost, Action::Delete) => vhost(step, pair.live, &mut danger),
            (KindId::Policy | KindId::OperatorPolicy, Action::Create | Action::Change) => {
                policy(step, pair, &mut danger);
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
            (KindId::FederationUpstream, Action::Change) => upstream(step, &mut danger),
            _ => {}
        }
        if !danger.text.is_empty() {
            step.danger = Some(danger);
        }
    }
}

fn held_text(held: Messages) -> String {
    let ready = format!("{} ready", digits(i64::try_from(held.ready).unwrap_or(i64::MAX)));
    if held.unacked == 0 {
        format!("{ready} {}", if held.ready == 1 { "message" } else { "messages" })
    } else {
        format!("{ready} and {} unacknowledged messages", held.unacked)
    }
}

fn queue(step: &Step, live: &Live, danger: &mut Danger) {
    let Some(found) = &step.live else { return };
    let vhost = found.vhost.as_deref().unwrap_or("");
    if let Some(held) = live.held.as_ref().and_then(|held| held.of(vhost, found.name()))
        && held.total() > 0
    {
        danger.add(&format!("it holds {}, which would be lost", held_text(held)), held.total());
    }
    if found.text("type") == Some("stream") && live.held.is_some() {
        danger.add("what a stream holds is asked for just before", 0);
    }
    if step.action == Action::Replace {
        danger.add("its consumers are cancelled, and its bindings are restored", 0);
        if matches!(found.text("type"), Some("quorum" | "stream")) {
            danger.add("a message that comes between the last look and the deletion would be lost", 0);
        }
    }
}

fn exchange(step: &Step, danger: &mut Danger) {
    let delayed = step.live.as_ref().and_then(|live| live.text("type")) == Some("x-delayed-message");
    if delayed {
        danger.add("the messages that it delays would be lost, and the broker does not count them", 1);
    }
    if step.action == Action::Replace {
        danger.add("what is published to it meanwhile is lost or refused; its bindings are restored", 0);
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
    if others > 0 {
        let others = count(others as u64, "binding", "bindings");
        danger.add(&format!("{others} that this topology has not made go with it"), 0);
    }
}

fn vhost(step: &Step, live: &Live, danger: &mut Danger) {
    danger.add("all that is in it goes with it", 0);
    let name = step.live.as_ref().map_or("", |found| found.name());
    let held = live.held.iter().flat_map(|held| &held.0);
    let messages = held.filter(|((vhost, _), _)| &**vhost == name).map(|(_, held)| held.total()).sum();
    if messages > 0 {
        let text = format!("its queues hold {}, which would be lost", count(messages, "message", "messages"));
        danger.add(&text, messages);
    }
}

fn upstream(step: &Step, danger: &mut Danger) {
    let changes = step.differences.iter().any(|difference| difference.name == "queue-type");
    let never = |definition: &Option<Definition>| {
        definition.as_ref().is_some_and(|found| found.text("resource-cleanup-mode") == Some("never"))
    };
    // the link that goes down is the one with the old settings
    if changes && !never(&step.live) {
        danger.add(
            "the upstream's queue is deleted with what it holds, as resource-cleanup-mode is not `never`",
            1,
        );
    }
}

/// Limits that a policy sets or tightens take effect at once on every queue that it is for.
fn policy(step: &Step, pair: &Pair<'_>, danger: &mut Danger) {
    let Some(policy) = &step.desired else { return };
    let tightened: Vec<(&str, i64)> = ["max-length", "max-length-bytes", "message-ttl", "expires"]
        .into_iter()
        .filter_map(|key| {
            let new = policy.integer(key)?;
            let old = step.live.as_ref().and_then(|live| live.integer(key));
            old.is_none_or(|old| new < old).then_some((key, new))
        })
        .collect();
    if tightened.is_empty() {
        return;
    }
    let queues = queues_of(policy, pair);
    if queues.is_empty() {
        return;
    }
    danger.add(&format!("takes effect at once on {}", count(queues.len() as u64, "queue", "queues")), 0);
    for (key, limit) in tightened {
        for queue in &queues {
            let held = pair
                .live
                .held
                .as_ref()
                .and_then(|held| held.of(queue.vhost.as_deref().unwrap_or(""), queue.name()));
            let Some(held) = held.filter(|held| held.ready > 0) else { continue };
            let name = queue.name();
            let rejects = [policy.text("overflow"), queue.text("overflow")]
                .into_iter()
                .flatten()
                .any(|overflow| overflow.starts_with("reject-publish"));
            match key {
                "max-length" => {
                    let over = held.ready.saturating_sub(u64::try_from(limit).unwrap_or(0));
                    if over > 0 && !rejects {
                        let total = digits(i64::try_from(held.ready).unwrap_or(i64::MAX));
                        let over_shown = digits(i64::try_from(over).unwrap_or(i64::MAX));
                        danger.add(
                            &format!("`{name}` holds {total} messages: the oldest {over_shown} are dropped"),
                            over,
                        );
                    }
                }
                "max-length-bytes" if rejects => {}
                "expires" => danger.add(
                    &format!(
                        "`{name}` holds {} and is deleted with them once it goes unused",
                        held_text(held)
                    ),
                    0,
                ),
                _ => danger.add(
                    &format!("`{name}` holds {}, some of which may be dropped", held_text(held)),
                    held.ready,
                ),
            }
        }
    }
}

/// The live queues that a policy would be the one to apply to.
fn queues_of<'a>(policy: &Definition, pair: &Pair<'a>) -> Vec<&'a Definition> {
    let Some(pattern) = policy.text("pattern").and_then(|pattern| Regex::new(pattern).ok()) else {
        return Vec::new();
    };
    let identity = policy.identity();
    let rivals: Vec<(i64, Regex, &Definition)> = pair
        .desired
        .of(policy.kind)
        .chain(pair.live.topology.of(policy.kind))
        .filter(|rival| rival.vhost == policy.vhost && rival.identity() != identity)
        .filter(|rival| priority(rival) > priority(policy))
        .filter_map(|rival| Some((priority(rival), Regex::new(rival.text("pattern")?).ok()?, rival)))
        .collect();
    let is_for = |regex: &Regex, policy: &Definition, queue: &Definition| {
        let kind = match policy.text("apply-to").unwrap_or("all") {
            "all" | "queues" => true,
            "exchanges" => false,
            other => {
                let queue_type = queue.text("type").unwrap_or("classic");
                other.strip_suffix("_queues").unwrap_or(other.trim_end_matches('s')) == queue_type
            }
        };
        kind && regex.is_match(queue.name()).unwrap_or(false)
    };
    pair.live
        .topology
        .of(KindId::Queue)
        .filter(|queue| queue.vhost == policy.vhost && is_for(&pattern, policy, queue))
        .filter(|queue| !rivals.iter().any(|(_, regex, rival)| is_for(regex, rival, queue)))
        .collect()
}

fn priority(policy: &Definition) -> i64 {
    policy.integer("priority").unwrap_or(0)
}
