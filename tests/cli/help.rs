//! Help and completions.

use super::*;

#[test]
fn every_verb_says_what_it_does_and_ends_with_an_example() {
    let folder = folder(&[]);
    let mut command = topoc::cli::command();
    command.build();
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        let name = verb.get_name();
        assert!(verb.get_about().is_some(), "{name}");
        let (code, out, err) = run(folder.path(), &[name, "--help"]);
        assert_eq!((code, err.as_str()), (0, ""), "{name}");
        let example = out.split_once("\nExample").unwrap_or_else(|| panic!("{name} has no example")).1;
        assert!(
            example.lines().any(|line| line.starts_with(&format!("  topoc {name}"))),
            "{name}: {example}"
        );
        assert!(!example.contains("\nOptions"), "{name}: the example is not at the end");
    }
}

#[test]
fn exit_codes_are_in_the_help() {
    let (code, out, _) = run(folder(&[]).path(), &["--help"]);
    assert_eq!(code, 0);
    for line in ["  0  ", "  1  ", "  2  ", "  3  ", "  4  ", "  5  "] {
        assert!(out.contains(line), "{line}");
    }
    let (code, out, _) = run(folder(&[]).path(), &["--version"]);
    assert_eq!((code, out), (0, format!("topoc {}\n", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn every_shell_gets_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (code, out, _) = run(folder(&[]).path(), &["completions", shell]);
        assert_eq!(code, 0, "{shell}");
        assert!(out.contains("check") && out.contains("explain"), "{shell}");
    }
}

#[test]
fn everything_that_has_a_name_can_be_explained() {
    let folder = folder(&[]);
    let lints = topoc::lint::LINTS.iter().map(|lint| lint.code.name).take(3);
    let kinds = topoc::kind::KINDS.iter().map(|kind| kind.keyword);
    for name in lints.chain(kinds).chain(["T005", "stream", "message-ttl", "queue.max-length", "dead-letter"])
    {
        let (code, out, err) = run(folder.path(), &["explain", name]);
        assert_eq!((code, err.as_str()), (0, ""), "{name}");
        assert!(out.starts_with("# "), "{name}: {out}");
    }
    let (code, _, err) = run(folder.path(), &["explain", "mesage-ttl"]);
    assert_eq!(code, 2);
    assert!(err.contains("did you mean `message-ttl`?"), "{err}");
}
