//! The command as a script sees it: exit codes, streams, formats, bad input.

mod bad_input;
mod export;
mod files;
mod fix;
mod fmt;
mod formats;
mod generate;
mod help;
mod hoist;
mod mistakes;
mod no_answer;
mod readiness;

use std::{path::Path, process::Output};

use assert_cmd::Command;

/// A topology that checks clean.
const CLEAN: &str = include_str!("../../src/cli/init/topology.kdl");
/// A topology with one error.
const WRONG: &str = "queue \"orders\" typ=\"quorum\" max-length=10 overflow=\"reject-publish\"\n";

/// `topoc` in a folder, with nothing of the tester's own environment.
fn topoc(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("topoc").expect("the test can set itself up");
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "TOPOC_BROKER", "TOPOC_AMQP"] {
        command.env_remove(name);
    }
    command.current_dir(folder).args(arguments).timeout(std::time::Duration::from_secs(60));
    command
}

/// The exit code, standard output and standard error.
fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    ended(&topoc(folder, arguments).output().expect("the test can set itself up"))
}

fn ended(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("what is printed is UTF-8");
    (output.status.code().expect("no signal"), text(&output.stdout), text(&output.stderr))
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("the test can set itself up");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("the test can set itself up"))
            .expect("the test can set itself up");
        std::fs::write(path, text).expect("the test can set itself up");
    }
    folder
}
