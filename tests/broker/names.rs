//! The longest names that there are, with what has to be encoded on the way.

use topoc::syntax::quote;
use topoc_test_support::{Version, available_or_skip};

use crate::world::World;

/// What paths, queries, patterns and the language itself read as theirs.
const STRANGE: &str = "/%2f ü?#[]&=+;\"\\<>|日本*.%00{x}'~";

/// `length` bytes that begin so, without what a topic exchange would read as a wildcard where it is a key.
fn name(start: char, length: usize, is_key: bool) -> String {
    let mut name = String::from(start);
    name.extend(STRANGE.chars().filter(|c| !is_key || !"*#".contains(*c)).cycle().take(150));
    while name.len() > length {
        name.pop();
    }
    name.extend(std::iter::repeat_n('x', length - name.len()));
    name
}

fn longest(start: char) -> String {
    name(start, 255, "kl".contains(start))
}

fn topology(key: &str, body: &str) -> String {
    let (queue, exchange, other) = (longest('q'), longest('e'), longest('f'));
    assert_eq!([queue.len(), exchange.len(), other.len(), key.len()], [255; 4]);
    let (queue, exchange, other, key) = (quote(&queue), quote(&exchange), quote(&other), quote(key));
    // RabbitMQ names the Raft cluster of a quorum queue after its vhost, `_` and its name
    let quorum = quote(&name('r', 255 - "longest_".len(), false));
    format!(
        "topology \"longest\"
        vhost \"longest\" {{
            exchange {exchange} type=\"topic\" {{ {body} }}
            exchange {other} type=\"direct\" {{ bind {exchange} routing-key={key} }}
            queue {queue} type=\"classic\" {{ bind {exchange} routing-key={key}; bind {other} routing-key={key} }}
            queue {quorum} type=\"quorum\" {{ bind {exchange} routing-key={key} }}
            queue \"c\" type=\"classic\" {{ bind {exchange} routing-key={key} }}
        }}"
    )
}

fn names_of_255_bytes_are_applied_changed_and_deleted(world: &World) {
    let (first, second) = (longest('k'), longest('l'));
    world.apply(&topology(&first, ""), &[]);
    let bindings = || world.bindings("longest", "c");
    assert_eq!(bindings(), [format!("{} {first}", longest('e'))]);
    // other keys, which is one new and one old binding each
    world.apply(&topology(&second, ""), &[]);
    assert_eq!(bindings(), [format!("{} {second}", longest('e'))]);
    // made anew, with its bindings
    world.apply(&topology(&second, "internal #true"), &["--allow-gap"]);
    assert_eq!(bindings(), [format!("{} {second}", longest('e'))]);
    let exchanges = world.api().get("/api/exchanges/longest");
    let all: Vec<&str> =
        exchanges.as_array().unwrap().iter().filter_map(|exchange| exchange["name"].as_str()).collect();
    assert!(all.contains(&longest('e').as_str()), "{all:?}");
    world.apply("topology \"longest\"\nvhost \"longest\"", &[]);
    assert_eq!(world.api().get("/api/queues/longest"), serde_json::json!([]));
    world.apply("topology \"longest\"", &[]);
}

#[test]
fn names_on_3_10() {
    names_of_255_bytes_are_applied_changed_and_deleted(&World::of(Version::V3_10));
}

#[test]
fn names_on_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        names_of_255_bytes_are_applied_changed_and_deleted(&World::of(Version::V4_0));
    }
}
