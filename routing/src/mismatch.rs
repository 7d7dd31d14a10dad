//! Why a binding does not take a message, and by how much: for people, who look for the one that nearly does.

use crate::{BindingId, ExchangeKind, Message, Table, Topology, Value, Version, headers, topic};

/// Why a binding does not take a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Mismatch {
    /// A direct exchange: none of the message's keys is the binding's.
    Key,
    /// A topic exchange: so many words would have to be changed, added or taken away, for the nearest of the
    /// message's keys.
    Words {
        /// How many.
        count: usize,
        /// The first of them.
        first: WordMismatch,
    },
    /// A headers exchange that wants all of its arguments: those that the message does not have, by name.
    Headers(Vec<HeaderMismatch>),
    /// A headers exchange that wants any of its arguments, of which the message has none. There may be none to have.
    NoHeader(Vec<HeaderMismatch>),
}

/// The first word of a key that a pattern does not take. Words count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WordMismatch {
    /// There is another word at this place.
    Other {
        /// The place.
        at: usize,
        /// The word.
        said: String,
        /// The pattern's word.
        wanted: String,
    },
    /// A word of the pattern is missing before this place.
    Missing {
        /// The place in the key; behind its last word where the key is too short.
        at: usize,
        /// The pattern's word.
        wanted: String,
    },
    /// A word that the pattern has no room for.
    TooMany {
        /// The place.
        at: usize,
        /// The word.
        said: String,
    },
}

/// A header that is missing, or has another value.
#[derive(Debug, Clone, PartialEq)]
pub struct HeaderMismatch {
    /// Its name.
    pub name: String,
    /// What the message has; nothing where it has no such header.
    pub said: Option<Value>,
    /// What the binding wants; void where any value does.
    pub wanted: Value,
}

impl Topology {
    /// Why a binding does not take a message: nothing where it does, where its exchange takes every message, and where
    /// it is not known.
    pub fn mismatch(&self, binding: BindingId, message: &Message<'_>) -> Option<Mismatch> {
        let binding = self.binding(binding);
        match self.exchange(binding.source).kind.matching() {
            ExchangeKind::Direct => {
                message.keys().all(|key| key != binding.routing_key).then_some(Mismatch::Key)
            }
            ExchangeKind::Topic => {
                let apart = message.keys().map(|key| words_apart(&binding.routing_key, key));
                let (count, first) = apart.min_by_key(|(count, _)| *count)?;
                Some(Mismatch::Words { count, first: first? })
            }
            ExchangeKind::Headers => header_mismatch(&binding.arguments, message, self.version()),
            _ => None,
        }
    }
}

/// How many words a key is away from a pattern, and the first that is other. `*` stands for one word, `#` for any
/// number of them.
fn words_apart(pattern: &str, key: &str) -> (usize, Option<WordMismatch>) {
    let pattern: Vec<&str> = topic::words(pattern).collect();
    let key: Vec<&str> = topic::words(key).collect();
    let costs = costs(&pattern, &key);
    (costs[0][0], first_mismatch(&pattern, &key, &costs))
}

/// `costs[i][j]`: how far the pattern's words from `i` on are from the key's from `j` on.
fn costs(pattern: &[&str], key: &[&str]) -> Vec<Vec<usize>> {
    let (m, n) = (pattern.len(), key.len());
    let mut costs = vec![vec![0; n + 1]; m + 1];
    for i in (0..=m).rev() {
        for j in (0..=n).rev() {
            costs[i][j] = match (pattern.get(i), key.get(j)) {
                (None, _) => n - j,
                (Some(&"#"), None) => costs[i + 1][j],
                (Some(&"#"), Some(_)) => costs[i + 1][j].min(costs[i][j + 1]),
                (Some(_), None) => 1 + costs[i + 1][j],
                (Some(word), Some(said)) => {
                    let other = usize::from(*word != "*" && word != said);
                    (other + costs[i + 1][j + 1]).min(1 + costs[i + 1][j]).min(1 + costs[i][j + 1])
                }
            };
        }
    }
    costs
}

fn first_mismatch(pattern: &[&str], key: &[&str], costs: &[Vec<usize>]) -> Option<WordMismatch> {
    let (mut i, mut j) = (0, 0);
    loop {
        let (here, at) = (costs[i][j], j + 1);
        match (pattern.get(i), key.get(j)) {
            (None, None) => return None,
            (None, Some(said)) => return Some(WordMismatch::TooMany { at, said: (*said).to_owned() }),
            (Some(&"#"), _) if here == costs[i + 1][j] => i += 1,
            (Some(&"#"), _) => j += 1,
            (Some(wanted), None) => return Some(WordMismatch::Missing { at, wanted: (*wanted).to_owned() }),
            (Some(wanted), Some(said)) => {
                let (wanted_text, said_text) = ((*wanted).to_owned(), (*said).to_owned());
                let other = *wanted != "*" && wanted != said;
                if !other && here == costs[i + 1][j + 1] {
                    (i, j) = (i + 1, j + 1);
                } else if here == 1 + costs[i + 1][j] {
                    return Some(WordMismatch::Missing { at, wanted: wanted_text });
                } else if other && here == 1 + costs[i + 1][j + 1] {
                    return Some(WordMismatch::Other { at, said: said_text, wanted: wanted_text });
                } else {
                    return Some(WordMismatch::TooMany { at, said: said_text });
                }
            }
        }
    }
}

fn header_mismatch(arguments: &Table, message: &Message<'_>, version: Version) -> Option<Mismatch> {
    if headers::matches(arguments, message, version) != Some(false) {
        return None;
    }
    let mut without = Vec::new();
    for (name, wanted) in headers::compared(arguments) {
        let said = message.header(name);
        if !headers::satisfies(wanted, said.as_deref(), version) {
            let (name, said) = (name.clone(), said.map(std::borrow::Cow::into_owned));
            without.push(HeaderMismatch { name, said, wanted: wanted.clone() });
        }
    }
    Some(if headers::wants_every(arguments) {
        Mismatch::Headers(without)
    } else {
        Mismatch::NoHeader(without)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Destination, Exchange, Queue, QueueKind};

    #[test]
    fn the_first_word_that_is_other_is_named() {
        let other = |at, said: &str, wanted: &str| WordMismatch::Other {
            at,
            said: said.to_owned(),
            wanted: wanted.to_owned(),
        };
        let missing = |at, wanted: &str| WordMismatch::Missing { at, wanted: wanted.to_owned() };
        let too_many = |at, said: &str| WordMismatch::TooMany { at, said: said.to_owned() };
        let cases = [
            ("order.*.eu", "order.created.us", 1, Some(other(3, "us", "eu"))),
            ("order.*", "order.created.us", 1, Some(too_many(3, "us"))),
            ("vip.order.*", "order.created", 1, Some(missing(1, "vip"))),
            ("a.#.z", "a.b.c.y", 1, Some(other(4, "y", "z"))),
            ("a.b.c.d", "a.b", 2, Some(missing(3, "c"))),
            ("#", "", 0, None),
            ("*", "", 1, Some(missing(1, "*"))),
        ];
        for (pattern, key, count, first) in cases {
            assert_eq!(words_apart(pattern, key), (count, first), "{pattern} {key}");
        }
    }

    /// A binding has a mismatch exactly where it does not take the message.
    #[test]
    fn a_mismatch_is_what_does_not_match() {
        let words = ["", "a", "b", "*", "#"];
        let mut keys: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        for (x, y) in words.iter().flat_map(|x| words.map(|y| (x, y))) {
            keys.push(format!("{x}.{y}"));
            keys.extend(words.iter().map(|z| format!("{x}.{y}.{z}")));
        }
        let mut topology = Topology::new(Version::V4_0);
        let topic = topology.add_exchange(Exchange::new("t", ExchangeKind::Topic)).unwrap();
        let direct = topology.add_exchange(Exchange::new("d", ExchangeKind::Direct)).unwrap();
        let queue = Destination::Queue(topology.add_queue(Queue::new("q", QueueKind::Classic)).unwrap());
        for exchange in [topic, direct] {
            let bindings: Vec<_> =
                keys.iter().map(|key| topology.bind(exchange, queue, key, Table::new()).unwrap()).collect();
            for key in &keys {
                let message = Message::new(key);
                let matched: Vec<_> = topology.matched(exchange, &message).bindings().collect();
                for binding in &bindings {
                    let takes = matched.contains(binding);
                    assert_eq!(topology.mismatch(*binding, &message).is_none(), takes, "{key}");
                }
            }
        }
    }

    #[test]
    fn headers_that_are_missing_or_other_are_named() {
        let mut topology = Topology::new(Version::V4_0);
        let exchange = topology.add_exchange(Exchange::new("h", ExchangeKind::Headers)).unwrap();
        let queue = Destination::Queue(topology.add_queue(Queue::new("q", QueueKind::Classic)).unwrap());
        let table = |pairs: &[(&str, &str)]| -> Table {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned().into())).collect()
        };
        let all = topology.bind(exchange, queue, "", table(&[("a", "1"), ("b", "2")])).unwrap();
        let any = table(&[("a", "1"), ("b", "2"), ("x-match", "any")]);
        let any = topology.bind(exchange, queue, "", any).unwrap();
        let headers = table(&[("a", "1"), ("b", "3")]);
        let message = Message::new("").with_headers(&headers);
        let b = HeaderMismatch {
            name: "b".into(),
            said: Some("3".to_owned().into()),
            wanted: "2".to_owned().into(),
        };
        assert_eq!(topology.mismatch(all, &message), Some(Mismatch::Headers(vec![b])));
        assert_eq!(topology.mismatch(any, &message), None);
        let none = Message::new("");
        assert!(matches!(topology.mismatch(any, &none), Some(Mismatch::NoHeader(two)) if two.len() == 2));
    }
}
