//! Brokers that do not answer, and what a program is told then.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::Stdio,
};

use serde_json::Value;

use super::*;

/// A loopback port that nothing listens on.
fn dead() -> String {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    format!("http://{}", address.expect("the test can set itself up"))
}

#[test]
fn a_program_reads_json_whatever_happens() {
    let folder = folder(&[("clean.kdl", CLEAN), ("wrong.kdl", WRONG)]);
    let dead = dead();
    for verb in [&["diff"][..], &["apply", "--yes"]] {
        let said = |file: &str| {
            let arguments = [verb, &[file, "--format", "json", "--broker", &dead]].concat();
            let (code, out, err) = run(folder.path(), &arguments);
            let json: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
            assert_eq!(json["error"]["exit"], code);
            (json, err)
        };
        let (json, err) = said("clean.kdl");
        assert_eq!(json["error"]["exit"], 4);
        assert!(json["error"]["message"].as_str().unwrap().contains("connection refused"), "{json}");
        assert!(json["error"]["help"].as_str().unwrap().contains("start the broker"), "{json}");
        assert!(err.starts_with("error: "), "{err}");
        let (json, err) = said("wrong.kdl");
        assert_eq!((&json["error"]["exit"], &json["diagnostics"][0]["code"]), (&1.into(), &"T011".into()));
        assert!(err.starts_with("error[unknown-attribute]: "), "{err}");
        assert_eq!(said("gone.kdl").0["diagnostics"][0]["name"], "unreadable-file");
    }
    for verb in [
        &["route", "--exchange", "orders"][..],
        &["why-not", "billing", "--exchange", "orders"],
        &["policies"],
    ] {
        let arguments = [verb, &["wrong.kdl", "--format", "json"]].concat();
        let (code, out, err) = run(folder.path(), &arguments);
        let json: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
        assert_eq!(
            (code, &json["error"]["exit"], &json["diagnostics"][0]["code"]),
            (1, &1.into(), &"T011".into())
        );
        assert!(err.starts_with("error[unknown-attribute]: "), "{err}");
    }
    let (code, out, _) = run(folder.path(), &["explain", "nothing-of-this-name", "--format", "json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["error"]["exit"]), (2, &2.into()));
}

#[test]
fn who_waits_is_told_for_what() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    let folder = folder(&[("a.kdl", CLEAN)]);
    let mut diff = std::process::Command::new(env!("CARGO_BIN_EXE_topoc"))
        .args(["diff", "a.kdl", "--broker", &silent])
        .current_dir(folder.path())
        .env_remove("TOPOC_AMQP")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(diff.stderr.take().unwrap()).lines();
    let mut line = || lines.next().unwrap().unwrap();
    assert_eq!(line(), format!("waiting for {silent} to answer: 5 s"));
    let mut last = line();
    while last.starts_with("waiting for ") {
        last = line();
    }
    assert_eq!(last, format!("error: {silent}: no answer in time"));
    assert_eq!(diff.wait().unwrap().code(), Some(4));
}
