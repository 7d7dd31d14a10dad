use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::Error;
use crate::version::Installation;

/// The shell that holds a node's processes. It outlives us just long enough to end them, however we end: it reads a
/// pipe that the kernel closes with our process.
#[derive(Debug)]
pub(crate) struct Supervisor {
    shell: Child,
    /// `None` once let go.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Supervisor {
    /// Takes charge of `dir`, which is removed in the end.
    pub(crate) fn start(installation: &Installation, dir: &Path) -> Result<Self, Error> {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", include_str!("supervise.sh"), "sh"])
            .args([dir, installation.inside(dir)])
            .args(installation.enter(dir))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // a Ctrl-C or a test runner's kill that is meant for us must not reach it
            .process_group(0)
            .spawn()
            .map_err(Error::while_doing("starting /bin/sh"))?;
        let (Some(orders), Some(answers)) = (shell.stdin.take(), shell.stdout.take()) else {
            return Err(Error::new("the supervising shell has no pipes"));
        };
        Ok(Self { shell, orders: Some(orders), answers: BufReader::new(answers) })
    }

    /// Starts the private epmd; its process id.
    pub(crate) fn epmd(&mut self) -> Result<u32, Error> {
        self.start_process("epmd")
    }

    /// Starts the node; its process id.
    pub(crate) fn node(&mut self) -> Result<u32, Error> {
        self.start_process("start")
    }

    /// Sends the node SIGKILL and waits for its end.
    pub(crate) fn kill(&mut self) -> Result<(), Error> {
        self.order("KILL").map(drop)
    }

    /// Sends the node SIGTERM and waits for its end.
    pub(crate) fn terminate(&mut self) -> Result<(), Error> {
        self.order("TERM").map(drop)
    }

    /// Sends the node SIGSTOP.
    pub(crate) fn pause(&mut self) -> Result<(), Error> {
        self.order("STOP").map(drop)
    }

    /// Sends the node SIGCONT.
    pub(crate) fn resume(&mut self) -> Result<(), Error> {
        self.order("CONT").map(drop)
    }

    fn start_process(&mut self, order: &str) -> Result<u32, Error> {
        let answer = self.order(order)?;
        answer.parse().map_err(Error::while_doing(format_args!("the shell's answer {answer:?} to `{order}`")))
    }

    fn order(&mut self, order: &str) -> Result<String, Error> {
        let orders = self.orders.as_mut().ok_or_else(|| Error::new("the node has been let go"))?;
        let mut answer = String::new();
        writeln!(orders, "{order}")
            .and_then(|()| self.answers.read_line(&mut answer))
            .map_err(Error::while_doing(format_args!("ordering the node's shell to `{order}`")))?;
        Ok(answer.trim_end().to_owned())
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.orders = None;
        // nothing can be done about an error here, and the shell ends by itself
        let _ = self.shell.wait();
    }
}
