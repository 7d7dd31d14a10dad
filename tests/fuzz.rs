//! Topologies damaged at random: whatever comes of one, it is said and never a panic, and the formatter holds.
//!
//! The seed is fixed, so that a failure is one tomorrow too. `fuzz/` goes further, for as long as it is let.

#[path = "fuzz/holds.rs"]
mod holds;

use std::{collections::BTreeSet, time::Instant};

use holds::{formatted, holds};
use topoc::{
    diag::{Report, SourceMap},
    syntax,
};

/// A small generator (xorshift64*), so that a run does not depend on a crate's version.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or(0) % bound.max(1)
    }
}

/// What damage is made of.
const PIECES: &[&str] = &[
    "\"",
    "\"\"\"",
    "#\"",
    "\"#",
    "{",
    "}",
    ";",
    "\n",
    "\r\n",
    "=",
    "/-",
    "//",
    "/*",
    "*/",
    "\\",
    "${",
    "${name}",
    "(",
    ")",
    " ",
    "\t",
    "\u{feff}",
    "\0",
    "\u{202e}",
    "é",
    "🔑",
    "-",
    "1",
    "99999999999999999999999999",
    "-0.5e999",
    "#null",
    "#true",
    "true",
    "queue",
    "use=\"a\"",
    "for",
    "include \"a.kdl\"",
    "type=",
    "\"5s\"",
    "env=",
    "bind",
    "[",
    "'",
    "\u{85}",
    "\u{2028}",
];

/// Every topology and page of the repository.
fn corpus() -> Vec<String> {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut texts = BTreeSet::new();
    for pattern in ["tests/**/*.kdl", "src/**/*.kdl", "examples/**/*.kdl"] {
        for path in glob::glob(&format!("{root}/{pattern}")).expect("a pattern").flatten() {
            // a loop to ten digits, cut short, is a long but honest one
            if let Ok(text) = std::fs::read_to_string(path)
                && text.len() < 20_000
                && !text.contains("99_999_999_999")
            {
                texts.insert(text);
            }
        }
    }
    for page in
        topoc::lint::LINTS.iter().map(|lint| lint.page).chain(topoc::kind::KINDS.iter().map(|kind| kind.page))
    {
        texts.extend(
            page.split("```kdl\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0.to_owned())),
        );
    }
    texts.into_iter().collect()
}

fn damage(text: &mut String, other: &str, random: &mut Random) {
    let bound = |text: &str, at: usize| (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let at = bound(text, random.below(text.len() + 1));
    let end = bound(text, (at + random.below(40)).min(text.len()));
    match random.below(5) {
        0 => text.replace_range(at..end, ""),
        1 => {
            let copy = text[at..end].to_owned();
            text.insert_str(end, &copy);
        }
        2 => {
            let from = bound(other, random.below(other.len() + 1));
            let to = bound(other, (from + random.below(60)).min(other.len()));
            text.insert_str(at, &other[from..to]);
        }
        3 => text.truncate(at),
        _ => text.insert_str(at, PIECES[random.below(PIECES.len())]),
    }
}

#[test]
fn damaged_topologies_are_told_and_never_panic() {
    let corpus = corpus();
    assert!(corpus.len() > 50);
    // for a longer look: TOPOC_FUZZ_ROUNDS and TOPOC_FUZZ_SEED
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let rounds = number("TOPOC_FUZZ_ROUNDS").unwrap_or(1500);
    let mut random = Random(number("TOPOC_FUZZ_SEED").unwrap_or(0x5eed_0000_7090_c0de).max(1));
    let start = Instant::now();
    let mut slowest = (std::time::Duration::ZERO, String::new());
    for round in 0..rounds {
        let mut text = corpus[random.below(corpus.len())].clone();
        for _ in 0..=random.below(4) {
            let other = &corpus[random.below(corpus.len())];
            damage(&mut text, other, &mut random);
        }
        let begin = Instant::now();
        if let Err(panic) = std::panic::catch_unwind(|| holds(&text)) {
            eprintln!("round {round}:\n{text}\n({text:?})");
            std::panic::resume_unwind(panic);
        }
        if begin.elapsed() > slowest.0 {
            slowest = (begin.elapsed(), text);
        }
    }
    // a hang would be the parser's exponential time, which the scan before it bounds
    assert!(slowest.0.as_secs() < 10, "{:?} for {}", slowest.0, slowest.1);
    eprintln!("{rounds} rounds in {:?}, the slowest {:?}", start.elapsed(), slowest.0);
}

#[test]
fn every_topology_of_the_repository_keeps_its_meaning_when_formatted() {
    for text in corpus() {
        let (mut sources, mut report) = (SourceMap::default(), Report::default());
        let file = sources.add("a.kdl", text.as_str());
        let before = syntax::parse(&sources, file, &mut report);
        let Some(once) = formatted(&text) else { continue };
        let file = sources.add("b.kdl", once.as_str());
        assert!(syntax::same(&before, &syntax::parse(&sources, file, &mut report)), "{text}");
        assert_eq!(formatted(&once).as_deref(), Some(once.as_str()));
    }
}
