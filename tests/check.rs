//! What the language says of mistakes: each case is a topology that makes them, its snapshot shows the source and
//! then what the user sees.
//!
//! `// file: NAME` begins a further file, and `// run with: ARGUMENTS` in the first line says how topoc was run.

use topoc::{
    diag::human::{self, Look},
    syntax::{Inputs, MemorySources},
};

fn inputs(text: &str) -> Inputs {
    let mut inputs = Inputs::default();
    let first = text.lines().next().and_then(|line| line.strip_prefix("// run with: ")).unwrap_or("");
    let mut words = first.split(' ');
    while let (Some(option), Some(value)) = (words.next(), words.next()) {
        match (option, value.split_once('=')) {
            ("--env", _) => inputs.environment = Some(value.to_owned()),
            ("--var", Some((name, value))) => {
                inputs.variables.push((name.to_owned(), value.to_owned(), "--var".to_owned()));
            }
            _ => panic!("a case cannot be run with {option} {value}"),
        }
    }
    inputs
}

fn sources(text: &str) -> MemorySources {
    let mut files = text.split("// file: ");
    let mut sources = MemorySources::default().with("topology.kdl", files.next().unwrap_or(""));
    for file in files {
        let (name, text) = file.split_once('\n').unwrap_or((file, ""));
        sources = sources.with(name, text);
    }
    sources
}

#[test]
fn mistakes_are_shown_with_what_to_write_instead() {
    insta::glob!("check/*.kdl", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let mut compiled = topoc::check(&["topology.kdl".to_owned()], &sources(&text), &inputs(&text));
        // the lints have pages and cases of their own
        compiled.report.retain(|diagnostic| diagnostic.code.code.starts_with('T'));
        let look = Look { color: false, all: !path.ends_with("repeats_are_counted.kdl") };
        let screen = human::report(&compiled.report, &compiled.sources, look, "topoc check --all");
        let shown: String = text
            .lines()
            .map(|line| {
                format!(
                    "{}\n",
                    line.escape_debug()
                        .to_string()
                        .replace("\\\"", "\"")
                        .replace("\\\\", "\\")
                        .replace("\\'", "'")
                        .replace("\\t", "\t")
                )
            })
            .collect();
        let settings = insta::Settings::clone_current();
        settings.bind(|| insta::assert_snapshot!(format!("{shown}\n{}\n\n{screen}", "─".repeat(60))));
    });
}

#[test]
fn every_diagnostic_of_the_language_has_a_case() {
    let mut said = String::new();
    insta::glob!("snapshots/check__mistakes_*.snap", |path| {
        said.push_str(&std::fs::read_to_string(path).unwrap());
    });
    // what a text in memory cannot be, tests/cli shows; what no Rust can be made of, tests/generate
    let elsewhere = ["not-utf8", "no-rust"];
    for code in topoc::diag::CODES {
        assert!(
            elsewhere.contains(&code.name) || said.contains(&format!("[{}]: ", code.name)),
            "{}",
            code.name
        );
    }
}
