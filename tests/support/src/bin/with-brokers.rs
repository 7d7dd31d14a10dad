//! `with-brokers -- COMMAND…`: runs a command, such as a test run, with one shared node of each available version.

use std::error::Error;
use std::process::{Command, ExitCode};
use std::{env, process};

use topoc_test_support::{RunBrokers, run_until_we_end};

#[expect(clippy::print_stderr, reason = "a command talks on standard error")]
fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut words = env::args_os().skip(1).skip_while(|word| word == "--");
    let Some(program) = words.next() else {
        eprintln!("usage: with-brokers -- COMMAND…");
        process::exit(2);
    };
    let run = RunBrokers::start()?;
    for (version, missing) in run.missing() {
        eprintln!("no RabbitMQ {version} here, its tests are skipped: {missing}");
    }
    run_until_we_end(Command::new(program).args(words).envs(run.environment())).map_err(Into::into)
}
