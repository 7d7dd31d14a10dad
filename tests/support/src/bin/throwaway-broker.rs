//! `throwaway-broker`: one RabbitMQ node on loopback, or three, for as long as a command runs or standard input is open.

use std::io::{self, Read as _, Write as _};
use std::process::{Command, ExitCode};
use std::{env, error, process};

use topoc_test_support::{
    Broker, Cluster, Options, SHIPPED_PLUGINS, Version, available, describe, run_until_we_end,
};

const USAGE: &str = "\
usage: throwaway-broker [--version 3.10|4.0] [--json|--cluster] [-- COMMAND…]

Starts a RabbitMQ node on loopback with the management plugin and the shipped exchange types. With a COMMAND, runs it
with TOPOC_BROKER and TOPOC_AMQP set, and removes the node when it ends. Without one, prints where the node is, as
`export` lines or as one line of JSON, and removes the node when standard input ends. With --cluster it is three nodes,
and TOPOC_BROKER names all of them.

  throwaway-broker -- topoc apply topology.kdl
";

fn main() -> Result<ExitCode, Box<dyn error::Error>> {
    // without a wish, whichever this machine has; where it has none, the refusal says what to do
    let here = Version::ALL.into_iter().find(|version| available(*version).is_ok());
    let mut version = here.unwrap_or(Version::V3_10);
    let (mut json, mut cluster) = (false, false);
    let mut words = env::args();
    words.next();
    let mut command = None;
    while let Some(word) = words.next() {
        match word.as_str() {
            "--version" => match words.next().as_deref().and_then(Version::from_name) {
                Some(named) => version = named,
                None => usage(),
            },
            "--json" => json = true,
            "--cluster" => cluster = true,
            "--" => {
                command = words.next();
                break;
            }
            _ => usage(),
        }
    }
    if json && cluster {
        usage();
    }
    let options = Options { version, plugins: SHIPPED_PLUGINS, ..Options::default() };
    // either is gone when it is dropped
    let (_three, _one);
    let (variables, described) = if cluster {
        let three = Cluster::try_start(&options)?;
        let variables = vec![("TOPOC_BROKER", three.management_urls())];
        _three = three;
        (variables, None)
    } else {
        let one = Broker::try_start_with(options)?;
        let variables = vec![("TOPOC_BROKER", one.management_url()), ("TOPOC_AMQP", one.amqp_url())];
        let described = describe(&one);
        _one = one;
        (variables, Some(described))
    };
    if let Some(program) = command {
        return Ok(run_until_we_end(Command::new(program).args(words).envs(variables))?);
    }
    let mut out = io::stdout().lock();
    if let (true, Some(described)) = (json, described) {
        writeln!(out, "{described}")?;
    } else {
        for (name, value) in variables {
            writeln!(out, "export {name}='{value}'")?;
        }
    }
    out.flush()?;
    io::stdin().lock().read_to_end(&mut Vec::new())?;
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stderr, reason = "a command talks on standard error")]
fn usage() -> ! {
    eprint!("{USAGE}");
    process::exit(2)
}
