use std::ops::ControlFlow;

use super::*;

fn template(text: &str) -> KeyTemplate {
    KeyTemplate::parse(text, |name| {
        // a name in capitals lists its values: {DE|FR} takes DE and FR, `_` standing for a dot
        name.contains('|').then(|| name.split('|').map(|value| value.replace('_', ".")).collect())
    })
    .unwrap()
}

fn keys(text: &str) -> Language {
    Language::of_template(&template(text)).unwrap()
}

fn topics(patterns: &[&str]) -> Vec<KeyPattern> {
    patterns.iter().map(|pattern| KeyPattern::Topic((*pattern).to_owned())).collect()
}

fn missed(text: &str, patterns: &[&str]) -> Option<String> {
    keys(text).example_missed_by(&topics(patterns)).unwrap()
}

#[test]
fn a_template_says_what_it_means() {
    assert_eq!(template("a.{b}-c").parts().len(), 3);
    assert_eq!(template("a.{b}-c").to_string(), "a.{b}-c");
    assert_eq!(template("a.b").as_literal(), Some("a.b"));
    assert_eq!(template("").as_literal(), Some(""));
    let wrong = |text: &str| KeyTemplate::parse(text, |_| None).unwrap_err();
    assert_eq!(wrong("a.{b"), TemplateError::Brace(2));
    assert_eq!(wrong("a}"), TemplateError::Brace(1));
    assert_eq!(wrong("{a{b}"), TemplateError::Brace(0));
    assert_eq!(wrong("x{}"), TemplateError::Unnamed(1));
    assert_eq!(wrong("{a}.{a}"), TemplateError::Repeated("a".into()));
    assert_eq!(KeyTemplate::parse("{a}", |_| Some(vec![])), Err(TemplateError::NoValues("a".into())));
}

#[test]
fn a_free_parameter_is_one_word_that_is_not_empty() {
    assert_eq!(missed("shipping.{c}.moved", &["shipping.*.moved"]), None);
    assert_eq!(missed("shipping.{c}.moved", &["shipping.#"]), None);
    assert_eq!(missed("shipping.{c}.moved", &["shipping.de.*"]).as_deref(), Some("shipping.x.moved"));
    assert_eq!(missed("{c}", &["x", "y", "*.*"]).as_deref(), Some("z"));
    assert_eq!(missed("{c}.", &["*"]).as_deref(), Some("x."));
    assert_eq!(missed("order-{id}.done", &["order-x.*", "*.gone"]).as_deref(), Some("order-y.done"));
    assert_eq!(missed("order-{id}", &["*"]), None);
}

#[test]
fn a_listed_parameter_takes_its_values_with_their_dots() {
    assert_eq!(missed("{de|fr}.moved", &["de.*"]).as_deref(), Some("fr.moved"));
    assert_eq!(missed("{de|fr}.moved", &["de.*", "fr.moved"]), None);
    assert_eq!(missed("k.{a_b|c}-x", &["k.*"]).as_deref(), Some("k.a.b-x"));
    assert_eq!(missed("k.{a_b|c}-x", &["k.*", "k.a.b-x"]), None);
    assert_eq!(missed("{|a}", &["a"]).as_deref(), Some(""));
    assert_eq!(missed("{|a}", &["*"]).as_deref(), Some(""));
    assert_eq!(missed("{|a}", &["#"]), None);
}

#[test]
fn direct_keys_take_wildcards_literally() {
    let keys = keys("{c}.x");
    assert_eq!(
        keys.example_matched_by(&[KeyPattern::Exactly("*.x".into())]).unwrap().as_deref(),
        Some("*.x")
    );
    assert_eq!(keys.example_matched_by(&[KeyPattern::Exactly("#".into())]).unwrap(), None);
    assert_eq!(keys.example_matched_by(&[KeyPattern::Any]).unwrap().as_deref(), Some("x.x"));
}

#[test]
fn one_pattern_is_within_others() {
    let beyond = |inner: &str, outer: &[&str]| {
        KeyPattern::Topic(inner.to_owned()).example_beyond(&topics(outer)).unwrap()
    };
    assert_eq!(beyond("a.*", &["a.#"]), None);
    assert_eq!(beyond("a.#", &["a.*"]).as_deref(), Some("a"));
    assert_eq!(beyond("#.#", &["#"]), None);
    assert_eq!(beyond("#", &["*.#"]).as_deref(), Some(""));
    assert_eq!(beyond("*.#", &["#.*"]), None);
    assert_eq!(beyond("#", &["#.a.#", "*", "*.*"]).as_deref(), Some(""));
    assert_eq!(beyond("*", &["*"]), None);
    assert_eq!(beyond("a.*", &["a.b", "a.c"]).as_deref(), Some("a.x"));
    assert_eq!(beyond("#.a.#", &["#.a.#"]), None);
    // one word that is empty is no key: the empty key has no words
    assert_eq!(beyond("*", &["a", ".a"]).as_deref(), Some("x"));
}

#[test]
fn two_patterns_share_a_key() {
    let shared = |a: &str, b: &str| {
        let (a, b) = (KeyPattern::Topic(a.to_owned()), KeyPattern::Topic(b.to_owned()));
        a.example_shared(&b).unwrap()
    };
    assert_eq!(shared("a.*", "*.b").as_deref(), Some("a.b"));
    assert_eq!(shared("a.#", "#.b").as_deref(), Some("a.b"));
    assert_eq!(shared("a", "b"), None);
    assert_eq!(shared("*", "#.*.*"), None);
    assert_eq!(shared("*", ""), None);
}

#[test]
fn unions_and_all_of_several() {
    let both = Language::union([&keys("a.{x}"), &keys("b")]);
    assert_eq!(both.example_missed_by(&topics(&["a.*"])).unwrap().as_deref(), Some("b"));
    assert_eq!(both.example_missed_by(&topics(&["a.*", "#.b"])).unwrap(), None);
    assert_eq!(both.example_matched_by_all(&topics(&["a.*", "*.z"])).unwrap().as_deref(), Some("a.z"));
    assert_eq!(both.example_matched_by_all(&topics(&["a.*", "b"])).unwrap(), None);
}

#[test]
fn a_blow_up_is_bounded() {
    let values: Vec<String> = (0..40).map(|n| n.to_string()).collect();
    let glued = KeyTemplate::parse("{a}{b}{c}{d}{e}{f}", |_| Some(values.clone())).unwrap();
    assert_eq!(Language::of_template(&glued).unwrap_err(), TooComplex);
    let parted = KeyTemplate::parse("{a}.{b}.{c}.{d}.{e}.{f}", |_| Some(values.clone())).unwrap();
    assert!(Language::of_template(&parted).unwrap().example_missed_by(&topics(&["#"])).unwrap().is_none());
    let long = KeyTemplate::parse(&"{}".repeat(600), |_| None);
    assert_eq!(long, Err(TemplateError::Unnamed(0)));

    // a set of nodes for each subset of the last twenty places: only the classes need them all
    let deep = KeyPattern::Topic(format!("#.a{}", ".*".repeat(20)));
    let deeper = KeyPattern::Topic(format!("#.a{}.#", ".*".repeat(20)));
    assert_eq!(deep.example_beyond(std::slice::from_ref(&deeper)), Ok(None));
    assert_eq!(
        deeper.example_beyond(std::slice::from_ref(&deep)).map(|key| key.map(|key| key.len())),
        Ok(Some(43))
    );
    assert_eq!(deep.example_shared(&deeper).map(|key| key.is_some()), Ok(true));
    let limits = Limits { steps: 100_000 };
    let ended =
        Language::of_pattern(&KeyPattern::Any).classes(&[deep], limits, |_| ControlFlow::Continue(()));
    assert_eq!(ended, Err(TooComplex));
}

/// xorshift64*: enough to make cases up, the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n
    }

    fn word(&mut self, words: &[&str]) -> String {
        words[self.below(words.len())].to_owned()
    }

    fn joined(&mut self, words: &[&str], most: usize) -> String {
        let count = self.below(most + 1);
        (0..count).map(|_| self.word(words)).collect::<Vec<_>>().join(".")
    }
}

/// Every key of a template when free parameters take only these values, shortest first.
fn listed(template: &KeyTemplate, free: &[&str]) -> Vec<String> {
    let mut keys = vec![String::new()];
    for part in template.parts() {
        let values: Vec<String> = match part {
            Part::Literal(text) => vec![text.clone()],
            Part::Parameter { one_of: Some(values), .. } => values.clone(),
            Part::Parameter { one_of: None, .. } => free.iter().map(|word| (*word).to_owned()).collect(),
        };
        keys = keys.iter().flat_map(|key| values.iter().map(move |value| format!("{key}{value}"))).collect();
    }
    keys.sort_by_key(|key| (key.len(), key.clone()));
    keys
}

#[test]
fn answers_agree_with_listing_every_key() {
    let mut random = Random(0x70_70_6F_63);
    let free = ["a", "b", "*", "#", "x", "y", "z", "ab", "aa"];
    for case in 0..2000 {
        let text: String = (0..1 + random.below(4))
            .map(|i| match random.below(6) {
                0 => format!("{{p{i}}}"),
                1 => format!("{{p{i}|a_b|b}}"),
                2 => ".".to_owned(),
                3 => format!(".{{p{i}}}."),
                _ => random.word(&["a", "b", "a.b", "b."]),
            })
            .collect();
        let template = template(&text);
        let patterns: Vec<KeyPattern> = (0..1 + random.below(4))
            .map(|_| match random.below(5) {
                0 => KeyPattern::Exactly(random.joined(&["a", "b", "*", ""], 3)),
                _ => KeyPattern::Topic(random.joined(&["a", "b", "*", "#", "", "ab"], 4)),
            })
            .collect();
        let keys = listed(&template, &free);
        let language = Language::of_template(&template).unwrap();
        let matched = |key: &String| patterns.iter().any(|pattern| pattern.matches(key));
        let shortest =
            |wanted: &dyn Fn(&String) -> bool| keys.iter().find(|key| wanted(key)).map(String::len);

        let got = language.example_matched_by(&patterns).unwrap();
        assert!(got.as_ref().is_none_or(matched), "case {case}: {text} {patterns:?} {got:?}");
        assert_eq!(
            got.map(|key| key.len()),
            shortest(&|key| matched(key)),
            "case {case}: {text} {patterns:?}"
        );

        let got = language.example_missed_by(&patterns).unwrap();
        assert!(!got.as_ref().is_some_and(matched), "case {case}: {text} {patterns:?} {got:?}");
        assert_eq!(
            got.map(|key| key.len()),
            shortest(&|key| !matched(key)),
            "case {case}: {text} {patterns:?}"
        );

        let sets = |key: &String| -> Vec<usize> {
            patterns.iter().enumerate().filter(|(_, p)| p.matches(key)).map(|(i, _)| i).collect()
        };
        let mut wanted: Vec<Vec<usize>> = keys.iter().map(sets).collect();
        wanted.sort();
        wanted.dedup();
        let mut classes = Vec::new();
        let each = |class: Class| {
            assert_eq!(sets(&class.key), class.patterns, "case {case}: {text} {patterns:?}");
            classes.push(class.patterns);
            ControlFlow::Continue(())
        };
        language.classes(&patterns, Limits::default(), each).unwrap();
        classes.sort();
        assert_eq!(classes, wanted, "case {case}: {text} {patterns:?}");
    }
}

#[test]
fn subsumption_agrees_with_listing_every_key() {
    let mut random = Random(0xB0_0B_5E);
    let words = ["a", "b", "", "x"];
    // the bound of four words is enough for patterns of three
    let mut every = vec![String::new()];
    for length in 1..=4 {
        for mut n in 0..words.len().pow(length) {
            let mut key = Vec::new();
            for _ in 0..length {
                key.push(words[n % words.len()]);
                n /= words.len();
            }
            if key != [""] {
                every.push(key.join("."));
            }
        }
    }
    for case in 0..2000 {
        let mut pattern = || KeyPattern::Topic(random.joined(&["a", "b", "*", "#", ""], 3));
        let (inner, one, two) = (pattern(), pattern(), pattern());
        let outer = [one.clone(), two];
        let beyond = every.iter().any(|key| inner.matches(key) && !outer.iter().any(|o| o.matches(key)));
        let got = inner.example_beyond(&outer).unwrap();
        assert_eq!(got.is_some(), beyond, "case {case}: {inner:?} {outer:?} {got:?}");
        let shared = every.iter().any(|key| inner.matches(key) && one.matches(key));
        let got = inner.example_shared(&one).unwrap();
        assert_eq!(got.is_some(), shared, "case {case}: {inner:?} {one:?} {got:?}");
    }
}

#[test]
fn few_keys_are_listed() {
    for key in ["", "a", "a.b", ".", "a..b"] {
        assert_eq!(keys(key).listed(1), Some(vec![key.to_owned()]), "{key:?}");
    }
    assert_eq!(keys("{b|a}.{c|dd}").listed(4).unwrap(), ["a.c", "b.c", "a.dd", "b.dd"]);
    assert_eq!(keys("{b|a}.{c|d}").listed(3), None);
    assert_eq!(keys("{a}").listed(100), None);
    assert_eq!(Language::of_pattern(&KeyPattern::Topic("a.#".into())).listed(100), None);
}

#[test]
fn what_may_be_met_holds_all_that_is() {
    let patterns = ["a.*", "b.#", "#.c", "a.b.c", "", "*"];
    let mut trie = crate::topic::TopicTrie::default();
    patterns.iter().for_each(|pattern| trie.insert(pattern, *pattern));
    for (template, wanted) in [
        ("a.{x}", &["#.c", "a.*"][..]),
        ("{x}.b.c", &["#.c", "a.b.c", "b.#"]),
        ("{x}", &["#.c", "*", "b.#"]),
        ("z.{x}.z", &[]),
    ] {
        let mut met = keys(template).may_meet(&trie, Limits::default()).unwrap();
        met.sort_unstable();
        met.dedup();
        assert_eq!(met, wanted, "{template}");
    }
    assert!(keys("a.{x}.c").may_hold("a.b.c") && !keys("a.{x}.c").may_hold("a.b"));
}
