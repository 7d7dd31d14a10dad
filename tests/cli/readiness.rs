//! Verdicts as a script gets them.

use super::*;

/// 4.0 gives it a limit, and 4.3 refuses one of its queues.
const OLD: &str = "topology \"old\" { rabbitmq \"3.13\" }
queue \"orders\" type=\"quorum\" max-length=10
queue \"sessions\" type=\"classic\" durable=#false max-length=10
";

#[test]
fn the_exit_code_is_the_verdict() {
    let folder = folder(&[("old.kdl", OLD), ("clean.kdl", "topology \"clean\" { rabbitmq \"4.0\" }\n")]);
    let verdict = |flags: &[&str]| {
        let (code, out, err) = run(folder.path(), &[&["readiness", "old.kdl", "--quiet"], flags].concat());
        assert_eq!(err, "");
        (code, out)
    };
    let said = |code, text: &str| (code, format!("{text}\n"));
    assert_eq!(
        verdict(&["--to", "4.3"]),
        said(1, "not ready for RabbitMQ 4.3: 1 refused, 1 changes   (old, from 3.13)")
    );
    assert_eq!(
        verdict(&["--to", "4.2"]),
        said(1, "not ready for RabbitMQ 4.2: 1 changes   (old, from 3.13)")
    );
    assert_eq!(
        verdict(&["--to", "4.2", "--deny", "refused"]),
        said(0, "ready for RabbitMQ 4.2: 1 changes   (old, from 3.13)")
    );
    assert_eq!(
        verdict(&["--from", "4.0", "--to", "4.2"]),
        said(0, "ready for RabbitMQ 4.2   (old, from 4.0)")
    );
    let (code, out, _) = run(folder.path(), &["readiness", "clean.kdl", "--to", "4.0"]);
    assert_eq!((code, out.as_str()), (0, "ready for RabbitMQ 4.0   (clean, from 4.0)\n"));
}

#[test]
fn a_broker_does_not_go_back() {
    let folder = folder(&[("old.kdl", OLD)]);
    let (code, out, err) = run(folder.path(), &["readiness", "old.kdl", "--to", "3.12"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("RabbitMQ 3.12 is older than 3.13"), "{err}");
    let (code, _, err) = run(folder.path(), &["readiness", "old.kdl", "--to", "5.0"]);
    assert_eq!(code, 2);
    assert!(err.contains("the series are 3.10, 3.11"), "{err}");
}

#[test]
fn a_file_stands_for_a_broker() {
    let definitions = r#"{ "rabbitmq_version": "3.12.4", "queues": [
        { "name": "sessions", "vhost": "v", "durable": false, "auto_delete": false, "arguments": {} } ] }"#;
    let folder = folder(&[("definitions.json", definitions)]);
    let arguments = ["readiness", "--live", "--to", "4.3", "--broker", "file:definitions.json"];
    let (code, out, err) = run(folder.path(), &arguments);
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    assert!(out.contains("  at queue sessions, vhost v\n"), "{out}");
    assert!(out.contains("! definitions.json does not tell which deprecated features"), "{out}");
    assert!(
        out.ends_with("not ready for RabbitMQ 4.3: 1 refused   (file:definitions.json, from 3.12)\n"),
        "{out}"
    );
}
