use std::process::{Command, ExitCode};

use crate::Error;

/// Runs `command` to its end and passes its status on. It gets SIGTERM when this process dies first, so that it does
/// not go on without its broker.
///
/// # Errors
/// When it cannot be started.
pub fn run_until_we_end(command: &Command) -> Result<ExitCode, Error> {
    let mut tied = Command::new("setpriv");
    // the signal comes with the end of the thread that starts the child: the caller's, which waits for it here
    tied.args(["--pdeathsig", "TERM", "--"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => tied.env(name, value),
            None => tied.env_remove(name),
        };
    }
    let status = tied.status().map_err(Error::while_doing("running setpriv"))?;
    // killed by a signal: nothing but failure can be told
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
