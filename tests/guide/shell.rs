//! One bash for the whole guide, so that folders, variables and jobs stay as they are from block to block.

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

/// Printed after each command, with its exit code.
const END: &str = "--- this command ended with";
/// How long a command may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running bash; what it started ends with it.
pub(crate) struct Shell {
    bash: Child,
    input: ChildStdin,
    output: Receiver<String>,
}

impl Shell {
    /// In `folder`, with the commands of `programs` first.
    pub(crate) fn start(folder: &Path, programs: &Path) -> Self {
        let rest = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([programs.to_owned()].into_iter().chain(env::split_paths(&rest))).unwrap();
        let mut command = Command::new("bash");
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("TOPOC_") {
                command.env_remove(name);
            }
        }
        command.args(["--noprofile", "--norc"]).current_dir(folder).env("PATH", path).env("NO_COLOR", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut bash = command.spawn().unwrap();
        let mut input = bash.stdin.take().unwrap();
        let printed = bash.stdout.take().unwrap();
        let (send, output) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(printed).lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        writeln!(input, "exec 2>&1").unwrap();
        Self { bash, input, output }
    }

    /// What a command prints, and its exit code.
    pub(crate) fn run(&mut self, command: &str) -> (Vec<String>, i32) {
        writeln!(self.input, "{{ {command}\n}} < /dev/null\necho \"{END} $?\"").unwrap();
        let mut lines = Vec::new();
        loop {
            let Ok(line) = self.output.recv_timeout(PATIENCE) else {
                panic!("`{command}` does not end; so far:\n{}", lines.join("\n"));
            };
            if let Some(code) = line.strip_prefix(END) {
                return (lines, code.trim().parse().unwrap());
            }
            lines.push(line);
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // bash and its jobs are a process group
        let group = format!("-{}", self.bash.id());
        let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.bash.wait();
    }
}
