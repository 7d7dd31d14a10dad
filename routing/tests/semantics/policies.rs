//! Which policy applies and how definitions merge, against a real broker; and what a queue then does.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Map, Value as Json, json};
use topoc_routing::policy::{ApplyTo, Object, Policy, effective, select};
use topoc_routing::{QueueKind, Table, Value, Version};
use topoc_test_support::{Api, Vhost};

use crate::made::Random;

/// Policies with distinct priorities, since of equal ones any may apply; each with its pattern.
struct Made {
    patterns: BTreeMap<String, &'static str>,
    policies: Vec<Policy>,
}

type Finds = fn(&str) -> bool;

/// Patterns and whether they find a name, without a regular expression at hand.
const PATTERNS: &[(&str, Finds)] = &[
    ("", |_| true),
    (".*", |_| true),
    ("^q", |name| name.starts_with('q')),
    ("1", |name| name.contains('1')),
    ("[02468]$", |name| name.ends_with(['0', '2', '4', '6', '8'])),
    ("^no such", |_| false),
];

fn value(random: &mut Random, key: &str, version: Version) -> Value {
    // long times: nothing is to expire meanwhile
    let number = random.between(1, 9) as i64;
    match key {
        "expires" | "message-ttl" => (number * 10_000_000).into(),
        "delivery-limit" if version >= Version::V4_0 && random.one_in(3) => (-1).into(),
        "overflow" => (*random.pick(&["drop-head", "reject-publish"])).into(),
        "dead-letter-strategy" => (*random.pick(&["at-least-once", "at-most-once"])).into(),
        "dead-letter-exchange" | "dead-letter-routing-key" | "alternate-exchange" => {
            format!("to{number}").into()
        }
        "queue-leader-locator" => (*random.pick(&["client-local", "balanced"])).into(),
        "max-age" => format!("{number}D").into(),
        "stream-max-segment-size-bytes" => (number * 1_000_000).into(),
        _ => number.into(),
    }
}

fn make(random: &mut Random, version: Version, operator: bool) -> Made {
    let user = [
        "expires",
        "message-ttl",
        "max-length",
        "max-length-bytes",
        "overflow",
        "delivery-limit",
        "dead-letter-exchange",
        "dead-letter-routing-key",
        "dead-letter-strategy",
        "alternate-exchange",
        "queue-leader-locator",
        "max-age",
        "stream-max-segment-size-bytes",
        "initial-cluster-size",
    ];
    let op = ["expires", "message-ttl", "max-length", "max-length-bytes", "delivery-limit", "overflow"];
    let keys = match operator {
        false => &user[..],
        true if version >= Version::V3_12 => &op[..],
        true => &op[..5],
    };
    let words = ["all", "exchanges", "queues", "queues", "classic_queues", "quorum_queues", "streams"];
    let words = if version >= Version::V3_12 { &words[..] } else { &words[..4] };
    let mut made = Made { patterns: BTreeMap::new(), policies: Vec::new() };
    for i in 0..random.between(2, 6) {
        let mut definition = Table::new();
        for _ in 0..random.between(1, 4) {
            let key = *random.pick(keys);
            definition.insert(key.to_owned(), value(random, key, version));
        }
        let name = format!("p{i}");
        made.patterns.insert(name.clone(), random.pick(PATTERNS).0);
        let word = *random.pick(words);
        let apply_to = ApplyTo::of(word).expect("a word of the broker's");
        made.policies.push(Policy {
            name,
            apply_to,
            priority: random.below(100) as i64 * 10 + i as i64,
            definition,
        });
    }
    made
}

fn finds(made: &Made, policy: &Policy, name: &str) -> bool {
    let pattern = made.patterns[&policy.name];
    PATTERNS.iter().any(|(known, finds)| *known == pattern && finds(name))
}

pub(crate) fn json_of(value: &Value) -> Json {
    match value {
        Value::Integer(n) => json!(n),
        Value::String(text) => json!(String::from_utf8_lossy(text)),
        other => panic!("no policy here has {other:?}"),
    }
}

fn put(api: &Api, vhost: &str, endpoint: &str, made: &Made) {
    for policy in &made.policies {
        let apply_to = match policy.apply_to {
            ApplyTo::All => "all",
            ApplyTo::Exchanges => "exchanges",
            ApplyTo::Queues => "queues",
            ApplyTo::ClassicQueues => "classic_queues",
            ApplyTo::QuorumQueues => "quorum_queues",
            ApplyTo::Streams => "streams",
        };
        let definition: Map<String, Json> =
            policy.definition.iter().map(|(key, value)| (key.clone(), json_of(value))).collect();
        let body = json!({
            "pattern": made.patterns[&policy.name],
            "apply-to": apply_to,
            "priority": policy.priority,
            "definition": definition,
        });
        api.put(&format!("/api/{endpoint}/{vhost}/{}", policy.name), &body);
    }
}

/// What the broker is to say of an object: policy, operator policy, merged definition.
fn predicted(
    user: &Made,
    operator: &Made,
    object: Object,
    version: Version,
    name: &str,
) -> (Json, Json, Map<String, Json>) {
    let applies = |made: &Made| {
        let selected = select(&made.policies, object, version, |at| finds(made, &made.policies[at], name));
        selected.applies.map(|at| made.policies[at].clone())
    };
    let (user, operator) = (applies(user), applies(operator));
    let definition = |policy: &Option<Policy>| policy.as_ref().map(|policy| policy.definition.clone());
    let (policy, op) = (definition(&user), definition(&operator));
    let merged = effective(object, version, &Table::new(), policy.as_ref(), op.as_ref());
    let from_policy =
        |key: &String| [&policy, &op].into_iter().flatten().any(|definition| definition.contains_key(key));
    let merged = merged.iter().filter(|(key, _)| from_policy(key));
    let merged = merged.map(|(key, effective)| (key.clone(), json_of(&effective.value))).collect();
    let name = |policy: Option<Policy>| policy.map_or(Json::Null, |policy| json!(policy.name));
    (name(user), name(operator), merged)
}

/// Makes up policies and operator policies and compares what the broker says of a queue of each type and of an exchange.
pub(crate) fn compare(vhost: &Vhost, version: Version, seed: u64) -> Result<usize, String> {
    let mut random = Random::new(seed);
    let (user, operator) = (make(&mut random, version, false), make(&mut random, version, true));
    let (api, name) = (vhost.api(), vhost.name());
    put(&api, name, "policies", &user);
    put(&api, name, "operator-policies", &operator);
    let kinds =
        [("classic", QueueKind::Classic), ("quorum", QueueKind::Quorum), ("stream", QueueKind::Stream)];
    let mut objects = Vec::new();
    for i in 0..6 {
        let (kind, is) = kinds[i % 3];
        let queue = format!("q{}", i + 10);
        let body = json!({"durable": true, "arguments": {"x-queue-type": kind}});
        api.put(&format!("/api/queues/{name}/{queue}"), &body);
        objects.push((format!("/api/queues/{name}/{queue}"), queue, Object::Queue(is)));
    }
    for exchange in ["x1", "y2"] {
        api.put(&format!("/api/exchanges/{name}/{exchange}"), &json!({"type": "fanout", "durable": true}));
        objects.push((format!("/api/exchanges/{name}/{exchange}"), exchange.to_owned(), Object::Exchange));
    }
    let started = Instant::now();
    for (path, object_name, object) in &objects {
        let (policy, op, merged) = predicted(&user, &operator, *object, version, object_name);
        loop {
            let said = api.get(path);
            // names are empty or missing where there is none
            let name = |field: &str| match &said[field] {
                Json::String(name) if name.is_empty() => Json::Null,
                name => name.clone(),
            };
            let (said_policy, mut said_op) = (name("policy"), name("operator_policy"));
            let mut right = said_policy == policy;
            let definition = said["effective_policy_definition"].as_object().cloned().unwrap_or_default();
            if matches!(object, Object::Queue(_)) {
                right &= said_op == op;
                right &= merged.iter().all(|(key, value)| definition.get(key) == Some(value));
                // keys that this type does not read stand in the definition all the same
                right &= definition.len() >= merged.len();
            } else {
                said_op = Json::Null;
            }
            if right {
                break;
            }
            if started.elapsed() > Duration::from_secs(25) {
                return Err(format!(
                    "{path}: policy {policy}, operator policy {op}, {merged:?}; the broker says {said_policy}, {said_op}, {definition:?}\n{:#?}\n{:#?}",
                    user.policies, operator.policies
                ));
            }
            sleep(Duration::from_millis(300));
        }
    }
    Ok(objects.len())
}
