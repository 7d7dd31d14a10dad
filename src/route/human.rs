//! A route as people read it: the tree, and what holds for every copy.

use topoc_routing::{Certainty, Delivered, Matched};

use super::{
    End, Route, bounds, said,
    tree::{Branch, Grower, unroutable},
};
use crate::diag::{SourceMap, human::Look, visible};

/// The tree of a route, and a line of what holds for every copy. `look.all` shows every binding.
#[must_use]
pub fn human(route: &Route<'_, '_>, sources: &SourceMap, look: Look) -> String {
    let topology = &route.routes.topology;
    let exchange = topology.exchange(route.exchange);
    let key = &route.publish.key;
    let key = if key.is_empty() { "\"\"".to_owned() } else { key.clone() };
    let vhost = if route.vhost == crate::topology::DEFAULT_VHOST {
        String::new()
    } else {
        format!(", vhost {}", route.vhost)
    };
    let name = said::exchange(&exchange.name);
    let kind =
        if exchange.name.is_empty() { String::new() } else { format!(" ({})", exchange.kind.type_name()) };
    let mut out = visible(&format!("{key} → {name}{kind}{vhost}")) + "\n";
    let delivered = match &route.delivered {
        Ok(delivered) => delivered,
        Err(refused) => {
            out.push_str(&visible(&format!("└─ refused with {}: {refused}", refused.code())));
            out.push('\n');
            return out;
        }
    };
    let mut grower = Grower::new(route, sources, look.all);
    let below = grower.exchange(delivered, route.exchange);
    draw(&mut out, &below, "", look.color);
    out.push_str(&visible(&summary(route)));
    out.push('\n');
    out
}

/// `2 queues`, `one of 3 queues`, `1 queue, and perhaps 2 more`.
fn queues(delivered: &Delivered) -> Option<String> {
    let sure = delivered.queues.iter().filter(|reached| reached.certainty == Certainty::Always).count();
    let perhaps = delivered.queues.len() - sure;
    let count = |number: usize| match number {
        1 => "1 queue".to_owned(),
        number => format!("{} queues", said::grouped(number as u64)),
    };
    let picks = delivered.visits.iter().filter(|visit| matches!(visit.matched, Matched::OneOf(_))).count();
    match (sure, perhaps) {
        (0, 0) => None,
        (sure, 0) => Some(count(sure)),
        (0, perhaps) if picks == 1 && delivered.undecidable().next().is_none() && perhaps > 1 => {
            Some(format!("one of {}", count(perhaps)))
        }
        (0, perhaps) => Some(format!("perhaps {}", count(perhaps))),
        (sure, perhaps) => Some(format!("{}, and perhaps {}", count(sure), count(perhaps))),
    }
}

fn draw(out: &mut String, branches: &[Branch], indent: &str, color: bool) {
    for (index, branch) in branches.iter().enumerate() {
        let last = index + 1 == branches.len();
        let (sign, further) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let mut text = visible(&branch.text);
        if let Some(place) = &branch.place {
            text.push_str(&paint(&format!("   {}", visible(place)), "2", color));
        }
        if !branch.then.is_empty() {
            text.push_str(&format!("   {}", visible(&branch.then)));
        }
        let text = if branch.aside { paint(&text, "2", color) } else { text };
        out.push_str(&format!("{indent}{sign}{text}\n"));
        draw(out, &branch.below, &format!("{indent}{further}"), color);
    }
}

fn paint(text: &str, style: &str, color: bool) -> String {
    if color { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
}

/// What holds for every copy: `2 queues; at most 5 attempts; held back for at most 35 s; may be dropped by a (rejected)`.
#[must_use]
pub fn summary(route: &Route<'_, '_>) -> String {
    let Ok(delivered) = &route.delivered else { return String::new() };
    let topology = &route.routes.topology;
    let name = |queue| topology.queue(queue).name.as_str();
    let mut parts = Vec::new();
    parts.extend(queues(delivered));
    if let Some(said) = unroutable(delivered.unroutable) {
        parts.push(said.to_owned());
    }
    if delivered.unroutable == Certainty::Always && delivered.queues.is_empty() {
        return parts.join("; ");
    }
    let Some(bounds) = bounds(route) else {
        parts.push("its dead letters have too many ways to follow".to_owned());
        return parts.join("; ");
    };
    match bounds.attempts {
        Some(0) => {}
        Some(1) => parts.push("1 attempt".to_owned()),
        Some(attempts) => parts.push(format!("at most {} attempts", said::grouped(attempts))),
        None => parts.push("attempts without end".to_owned()),
    }
    match bounds.delay {
        Some(0) => {}
        Some(delay) => parts.push(format!("held back for at most {}", said::duration(delay))),
        None => parts.push("held back without end".to_owned()),
    }
    let mut lost = Vec::new();
    let mut stuck = Vec::new();
    for end in &bounds.ends {
        match end {
            End::Dropped(queue, reason) => {
                let text = format!("{} ({})", name(*queue), reason.as_str());
                lost.push(text);
            }
            End::Stuck(queue, reason) => stuck.push(format!("{} ({})", name(*queue), reason.as_str())),
            End::Consumed(_) | End::Rests(_) => {}
        }
    }
    if lost.is_empty() {
        parts.push("no copy is dropped".to_owned());
    } else {
        parts.push(format!("may be dropped by {}", lost.join(", ")));
    }
    if !bounds.at_most_once.is_empty() {
        let names: Vec<&str> = bounds.at_most_once.iter().map(|queue| name(*queue)).collect();
        parts.push(format!("what dies in {} goes on at most once", names.join(", ")));
    }
    if !stuck.is_empty() {
        parts.push(format!("may be stuck in {}", stuck.join(", ")));
    }
    parts.join("; ")
}
