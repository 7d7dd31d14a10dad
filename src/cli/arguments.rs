//! What several verbs take: files, variables, a broker, a format.

use std::{
    env,
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};

use super::Stop;
use crate::{
    broker::{Options, Secret},
    diag::{Diagnostic, Report, codes},
    syntax::{DiskSources, Inputs, MAX_BYTES, ReadError, STANDARD_INPUT, Sources},
};

/// The file that is read where none is named.
pub(super) const DEFAULT_FILE: &str = "topology.kdl";

/// A topology: its files, and what is said about it from outside.
#[derive(Clone, Debug, Default, Args)]
pub struct Input {
    /// Topology files; a folder stands for its *.kdl, and - for standard input [default: topology.kdl]
    #[arg(value_name = "FILE")]
    pub files: Vec<String>,
    /// Give a variable its value; also TOPOC_VAR_NAME in the environment
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    pub variables: Vec<(String, String)>,
    /// Choose an `environment` of the topology
    #[arg(long = "env", value_name = "NAME")]
    pub environment: Option<String>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE, such as region=us".to_owned()),
    }
}

/// The files of a run, found and ready to be read.
#[derive(Debug, Default)]
pub struct Files {
    /// Their paths, in the order named.
    pub paths: Vec<String>,
    /// What was in the way of finding them.
    pub report: Report,
}

impl Input {
    /// The files that are meant.
    ///
    /// # Errors
    /// When none is named and there is no default.
    pub fn files(&self) -> Result<Files, Stop> {
        files(&self.files)
    }

    /// What the run brings to the topology from outside; `--var` wins over the environment.
    #[must_use]
    pub fn inputs(&self) -> Inputs {
        let mut inputs = Inputs::from_environment(env::vars_os());
        let given = self.variables.iter();
        inputs.variables.extend(given.map(|(name, value)| (name.clone(), value.clone(), "--var".to_owned())));
        inputs.environment.clone_from(&self.environment);
        inputs
    }
}

/// Folders become their files; without any file, the default.
pub(super) fn files(named: &[String]) -> Result<Files, Stop> {
    let mut found = Files::default();
    if named.is_empty() {
        if !Path::new(DEFAULT_FILE).is_file() {
            return Err(Stop::usage(
                format!("no file is named, and there is no `{DEFAULT_FILE}` in this folder"),
                "name one: `topoc check FILE`; `topoc init` writes a starter topology",
            ));
        }
        found.paths.push(DEFAULT_FILE.to_owned());
    }
    for name in named {
        if name == "-" {
            found.paths.push(STANDARD_INPUT.to_owned());
        } else if Path::new(name).is_dir() {
            folder(name, &mut found);
        } else {
            found.paths.push(name.clone());
        }
    }
    Ok(found)
}

fn folder(name: &str, found: &mut Files) {
    let name = name.trim_end_matches('/');
    let pattern = format!("{}/*.kdl", glob::Pattern::escape(if name.is_empty() { "/." } else { name }));
    let paths = DiskSources.glob(&pattern).unwrap_or_default();
    if paths.is_empty() {
        found.report.push(
            Diagnostic::new(codes::UNREADABLE, format!("the folder `{name}` holds no .kdl file"))
                .help(format!("`topoc init {name}` writes a starter topology into it")),
        );
    }
    found.paths.extend(paths);
}

/// The file system, with standard input as one more file.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CommandSources;

impl Sources for CommandSources {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        if path != STANDARD_INPUT {
            return DiskSources.read(path);
        }
        let mut bytes = Vec::new();
        let bound = MAX_BYTES as u64 + 1;
        io::stdin()
            .lock()
            .take(bound)
            .read_to_end(&mut bytes)
            .map_err(|error| ReadError::Other(error.kind()))?;
        if bytes.len() as u64 >= bound { Err(ReadError::TooLarge(bound)) } else { Ok(bytes) }
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, String> {
        DiskSources.glob(pattern)
    }
}

/// In which form a verb answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// For programs: docs/json.md describes it.
    Json,
}

/// Which broker, and how it is reached. What is not said here is taken from the environment.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Broker")]
pub struct Broker {
    /// The management API, `https://user:password@host:port`; several, with commas between, are tried in turn;
    /// file:definitions.json is a broker in a file [env: TOPOC_BROKER, and for who we are TOPOC_BROKER_USERNAME,
    /// TOPOC_BROKER_PASSWORD or TOPOC_BROKER_PASSWORD_FILE]
    #[arg(long, value_name = "URL")]
    pub broker: Option<String>,
    /// The AMQP address, where the broker's own word is not to be taken [env: TOPOC_AMQP, unless --broker or --env names
    /// the broker]
    #[arg(long, value_name = "URL")]
    pub amqp: Option<String>,
    /// A PEM file of the authorities to trust, in place of the system's [env: TOPOC_BROKER_CA]
    #[arg(long, value_name = "FILE")]
    pub broker_ca: Option<PathBuf>,
    /// A PEM file with the client certificate to show [env: TOPOC_BROKER_CERT]
    #[arg(long, value_name = "FILE")]
    pub broker_cert: Option<PathBuf>,
    /// A PEM file with its private key [env: TOPOC_BROKER_KEY]
    #[arg(long, value_name = "FILE")]
    pub broker_key: Option<PathBuf>,
}

impl Broker {
    /// What is said, then what the environment says.
    #[must_use]
    pub fn options(&self) -> Options {
        let secret = |text: &Option<String>| text.clone().map(Secret::new);
        Options {
            broker: secret(&self.broker),
            amqp: secret(&self.amqp),
            ca: self.broker_ca.clone(),
            certificate: self.broker_cert.clone(),
            key: self.broker_key.clone(),
            ..Options::default()
        }
        .or_environment(|name| env::var(name).ok())
    }
}
