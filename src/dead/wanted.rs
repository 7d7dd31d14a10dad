//! Which dead letters are asked for.

use serde_json::Value as Json;

use super::Letter;
use crate::kind;

/// How long ago something died.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Age {
    /// At least so many seconds.
    pub least: Option<u64>,
    /// At most so many.
    pub most: Option<u64>,
}

impl Age {
    /// Reads `1h` or `1h..` (at least), `..1h` (at most), `1h..2D` (between).
    ///
    /// # Errors
    /// What to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wanted = || "write how long ago: 1h (at least), ..1h (at most) or 1h..2D (between)".to_owned();
        let seconds = |text: &str| {
            let text = text.trim();
            if text.is_empty() {
                return Ok(None);
            }
            let milliseconds = kind::duration(text).and_then(|ms| u64::try_from(ms).ok());
            milliseconds.map(|ms| Some(ms / 1000)).ok_or_else(wanted)
        };
        let (least, most) = match text.split_once("..") {
            Some((least, most)) => (seconds(least)?, seconds(most)?),
            None => (seconds(text)?, None),
        };
        if least.is_none() && most.is_none() {
            return Err(wanted());
        }
        Ok(Self { least, most })
    }
}

/// Which dead letters: those for which all that is said holds.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Died last for one of these reasons; none: for any.
    pub reasons: Vec<String>,
    /// Died last so long ago.
    pub age: Option<Age>,
    /// Headers, and the values that they have as texts.
    pub headers: Vec<(String, String)>,
    /// Called one of these, by the property `type`; none: anything.
    pub kinds: Vec<String>,
}

impl Wanted {
    /// Whether anything is asked for in particular.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.reasons.is_empty() && self.age.is_none() && self.headers.is_empty() && self.kinds.is_empty()
    }

    /// Whether a letter is asked for; `now` is in seconds since 1970. One that does not say when it died is of no age.
    #[must_use]
    pub fn takes(&self, letter: &Letter, now: u64) -> bool {
        let one_of = |words: &[String], word: Option<&str>| {
            words.is_empty() || word.is_some_and(|word| words.iter().any(|wanted| wanted == word))
        };
        let of_age = self.age.is_none_or(|age| {
            letter.since().map(|since| now.saturating_sub(since)).is_some_and(|seconds| {
                age.least.is_none_or(|least| seconds >= least) && age.most.is_none_or(|most| seconds <= most)
            })
        });
        let has = |(name, value): &(String, String)| {
            letter.headers.get(name).is_some_and(|found| match found {
                Json::String(text) => text == value,
                other => {
                    let shown = other.to_string();
                    shown == *value
                }
            })
        };
        of_age
            && one_of(&self.reasons, letter.reason())
            && one_of(&self.kinds, letter.kind())
            && self.headers.iter().all(has)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ages() {
        let age = |text: &str| Age::parse(text).map(|age| (age.least, age.most));
        assert_eq!(age("1h"), Ok((Some(3600), None)));
        assert_eq!(age("1h.."), Ok((Some(3600), None)));
        assert_eq!(age("..30s"), Ok((None, Some(30))));
        assert_eq!(age("1m..1h"), Ok((Some(60), Some(3600))));
        for wrong in ["", "..", "1", "x..1h"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn all_that_is_said_holds() {
        let headers = json!({
            "tenant": "acme", "try": 3,
            "x-death": [{"queue": "q", "reason": "expired", "time": 1000}]
        });
        let letter = Letter {
            headers: headers.as_object().cloned().unwrap(),
            properties: vec![("type", "OrderCreated".to_owned())],
            ..Letter::default()
        }
        .with_deaths(|_| None);
        let wanted = |edit: &dyn Fn(&mut Wanted)| {
            let mut wanted = Wanted::default();
            edit(&mut wanted);
            wanted.takes(&letter, 1060)
        };
        let header = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        assert!(wanted(&|_| {}));
        assert!(wanted(&|w| w.reasons = vec!["rejected".to_owned(), "expired".to_owned()]));
        assert!(!wanted(&|w| w.reasons = vec!["rejected".to_owned()]));
        assert!(wanted(&|w| w.kinds = vec!["OrderCreated".to_owned()]));
        assert!(!wanted(&|w| w.kinds = vec!["Order".to_owned()]));
        assert!(wanted(&|w| w.headers = [header("tenant", "acme"), header("try", "3")].concat()));
        assert!(!wanted(&|w| w.headers = header("tenant", "other")));
        assert!(wanted(&|w| w.age = Age::parse("1m").ok()));
        assert!(!wanted(&|w| w.age = Age::parse("..59s").ok()));
        assert!(!wanted(&|w| w.age = Age::parse("61s").ok()));
    }
}
