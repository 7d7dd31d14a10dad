//! What a newer series makes of a topology: each case is a topology, its first line says from where to where, and its
//! snapshot shows the verdict.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "in helpers too, a panic is the failure")]

use topoc::{
    diag::human::Look,
    kind::Version,
    readiness::{Effect, Readiness, human, json},
    syntax::{Inputs, MemorySources},
};

/// `// --from 3.10 --to 4.3`.
fn ends(text: &str) -> (Version, Version) {
    let mut words = text.lines().next().unwrap().split(' ');
    let mut after = |option: &str| {
        words.find(|word| *word == option).and_then(|_| Version::parse(words.next()?)).unwrap()
    };
    (after("--from"), after("--to"))
}

#[test]
fn verdicts() {
    insta::glob!("readiness/*.kdl", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let (from, to) = ends(&text);
        let sources = MemorySources::default().with("topology.kdl", text);
        let compiled = topoc::compile(&["topology.kdl".to_owned()], &sources, &Inputs::default());
        let said: Vec<_> = compiled.report.diagnostics().iter().map(|found| &found.message).collect();
        assert!(!compiled.report.has_errors(), "{said:?}");
        let readiness = Readiness::new(&compiled.topology, from, to);
        let look = Look { color: false, all: false };
        let bound = Effect::Changes;
        insta::assert_snapshot!(format!(
            "{}{}",
            human(&readiness, &compiled.sources, look),
            readiness.verdict(bound)
        ));
        // the same findings in both forms
        let form = json(&readiness, &compiled.sources, bound);
        assert_eq!(form["findings"].as_array().unwrap().len(), readiness.findings.len());
        assert_eq!(form["ready"], readiness.is_ready(bound));
    });
}
