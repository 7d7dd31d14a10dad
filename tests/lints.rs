//! Every lint's page is its test: the Example raises exactly that lint, Use instead raises none.

use std::collections::BTreeSet;

use topoc::{
    lint::LINTS,
    mend::{Mended, mend},
    syntax::{Inputs, MemorySources},
};

/// The text of a section of a page.
fn section<'a>(page: &'a str, title: &str) -> &'a str {
    let start = page.find(&format!("\n## {title}\n")).unwrap_or_else(|| panic!("no section {title}"));
    let rest = &page[start + 5 + title.len()..];
    rest.find("\n## ").map_or(rest, |end| &rest[..end])
}

/// The text that a page's fix mends: its own, or the example.
fn mendable(page: &str) -> &str {
    let own = page.contains("\n## Fix\n").then(|| section(page, "Fix"));
    kdl(own.filter(|own| own.contains("```kdl")).unwrap_or_else(|| section(page, "Example")))
}

fn mended(text: &str) -> Mended {
    let sources = MemorySources::default().with("topology.kdl", text);
    mend(&sources, &|from| topoc::check(&["topology.kdl".to_owned()], from, &Inputs::default()))
}

/// What a page says of its fix holds: it mends, and it brings nothing else about.
#[test]
fn fixes_mend() {
    let mut wrong = Vec::new();
    for lint in LINTS {
        let (name, text) = (lint.code.name, mendable(lint.page));
        let mended = mended(text);
        let found = |compiled: &topoc::Compiled| -> BTreeSet<String> {
            compiled.report.diagnostics().iter().map(|found| found.code.name.to_owned()).collect()
        };
        let left = found(&mended.compiled);
        let changed = mended.files.iter().any(|file| file.is_changed());
        let before = found(&topoc::check(
            &["topology.kdl".to_owned()],
            &MemorySources::default().with("topology.kdl", text),
            &Inputs::default(),
        ));
        if !before.contains(name) {
            wrong.push(format!("{name}: {before:?}"));
        }
        let good = !left.contains(name) && left.is_subset(&before);
        if lint.is_fixable() && !good {
            wrong.push(format!("{name}: --fix leaves {left:?} of {before:?}: {:?}", mended.files));
        }
        if !lint.is_fixable() && changed {
            wrong.push(format!("{name}: --fix changes what its page says nothing of: {:?}", mended.files));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn kdl(section: &str) -> &str {
    let start = section.find("```kdl\n").expect("a kdl block") + 7;
    &section[start..start + section[start..].find("```").expect("the end of the block")]
}

/// What a topology raises, by name.
fn raised(text: &str) -> Vec<String> {
    let sources = MemorySources::default().with("topology.kdl", text);
    let compiled = topoc::check(&["topology.kdl".to_owned()], &sources, &Inputs::default());
    let lines = compiled.report.diagnostics().iter().map(|d| {
        let place = compiled.sources.line_of(d.primary()).unwrap_or_default();
        format!("{}: {place} {}", d.code.name, d.message)
    });
    lines.collect()
}

#[test]
fn pages_hold() {
    let mut wrong = Vec::new();
    for lint in LINTS {
        let name = lint.code.name;
        let mut lines = lint.page.lines();
        assert_eq!(lines.next(), Some(&*format!("# {name}")));
        assert_eq!(lines.nth(1), Some(lint.code.severity.word()), "{name}");
        for title in ["What it does", "Why it matters"] {
            assert!(!section(lint.page, title).trim().is_empty(), "{name}: {title}");
        }
        let found = raised(kdl(section(lint.page, "Example")));
        let names: BTreeSet<&str> = found.iter().filter_map(|line| line.split(':').next()).collect();
        if names != BTreeSet::from([name]) {
            wrong.push(format!("{name}: its example raises {found:#?}"));
        }
        let found = raised(kdl(section(lint.page, "Use instead")));
        if !found.is_empty() {
            wrong.push(format!("{name}: what to use instead raises {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The trickier findings as people see them: each case is a topology, its snapshot the screen.
#[cfg(feature = "cli")]
#[test]
fn findings_say_where_why_and_what_to_write() {
    use topoc::diag::human::{self, Look};
    insta::glob!("lints/*.kdl", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let sources = MemorySources::default().with("topology.kdl", text);
        let compiled = topoc::check(&["topology.kdl".to_owned()], &sources, &Inputs::default());
        let look = Look { color: false, all: true };
        insta::assert_snapshot!(human::report(
            &compiled.report,
            &compiled.sources,
            look,
            "topoc check --all"
        ));
    });
}

#[test]
fn codes_and_names_are_unique_and_in_order() {
    let codes: Vec<&str> = LINTS.iter().map(|lint| lint.code.code).collect();
    assert!(codes.iter().collect::<BTreeSet<_>>().len() == codes.len());
    let names: BTreeSet<&str> = LINTS.iter().map(|lint| lint.code.name).collect();
    assert_eq!(names.len(), LINTS.len());
    for lint in LINTS {
        assert!(lint.code.summary.ends_with('.'), "{}", lint.code.name);
    }
}

#[cfg(feature = "cli")]
#[test]
fn a_password_is_in_no_format() {
    use topoc::diag::{github, human, json, sarif};
    let text = r#"
variable "shared" default="s3cret-three"
user "guest" tags="administrator" password="s3cret-one" { password "s3cret-two" }
message "SignedUp" { payload { password "string" } }
user "ops" { password "${shared}" }
federation-upstream "eu" uri="amqps://shop:s3cret-four@eu.example.com"
shovel "drain" { source queue="in" uri="amqp://a:s3cret-five@b"; destination queue="out"; ack-mode "no-ack" }
environment "production" { broker amqp="amqp://a:s3cret-six@b" management="http://a:s3cret-seven@b" }
"#;
    let sources = MemorySources::default().with("topology.kdl", text);
    let inputs = Inputs { environment: Some("production".to_owned()), ..Inputs::default() };
    let compiled = topoc::check(&["topology.kdl".to_owned()], &sources, &inputs);
    let (report, map) = (&compiled.report, &compiled.sources);
    let formats = [
        human::report(report, map, human::Look { color: false, all: true }, ""),
        json::report(report, map).to_string(),
        sarif::report(report, map, &|code| code.summary.to_owned()).to_string(),
        github::report(report, map),
    ];
    assert!(report.diagnostics().iter().filter(|d| d.code.name == "uri-credentials").count() == 4);
    for shown in formats {
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
