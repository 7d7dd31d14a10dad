//! What a program reads, and colours.

use serde_json::Value;

use super::*;

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let (_, out, err) = run(folder, arguments);
    assert_eq!(err, "");
    serde_json::from_str(&out).expect("JSON")
}

#[test]
fn json_has_the_documented_members() {
    let folder =
        folder(&[("a.kdl", "queue \"ü\" typ=\"quorum\" max-length=1 overflow=\"reject-publish\"\n")]);
    let found = json(folder.path(), &["check", "a.kdl", "--format", "json"]);
    assert_eq!(found["version"], 1);
    assert_eq!(found["summary"]["errors"], 1);
    let errors = found["diagnostics"].as_array().unwrap();
    let first = errors.iter().find(|found| found["severity"] == "error").unwrap();
    assert_eq!(first["code"], "T011");
    assert_eq!(first["name"], "unknown-attribute");
    assert_eq!(first["message"], "a queue has no attribute `typ`");
    assert_eq!(first["help"], "did you mean `type`?");
    let label = &first["labels"][0];
    assert_eq!(
        *label,
        serde_json::json!({ "file": "a.kdl", "line": 1, "column": 11, "end_line": 1, "end_column": 14, "text": "" })
    );
    assert!(first.as_object().unwrap().contains_key("note"));
}

#[test]
fn sarif_names_its_rules_and_points_into_files() {
    let folder = folder(&[("a b.kdl", WRONG)]);
    let found = json(folder.path(), &["check", "a b.kdl", "--format", "sarif"]);
    assert_eq!(found["version"], "2.1.0");
    let run = &found["runs"][0];
    let results = run["results"].as_array().unwrap();
    let result = results.iter().find(|result| result["ruleId"] == "T011").unwrap();
    let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
    assert_eq!(rule["id"], result["ruleId"]);
    assert!(!rule["help"]["text"].as_str().unwrap().is_empty());
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "a%20b.kdl");
    assert_eq!(place["region"]["startColumn"], 16);
}

#[test]
fn github_annotates_lines() {
    let folder = folder(&[("a.kdl", WRONG)]);
    let (code, out, _) = run(folder.path(), &["check", "a.kdl", "--format", "github"]);
    assert_eq!(code, 1);
    assert!(
        out.contains("::error file=a.kdl,line=1,col=16,endLine=1,endColumn=18,title=unknown-attribute::a queue has no attribute `typ`%0Adid you mean `type`?\n"),
        "{out}"
    );
}

#[test]
fn schema_lints_and_explain_are_json_too() {
    let folder = folder(&[]);
    let schema = json(folder.path(), &["schema"]);
    assert!(schema["kinds"].as_array().unwrap().iter().any(|kind| kind["keyword"] == "queue"));
    assert!(!json(folder.path(), &["lints", "--format", "json"])["lints"].as_array().unwrap().is_empty());
    let topics = json(folder.path(), &["explain", "T011", "--format", "json"]);
    assert_eq!(topics["topics"][0]["name"], "unknown-attribute");
    assert!(json(folder.path(), &["explain", "--format", "json"])["topics"].as_array().unwrap().len() > 40);
}

#[test]
fn colours_are_for_terminals_and_for_who_asks() {
    let folder = folder(&[("a.kdl", WRONG)]);
    let colored = |arguments: &[&str], variable: Option<(&str, &str)>| {
        let mut command = topoc(folder.path(), &["check", "a.kdl"]);
        command.args(arguments).envs(variable);
        ended(&command.output().unwrap()).1.contains('\u{1b}')
    };
    assert!(!colored(&[], None), "a pipe is no terminal");
    assert!(colored(&["--color", "always"], None));
    assert!(colored(&["--color", "always"], Some(("NO_COLOR", "1"))), "who asks is answered");
    assert!(!colored(&["--color", "never"], Some(("CLICOLOR_FORCE", "1"))));
    assert!(!colored(&[], Some(("NO_COLOR", "1"))));
    let (_, out, _) = run(folder.path(), &["explain", "queue", "--color", "always"]);
    assert!(out.contains("\u{1b}[1mqueue"), "{out}");
    assert!(!run(folder.path(), &["explain", "queue"]).1.contains('\u{1b}'));
}

#[test]
fn a_reader_that_leaves_early_is_no_accident() {
    use std::process::{Command, Stdio};
    let text: String = (0..2_000).map(|i| format!("queue \"q{i}\" typ=\"x\"\n")).collect();
    let folder = folder(&[("a.kdl", &text)]);
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("topoc"))
        .args(["check", "a.kdl", "--all"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let (code, _, err) = ended(&child.wait_with_output().unwrap());
    assert_eq!((code, err.as_str()), (0, ""));
}
