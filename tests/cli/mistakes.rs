//! Command lines that go wrong, and what is said: what it is, and what to write instead.

use std::fmt::Write as _;

use super::*;

/// What each command says, one after the other in one folder.
fn said(folder: &Path, commands: &[&[&str]]) -> String {
    let mut all = String::new();
    for arguments in commands {
        let mut command = topoc(folder, arguments);
        // what clap says is cut for a terminal of this width
        command.env("COLUMNS", "80");
        let (code, out, err) = ended(&command.output().expect("the test can set itself up"));
        let _ = writeln!(all, "$ topoc {}\n{out}{err}exits with {code}\n", arguments.join(" "));
    }
    all
}

#[test]
fn questions_that_ask_nothing() {
    let folder = folder(&[("topology.kdl", CLEAN)]);
    let said = said(
        folder.path(),
        &[
            &["route"],
            &["route", "--live"],
            &["route", "--key", "order.de.created"],
            &["route", "--exchange", "order"],
            &["route", "--message", "OrderCreatd"],
            &["route", "--message", "OrderCreated"],
            &["route", "--message", "OrderCreated", "city=Bonn"],
            &["route", "--exchange", "orders", "--property", "prio=1"],
            &["why-not", "biling", "--message", "OrderCreated", "country=de"],
            &["why-not", "billing"],
            &["policies", "--name", "biling"],
        ],
    );
    insta::assert_snapshot!(said);
}

#[test]
fn brokers_that_are_not_named() {
    let folder = folder(&[("topology.kdl", CLEAN)]);
    let said = said(
        folder.path(),
        &[
            &["diff"],
            &["diff", "--broker", "localhost:15672"],
            &["diff", "--broker", "amqp://localhost"],
            &["diff", "--broker", "http://me@localhost:15672"],
            &["diff", "--broker", "http://me:a/b@localhost:15672"],
            &["diff", "--broker", "http://localhost:15672", "--broker-ca", "ca.pem"],
            &["diff", "--broker", "https://localhost:15671", "--broker-cert", "topology.kdl"],
            &["diff", "--broker", "file:definitions.json"],
            &["apply", "--broker", "http://localhost:15672", "--concurrency", "0"],
        ],
    );
    insta::assert_snapshot!(said);
}

#[test]
fn a_definitions_file_is_compared_with_and_not_applied_to() {
    let folder = folder(&[("topology.kdl", "topology \"t\"\nvhost \"v\"\n"), ("broker.json", "{}")]);
    let said = said(
        folder.path(),
        &[&["diff", "--broker", "file:broker.json"], &["apply", "--yes", "--broker", "file:broker.json"]],
    );
    insta::assert_snapshot!(said);
}

#[test]
fn outputs_that_cannot_be() {
    let folder = folder(&[("topology.kdl", CLEAN), ("empty/x.txt", "")]);
    let said = said(
        folder.path(),
        &[
            &["init"],
            &["init", "topology.kdl"],
            &["check", "--quiet", "shop.kdl"],
            &["check", "--quiet", "empty"],
            &["check", "--quiet", "--env", "production"],
            &["check", "--quiet", "--var", "region=us"],
            &["graph", "-o", "shop.pdf"],
            &["graph", "--focus", "biling"],
            &["graph", "--vhost", "shp"],
            &["generate", "java"],
            &["generate", "rust", "--check"],
            &["generate", "rust", "--service", "checkuot"],
            &["export", "definitions", "-o", "empty"],
            &["explain", "mesage-ttl"],
        ],
    );
    insta::assert_snapshot!(said);
}
