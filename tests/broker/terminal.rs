//! What somebody before a terminal sees of `apply`, and what a pipe gets in its place.

use std::{path::Path, process::Command, time::Duration};

use rexpect::{
    process::{Signal, WaitStatus},
    session::{PtySession, spawn_command},
};
use topoc_test_support::{Shared, Vhost};

use crate::proxy::stalling;

/// A vhost that is there, and a topology of some queues in it whose record goes with the test.
struct Terminal {
    vhost: Vhost,
    folder: tempfile::TempDir,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let record = format!("/api/global-parameters/topoc:{}", self.vhost.name());
        let _ = self.vhost.api().ask("DELETE", &record, None);
    }
}

impl Terminal {
    fn with_queues(count: usize) -> Self {
        let terminal = Self { vhost: Shared::get().vhost(), folder: tempfile::tempdir().unwrap() };
        let name = terminal.vhost.name();
        let text = format!(
            "topology \"{name}\"\nvhost \"{name}\" external=#true {{\n    \
             for \"n\" from=1 to={count} {{ queue \"q.${{n}}\" type=\"classic\" }}\n}}\n"
        );
        std::fs::write(terminal.folder.path().join("topology.kdl"), text).unwrap();
        terminal
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = topoc(self.folder.path());
        command.args(arguments).env("TOPOC_BROKER", self.vhost.shared().management_url());
        command
    }

    fn on_a_terminal(&self, arguments: &[&str]) -> PtySession {
        on_a_terminal(self.command(arguments))
    }

    fn queues(&self) -> usize {
        self.vhost.api().get(&format!("/api/queues/{}", self.vhost.name())).as_array().unwrap().len()
    }
}

fn topoc(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_topoc"));
    command.current_dir(folder).env("TERM", "xterm-256color");
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI", "TOPOC_AMQP"] {
        command.env_remove(name);
    }
    command
}

fn on_a_terminal(command: Command) -> PtySession {
    spawn_command(command, Some(60_000)).unwrap()
}

/// The rest of what is said, of which only ASCII comes through as it is, and how it ends.
fn rest(mut session: PtySession) -> (String, WaitStatus) {
    let rest = session.exp_eof().unwrap();
    (rest, session.process().wait().unwrap())
}

/// The rest of what is said, and the exit code.
fn end(session: PtySession) -> (String, i32) {
    match rest(session) {
        (rest, WaitStatus::Exited(_, code)) => (rest, code),
        (rest, other) => panic!("{other:?}: {rest}"),
    }
}

/// `apply`, as it waits for an answer.
fn asking(terminal: &Terminal) -> PtySession {
    let mut session = terminal.on_a_terminal(&["apply"]);
    session.exp_string(" queue  q.1").unwrap();
    session.exp_string("Apply 2 changes to rabbit@").unwrap();
    session.exp_string("? [y/N] ").unwrap();
    session
}

#[test]
fn apply_does_nothing_without_a_yes() {
    let terminal = Terminal::with_queues(2);
    for answer in ["n", "", "yess", "2"] {
        let mut session = asking(&terminal);
        session.send_line(answer).unwrap();
        let (rest, code) = end(session);
        assert_eq!(rest, "nothing has been changed\r\n", "{answer:?}");
        assert_eq!((code, terminal.queues()), (0, 0), "{answer:?}");
    }
    // the end of the input stands on the prompt's line
    let mut session = asking(&terminal);
    session.send_control('d').unwrap();
    assert_eq!(end(session), ("\r\nnothing has been changed\r\n".to_owned(), 0));
    let mut session = asking(&terminal);
    session.send_control('c').unwrap();
    assert!(matches!(rest(session).1, WaitStatus::Signaled(_, Signal::SIGINT, _)));
    assert_eq!(terminal.queues(), 0);
}

#[test]
fn apply_goes_on_after_a_yes() {
    for yes in ["y", "YES"] {
        let terminal = Terminal::with_queues(2);
        let mut session = asking(&terminal);
        session.send_line(yes).unwrap();
        let (rest, code) = end(session);
        assert!(rest.contains(" create queue q.1\r\n"), "{rest:?}");
        assert!(rest.contains("applied 2 changes to rabbit@"), "{rest:?}");
        assert_eq!((code, terminal.queues()), (0, 2));
    }
}

#[test]
fn colours_are_for_a_terminal() {
    let terminal = Terminal::with_queues(3);
    let (seen, code) = end(terminal.on_a_terminal(&["diff"]));
    assert_eq!(code, 0);
    assert!(seen.contains("\x1b[32m+\x1b[39m queue  q.1"), "{seen:?}");
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let mut command = terminal.command(&["diff"]);
        command.env(name, value);
        let (seen, code) = end(on_a_terminal(command));
        assert_eq!(code, 0);
        assert!(!seen.contains('\x1b') && seen.contains("+ queue  q.1"), "{name}: {seen:?}");
    }
    let piped = terminal.command(&["diff"]).output().unwrap();
    assert!(!text(&piped.stdout).contains('\x1b'), "{}", text(&piped.stdout));
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn questions_and_progress_are_for_a_terminal() {
    let terminal = Terminal::with_queues(3);
    let piped = terminal.command(&["apply"]).output().unwrap();
    assert_eq!(piped.status.code(), Some(2), "nobody is there to be asked");
    assert!(text(&piped.stderr).contains("say it beforehand: topoc apply --yes"), "{}", text(&piped.stderr));
    assert_eq!(terminal.queues(), 0);
    let (seen, code) = end(terminal.on_a_terminal(&["apply", "--yes"]));
    assert_eq!(code, 0);
    // the bar, and that it is taken away again
    assert!(seen.contains(" of 3  ") && seen.contains("/s  ") && seen.contains("\x1b[2K"), "{seen:?}");
    assert!(seen.ends_with(" s)\r\n"), "{seen:?}");

    let terminal = Terminal::with_queues(3);
    let piped = terminal.command(&["apply", "--yes"]).output().unwrap();
    let out = text(&piped.stdout);
    assert_eq!((piped.status.code(), text(&piped.stderr).as_str()), (Some(0), ""));
    assert!(!out.contains(['\x1b', '\r']) && !out.contains(" of 3 "), "{out:?}");
    assert!(out.contains(" ✓ create queue q.1\n"), "{out}");
}

/// A run that is told to end amidst says what was done, and its last line goes on from there.
fn ends_after_the_steps_under_way(tell: impl FnOnce(&mut PtySession)) {
    const MANY: usize = 2000;
    let terminal = Terminal::with_queues(MANY);
    let mut session = terminal.on_a_terminal(&["apply", "--yes", "--concurrency", "1"]);
    // some are done
    session.exp_regex(r"[1-9][0-9]+ of 2 000  [0-9.]{1,5}/s  ").unwrap();
    tell(&mut session);
    session.exp_string("interrupted: the steps under way are waited for").unwrap();
    let (rest, code) = end(session);
    assert_eq!(code, 5, "{rest:?}");
    let ending = rest.lines().rfind(|line| line.contains("not started")).unwrap();
    let (counts, command) = ending.split_once("   go on with: ").unwrap();
    assert_eq!(command, "topoc apply --yes", "{ending}");
    let counts = counts.strip_prefix("interrupted: ").unwrap();
    let done: usize = counts.split(" done").next().unwrap().replace(' ', "").parse().unwrap();
    assert!(done > 0 && done < MANY, "{ending}");
    assert_eq!(terminal.queues(), done);
    let output = terminal.command(&["diff", "--format", "json"]).output().unwrap();
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(plan["changes"].as_array().unwrap().len(), MANY - done);
}

#[test]
fn ctrl_c_ends_apply_after_the_steps_under_way() {
    ends_after_the_steps_under_way(|session| session.send_control('c').unwrap());
}

#[test]
fn sigterm_ends_apply_as_ctrl_c_does() {
    ends_after_the_steps_under_way(|session| session.process_mut().signal(Signal::SIGTERM).unwrap());
}

#[test]
fn a_second_ctrl_c_leaves_at_once() {
    let terminal = Terminal::with_queues(2);
    let mut command = terminal.command(&["apply", "--yes"]);
    command.env("TOPOC_BROKER", stalling(terminal.vhost.shared().management_url()).0);
    let mut session = on_a_terminal(command);
    session.exp_string("2 to create.").unwrap();
    // the bar shows that signals are heard
    session.exp_string("0 of 2").unwrap();
    session.send_control('c').unwrap();
    session.exp_string("Ctrl-C once more leaves at once\r\n").unwrap();
    // SIGTERM is no impatience
    session.process_mut().signal(Signal::SIGTERM).unwrap();
    session.send_control('c').unwrap();
    let (rest, code) = end(session);
    assert!(rest.contains("left: topoc diff says what is done\r\n"), "{rest:?}");
    assert_eq!((code, terminal.queues()), (5, 0));
}

#[test]
fn a_program_too_is_told_that_a_run_was_left() {
    let terminal = Terminal::with_queues(2);
    let mut command = terminal.command(&["apply", "--yes", "--format", "json"]);
    let (broker, asked) = stalling(terminal.vhost.shared().management_url());
    command.env("TOPOC_BROKER", broker);
    let mut session = on_a_terminal(command);
    // by then signals are heard
    asked.recv_timeout(Duration::from_secs(60)).unwrap();
    session.send_control('c').unwrap();
    session.exp_string("Ctrl-C once more leaves at once\r\n").unwrap();
    session.send_control('c').unwrap();
    let (rest, code) = end(session);
    let object = &rest[rest.find('{').unwrap()..=rest.rfind('}').unwrap()];
    let object: serde_json::Value = serde_json::from_str(object).unwrap();
    assert_eq!((code, &object["error"]["exit"]), (5, &5.into()), "{rest:?}");
}
