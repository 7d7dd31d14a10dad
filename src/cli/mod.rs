//! The `topoc` command: one file a verb.
//!
//! This room reads arguments, files and the environment, and prints. It knows every other room; none knows it.
#![expect(
    clippy::disallowed_methods,
    reason = "the command line is where files and the environment are read"
)]

mod adopt;
mod apply;
mod arguments;
mod check;
mod completions;
mod dead;
mod diff;
mod exit;
mod explain;
mod export;
mod fmt;
mod generate;
mod graph;
mod graphviz;
mod import;
mod init;
mod lints;
mod list;
mod markdown;
mod pending;
mod plan;
mod policies;
mod question;
mod readiness;
mod route;
mod schema;
mod screen;
mod stamp;
mod status;
mod unified;
mod watch;
mod why_not;
mod write;

pub use arguments::{Broker, Format, Input};
pub use exit::{Exit, Stop};
pub use screen::Screen;

use std::{io, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// What a verb comes to.
pub type Outcome = Result<Exit, Stop>;

/// Topology as code for RabbitMQ.
#[derive(Debug, Parser)]
#[command(name = "topoc", version, max_term_width = 100, after_help = exit::HELP)]
struct Cli {
    /// When to use colours: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true,
        display_order = 900
    )]
    color: screen::Color,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Init(init::Init),
    Check(check::Check),
    Fmt(fmt::Fmt),
    Route(route::Route),
    WhyNot(why_not::WhyNot),
    Policies(policies::Policies),
    Readiness(readiness::Readiness),
    Graph(graph::Graph),
    Generate(generate::Generate),
    Diff(diff::Diff),
    Plan(plan::Plan),
    Apply(apply::Apply),
    Adopt(adopt::Adopt),
    Status(status::Status),
    Dead(dead::Dead),
    Export(export::Export),
    Import(import::Import),
    Explain(explain::Explain),
    Lints(lints::Lints),
    Schema(schema::Schema),
    Completions(completions::Completions),
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            // nobody is left to be told that the message could not be printed
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Ok }.into();
        }
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return Exit::Usage.into();
        }
    };
    let mut screen = Screen::new(cli.color, answers_json(&matches));
    let outcome = run(cli.verb, &mut screen).and_then(|exit| {
        screen.flush()?;
        Ok(exit)
    });
    match outcome {
        Ok(exit) => exit.into(),
        // the reader has seen enough, as `head` does
        Err(Stop::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok.into(),
        Err(stop) => screen.stop(&stop).into(),
    }
}

/// Whether the verb is asked to answer a program: then it does so whatever happens.
fn answers_json(matches: &clap::ArgMatches) -> bool {
    let format = |verb: &clap::ArgMatches| {
        verb.try_get_raw("format").ok().flatten().is_some_and(|mut words| words.any(|word| word == "json"))
    };
    // a verb may have verbs of its own
    matches.subcommand().is_some_and(|(_, verb)| format(verb) || answers_json(verb))
}

fn run(verb: Verb, screen: &mut Screen) -> Outcome {
    match verb {
        Verb::Init(init) => init.run(screen),
        Verb::Check(check) => check.run(screen),
        Verb::Fmt(fmt) => fmt.run(screen),
        Verb::Route(route) => route.run(screen),
        Verb::WhyNot(why_not) => why_not.run(screen),
        Verb::Policies(policies) => policies.run(screen),
        Verb::Readiness(readiness) => readiness.run(screen),
        Verb::Graph(graph) => graph.run(screen),
        Verb::Generate(generate) => generate.run(screen),
        Verb::Diff(diff) => diff.run(screen),
        Verb::Plan(plan) => plan.run(screen),
        Verb::Apply(apply) => apply.run(screen),
        Verb::Adopt(adopt) => adopt.run(screen),
        Verb::Status(status) => status.run(screen),
        Verb::Dead(dead) => dead.run(screen),
        Verb::Export(export) => export.run(screen),
        Verb::Import(import) => import.run(screen),
        Verb::Explain(explain) => explain.run(screen),
        Verb::Lints(lints) => lints.run(screen),
        Verb::Schema(schema) => schema.run(screen),
        Verb::Completions(completions) => completions.run(screen),
    }
}

/// The command line as clap knows it.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}
