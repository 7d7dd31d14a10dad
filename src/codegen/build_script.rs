//! The door for `build.rs`: reads the topology, tells cargo what it read, writes the Rust.
#![expect(clippy::disallowed_methods, reason = "a build script reads its environment and writes files")]
#![expect(clippy::print_stdout, reason = "a build script talks to cargo through standard output")]

use std::{
    cell::RefCell,
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use super::{Error, Generated, generate};
use crate::{
    Compiled,
    diag::Severity,
    syntax::{DiskSources, Inputs, ReadError, Sources, environment_name},
};

/// How code is generated. Made by [`configure`].
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is generated before `compile`"]
pub struct Configuration {
    out_dir: Option<PathBuf>,
    environment: Option<String>,
    variables: Vec<(String, String)>,
    services: Vec<String>,
}

/// Code for all services of a topology, into cargo's `OUT_DIR`.
pub fn configure() -> Configuration {
    Configuration::default()
}

impl Configuration {
    /// Writes into this folder, in place of `OUT_DIR`.
    pub fn out_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(folder.into());
        self
    }

    /// Chooses an `environment` of the topology.
    pub fn env(mut self, name: impl Into<String>) -> Self {
        self.environment = Some(name.into());
        self
    }

    /// Gives a variable of the topology its value. It wins over `TOPOC_VAR_NAME` in the environment.
    pub fn var(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Generates for this service and others that are named so, in place of all.
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.services.push(name.into());
        self
    }

    /// Checks the topology and writes `<topology>.rs`, where its text has changed. Warnings become cargo's; cargo
    /// runs the build script again when a file, an included folder or a `TOPOC_VAR_…` changes.
    ///
    /// # Errors
    /// What is wrong with the topology, to be shown as it is; or that nothing can be written.
    pub fn compile(self, topology: impl AsRef<Path>) -> Result<(), Error> {
        let folder = match (&self.out_dir, env::var_os("OUT_DIR")) {
            (Some(folder), _) => folder.clone(),
            (None, Some(folder)) => folder.into(),
            (None, None) => {
                return Err(Error::Output(
                    "cargo sets OUT_DIR for build scripts only: name a folder with `.out_dir(…)`".to_owned(),
                ));
            }
        };
        let path = topology.as_ref().to_string_lossy().replace('\\', "/");
        let (compiled, generated, orders) = self.in_memory(&path, &DiskSources);
        // what a wrong topology rests on is watched too
        for order in orders {
            println!("{order}");
        }
        for warning in warnings(&compiled) {
            println!("cargo::warning={warning}");
        }
        write(&folder, &generated?)
    }

    /// What was read, what comes of it, and what cargo is told to watch.
    fn in_memory(&self, path: &str, from: &dyn Sources) -> (Compiled, Result<Generated, Error>, Vec<String>) {
        let watched = Watched { from, paths: RefCell::default() };
        let compiled = crate::check(&[path.to_owned()], &watched, &self.inputs());
        let generated = generate(&compiled, &watched, &self.services);
        let paths = watched.paths.into_inner().into_iter();
        let files = paths.map(|path| format!("cargo::rerun-if-changed={path}"));
        let variables = compiled.variables.iter();
        let variables =
            variables.map(|name| format!("cargo::rerun-if-env-changed={}", environment_name(name)));
        let orders = files.chain(variables).collect();
        (compiled, generated, orders)
    }

    fn inputs(&self) -> Inputs {
        let mut inputs = Inputs::from_environment(env::vars_os());
        let given = self.variables.iter();
        inputs.variables.extend(given.map(|(name, value)| (name.clone(), value.clone(), "--var".to_owned())));
        inputs.environment.clone_from(&self.environment);
        inputs
    }
}

/// Sources that remember what was asked of them.
struct Watched<'a> {
    from: &'a dyn Sources,
    paths: RefCell<BTreeSet<String>>,
}

impl Sources for Watched<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        self.paths.borrow_mut().insert(path.to_owned());
        self.from.read(path)
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, String> {
        // a new file changes its folder; the package's own folder holds what the build itself writes
        if let Some(folder) = constant_folder(pattern) {
            self.paths.borrow_mut().insert(folder.to_owned());
        }
        self.from.glob(pattern)
    }
}

/// The folder of a file pattern before the first that is not constant.
fn constant_folder(pattern: &str) -> Option<&str> {
    let wild = pattern.find(['*', '?', '['])?;
    let (folder, _) = pattern[..wild].rsplit_once('/')?;
    Some(folder)
        .filter(|folder| !folder.is_empty() && !folder.split('/').all(|part| matches!(part, "." | "..")))
}

/// Warnings, one line each.
fn warnings(compiled: &Compiled) -> Vec<String> {
    let found = compiled.report.diagnostics().iter().filter(|found| found.severity == Severity::Warning);
    found
        .map(|found| {
            let place = compiled.sources.line_of(found.primary());
            let place = place.map_or(String::new(), |place| format!("{place}: "));
            format!("{place}{} [{}]", found.message.replace('\n', " "), found.code.name)
        })
        .collect()
}

fn write(folder: &Path, generated: &Generated) -> Result<(), Error> {
    let failed = |path: &Path, error: std::io::Error| {
        Error::Output(format!("`{}` cannot be written: {error}", path.display()))
    };
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    for (name, text) in &generated.files {
        let path = folder.join(name);
        // an unchanged file keeps its time, so that nothing is compiled again
        if fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
            continue;
        }
        fs::write(&path, text).map_err(|error| failed(&path, error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::MemorySources;

    #[test]
    fn folders_of_patterns() {
        for (pattern, folder) in [
            ("schemas/*.kdl", Some("schemas")),
            ("a/b/**/c.kdl", Some("a/b")),
            ("a/b*/c.kdl", Some("a")),
            ("*.kdl", None),
            ("../*.kdl", None),
            ("plain.kdl", None),
        ] {
            assert_eq!(constant_folder(pattern), folder, "{pattern}");
        }
    }

    #[test]
    fn cargo_watches_files_folders_and_variables() {
        let from = MemorySources::default()
            .with("conf/topology.kdl", "include \"parts/*.kdl\"\nvariable \"region\" default=\"eu\"\n")
            .with("conf/parts/a.kdl", "exchange \"a.${region}\"");
        let (_, _, orders) = configure().in_memory("conf/topology.kdl", &from);
        assert_eq!(
            orders,
            [
                "cargo::rerun-if-changed=conf/parts",
                "cargo::rerun-if-changed=conf/parts/a.kdl",
                "cargo::rerun-if-changed=conf/topology.kdl",
                "cargo::rerun-if-env-changed=TOPOC_VAR_REGION",
            ]
        );
    }
}
