//! Sets of words, as they stand on the steps of a key's automaton.

/// A set of words that one step takes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum WordSet {
    /// This word.
    Exactly(String),
    /// Texts around holes, each hole any text that is not empty: one more text than there are holes.
    Shaped(Vec<String>),
    /// Every word, the empty one too.
    Any,
}

impl WordSet {
    pub(super) fn contains(&self, word: &str) -> bool {
        match self {
            Self::Exactly(only) => only == word,
            Self::Shaped(texts) => fits(texts, word),
            Self::Any => true,
        }
    }

    /// A shortest word of the set that is not empty and not among `named`; every word outside `named` does as well.
    /// `None` only for a single word, which is named or not by itself.
    pub(super) fn other(&self, named: &[&str]) -> Option<String> {
        let fill = |hole: &str| match self {
            Self::Exactly(only) => only.clone(),
            Self::Shaped(texts) => texts.join(hole),
            Self::Any => hole.to_owned(),
        };
        if let Self::Exactly(only) = self {
            return (!named.contains(&only.as_str())).then(|| only.clone());
        }
        let letters = "xyzabcdefghijklmnopqrstuvw".chars().map(String::from);
        let numbered = (1..).map(|n| format!("x{n}"));
        letters.chain(numbered).map(|hole| fill(&hole)).find(|word| !named.contains(&word.as_str()))
    }
}

/// Whether `word` is the texts with something between each two.
fn fits(texts: &[String], word: &str) -> bool {
    let [first, middle @ .., last] = texts else {
        return texts.first().is_some_and(|only| only == word);
    };
    let Some(mut rest) = word.strip_prefix(first.as_str()) else { return false };
    // the leftmost fit of each text leaves the most for the rest
    for text in middle {
        let Some(hole) = rest.chars().next().map(char::len_utf8) else { return false };
        let Some(found) = rest[hole..].find(text.as_str()) else { return false };
        rest = &rest[hole + found + text.len()..];
    }
    rest.strip_suffix(last.as_str()).is_some_and(|hole| !hole.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shaped(texts: &[&str]) -> WordSet {
        WordSet::Shaped(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    #[test]
    fn a_hole_is_never_empty() {
        for (texts, word, wanted) in [
            (&["", ""][..], "a", true),
            (&["", ""], "", false),
            (&["order-", ""], "order-", false),
            (&["order-", ""], "order-7", true),
            (&["", "", ""], "a", false),
            (&["", "", ""], "é!", true),
            (&["a", "b", "c"], "axbxc", true),
            (&["a", "b", "c"], "abbbc", true),
            (&["a", "b", "c"], "abc", false),
            (&["a", "a"], "aa", false),
            (&["a", "a"], "aaa", true),
            (&["", "-", ""], "a--", true),
            (&["", "-", ""], "--", false),
        ] {
            assert_eq!(shaped(texts).contains(word), wanted, "{texts:?} {word}");
        }
    }

    #[test]
    fn an_other_word_is_in_the_set_and_not_named() {
        let set = shaped(&["o-", ""]);
        assert_eq!(set.other(&[]).as_deref(), Some("o-x"));
        assert_eq!(set.other(&["o-x", "o-y"]).as_deref(), Some("o-z"));
        assert_eq!(WordSet::Any.other(&["x"]).as_deref(), Some("y"));
        assert_eq!(WordSet::Exactly("a".into()).other(&["a"]), None);
    }
}
