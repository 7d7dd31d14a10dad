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

/// On a terminal of 80 columns, where an example that is broken cannot be pasted.
#[test]
fn help_fits_a_terminal() {
    let mut command = topoc::cli::command().term_width(80);
    command.build();
    let help = |verb: &mut clap::Command| verb.render_help().to_string();
    let mut pages = vec![("topoc".to_owned(), help(&mut command))];
    for verb in command.get_subcommands_mut() {
        pages.push((verb.get_name().to_owned(), help(verb)));
        let name = verb.get_name().to_owned();
        let forms = verb.get_subcommands_mut().filter(|_| name != "help");
        pages.extend(forms.map(|form| (format!("{name}-{}", form.get_name()), help(form))));
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    for (name, page) in pages.into_iter().filter(|(name, _)| name != "help") {
        let wide = page.lines().find(|line| line.chars().count() > 80);
        assert_eq!(wide, None, "{name}");
        settings.bind(|| insta::assert_snapshot!(format!("help-{name}"), page));
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
fn shells_read_their_completions() {
    let folder = folder(&[]);
    let installed = |shell: &str| {
        let version = std::process::Command::new(shell).arg("--version").output();
        version.is_ok_and(|version| version.status.success())
    };
    for shell in ["bash", "zsh", "fish"].into_iter().filter(|shell| installed(shell)) {
        let (_, script, _) = run(folder.path(), &["completions", shell]);
        std::fs::write(folder.path().join(shell), script).unwrap();
        let parsed =
            std::process::Command::new(shell).args(["-n", shell]).current_dir(folder.path()).output();
        let parsed = ended(&parsed.unwrap());
        assert_eq!(parsed, (0, String::new(), String::new()), "{shell}");
    }
}

#[cfg(unix)]
#[test]
fn bash_completes_verbs_and_values() {
    let folder = folder(&[]);
    let (_, script, _) = run(folder.path(), &["completions", "bash"]);
    std::fs::write(folder.path().join("topoc.bash"), script).unwrap();
    let completed = |words: &[&str]| {
        let at = words.len() - 1;
        let before = words[at.saturating_sub(1)];
        let ask = format!(
            "source ./topoc.bash; COMP_WORDS=({}); COMP_CWORD={at}; _topoc topoc '{}' '{before}'; echo \"${{COMPREPLY[*]}}\"",
            words.join(" "),
            words[at]
        );
        let mut bash = std::process::Command::new("bash");
        bash.args(["--noprofile", "--norc", "-c", &ask]).current_dir(folder.path());
        let (code, out, err) = ended(&bash.output().unwrap());
        assert_eq!((code, err.as_str()), (0, ""));
        out.trim_end().to_owned()
    };
    assert_eq!(completed(&["topoc", "ap"]), "apply");
    assert_eq!(completed(&["topoc", "apply", "--allow"]), "--allow-gap --allow-data-loss");
    assert_eq!(completed(&["topoc", "check", "--format", "sa"]), "sarif");
    assert_eq!(completed(&["topoc", "export", "de"]), "definitions");
    assert_eq!(completed(&["topoc", "generate", "ru"]), "rust");
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
