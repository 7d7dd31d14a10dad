//! Topic patterns: the words of a key, and the trie that holds an exchange's patterns (`rabbit_exchange_type_topic`).

use std::collections::HashMap;

/// The words of a routing key or of a binding key: split at every dot; the empty key has none.
pub fn words(key: &str) -> impl Iterator<Item = &str> {
    key.split('.').skip(usize::from(key.is_empty()))
}

/// Whether one topic pattern matches one key: `*` is exactly one word, an empty one too; `#` is zero or more words;
/// both only as whole words.
pub fn matches(pattern: &str, key: &str) -> bool {
    let pattern: Vec<&str> = words(pattern).collect();
    // reachable[i]: the words so far match the first i words of the pattern
    let mut reachable = vec![false; pattern.len() + 1];
    reachable[0] = true;
    let skip_hashes = |reachable: &mut Vec<bool>| {
        for (i, word) in pattern.iter().enumerate() {
            if reachable[i] && *word == "#" {
                reachable[i + 1] = true;
            }
        }
    };
    skip_hashes(&mut reachable);
    for word in words(key) {
        let mut next = vec![false; reachable.len()];
        for (i, wanted) in pattern.iter().enumerate() {
            match *wanted {
                "#" => next[i] |= reachable[i],
                "*" => next[i + 1] |= reachable[i],
                literal => next[i + 1] |= reachable[i] && literal == word,
            }
        }
        skip_hashes(&mut next);
        reachable = next;
    }
    reachable[pattern.len()]
}

/// Patterns by their words, each with what is bound there: routing a key costs about its number of words, not the
/// number of patterns.
#[derive(Debug, Clone)]
pub struct TopicTrie<T> {
    /// Words as small numbers, so that a key's word is hashed once and not at every node.
    names: HashMap<Box<str>, u32>,
    nodes: Vec<Node<T>>,
}

#[derive(Debug, Clone)]
struct Node<T> {
    /// Children by word number, sorted.
    literals: Vec<(u32, u32)>,
    star: Option<u32>,
    hash: Option<u32>,
    /// This node ends in `#`, so it stays reached whatever word follows.
    is_hash: bool,
    bound: Vec<T>,
}

impl<T> Node<T> {
    fn new(is_hash: bool) -> Self {
        Self { literals: Vec::new(), star: None, hash: None, is_hash, bound: Vec::new() }
    }
}

impl<T> Default for TopicTrie<T> {
    fn default() -> Self {
        Self { names: HashMap::new(), nodes: vec![Node::new(false)] }
    }
}

impl<T: Copy> TopicTrie<T> {
    /// Binds `what` with `pattern`.
    pub fn insert(&mut self, pattern: &str, what: T) {
        let mut at = 0;
        for word in words(pattern) {
            at = match word {
                "*" => match self.nodes[at].star {
                    Some(child) => child as usize,
                    None => {
                        let child = self.push(false);
                        self.nodes[at].star = Some(child);
                        child as usize
                    }
                },
                "#" => match self.nodes[at].hash {
                    Some(child) => child as usize,
                    None => {
                        let child = self.push(true);
                        self.nodes[at].hash = Some(child);
                        child as usize
                    }
                },
                literal => {
                    let name = self.number(literal);
                    match self.nodes[at].literals.binary_search_by_key(&name, |(name, _)| *name) {
                        Ok(found) => self.nodes[at].literals[found].1 as usize,
                        Err(place) => {
                            let child = self.push(false);
                            self.nodes[at].literals.insert(place, (name, child));
                            child as usize
                        }
                    }
                }
            };
        }
        self.nodes[at].bound.push(what);
    }

    fn number(&mut self, word: &str) -> u32 {
        if let Some(number) = self.names.get(word) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.names.insert(word.into(), number);
        number
    }

    fn push(&mut self, is_hash: bool) -> u32 {
        self.nodes.push(Node::new(is_hash));
        (self.nodes.len() - 1) as u32
    }

    /// Adds to `found` all that is bound with a pattern that matches `key`, each binding once, in no order.
    pub fn find(&self, key: &str, found: &mut Vec<T>) {
        let mut reached = Vec::new();
        let mut next = Vec::new();
        self.reach(0, &mut reached);
        for word in words(key) {
            let name = self.names.get(word);
            for &at in &reached {
                let node = &self.nodes[at as usize];
                if node.is_hash {
                    self.reach(at, &mut next);
                }
                if let Some(child) = node.star {
                    self.reach(child, &mut next);
                }
                if let Some(name) = name
                    && let Ok(child) = node.literals.binary_search_by_key(name, |(name, _)| *name)
                {
                    self.reach(node.literals[child].1, &mut next);
                }
            }
            std::mem::swap(&mut reached, &mut next);
            next.clear();
            // a node after `#` is reached both by staying there and anew from its parent
            reached.sort_unstable();
            reached.dedup();
            if reached.is_empty() {
                return;
            }
        }
        for at in reached {
            found.extend(&self.nodes[at as usize].bound);
        }
    }

    /// Reaches a node and, as `#` may be zero words, the `#` under it.
    fn reach(&self, at: u32, reached: &mut Vec<u32>) {
        reached.push(at);
        let mut under = self.nodes[at as usize].hash;
        while let Some(hash) = under {
            reached.push(hash);
            under = self.nodes[hash as usize].hash;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line: pattern, keys that match, keys that do not.
    const CASES: &[(&str, &[&str], &[&str])] = &[
        ("a.b", &["a.b"], &["a", "a.b.c", "a.", ""]),
        ("*", &["a", "*"], &["", "a.b", "."]),
        ("#", &["", "a", "a.b", "."], &[]),
        ("a.#", &["a", "a.b", "a.b.c", "a."], &["", "b", "ab"]),
        ("a.*.b", &["a..b", "a.x.b"], &["a.b", "a.x.y.b"]),
        ("*.*", &[".", "a.b", "a."], &["a", "a.b.c"]),
        ("#.a", &["a", "b.a", ".a"], &["a.b", ""]),
        ("#.a.#", &["a", "a.a", "b.a.c"], &["b", ""]),
        ("#.#", &["", "a", "a.b"], &[]),
        ("#.*", &["a", "a.b", "."], &[""]),
        ("ord*.x", &["ord*.x"], &["order.x"]),
        ("a#", &["a#"], &["a", "ab"]),
        ("", &[""], &["a", "."]),
        (".", &["."], &["", "a", "a.b"]),
        ("#.a.#.a.#", &["a.a", "a.b.a", "x.a.y.a.z"], &["a", "b.a"]),
    ];

    #[test]
    fn a_pattern_matches_as_the_broker_says() {
        for (pattern, yes, no) in CASES {
            for (key, wanted) in yes.iter().map(|k| (k, true)).chain(no.iter().map(|k| (k, false))) {
                assert_eq!(matches(pattern, key), wanted, "{pattern:?} on {key:?}");
                let mut trie = TopicTrie::default();
                trie.insert(pattern, ());
                let mut found = Vec::new();
                trie.find(key, &mut found);
                assert_eq!(found.len(), usize::from(wanted), "{pattern:?} in a trie on {key:?}");
            }
        }
    }

    #[test]
    fn a_trie_finds_each_binding_once() {
        let mut trie = TopicTrie::default();
        for (i, (pattern, ..)) in CASES.iter().enumerate() {
            trie.insert(pattern, i);
        }
        for key in CASES.iter().flat_map(|(_, yes, no)| yes.iter().chain(no.iter())) {
            let mut found = Vec::new();
            trie.find(key, &mut found);
            found.sort_unstable();
            let wanted: Vec<usize> =
                CASES.iter().enumerate().filter(|(_, c)| matches(c.0, key)).map(|(i, _)| i).collect();
            assert_eq!(found, wanted, "{key:?}");
        }
    }
}
