//! What `route` and `why-not` answer: each case is a topology with the questions in its first lines, its snapshot
//! shows the source and then every screen.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "in tests, helpers too, a panic is the failure")]

use assert_cmd::Command;

/// The words of a command line; double quotes hold words together.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut open, mut quoted) = (String::new(), false, false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => word.extend(chars.next()),
            '"' => (open, quoted) = (!open, true),
            ' ' if !open => {
                if quoted || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                quoted = false;
            }
            c => word.push(c),
        }
    }
    if quoted || !word.is_empty() {
        words.push(word);
    }
    words
}

fn run(folder: &std::path::Path, arguments: &[String]) -> (i32, String, String) {
    let output = Command::cargo_bin("topoc").unwrap().args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn questions_are_answered() {
    insta::glob!("route/*.kdl", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("topology.kdl"), &text).unwrap();
        let mut shown = text.clone();
        for line in text.lines().map_while(|line| line.strip_prefix("// $ topoc ")) {
            let (code, out, err) = run(folder.path(), &words(line));
            shown.push_str(&format!("\n$ topoc {line}\n{out}{err}"));
            if code != 0 {
                shown.push_str(&format!("leaves with {code}\n"));
            }
        }
        let settings = insta::Settings::clone_current();
        settings.bind(|| insta::assert_snapshot!(shown));
    });
}

/// What programs read says the same as what people read.
#[test]
fn programs_get_queues_and_steps() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string("tests/route/topics_and_near_misses.kdl").unwrap();
    std::fs::write(folder.path().join("topology.kdl"), text).unwrap();
    let ask = |line: &str| {
        let (code, out, err) = run(folder.path(), &words(line));
        assert_eq!((code, &*err), (0, ""), "{out}");
        serde_json::from_str::<serde_json::Value>(&out).unwrap()
    };
    let route = ask("route topology.kdl --exchange order.exchange --key order.created --format json");
    insta::assert_snapshot!("route", format!("{route:#}"));
    let why =
        ask("why-not vip.queue topology.kdl --exchange order.exchange --key order.created --format json");
    insta::assert_snapshot!("why_not", format!("{why:#}"));
}
