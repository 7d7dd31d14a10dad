//! What `check --fix` makes of texts: each case is a topology, its snapshot what changes and what is left.

#![cfg(feature = "cli")]

use std::fmt::Write as _;

use similar::{ChangeTag, TextDiff};
use topoc::{
    Compiled,
    mend::{Mended, MendedFile, mend},
    syntax::{Inputs, MemorySources, Sources},
};

fn check(from: &dyn Sources) -> Compiled {
    topoc::check(&["topology.kdl".to_owned()], from, &Inputs::default())
}

fn mended(files: &[(&str, &str)]) -> Mended {
    let sources =
        files.iter().fold(MemorySources::default(), |sources, (name, text)| sources.with(*name, *text));
    mend(&sources, &check)
}

fn text<'a>(mended: &'a Mended, name: &str) -> &'a str {
    let file: Vec<&MendedFile> = mended.files.iter().filter(|file| file.name == name).collect();
    &file[0].after
}

/// The lines that change, those around them, and what is left to be found.
fn shown(mended: &Mended) -> String {
    let mut out = String::new();
    for file in &mended.files {
        for change in TextDiff::from_lines(&file.before, &file.after).iter_all_changes() {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let _ = writeln!(
                out,
                "{}",
                format!("{sign}{}", change.value().escape_debug()).trim_end_matches("\\n")
            );
        }
        let _ = writeln!(out, "mended: {:?}", file.findings);
    }
    for found in mended.compiled.report.diagnostics() {
        let place = mended.compiled.sources.line_of(found.primary()).unwrap_or_default();
        let _ = writeln!(out, "left: {place} {}: {}", found.code.name, found.message);
    }
    out.replace("\\\"", "\"").replace("\\'", "'").replace("\\\\", "\\")
}

#[test]
fn texts_are_mended_and_nothing_else_of_them_changes() {
    insta::glob!("mend/*.kdl", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        insta::assert_snapshot!(shown(&mended(&[("topology.kdl", &text)])));
    });
}

#[test]
fn the_file_is_mended_that_the_finding_is_in() {
    let top = "include \"queues.kdl\"\nvhost \"a\" { include \"both.kdl\" }\nvhost \"b\" { include \"both.kdl\" }\n";
    let mended = mended(&[
        ("topology.kdl", top),
        ("queues.kdl", "queue \"one\" typ=\"classic\" max-length=5\n"),
        // only one of the two has the exchange
        ("both.kdl", "queue \"two\" typ=\"classic\" max-length=5 { bind \"x\" routing-key=\"a\" }\n"),
    ]);
    assert_eq!(text(&mended, "topology.kdl"), top);
    assert_eq!(text(&mended, "queues.kdl"), "queue \"one\" type=\"classic\" max-length=5\n");
    let both = "queue \"two\" type=\"classic\" max-length=5 { bind \"x\" routing-key=\"a\" }\n";
    assert_eq!(text(&mended, "both.kdl"), both);
}

#[test]
fn a_file_that_two_places_include_is_mended_only_for_both() {
    let both = "queue \"two\" type=\"classic\" max-length=5 { bind \"x\" routing-key=\"a\" }\n";
    let top = "vhost \"a\" { exchange \"x\" type=\"fanout\"; include \"both.kdl\" }\n\
               vhost \"b\" { exchange \"x\" type=\"topic\"; include \"both.kdl\" }\n";
    let unmended = mended(&[("topology.kdl", top), ("both.kdl", both)]);
    assert_eq!(text(&unmended, "both.kdl"), both);
    let top = top.replace("topic", "fanout");
    let mended = mended(&[("topology.kdl", &top), ("both.kdl", both)]);
    assert_eq!(text(&mended, "both.kdl"), both.replace(" routing-key=\"a\"", ""));
}

#[test]
fn what_could_not_be_read_may_be_what_is_missed() {
    let clean = "exchange \"orders\" type=\"topic\"\n\
                 queue \"a\" type=\"classic\" max-length=5 { bind \"order\" routing-key=\"a\" }\n";
    assert_ne!(text(&mended(&[("topology.kdl", clean)]), "topology.kdl"), clean);
    for trouble in
        ["include \"missing.kdl\"\n", "exchange \"order\" {\n", "exchange type=\"topic\"\n", "strange\n"]
    {
        let text_before = format!("{clean}{trouble}");
        assert_eq!(text(&mended(&[("topology.kdl", &text_before)]), "topology.kdl"), text_before);
    }
}

#[test]
fn a_secret_is_in_no_fix() {
    let text = "user \"a\" { password 's3cret'; tags 'x' }\nuser \"b\" pasword=\"s3cret\"\nqueue \"a\" typ=\"s3cret\"\n";
    let sources = MemorySources::default().with("topology.kdl", text);
    let compiled = check(&sources);
    let fixes: Vec<_> = compiled.report.diagnostics().iter().filter_map(|found| found.fix.as_ref()).collect();
    assert!(!fixes.is_empty() && !format!("{fixes:?}").contains("s3cret"), "{fixes:?}");
    assert!(mended(&[("topology.kdl", text)]).files[0].after.contains("password \"s3cret\""));
}

#[test]
fn what_is_hidden_from_readers_is_still_in_the_file() {
    // the password stands in the line of the queue too, from within a name to within an attribute
    let text = "user \"a\" { password \"qqqq\\\" max\" }\nqueue \"qqqq\" max-length=\"5\" type=\"classic\"\n";
    assert_eq!(mended(&[("topology.kdl", text)]).files[0].after, text.replace("\"5\"", "5"));
}

#[test]
fn a_file_is_mended_that_only_a_mended_one_includes() {
    let top = "vhost \"a\" external=true { include \"b.kdl\" }\n";
    let mended = mended(&[("topology.kdl", top), ("b.kdl", "queue 'one' typ=\"classic\" max-length=5\n")]);
    let files: Vec<_> = mended.files.iter().map(|file| (file.is_changed(), file.after.as_str())).collect();
    let after = [
        "queue \"one\" type=\"classic\" max-length=5\n",
        "vhost \"a\" external=#true { include \"b.kdl\" }\n",
    ];
    assert_eq!(files, after.map(|text| (true, text)));
}
