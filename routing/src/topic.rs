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
    numbers: HashMap<Box<str>, u32>,
    names: Vec<Box<str>>,
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
        Self { numbers: HashMap::new(), names: Vec::new(), nodes: vec![Node::new(false)] }
    }
}

impl<T: Copy> TopicTrie<T> {
    /// Binds `what` with `pattern`.
    pub fn insert(&mut self, pattern: &str, what: T) {
        let end = words(pattern).fold(0, |at, word| match word {
            "*" => self.star(at),
            "#" => self.hash(at),
            literal => self.literal(at, literal),
        });
        self.nodes[end].bound.push(what);
    }

    /// Binds `what` with this one key, in which wildcards stand for themselves.
    pub fn insert_key(&mut self, key: &str, what: T) {
        let end = words(key).fold(0, |at, word| self.literal(at, word));
        self.nodes[end].bound.push(what);
    }

    fn star(&mut self, at: usize) -> usize {
        if self.nodes[at].star.is_none() {
            self.nodes[at].star = Some(self.nodes.len() as u32);
            self.nodes.push(Node::new(false));
        }
        self.nodes[at].star.map_or(at, |child| child as usize)
    }

    fn hash(&mut self, at: usize) -> usize {
        if self.nodes[at].hash.is_none() {
            self.nodes[at].hash = Some(self.nodes.len() as u32);
            self.nodes.push(Node::new(true));
        }
        self.nodes[at].hash.map_or(at, |child| child as usize)
    }

    fn literal(&mut self, at: usize, word: &str) -> usize {
        let number = match self.numbers.get(word) {
            Some(number) => *number,
            None => {
                let number = self.names.len() as u32;
                self.numbers.insert(word.into(), number);
                self.names.push(word.into());
                number
            }
        };
        match self.nodes[at].literals.binary_search_by_key(&number, |(number, _)| *number) {
            Ok(found) => self.nodes[at].literals[found].1 as usize,
            Err(place) => {
                let child = self.nodes.len();
                self.nodes[at].literals.insert(place, (number, child as u32));
                self.nodes.push(Node::new(false));
                child
            }
        }
    }

    /// Adds to `found` all that is bound with a pattern that matches `key`, each binding once, in no order.
    pub fn find(&self, key: &str, found: &mut Vec<T>) {
        let mut reached = self.start();
        let mut next = Vec::new();
        for word in words(key) {
            self.step(&reached, Some(word), &mut next);
            std::mem::swap(&mut reached, &mut next);
            if reached.is_empty() {
                return;
            }
        }
        found.extend(self.bound(&reached));
    }

    /// The nodes reached before any word.
    pub(crate) fn start(&self) -> Vec<u32> {
        let mut reached = Vec::new();
        self.reach(0, &mut reached);
        reached
    }

    /// The nodes reached from `reached` by one more word, sorted; `None` is a word that no pattern names.
    pub(crate) fn step(&self, reached: &[u32], word: Option<&str>, next: &mut Vec<u32>) {
        next.clear();
        let number = word.and_then(|word| self.numbers.get(word));
        for &at in reached {
            let node = &self.nodes[at as usize];
            if node.is_hash {
                self.reach(at, next);
            }
            if let Some(child) = node.star {
                self.reach(child, next);
            }
            if let Some(number) = number
                && let Ok(child) = node.literals.binary_search_by_key(number, |(number, _)| *number)
            {
                self.reach(node.literals[child].1, next);
            }
        }
        // a node after `#` is reached both by staying there and anew from its parent
        next.sort_unstable();
        next.dedup();
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

    /// What is bound at these nodes.
    pub(crate) fn bound(&self, reached: &[u32]) -> impl Iterator<Item = T> {
        reached.iter().flat_map(|at| self.nodes[*at as usize].bound.iter().copied())
    }

    /// The words that lead on from these nodes by name, sorted.
    pub(crate) fn named(&self, reached: &[u32]) -> Vec<&str> {
        let numbers = reached.iter().flat_map(|at| &self.nodes[*at as usize].literals);
        let mut words: Vec<&str> = numbers.map(|(number, _)| &*self.names[*number as usize]).collect();
        words.sort_unstable();
        words.dedup();
        words
    }

    /// Whether whatever follows, something bound is matched.
    pub(crate) fn is_covered(&self, reached: &[u32]) -> bool {
        reached.iter().map(|at| &self.nodes[*at as usize]).any(|node| node.is_hash && !node.bound.is_empty())
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
