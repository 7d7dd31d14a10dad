//! The shortest pattern that finds some names and no others.

use std::collections::BTreeSet;

use fancy_regex::escape;

/// A pattern, and what it leaves open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The regular expression.
    pub(super) pattern: String,
    /// What the names have in common: a policy may be called by it.
    pub(super) stem: Option<String>,
    /// Whether it finds further names that begin so.
    pub(super) open: bool,
}

/// Finds exactly these names among all. What several begin with is said once, up to a separator; where no other name
/// begins so, and `may_be_open`, the rest of them goes without saying.
pub(super) fn shortest(names: &[&str], all: &BTreeSet<&str>, may_be_open: bool) -> Found {
    let search = Search { names: names.iter().copied().collect(), all, may_be_open };
    let choice = search.choice("", names);
    let pattern = if choice.open { format!("^{}", choice.text) } else { format!("^{}$", choice.text) };
    let stem = |part: &str| {
        let bare = part.trim_matches(is_separator);
        (!bare.is_empty()).then(|| bare.to_owned())
    };
    let stem = match names {
        [one] => Some((*one).to_owned()),
        several => stem(common(several, false)).or_else(|| stem(common(several, true))),
    };
    Found { pattern, stem, open: choice.open }
}

struct Search<'a> {
    names: BTreeSet<&'a str>,
    all: &'a BTreeSet<&'a str>,
    may_be_open: bool,
}

/// An expression for what follows a prefix.
struct Choice {
    text: String,
    /// Whether a part of it finds more than whole names: then each part says for itself where a name ends.
    open: bool,
}

impl Search<'_> {
    /// Finds what follows the prefix in some names.
    fn choice(&self, prefix: &str, rests: &[&str]) -> Choice {
        if let [one] = rests {
            return Choice { text: escape(one).into_owned(), open: false };
        }
        let mut parts: Vec<(&str, Vec<&str>)> = Vec::new();
        for rest in rests {
            let (first, after) = first_part(rest);
            match parts.iter_mut().find(|(part, _)| *part == first) {
                Some((_, afters)) if !after.is_empty() => afters.push(after),
                _ => parts.push((first, vec![after])),
            }
        }
        if parts.iter().all(|(_, afters)| afters.len() == 1) {
            return one_of(rests);
        }
        let part = |(first, afters): &(&str, Vec<&str>)| {
            let begin = format!("{prefix}{first}");
            let first = escape(first);
            if afters.len() > 1 && self.alone(&begin) {
                return Choice { text: first.into_owned(), open: true };
            }
            let Choice { text, open } = self.choice(&begin, afters);
            Choice { text: format!("{first}{text}"), open }
        };
        let choices: Vec<Choice> = parts.iter().map(part).collect();
        let open = choices.iter().any(|choice| choice.open);
        match choices.as_slice() {
            [_] => choices.into_iter().next().unwrap_or(Choice { text: String::new(), open }),
            several => {
                let end = |choice: &Choice| if open && !choice.open { "$" } else { "" };
                let texts: Vec<String> =
                    several.iter().map(|choice| format!("{}{}", choice.text, end(choice))).collect();
                Choice { text: format!("({})", texts.join("|")), open }
            }
        }
    }

    /// Whether none but these names begin so.
    fn alone(&self, begin: &str) -> bool {
        let mut beginning = self.all.range(begin..).take_while(|name| name.starts_with(begin));
        self.may_be_open && beginning.all(|name| self.names.contains(name))
    }
}

/// A choice of names, with what they end with said once.
fn one_of(names: &[&str]) -> Choice {
    let end = common(names, true);
    let bare: Vec<String> =
        names.iter().map(|name| escape(&name[..name.len() - end.len()]).into_owned()).collect();
    Choice { text: format!("({}){}", bare.join("|"), escape(end)), open: false }
}

/// A name up to its first separator and with it; all of it where nothing follows.
fn first_part(name: &str) -> (&str, &str) {
    match name.char_indices().find(|(_, c)| is_separator(*c)) {
        Some((at, c)) if at + c.len_utf8() < name.len() => name.split_at(at + c.len_utf8()),
        _ => (name, ""),
    }
}

fn is_separator(c: char) -> bool {
    matches!(c, '.' | '-' | '_' | ':' | '/')
}

/// What all names begin with, up to and with a separator, or end with, from one on. Of each name something is left.
fn common<'a>(names: &[&'a str], at_end: bool) -> &'a str {
    let Some((first, rest)) = names.split_first() else { return "" };
    let cuts = first.char_indices().filter(|(_, c)| is_separator(*c));
    let fits = |part: &&str| {
        rest.iter().chain([first]).all(|name| {
            name.len() > part.len() && if at_end { name.ends_with(part) } else { name.starts_with(part) }
        })
    };
    if at_end {
        let mut parts = cuts.map(|(at, _)| &first[at..]);
        parts.find(fits).unwrap_or("")
    } else {
        let mut parts = cuts.map(|(at, c)| &first[..at + c.len_utf8()]);
        parts.rfind(fits).unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(names: &[&str], others: &[&str]) -> String {
        let all = [names, others].concat().into_iter().collect();
        let found = shortest(names, &all, true).pattern;
        let regex = fancy_regex::Regex::new(&found).unwrap();
        for name in names {
            assert!(regex.is_match(name).unwrap(), "{found} finds {name}");
        }
        for name in others {
            assert!(!regex.is_match(name).unwrap(), "{found} does not find {name}");
        }
        found
    }

    #[test]
    fn a_pattern_finds_these_names_alone() {
        assert_eq!(pattern(&["a.b"], &["aXb", "a.b.c", "x.a.b"]), "^a\\.b$");
        assert_eq!(pattern(&["orders.eu", "orders.us"], &["orders", "billing"]), "^orders\\.");
        assert_eq!(pattern(&["orders.eu", "orders.us"], &["orders.asia"]), "^orders\\.(eu|us)$");
        assert_eq!(pattern(&["a.dead", "b.dead"], &["c.dead", "a", "dead"]), "^(a|b)\\.dead$");
        assert_eq!(pattern(&["x.a.dead", "x.b.dead"], &["x.c.dead"]), "^x\\.(a|b)\\.dead$");
        assert_eq!(pattern(&["orders", "orders.eu"], &["orders.us"]), "^(orders|orders\\.eu)$");
        assert_eq!(pattern(&["orders", "orders.eu", "orders.us"], &["other"]), "^(orders$|orders\\.)");
        assert_eq!(pattern(&["a|b", "(c"], &["a", "b", "c"]), "^(a\\|b|\\(c)$");
        assert_eq!(pattern(&["a-b-x-c", "a-b-y-c"], &["a-b-z-c"]), "^a-b-(x|y)-c$");
        assert_eq!(pattern(&["a.a", "a"], &["b.a"]), "^(a\\.a|a)$");
        assert_eq!(pattern(&["ü.x", "ü.y"], &["u.x"]), "^ü\\.");
        assert_eq!(
            pattern(
                &["jobs.a.s", "jobs.a.l", "jobs.b.s", "jobs.b.l", "images.a", "images.b"],
                &["jobs.dead"]
            ),
            "^(jobs\\.(a\\.|b\\.)|images\\.)"
        );
        assert_eq!(pattern(&["a.b.x", "a.b.y", "c"], &["a.b.z", "c.d"]), "^(a\\.b\\.(x|y)|c)$");
        assert_eq!(pattern(&["a.b.x", "a.b.y", "c"], &["a.c", "c.d"]), "^(a\\.b\\.|c$)");
        assert_eq!(pattern(&[".", "..", ".a"], &["a", "..."]), "^\\.(|\\.|a)$");
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]
        #[test]
        fn no_other_name_is_found(
            names in proptest::collection::btree_set("[ab.$|-]{1,6}", 1..8),
            others in proptest::collection::btree_set("[ab.$|-]{1,6}", 0..12),
            may_be_open: bool,
        ) {
            let others: Vec<&str> = others.difference(&names).map(String::as_str).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let all = others.iter().chain(&names).copied().collect();
            let regex = fancy_regex::Regex::new(&shortest(&names, &all, may_be_open).pattern).unwrap();
            for name in all {
                proptest::prop_assert_eq!(regex.is_match(name).unwrap(), names.contains(&name), "{} {}", regex, name);
            }
        }
    }

    #[test]
    fn no_pattern_is_open_where_names_may_change() {
        let names = ["orders.eu", "orders.us"];
        assert_eq!(shortest(&names, &names.into(), false).pattern, "^orders\\.(eu|us)$");
    }
}
