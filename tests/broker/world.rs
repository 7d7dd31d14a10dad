//! A broker of our own and the command, as a user runs it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};
use topoc_test_support::{Api, Broker, Fate, Options, Passing, Proxy, SHIPPED_PLUGINS, Version};

/// Two addresses, as a secret store may well give them.
pub(crate) const EU_URI: &str = "amqp://eu.example.com\n  amqp://eu2.example.com \n";

/// A node of our own: what is applied goes beyond one vhost. Each scenario has its own vhost and topology.
pub(crate) struct World {
    pub(crate) broker: Broker,
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from(command.output().unwrap())
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl World {
    pub(crate) fn of(version: Version) -> Self {
        Self::on(Options { version, plugins: SHIPPED_PLUGINS, ..Options::default() })
    }

    pub(crate) fn on(options: Options<'_>) -> Self {
        Self { broker: Broker::start_with(options), folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn api(&self) -> Api {
        self.broker.api()
    }

    /// A way to this broker on which `rule` decides what becomes of each request.
    pub(crate) fn proxy(&self, rule: impl Fn(&Passing) -> Fate + Send + Sync + 'static) -> Proxy {
        Proxy::new(&self.broker.management_url(), &self.broker.amqp_url(), rule)
    }

    pub(crate) fn file(&self, text: &str) -> PathBuf {
        let path = self.folder.path().join("topology.kdl");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// `topoc VERB` on this text, against this broker, not yet started.
    pub(crate) fn command(&self, verb: &str, text: &str, flags: &[&str]) -> Command {
        self.command_on(verb, &self.file(text), flags)
    }

    /// `topoc VERB` on this file, against this broker, not yet started.
    pub(crate) fn command_on(&self, verb: &str, file: &Path, flags: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_topoc"));
        command
            .arg(verb)
            .arg(file)
            .args(flags)
            .env("TOPOC_BROKER", self.broker.management_url())
            .env("SECRET", "p w")
            .env("OTHER", "another")
            .env("EU_URI", EU_URI)
            .env_remove("TOPOC_AMQP");
        command
    }

    pub(crate) fn run(&self, verb: &str, text: &str, flags: &[&str]) -> Said {
        Said::of(&mut self.command(verb, text, flags))
    }

    /// Applies, and shows that a second time there is nothing to do.
    #[track_caller]
    pub(crate) fn apply(&self, text: &str, flags: &[&str]) -> Said {
        let said = self.run("apply", text, &[&["--yes"], flags].concat());
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        self.assert_settled(text);
        said
    }

    #[track_caller]
    pub(crate) fn assert_settled(&self, text: &str) {
        let again = self.run("diff", text, &["--exit-code"]);
        assert_eq!(again.code, 0, "{}{}", again.out, again.err);
        assert!(again.out.starts_with("nothing to do: "), "{}", again.out);
    }

    pub(crate) fn plan(&self, text: &str, flags: &[&str]) -> Vec<String> {
        let said = self.run("diff", text, &[&["--format", "json"], flags].concat());
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        let plan: Value = serde_json::from_str(&said.out).unwrap();
        let change = |change: &Value| {
            let word = |name: &str| change[name].as_str().unwrap_or("").to_owned();
            format!("{} {} {}", word("action"), word("kind"), word("name"))
        };
        plan["changes"].as_array().unwrap().iter().map(change).collect()
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.api().ask("GET", path, None).unwrap().0 == 200
    }

    pub(crate) fn publish(&self, vhost: &str, queue: &str, count: usize) {
        for _ in 0..count {
            let message = json!({
                "properties": {"delivery_mode": 2},
                "routing_key": queue,
                "payload": "x",
                "payload_encoding": "string",
            });
            let path = format!("/api/exchanges/{vhost}/amq.default/publish");
            assert_eq!(self.api().post(&path, &message)["routed"], true);
        }
    }

    /// What a queue is bound to, but for the default exchange: `source key`, in order.
    pub(crate) fn bindings(&self, vhost: &str, queue: &str) -> Vec<String> {
        let list = self.api().get(&format!("/api/queues/{vhost}/{queue}/bindings"));
        let bindings = list.as_array().unwrap().iter().filter(|binding| binding["source"] != "");
        let word = |word: &Value| word.as_str().unwrap_or("").to_owned();
        let mut found: Vec<String> = bindings
            .map(|binding| format!("{} {}", word(&binding["source"]), word(&binding["routing_key"])))
            .collect();
        found.sort();
        found
    }
}
