//! Topologies damaged at random, and texts made at random: whatever comes of one, it is said and never a panic, and the
//! formatter holds.
//!
//! The seed is fixed, so that a failure is one tomorrow too. `fuzz/` goes further, for as long as it is let.

#![cfg(feature = "cli")]

#[path = "fuzz/answers.rs"]
mod answers;
#[path = "fuzz/holds.rs"]
mod holds;
#[path = "fuzz/random.rs"]
mod random;
#[path = "fuzz/soup.rs"]
mod soup;

use std::{
    collections::BTreeSet,
    panic::{catch_unwind, resume_unwind},
    time::{Duration, Instant},
};

use answers::answers;
use holds::{formatted, holds};
use random::{Random, number};
use topoc::{
    diag::{Report, SourceMap},
    syntax,
};

/// What damage is made of.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "\"", "\"\"\"", "#\"", "\"#", "{", "}", ";", "\n", "\r\n", "=", "/-", "//", "/*", "*/", "\\", "${",
    "${name}", "(", ")", " ", "\t", "\u{feff}", "\0", "\u{202e}", "é", "🔑", "-", "1",
    "99999999999999999999999999", "-0.5e999", "#null", "#true", "true", "queue", "use=\"a\"", "for",
    "include \"a.kdl\"", "type=", "\"5s\"", "env=", "bind", "[", "'", "\u{85}", "\u{2028}",
];

/// Every topology and page of the repository.
fn corpus() -> Vec<String> {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut texts = BTreeSet::new();
    for pattern in ["tests/**/*.kdl", "src/**/*.kdl", "examples/**/*.kdl"] {
        for path in glob::glob(&format!("{root}/{pattern}")).expect("a pattern").flatten() {
            // what reaches a bound takes long, though not for ever
            let bound = path.to_string_lossy().contains("too_large");
            if let Ok(text) = std::fs::read_to_string(path)
                && text.len() < 20_000
                && !bound
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

/// Makes texts and asks whether all holds of them: a few rounds, or as many as `TOPOC_FUZZ_ROUNDS` says. What hangs is
/// ended by the test runner.
#[expect(clippy::print_stderr, reason = "a failure is repeated by its round and text")]
fn ask(few: u64, mut made: impl FnMut(&mut Random) -> Vec<String>) {
    let rounds = number("TOPOC_FUZZ_ROUNDS").unwrap_or(few);
    let mut random = Random::new();
    let start = Instant::now();
    let mut slowest = Duration::ZERO;
    for round in 0..rounds {
        let texts = made(&mut random);
        let begin = Instant::now();
        if let Err(panic) = catch_unwind(|| answers(&holds(&texts))) {
            eprintln!("round {round}:\n{}\n({texts:?})", texts.join("\n----\n"));
            resume_unwind(panic);
        }
        if begin.elapsed() > slowest {
            slowest = begin.elapsed();
        }
    }
    eprintln!("{rounds} rounds in {:?}, the slowest {:?}", start.elapsed(), slowest);
}

#[test]
fn damaged_topologies_are_told_and_never_panic() {
    let corpus = corpus();
    assert!(corpus.len() > 50);
    ask(1_500, |random| {
        let mut text = corpus[random.below(corpus.len())].clone();
        for _ in 0..=random.below(4) {
            let other = &corpus[random.below(corpus.len())];
            damage(&mut text, other, random);
        }
        vec![text]
    });
}

#[test]
fn texts_that_nobody_would_write_are_told_and_never_panic() {
    ask(600, soup::made);
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
