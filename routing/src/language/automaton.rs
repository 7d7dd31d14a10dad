//! The automaton of a key language: its states stand between words, its steps take one word each.

use std::collections::{HashMap, HashSet};

use super::word::WordSet;
use super::{KeyPattern, KeyTemplate, Limits, Part, TooComplex};
use crate::topic::{self, TopicTrie};

/// A set of routing keys.
#[derive(Debug, Clone)]
pub struct Language {
    pub(super) states: Vec<State>,
    pub(super) starts: Vec<u32>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// The words so far are a key of the language.
    pub(super) accepts: bool,
    pub(super) steps: Vec<(WordSet, u32)>,
}

impl Language {
    /// Every key that the template produces. Too complex is one whose parameters stand glued together with so many
    /// values that their combinations cannot be listed.
    pub fn of_template(template: &KeyTemplate) -> Result<Self, TooComplex> {
        // deeper than any key of 255 bytes that a publisher could fill in
        if template.parts().len() > 512 {
            return Err(TooComplex);
        }
        let mut building = Building {
            parts: template.parts(),
            states: vec![State { accepts: true, steps: Vec::new() }, State::default()],
            known: HashMap::new(),
            waiting: vec![(START, 0, String::new())],
            budget: Limits::default().steps,
        };
        while let Some((state, part, rest)) = building.waiting.pop() {
            building.word(state, part, &rest, vec![String::new()])?;
        }
        let mut states = building.states;
        for state in &mut states {
            state.steps.sort_unstable();
            state.steps.dedup();
        }
        Ok(Self { states, starts: vec![START] })
    }

    /// Every key that the pattern matches.
    pub fn of_pattern(pattern: &KeyPattern) -> Self {
        let (words, wild): (Vec<&str>, bool) = match pattern {
            KeyPattern::Exactly(key) => (topic::words(key).collect(), false),
            KeyPattern::Topic(pattern) => (topic::words(pattern).collect(), true),
            KeyPattern::Any => (vec!["#"], true),
        };
        let hash = |at: usize| wild && words.get(at) == Some(&"#");
        // state `at`: the words before `at` are matched; `#` may be skipped, so what follows is reachable too
        let state = |from: usize| {
            let mut state = State::default();
            for at in from..=words.len() {
                match words.get(at) {
                    None => state.accepts = true,
                    Some(_) if hash(at) => state.steps.push((WordSet::Any, at as u32)),
                    Some(&"*") if wild => state.steps.push((WordSet::Any, at as u32 + 1)),
                    Some(word) => state.steps.push((WordSet::Exactly((*word).to_owned()), at as u32 + 1)),
                }
                if !hash(at) {
                    break;
                }
            }
            state
        };
        Self { states: (0..=words.len()).map(state).collect(), starts: vec![0] }
    }

    /// All keys, shortest first, if they are so few at most and each of their words is a single one.
    pub(crate) fn listed(&self, most: usize) -> Option<Vec<String>> {
        let mut keys = Vec::new();
        // a way longer than there are states comes round
        let mut waiting: Vec<(u32, Vec<&str>)> =
            self.starts.iter().map(|start| (*start, Vec::new())).collect();
        let mut steps = most.saturating_mul(self.states.len());
        while let Some((at, words)) = waiting.pop() {
            let state = &self.states[at as usize];
            if state.accepts && words != [""] {
                keys.push(words.join("."));
            }
            if keys.len() > most || words.len() >= self.states.len() {
                return None;
            }
            for (set, to) in &state.steps {
                steps = steps.checked_sub(1)?;
                let WordSet::Exactly(word) = set else { return None };
                waiting.push((*to, words.iter().copied().chain([word.as_str()]).collect()));
            }
        }
        keys.sort_unstable_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
        keys.dedup();
        Some(keys)
    }

    /// Whether it holds a key; where it says so of the empty key, that may be no more than one empty word.
    pub(crate) fn may_hold(&self, key: &str) -> bool {
        let mut reached = self.starts.clone();
        for word in topic::words(key) {
            let steps = reached.iter().flat_map(|at| &self.states[*at as usize].steps);
            let mut next: Vec<u32> = steps.filter(|(set, _)| set.contains(word)).map(|(_, to)| *to).collect();
            next.sort_unstable();
            next.dedup();
            reached = next;
        }
        reached.iter().any(|at| self.states[*at as usize].accepts)
    }

    /// What is bound in a trie with patterns that some key may match.
    pub(crate) fn may_meet<T: Copy>(
        &self,
        trie: &TopicTrie<T>,
        limits: Limits,
    ) -> Result<Vec<T>, TooComplex> {
        let mut found = Vec::new();
        let mut known = HashSet::new();
        let mut waiting: Vec<(u32, u32)> = Vec::new();
        for start in &self.starts {
            waiting.extend(trie.start().into_iter().map(|node| (*start, node)));
        }
        let mut steps = limits.steps;
        let mut next = Vec::new();
        while let Some((at, node)) = waiting.pop() {
            if !known.insert((at, node)) {
                continue;
            }
            let state = &self.states[at as usize];
            if state.accepts {
                found.extend(trie.bound(&[node]));
            }
            for (set, to) in &state.steps {
                let mut go = |word: Option<&str>| {
                    steps = steps.checked_sub(1).ok_or(TooComplex)?;
                    trie.step(&[node], word, &mut next);
                    waiting.extend(next.iter().map(|node| (*to, *node)));
                    Ok(())
                };
                if let WordSet::Exactly(word) = set {
                    go(Some(word))?;
                    continue;
                }
                go(None)?;
                for word in trie.named(&[node]).into_iter().filter(|word| set.contains(word)) {
                    go(Some(word))?;
                }
            }
        }
        Ok(found)
    }

    /// Every key of any of these languages.
    pub fn union<'a>(languages: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut union = Self { states: Vec::new(), starts: Vec::new() };
        for language in languages {
            let base = union.states.len() as u32;
            union.starts.extend(language.starts.iter().map(|start| base + start));
            union.states.extend(language.states.iter().map(|state| State {
                accepts: state.accepts,
                steps: state.steps.iter().map(|(words, to)| (words.clone(), base + to)).collect(),
            }));
        }
        union
    }
}

/// The end of every template, and where each starts.
const END: u32 = 0;
const START: u32 = 1;

struct Building<'a> {
    parts: &'a [Part],
    states: Vec<State>,
    /// States by what is left after a dot: the rest of a text, then the parts from here on.
    known: HashMap<(usize, String), u32>,
    waiting: Vec<(u32, usize, String)>,
    budget: usize,
}

impl Building<'_> {
    /// Adds the steps that leave `from` for every way to complete the word begun by `texts` (see [`WordSet::Shaped`])
    /// out of `rest` and the parts from `part` on.
    fn word(&mut self, from: u32, part: usize, rest: &str, mut texts: Vec<String>) -> Result<(), TooComplex> {
        self.budget = self.budget.checked_sub(1).ok_or(TooComplex)?;
        let (before, after) = match rest.split_once('.') {
            Some((before, after)) => (before, Some(after)),
            None => (rest, None),
        };
        if let Some(text) = texts.last_mut() {
            text.push_str(before);
        }
        if let Some(after) = after {
            let to = self.state(part, after);
            self.states[from as usize].steps.push((word_set(texts), to));
            return Ok(());
        }
        let parts = self.parts;
        match parts.get(part) {
            None if from == START && texts == [""] => self.states[START as usize].accepts = true,
            None => self.states[from as usize].steps.push((word_set(texts), END)),
            Some(Part::Literal(text)) => self.word(from, part + 1, text, texts)?,
            Some(Part::Parameter { one_of: None, .. }) => {
                texts.push(String::new());
                self.word(from, part + 1, "", texts)?;
            }
            Some(Part::Parameter { one_of: Some(values), .. }) => {
                for value in values {
                    self.word(from, part + 1, value, texts.clone())?;
                }
            }
        }
        Ok(())
    }

    fn state(&mut self, part: usize, rest: &str) -> u32 {
        let states = &mut self.states;
        let waiting = &mut self.waiting;
        *self.known.entry((part, rest.to_owned())).or_insert_with(|| {
            let state = states.len() as u32;
            states.push(State::default());
            waiting.push((state, part, rest.to_owned()));
            state
        })
    }
}

fn word_set(mut texts: Vec<String>) -> WordSet {
    match texts.len() {
        1 => WordSet::Exactly(texts.remove(0)),
        _ => WordSet::Shaped(texts),
    }
}
