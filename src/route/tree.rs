//! A message's way as a tree: exchanges, queues, who takes it there, and what becomes of it when it dies.

use std::collections::{BTreeMap, BTreeSet};

use topoc_routing::{
    Alternate, BindingId, By, Certainty, DeadLettered, Delivered, Destination, ExchangeId, Fate, Hop, Life,
    Matched, Mismatch, Overflow, QueueId, Reason, Strategy, topic,
};

use super::{Consumer, Route, said};
use crate::diag::SourceMap;

/// A line of the tree, and those below it.
#[derive(Debug, Default)]
pub(super) struct Branch {
    pub text: String,
    /// Where it is written.
    pub place: Option<String>,
    /// What follows the place: who consumes.
    pub then: String,
    /// Whether it is said beside the way: a near miss.
    pub aside: bool,
    pub below: Vec<Branch>,
}

/// More bindings of one exchange than this are shown by their number.
const MOST_SHOWN: usize = 40;
/// So many bindings that nearly match are shown.
const MOST_NEAR: usize = 3;
/// So many headers may be other in those.
const NEAR_HEADERS: usize = 2;

/// Grows the tree of a route.
pub(super) struct Grower<'r, 'g, 'a> {
    pub route: &'r Route<'g, 'a>,
    pub sources: &'r SourceMap,
    /// Every binding, however many match or nearly do.
    pub all: bool,
    /// By stay: the class of those with the same future.
    futures: Vec<usize>,
    /// The classes that are told already.
    told: BTreeSet<usize>,
}

impl<'r, 'g, 'a> Grower<'r, 'g, 'a> {
    pub(super) fn new(route: &'r Route<'g, 'a>, sources: &'r SourceMap, all: bool) -> Self {
        let futures = route.life.as_ref().map(futures).unwrap_or_default();
        Self { route, sources, all, futures, told: BTreeSet::new() }
    }

    /// What leaves an exchange.
    pub(super) fn exchange(&mut self, delivered: &Delivered, exchange: ExchangeId) -> Vec<Branch> {
        let Some(visit) = delivered.visits.iter().find(|visit| visit.exchange == exchange) else {
            return Vec::new();
        };
        let mut below = Vec::new();
        match &visit.matched {
            Matched::All(bindings) => self.bindings(delivered, bindings, "", &mut below),
            Matched::Queues(queues) => {
                for queue in queues {
                    let hop = Hop { from: exchange, to: Destination::Queue(*queue), by: By::QueueName };
                    below.push(self.hop(delivered, hop, "by its name", None));
                }
            }
            Matched::OneOf(shares) => {
                let sum: u64 = shares.iter().map(|share| share.weight).sum::<u64>().max(1);
                for share in shares.iter().take(self.most(shares.len())) {
                    #[expect(clippy::cast_precision_loss, reason = "a share is shown in whole percent")]
                    let percent = 100.0 * share.weight as f64 / sum as f64;
                    let text = format!("one of {}, for {percent:.0} % of the keys", shares.len());
                    below.push(self.binding(delivered, share.binding, &text));
                }
                self.rest(shares.len(), &mut below);
            }
            Matched::Undecidable { surely, perhaps } => {
                self.bindings(delivered, surely, "", &mut below);
                self.bindings(delivered, perhaps, "perhaps", &mut below);
            }
        }
        match &visit.alternate {
            Some(Alternate::Exchange(to)) => {
                let hop = Hop { from: exchange, to: Destination::Exchange(*to), by: By::Alternate };
                below.push(self.hop(delivered, hop, "as alternate exchange: nothing matched", None));
            }
            Some(Alternate::Missing(name)) => below.push(Branch {
                text: format!("alternate exchange `{name}` is not there, and the broker ignores it"),
                ..Branch::default()
            }),
            None => {}
        }
        if below.is_empty() {
            let text = "nothing that is bound matches".to_owned();
            below.push(Branch { text, ..Branch::default() });
        }
        self.near(delivered, exchange, &visit.matched, &mut below);
        below
    }

    fn most(&self, of: usize) -> usize {
        if self.all || of <= MOST_SHOWN { of } else { MOST_SHOWN }
    }

    fn rest(&self, of: usize, below: &mut Vec<Branch>) {
        let shown = self.most(of);
        if shown < of {
            let text = format!("… and {} more: --all", said::grouped((of - shown) as u64));
            below.push(Branch { text, ..Branch::default() });
        }
    }

    fn bindings(
        &mut self,
        delivered: &Delivered,
        bindings: &[BindingId],
        how: &str,
        below: &mut Vec<Branch>,
    ) {
        for binding in bindings.iter().take(self.most(bindings.len())) {
            below.push(self.binding(delivered, *binding, how));
        }
        self.rest(bindings.len(), below);
    }

    fn binding(&mut self, delivered: &Delivered, id: BindingId, how: &str) -> Branch {
        let topology = &self.route.routes.topology;
        let binding = topology.binding(id);
        let by = said::by(topology, binding);
        let parts = [by.as_deref().unwrap_or_default(), how];
        let text = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        let hop = Hop { from: binding.source, to: binding.destination, by: By::Binding(id) };
        let written = self.route.routes.binding(id);
        let place = written.and_then(|binding| self.sources.line_of(binding.0.span));
        self.hop(delivered, hop, &text, place)
    }

    /// One step: to an exchange with all that leaves it, or to a queue with its future.
    fn hop(&mut self, delivered: &Delivered, hop: Hop, by: &str, place: Option<String>) -> Branch {
        let topology = &self.route.routes.topology;
        match hop.to {
            Destination::Exchange(to) => {
                let exchange = topology.exchange(to);
                let kind = exchange.kind.type_name();
                let first =
                    delivered.visits.iter().find(|visit| visit.exchange == to).and_then(|visit| visit.by);
                let mut branch = Branch {
                    text: joined(&format!("{} ({kind})", said::exchange(&exchange.name)), by),
                    place,
                    ..Branch::default()
                };
                if first == Some(hop) {
                    branch.below = self.exchange(delivered, to);
                } else {
                    branch.then = "has it by another way".to_owned();
                }
                branch
            }
            Destination::Queue(to) => {
                let name = &topology.queue(to).name;
                let mut branch = Branch { text: joined(name, by), place, ..Branch::default() };
                let reached = delivered.queues.iter().find(|reached| reached.queue == to);
                if reached.is_some_and(|reached| reached.by.first() == Some(&hop)) {
                    branch.then = self.consumers(to);
                    let stay = self.first_stay(delivered, to);
                    branch.below = stay.map(|stay| self.stay(stay, None)).unwrap_or_default();
                } else {
                    branch.then = "has its copy by another way".to_owned();
                }
                branch
            }
        }
    }

    /// The stay of the message in a queue that it is published to.
    fn first_stay(&self, delivered: &Delivered, queue: QueueId) -> Option<usize> {
        let first = self.route.delivered.as_ref().ok()?;
        let at = first.queues.iter().position(|reached| reached.queue == queue)?;
        (std::ptr::eq(first, delivered)).then_some(at)
    }

    fn consumers(&self, queue: QueueId) -> String {
        let of: Vec<String> = self
            .route
            .consumers(queue)
            .into_iter()
            .map(|consumer| match consumer {
                Consumer::Consumes(service, consumes) if consumes.on.is_empty() => {
                    service.name.text.to_string()
                }
                Consumer::Consumes(service, consumes) => {
                    let on: Vec<&str> = consumes.on.iter().map(|word| &*word.text).collect();
                    let service = &service.name.text;
                    match self.route.publish.message.as_deref() {
                        Some(message) if on.contains(&message) => format!("{service} (on {message})"),
                        Some(message) => format!("{service} (does not handle {message})"),
                        None => {
                            let shown = on.iter().take(3).copied().collect::<Vec<_>>().join(", ");
                            let rest = on.len().saturating_sub(3);
                            let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
                            format!("{service} (on {shown}{more})")
                        }
                    }
                }
                Consumer::Answers(service, answers) => {
                    format!("{} (answers {})", service.name.text, answers.rpc.text)
                }
            })
            .collect();
        if of.is_empty() { String::new() } else { format!("→ service {}", of.join(", service ")) }
    }

    /// What may become of a message in a queue, that it is published to or comes to as a dead letter of another.
    fn stay(&mut self, index: usize, from: Option<QueueId>) -> Vec<Branch> {
        let Some(life) = &self.route.life else { return Vec::new() };
        let stay = &life.stays[index];
        if !self.told.insert(self.futures[index]) {
            return Vec::new();
        }
        let topology = &self.route.routes.topology;
        let queue = topology.queue(stay.queue);
        let mut below = Vec::new();
        if let Some((steps, then)) = self.route.ladder(stay.queue) {
            let text = format!("retried after {}, then → {then}", said::steps(&steps));
            below.push(Branch { text, ..Branch::default() });
        }
        let outlived = !stay.message.deaths.is_empty() && queue.message_ttl.is_none();
        let own = if stay.message.deaths.is_empty() { self.route.publish.expiration } else { None };
        // the same fate for several reasons is one line
        let mut groups: Vec<(Vec<Reason>, &DeadLettered, &[usize])> = Vec::new();
        for (reason, dead, next) in &stay.ends {
            if *reason == Reason::Expired && outlived {
                continue;
            }
            let futures = |next: &[usize]| next.iter().map(|stay| self.futures[*stay]).collect::<Vec<_>>();
            let alike = |(_, known, to): &&mut (Vec<Reason>, &DeadLettered, &[usize])| {
                Fated::of(known) == Fated::of(dead) && futures(to) == futures(next)
            };
            match groups.iter_mut().find(alike) {
                Some((reasons, ..)) => reasons.push(*reason),
                None => groups.push((vec![*reason], dead, next)),
            }
        }
        for (reasons, dead, next) in groups {
            let how: Vec<String> =
                reasons.iter().map(|reason| said::death(*reason, queue, topology, own)).collect();
            below.push(self.death(stay.queue, &how.join(", "), dead, next));
        }
        if queue.effective_overflow() == Overflow::RejectPublish
            && (queue.max_length.is_some() || queue.max_length_bytes.is_some())
        {
            let full = said::death(Reason::MaxLength, queue, topology, None);
            let refused = match from.map(|from| topology.queue(from)) {
                None => "refused, and its publisher gets a nack".to_owned(),
                Some(from) if from.effective_strategy() == Strategy::AtLeastOnce => {
                    format!("refused, and `{}` keeps it until there is room", from.name)
                }
                Some(_) => "refused, and dropped".to_owned(),
            };
            below.push(Branch { text: format!("{full} → {refused}"), ..Branch::default() });
        }
        below
    }

    fn death(&mut self, queue: QueueId, how: &str, dead: &DeadLettered, next: &[usize]) -> Branch {
        let topology = &self.route.routes.topology;
        let fated = |fate: Fate| match fate {
            Fate::Dropped => "dropped",
            Fate::Retained => "kept in the queue and tried again",
        };
        let text = match dead {
            DeadLettered::Discarded => format!("{how} → dropped"),
            DeadLettered::NoExchange { name, fate } => {
                format!("{how} → {} (dead-letter exchange `{name}` is not there)", fated(*fate))
            }
            DeadLettered::Published { exchange, delivered, cycles, fate, .. } => {
                let name = &*topology.exchange(*exchange).name;
                let through = if name.is_empty() { String::new() } else { format!("{name} → ") };
                let mut to: Vec<String> =
                    delivered.queues.iter().map(|to| topology.queue(to.queue).name.clone()).collect();
                let back: Vec<&str> = cycles.iter().map(|id| &*topology.queue(*id).name).collect();
                if to.is_empty() {
                    to.push(match back.as_slice() {
                        [] => format!("no queue: {}", fated(*fate)),
                        back => format!("not again into {}: {}", back.join(", "), fated(*fate)),
                    });
                }
                let sure = if topology.queue(queue).effective_strategy() == Strategy::AtLeastOnce {
                    "   (at least once)"
                } else {
                    ""
                };
                format!("{how} → {through}{}{sure}", to.join(", "))
            }
        };
        let mut branch = Branch { text, ..Branch::default() };
        for stay in next {
            let Some(life) = &self.route.life else { break };
            let target = life.stays[*stay].queue;
            if let [_] = next {
                // a single target stands in the line already
                branch.then = self.consumers(target);
            }
            if self.told.contains(&self.futures[*stay]) {
                branch.then = "again, as above".to_owned();
                continue;
            }
            let below = self.stay(*stay, Some(queue));
            if let [_] = next {
                branch.below = below;
                if branch.below.is_empty() && branch.then.is_empty() {
                    branch.then = "ends there".to_owned();
                }
            } else {
                let text = topology.queue(target).name.clone();
                branch.below.push(Branch { text, then: self.consumers(target), below, ..Branch::default() });
            }
        }
        branch
    }

    /// The bindings of an exchange that nearly match.
    fn near(&self, delivered: &Delivered, exchange: ExchangeId, matched: &Matched, below: &mut Vec<Branch>) {
        let topology = &self.route.routes.topology;
        let taken: BTreeSet<BindingId> = matched.bindings().collect();
        // who has its copy misses nothing
        let has = |to: Destination| match to {
            Destination::Queue(queue) => delivered.reaches(queue) != Certainty::Never,
            Destination::Exchange(exchange) => {
                delivered.visits.iter().any(|visit| visit.exchange == exchange)
            }
        };
        let message = self.route.publish.letter();
        let mut near: Vec<(usize, BindingId, Mismatch)> = topology
            .bindings_of(exchange)
            .iter()
            .filter(|id| !taken.contains(id) && (self.all || !has(topology.binding(**id).destination)))
            .filter_map(|id| {
                let mismatch = topology.mismatch(*id, &message)?;
                let distance =
                    distance(&mismatch, &self.route.publish.key, &topology.binding(*id).routing_key);
                (self.all || distance.is_some()).then_some((distance.unwrap_or(usize::MAX), *id, mismatch))
            })
            .collect();
        near.sort_by_key(|(distance, id, _)| (*distance, *id));
        let shown = if self.all { near.len() } else { MOST_NEAR.min(near.len()) };
        for (_, id, mismatch) in &near[..shown] {
            let binding = topology.binding(*id);
            let to = said::destination(topology, binding.destination);
            let by = said::by(topology, binding).unwrap_or_default();
            let written = self.route.routes.binding(*id);
            below.push(Branch {
                text: format!(
                    "not {to}: bound {} — {}",
                    by.replacen("by", "with", 1),
                    said::why(mismatch, &self.route.publish.key)
                ),
                place: written.and_then(|binding| self.sources.line_of(binding.0.span)),
                aside: true,
                ..Branch::default()
            });
        }
    }
}

/// How far a binding is from taking the message, where that is near.
fn distance(mismatch: &Mismatch, key: &str, wanted: &str) -> Option<usize> {
    match mismatch {
        Mismatch::Words { count, .. } => {
            // half of the words at least are as wanted
            (count * 2 <= topic::words(key).count()).then_some(*count)
        }
        Mismatch::Key => {
            let letters = strsim::damerau_levenshtein(key, wanted);
            (letters * 2 <= key.chars().count().max(4)).then_some(letters)
        }
        Mismatch::Headers(headers) => (headers.len() <= NEAR_HEADERS).then_some(headers.len()),
        Mismatch::NoHeader(headers) => (!headers.is_empty()).then_some(1),
    }
}

fn joined(name: &str, by: &str) -> String {
    if by.is_empty() { name.to_owned() } else { format!("{name}   {by}") }
}

/// What becomes of a message that dies, without what it then says of itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fated<'l> {
    Discarded,
    NoExchange(&'l str),
    Published(ExchangeId, Vec<QueueId>, &'l [QueueId]),
}

impl<'l> Fated<'l> {
    fn of(dead: &'l DeadLettered) -> Self {
        match dead {
            DeadLettered::Discarded => Self::Discarded,
            DeadLettered::NoExchange { name, .. } => Self::NoExchange(name),
            DeadLettered::Published { exchange, delivered, cycles, .. } => {
                let queues = delivered.queues.iter().map(|reached| reached.queue).collect();
                Self::Published(*exchange, queues, cycles)
            }
        }
    }
}

/// The class of each stay: stays of a class have the same future, by partition refinement.
fn futures(life: &Life) -> Vec<usize> {
    let mut classes = vec![0; life.stays.len()];
    let mut count = 0;
    loop {
        let mut known = BTreeMap::new();
        let refined: Vec<usize> = life
            .stays
            .iter()
            .zip(&classes)
            .map(|(stay, class)| {
                let ends: Vec<_> = stay
                    .ends
                    .iter()
                    .map(|(reason, dead, next)| {
                        (*reason, Fated::of(dead), next.iter().map(|stay| classes[*stay]).collect::<Vec<_>>())
                    })
                    .collect();
                let next = known.len();
                // only a message that has not died yet has a time to live of its own
                *known.entry((*class, stay.queue, stay.message.deaths.is_empty(), ends)).or_insert(next)
            })
            .collect();
        let found = known.len();
        drop(known);
        classes = refined;
        if found == count {
            return classes;
        }
        count = found;
    }
}

/// Whether no queue gets the message, as a sentence; nothing where one does.
pub(super) fn unroutable(certainty: Certainty) -> Option<&'static str> {
    match certainty {
        Certainty::Always => Some(
            "no queue gets it: the broker confirms it and drops it; a mandatory message is returned (312 NO_ROUTE)",
        ),
        Certainty::Possible => Some("it is not certain that a queue gets it"),
        Certainty::Never => None,
    }
}
