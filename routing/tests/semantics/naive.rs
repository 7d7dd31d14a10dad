//! What the broker's modules do, as literally as Rust allows and without any index: the reference for the crate.

use std::collections::BTreeSet;

use topoc_routing::{
    Binding, BindingId, Certainty, Delivered, Destination, ExchangeId, ExchangeKind, Message, QueueId, Table,
    Topology, Value, Version,
};

/// The queues that get a copy.
pub(crate) type Outcome = BTreeSet<QueueId>;

/// Every outcome of a message that enters at `exchange`, over all that its exchanges can pick. `None` if these are too
/// many to list.
pub(crate) fn outcomes(
    net: &Topology,
    exchange: ExchangeId,
    message: &Message<'_>,
) -> Option<BTreeSet<Outcome>> {
    let mut outcomes = BTreeSet::new();
    if exchange == Topology::DEFAULT_EXCHANGE {
        outcomes.insert(message.keys().filter_map(|key| net.queue_id(key)).collect());
        return Some(outcomes);
    }
    let mut budget = 2000;
    route1(
        net,
        message,
        vec![exchange],
        BTreeSet::from([exchange]),
        Outcome::new(),
        &mut outcomes,
        &mut budget,
    )?;
    Some(outcomes)
}

/// `rabbit_exchange:route1`, going on separately for each pick.
fn route1(
    net: &Topology,
    message: &Message<'_>,
    mut work_list: Vec<ExchangeId>,
    seen: BTreeSet<ExchangeId>,
    queues: Outcome,
    outcomes: &mut BTreeSet<Outcome>,
    budget: &mut usize,
) -> Option<()> {
    *budget = budget.checked_sub(1)?;
    let Some(exchange) = work_list.pop() else {
        outcomes.insert(queues);
        return Some(());
    };
    let is = net.exchange(exchange);
    let bound: Vec<(BindingId, &Binding)> =
        net.bindings().filter(|(_, binding)| binding.source == exchange).collect();
    let destinations = |fits: &dyn Fn(&Binding) -> bool| -> Vec<Destination> {
        bound.iter().filter(|(_, binding)| fits(binding)).map(|(_, binding)| binding.destination).collect()
    };
    let keys: Vec<&str> = message.keys().collect();
    let every: Vec<Destination> = destinations(&|_| true);
    let picks: Vec<Vec<Destination>> = match &is.kind {
        ExchangeKind::Direct => vec![destinations(&|binding| keys.contains(&binding.routing_key.as_str()))],
        ExchangeKind::Topic => vec![destinations(&|binding| {
            let pattern = split_topic_key(&binding.routing_key);
            keys.iter().any(|key| topic(&pattern, &split_topic_key(key)))
        })],
        ExchangeKind::Fanout | ExchangeKind::RecentHistory => vec![every],
        ExchangeKind::Headers => {
            let data = headers(message);
            vec![destinations(&|binding| match net.version() >= Version::V3_13 {
                true => headers_3_13(&binding.arguments, &data),
                false => headers_3_10(&binding.arguments, &data),
            })]
        }
        _ if every.is_empty() => vec![vec![]],
        _ => every.into_iter().map(|destination| vec![destination]).collect(),
    };
    for mut found in picks {
        if found.is_empty()
            && let Some(alternate) = is.alternate_exchange.as_ref().and_then(|name| net.exchange_id(name))
        {
            found.push(Destination::Exchange(alternate));
        }
        let (mut work_list, mut seen, mut queues) = (work_list.clone(), seen.clone(), queues.clone());
        for destination in found {
            match destination {
                Destination::Queue(queue) => {
                    queues.insert(queue);
                }
                Destination::Exchange(next) => {
                    if seen.insert(next) {
                        work_list.push(next);
                    }
                }
            }
        }
        route1(net, message, work_list, seen, queues, outcomes, budget)?;
    }
    Some(())
}

fn split_topic_key(key: &str) -> Vec<&str> {
    if key.is_empty() { vec![] } else { key.split('.').collect() }
}

fn topic(pattern: &[&str], words: &[&str]) -> bool {
    match (pattern, words) {
        ([], []) => true,
        (["#", rest @ ..], _) => topic(rest, words) || (!words.is_empty() && topic(pattern, &words[1..])),
        (["*", rest @ ..], [_, words @ ..]) => topic(rest, words),
        ([literal, rest @ ..], [word, words @ ..]) => literal == word && topic(rest, words),
        _ => false,
    }
}

/// The headers as they are after the channel has stripped `BCC`.
fn headers(message: &Message<'_>) -> Vec<(String, Value)> {
    let known = message.headers.expect("the headers are known");
    let mut headers: Vec<(String, Value)> =
        known.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    if !message.cc.is_empty() {
        // no binding here compares `CC`
        headers.push(("CC".to_owned(), Value::Opaque(vec![])));
    }
    headers.sort_by(|a, b| a.0.cmp(&b.0));
    headers
}

fn x_match(arguments: &Table) -> &str {
    match arguments.get("x-match") {
        Some(Value::String(word)) => std::str::from_utf8(word).expect("x-match is a word"),
        _ => "all",
    }
}

/// `rabbit_exchange_type_headers:headers_match` before 3.13: a merge of two sorted tables.
fn headers_3_10(arguments: &Table, data: &[(String, Value)]) -> bool {
    let kind = x_match(arguments);
    let all = kind.starts_with("all");
    let with_x = kind.ends_with("-with-x");
    let mut pattern: Vec<(&str, &Value)> =
        arguments.iter().map(|(name, value)| (name.as_str(), value)).collect();
    pattern.sort_by_key(|(name, _)| *name);
    let (mut pattern, mut data) = (pattern.as_slice(), data);
    let (mut all_match, mut any_match) = (true, false);
    loop {
        if all && !all_match {
            return false;
        }
        if !all && any_match {
            return true;
        }
        match (pattern, data) {
            ([], _) => return if all { all_match } else { any_match },
            ([("x-match", _), rest @ ..], _) => pattern = rest,
            ([(name, _), rest @ ..], _) if name.starts_with("x-") && !with_x => pattern = rest,
            (_, []) => (pattern, all_match) = (&[], false),
            ([(wanted, _), ..], [(name, _), rest @ ..]) if *wanted > name.as_str() => data = rest,
            ([(wanted, _), rest @ ..], [(name, _), ..]) if *wanted < name.as_str() => {
                (pattern, all_match) = (rest, false);
            }
            ([(_, wanted), rest @ ..], [(_, value), others @ ..]) => {
                if **wanted == Value::Void || loosely(wanted, value) {
                    any_match = true;
                } else {
                    all_match = false;
                }
                (pattern, data) = (rest, others);
            }
        }
    }
}

/// The same from 3.13 on: `match_all`, `match_any` and `match` or `match_x`.
fn headers_3_13(arguments: &Table, data: &[(String, Value)]) -> bool {
    let kind = x_match(arguments);
    let with_x = kind.ends_with("-with-x");
    let verdicts = arguments.iter().map(|(name, wanted)| {
        if name == "x-match" || (!with_x && name.starts_with("x-")) {
            return None;
        }
        let value = data.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        Some(match (wanted, value) {
            (_, None) => false,
            (Value::Void, Some(_)) => true,
            (wanted, Some(value)) => strictly(wanted, value),
        })
    });
    let mut verdicts = verdicts.collect::<Vec<_>>().into_iter();
    if kind.starts_with("all") {
        verdicts.all(|verdict| verdict != Some(false))
    } else {
        verdicts.any(|verdict| verdict == Some(true))
    }
}

/// Erlang's `==` on values without their types.
fn loosely(a: &Value, b: &Value) -> bool {
    match (number(a, 1), number(b, 1)) {
        (Some(a), Some(b)) => a == b,
        (None, None) => a == b,
        _ => false,
    }
}

/// Erlang's `=:=`; `routing_value` makes milliseconds of a header's timestamp.
fn strictly(argument: &Value, header: &Value) -> bool {
    let float = |value: &Value| matches!(value, Value::Float(_));
    match (number(argument, 1), number(header, 1000)) {
        (Some(a), Some(b)) => float(argument) == float(header) && a == b,
        (None, None) => argument == header,
        _ => false,
    }
}

/// A number as its whole part and its fraction, so that integers and floats compare exactly.
fn number(value: &Value, second: i128) -> Option<(i128, String)> {
    match value {
        Value::Integer(n) => Some((i128::from(*n), "0".to_owned())),
        Value::Timestamp(n) => Some((i128::from(*n) * second, "0".to_owned())),
        Value::Float(n) => Some((n.trunc() as i128, n.fract().to_string().replace("-0", "0"))),
        _ => None,
    }
}

/// Where the crate's answer and the list of outcomes disagree.
pub(crate) fn disagreement(delivered: &Delivered, outcomes: &BTreeSet<Outcome>) -> Option<String> {
    let all: Outcome = outcomes.iter().flatten().copied().collect();
    let listed: Outcome = delivered.queues.iter().map(|reached| reached.queue).collect();
    if all != listed {
        return Some(format!("it reaches {listed:?}, the reference {all:?}"));
    }
    for reached in &delivered.queues {
        let always = outcomes.iter().all(|outcome| outcome.contains(&reached.queue));
        let wanted = if always { Certainty::Always } else { Certainty::Possible };
        if reached.certainty != wanted {
            return Some(format!(
                "{:?} is {:?}, the reference says {wanted:?}",
                reached.queue, reached.certainty
            ));
        }
    }
    let empty = outcomes.iter().filter(|outcome| outcome.is_empty()).count();
    let wanted = match empty {
        0 => Certainty::Never,
        _ if empty == outcomes.len() => Certainty::Always,
        _ => Certainty::Possible,
    };
    (delivered.unroutable != wanted)
        .then(|| format!("it is unroutable: {:?}, the reference says {wanted:?}", delivered.unroutable))
}
