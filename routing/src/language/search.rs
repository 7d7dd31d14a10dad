//! Questions about all keys of a language at once: the walk over its automaton and the trie of the patterns.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::fmt;
use std::ops::ControlFlow;

use super::word::WordSet;
use super::{KeyPattern, Language};
use crate::topic::TopicTrie;

/// The question needs more steps than [`Limits`] allow; nothing is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooComplex;

impl fmt::Display for TooComplex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("these keys and patterns combine in too many ways to be decided: use fewer `#` in one pattern, or fewer values of parameters that are not parted by dots")
    }
}

impl std::error::Error for TooComplex {}

/// How much work one question may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Steps of the walk: nodes of the patterns' trie that one more word is tried on.
    pub steps: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 5_000_000 }
    }
}

/// Keys of a language that the same patterns match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// A shortest key of them.
    pub key: String,
    /// The patterns that match them, by place in the list given, ascending.
    pub patterns: Vec<usize>,
}

impl Language {
    /// The shortest key that at least one of the patterns matches.
    pub fn example_matched_by(&self, patterns: &[KeyPattern]) -> Result<Option<String>, TooComplex> {
        let walk = Walk::new(patterns, Goal::Matched);
        walk.run(self, Limits::default(), |key, matched| matched.next().map(|_| key.to_owned()))
    }

    /// The shortest key that none of the patterns matches; `None` says that they match every key.
    pub fn example_missed_by(&self, patterns: &[KeyPattern]) -> Result<Option<String>, TooComplex> {
        let walk = Walk::new(patterns, Goal::Missed);
        walk.run(self, Limits::default(), |key, matched| match matched.next() {
            None => Some(key.to_owned()),
            Some(_) => None,
        })
    }

    /// The shortest key that every one of the patterns matches.
    pub fn example_matched_by_all(&self, patterns: &[KeyPattern]) -> Result<Option<String>, TooComplex> {
        let walk = Walk::new(patterns, Goal::All);
        walk.run(self, Limits::default(), |key, matched| {
            (distinct(matched).len() == patterns.len()).then(|| key.to_owned())
        })
    }

    /// The keys, parted by which of the patterns match them, shortest first. A `Break` ends it early.
    pub fn classes(
        &self,
        patterns: &[KeyPattern],
        limits: Limits,
        mut each: impl FnMut(Class) -> ControlFlow<()>,
    ) -> Result<(), TooComplex> {
        let mut known = HashSet::new();
        let walk = Walk::new(patterns, Goal::All);
        let ended = walk.run(self, limits, |key, matched| {
            let patterns = distinct(matched);
            match known.insert(patterns.clone()) {
                true => each(Class { key: key.to_owned(), patterns }).break_value(),
                false => None,
            }
        });
        ended.map(|_| ())
    }
}

impl KeyPattern {
    /// The shortest key that this pattern matches and none of `others` does; `None` says that they cover it.
    pub fn example_beyond(&self, others: &[Self]) -> Result<Option<String>, TooComplex> {
        Language::of_pattern(self).example_missed_by(others)
    }

    /// The shortest key that both patterns match.
    pub fn example_shared(&self, other: &Self) -> Result<Option<String>, TooComplex> {
        Language::of_pattern(self).example_matched_by(std::slice::from_ref(other))
    }
}

fn distinct(matched: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut patterns: Vec<usize> = matched.collect();
    patterns.sort_unstable();
    patterns.dedup();
    patterns
}

/// What a walk looks for, so that it can leave out what cannot lead there.
#[derive(Clone, Copy, PartialEq)]
enum Goal {
    /// A key that some pattern matches: each node reached can be followed alone, which keeps the walk polynomial.
    Matched,
    /// A key that no pattern matches: a word that is not named reaches the fewest nodes, so it does for all words.
    Missed,
    /// Every set of nodes.
    All,
}

struct Walk {
    trie: TopicTrie<usize>,
    goal: Goal,
}

/// How many words a key has so far, as far as it matters: the empty key has no word, not one empty word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Words {
    None,
    OneEmpty,
    Some,
}

/// A place of the walk; ordered by the key that leads there, shortest first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    length: usize,
    key: String,
    words: Words,
    state: u32,
    reached: Vec<u32>,
}

impl Walk {
    fn new(patterns: &[KeyPattern], goal: Goal) -> Self {
        let mut trie = TopicTrie::default();
        for (place, pattern) in patterns.iter().enumerate() {
            match pattern {
                KeyPattern::Exactly(key) => trie.insert_key(key, place),
                KeyPattern::Topic(pattern) => trie.insert(pattern, place),
                KeyPattern::Any => trie.insert("#", place),
            }
        }
        Self { trie, goal }
    }

    /// Goes through the keys until `found` answers; the same state with the same nodes is looked at once.
    fn run<T>(
        &self,
        language: &Language,
        limits: Limits,
        mut found: impl FnMut(&str, &mut dyn Iterator<Item = usize>) -> Option<T>,
    ) -> Result<Option<T>, TooComplex> {
        let mut known = HashSet::new();
        let mut waiting = BinaryHeap::new();
        for &state in &language.starts {
            for reached in self.followed(&self.trie.start()) {
                let (key, words) = (String::new(), Words::None);
                waiting.push(Reverse(Place { length: 0, key, words, state, reached: reached.to_vec() }));
            }
        }
        let mut steps = limits.steps;
        let mut next = Vec::new();
        while let Some(Reverse(place)) = waiting.pop() {
            if self.is_hopeless(&place.reached)
                || !known.insert((place.state, place.words, place.reached.clone()))
            {
                continue;
            }
            let state = &language.states[place.state as usize];
            if state.accepts
                && place.words != Words::OneEmpty
                && let Some(answer) = found(&place.key, &mut self.trie.bound(&place.reached))
            {
                return Ok(Some(answer));
            }
            let mut named = None;
            for (words, to) in &state.steps {
                let mut go = |word: &str, is_named: bool| {
                    steps = steps.checked_sub(1 + place.reached.len()).ok_or(TooComplex)?;
                    self.trie.step(&place.reached, is_named.then_some(word), &mut next);
                    for reached in self.followed(&next) {
                        waiting.push(Reverse(place.then(word, *to, reached)));
                    }
                    Ok(())
                };
                if let WordSet::Exactly(word) = words {
                    go(word, true)?;
                    continue;
                }
                let named = named.get_or_insert_with(|| self.trie.named(&place.reached));
                if self.goal != Goal::Missed {
                    for word in named.iter().filter(|word| words.contains(word)) {
                        go(word, true)?;
                    }
                }
                if let Some(other) = words.other(named) {
                    go(&other, false)?;
                }
            }
        }
        Ok(None)
    }

    /// The sets of nodes to go on with.
    fn followed<'a>(&self, reached: &'a [u32]) -> impl Iterator<Item = &'a [u32]> + use<'a> {
        let (alone, together) = match self.goal {
            Goal::Matched => (reached, None),
            Goal::Missed | Goal::All => (&[][..], Some(reached)),
        };
        alone.chunks(1).chain(together)
    }

    fn is_hopeless(&self, reached: &[u32]) -> bool {
        self.goal == Goal::Missed && self.trie.is_covered(reached)
    }
}

impl Place {
    fn then(&self, word: &str, state: u32, reached: &[u32]) -> Self {
        let (key, words) = match self.words {
            Words::None if word.is_empty() => (String::new(), Words::OneEmpty),
            Words::None => (word.to_owned(), Words::Some),
            _ => (format!("{}.{word}", self.key), Words::Some),
        };
        Self { length: key.len(), key, words, state, reached: reached.to_vec() }
    }
}
