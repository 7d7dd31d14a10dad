//! Secrets that are planted wherever one may stand come out nowhere.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;
use topoc_test_support::{Certificates, Options, SHIPPED_PLUGINS, Version, available_or_skip};

use crate::world::{Said, World};

/// What every planted secret holds, and nothing else does.
const PLANTED: &str = "Pl4nted";

const TEXT: &str = r#"topology "planted"
vhost "planted" {
    exchange "e" type="topic"
    queue "q" type="classic" { bind "e" routing-key="k" }
    federation-upstream "eu" uri-env="EU_URI"
    shovel "s" { source queue="q" uri-env="SOURCE_URI"; destination queue="r" uri-file="URI_FILE" }
}
user "by-env" { password env="USER_PASSWORD" }
user "by-file" { password file="PASSWORD_FILE" }
"#;

struct Planted {
    world: World,
    /// What is looked for: parts of all secrets, as they are and as they are sent.
    needles: Vec<String>,
    files: PathBuf,
}

impl Planted {
    fn start(version: Version) -> Self {
        let ours = Certificates::generate();
        let options = Options { version, plugins: SHIPPED_PLUGINS, tls: Some(&ours), ..Options::default() };
        let world = World::on(options);
        let files = world.folder.path().to_owned();
        let write = |name: &str, text: &str| fs::write(files.join(name), text).unwrap();
        write("ca.pem", ours.ca());
        write("cert.pem", ours.client().certificate());
        write("key.pem", ours.client().key());
        write("password", "Pl4nted-by-file\n");
        write("uri", "amqp://u:Pl4nted-uri-file@127.0.0.1:1");
        write("admin", "Pl4nted-admin");
        let api = world.api();
        api.put("/api/users/admin", &json!({"password": "Pl4nted-admin", "tags": "administrator"}));
        let all = json!({"configure": ".*", "write": ".*", "read": ".*"});
        api.put("/api/permissions/%2F/admin", &all);
        api.put("/api/vhosts/planted", &json!({}));
        api.put("/api/permissions/planted/admin", &all);
        let key = ours.client().key().lines().nth(1).unwrap().to_owned();
        // `admin:Pl4nted-admin` in Base64, from where the password begins
        let basic = "UGw0bnRlZC1hZG1pb".to_owned();
        Self { world, needles: vec![PLANTED.to_owned(), key, basic], files }
    }

    fn path(&self, name: &str) -> String {
        self.files.join(name).display().to_string()
    }

    fn text(&self) -> String {
        TEXT.replace("URI_FILE", &self.path("uri")).replace("PASSWORD_FILE", &self.path("password"))
    }

    /// `topoc WORDS`, with all that a machine may have to say of secrets.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_topoc"));
        let url = self.world.broker.management_tls_url().replace("guest:guest", "admin:Pl4nted-admin");
        command.args(words).current_dir(&self.files);
        command
            .env("TOPOC_BROKER", url)
            .env("TOPOC_AMQP", self.world.broker.amqps_url().replace("guest:guest", "admin:Pl4nted-admin"))
            .env("TOPOC_BROKER_CA", self.path("ca.pem"))
            .env("TOPOC_BROKER_CERT", self.path("cert.pem"))
            .env("TOPOC_BROKER_KEY", self.path("key.pem"))
            .env("USER_PASSWORD", "Pl4nted-by-env")
            .env("EU_URI", "amqp://u:Pl4nted-eu@eu.example.com amqp://u:Pl4nted-eu-2@eu2.example.com")
            .env("SOURCE_URI", "amqp://u:Pl4nted-source@127.0.0.1:1")
            .env("RUST_LOG", "trace")
            .env("RUST_BACKTRACE", "full");
        command
    }

    #[track_caller]
    fn verify(&self, what: &str, text: &str) {
        for needle in &self.needles {
            if let Some(line) = text.lines().find(|line| line.contains(needle)) {
                panic!("{what}: {line}");
            }
        }
    }

    /// Runs, and finds no secret in what is said.
    #[track_caller]
    fn run(&self, words: &[&str], more: &[(&str, &str)], code: i32) -> Said {
        let said = Said::of(self.command(words).envs(more.iter().copied()));
        let all = format!("{}{}", said.out, said.err);
        self.verify(&format!("{words:?} {more:?}"), &all.replace(&self.path(""), ""));
        assert_eq!(said.code, code, "{words:?} {more:?}: {all}");
        assert!(!all.contains("panicked"), "{words:?}: {all}");
        said
    }

    /// No secret is in any file that was written.
    #[track_caller]
    fn verify_files(&self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.verify_files(&path);
            } else {
                let text = fs::read(&path).unwrap();
                self.verify(&path.display().to_string(), &String::from_utf8_lossy(&text));
            }
        }
    }

    /// What is on record in the broker.
    fn records(&self) -> String {
        let kept = self.world.api().get("/api/global-parameters");
        let records = kept.as_array().unwrap().iter();
        records
            .filter(|kept| kept["name"].as_str().is_some_and(|name| name.starts_with("topoc:")))
            .map(ToString::to_string)
            .collect()
    }
}

fn what_verbs_say(planted: &Planted) {
    fs::write(planted.files.join("t.kdl"), planted.text()).unwrap();
    fs::create_dir(planted.files.join("out")).unwrap();
    let run = |words: &[&str], code| drop(planted.run(words, &[], code));
    for format in ["human", "json", "sarif", "github"] {
        run(&["check", "t.kdl", "--format", format, "--all"], 0);
    }
    run(&["fmt", "t.kdl"], 0);
    run(&["generate", "rust", "t.kdl", "-o", "out/generated.rs"], 0);
    run(&["diff", "t.kdl"], 0);
    run(&["diff", "t.kdl", "--format", "json"], 0);
    run(&["plan", "t.kdl", "-o", "out/plan.json"], 0);
    run(&["apply", "out/plan.json"], 0);
    assert!(!planted.records().is_empty());
    planted.verify("the record", &planted.records());
    run(&["diff", "t.kdl", "--exit-code"], 0);
    // all of them are others now, and so is what the broker has of them
    let others = [
        ("USER_PASSWORD", "Pl4nted-other"),
        ("EU_URI", "amqp://u:Pl4nted-other@eu.example.com"),
        ("SOURCE_URI", "amqp://u:Pl4nted-other@127.0.0.1:1"),
    ];
    planted.run(&["diff", "t.kdl", "--drift"], &others, 0);
    planted.run(&["diff", "t.kdl", "--exit-code", "--format", "json"], &others, 3);
    planted.run(&["apply", "t.kdl", "--yes", "--format", "json"], &others, 0);
    planted.verify("the record", &planted.records());
    run(&["apply", "t.kdl", "--yes"], 0);
    run(&["status", "t.kdl", "--over", "0s", "--format", "json"], 0);
    // all of it is nobody's, and not as described
    for record in planted.world.api().get("/api/global-parameters").as_array().unwrap() {
        let name = record["name"].as_str().filter(|name| name.starts_with("topoc:"));
        name.map(|name| planted.world.api().delete(&format!("/api/global-parameters/{name}")));
    }
    planted.run(&["adopt", "t.kdl"], &others, 2);
    planted.run(&["adopt", "t.kdl", "--yes"], &others, 5);
    planted.run(&["adopt", "t.kdl", "--yes", "--force", "--format", "json"], &others, 0);
    assert!(!planted.records().is_empty());
    planted.verify("the record", &planted.records());
    run(&["diff", "t.kdl", "--exit-code"], 0);
    run(&["import"], 0);
    run(&["import", "--split", "-o", "out/imported"], 0);
    run(&["export", "definitions", "t.kdl", "-o", "out/definitions.json"], 0);
    run(&["route", "--live", "--vhost", "planted", "--exchange", "e", "--key", "k"], 0);
    run(&["why-not", "q", "--live", "--vhost", "planted", "--exchange", "e", "--key", "x"], 0);
    run(&["policies", "--live"], 0);
    let newer = if planted.world.broker.version() == Version::V3_10 { "3.13" } else { "4.1" };
    run(&["readiness", "--live", "--to", newer], 0);
    planted.verify_files(&planted.files.join("out"));
}

fn what_goes_wrong(planted: &Planted) {
    let wrong = |more: &[(&str, &str)], code| drop(planted.run(&["apply", "t.kdl", "--yes"], more, code));
    // addresses that are none, or lead nowhere
    let addresses = [
        ("http://admin:Pl4nted-a@127.0.0.1:notaport", 2),
        ("http://admin:Pl4nted-a@127.0.0.1:1", 4),
        ("http://admin:Pl4nted-a@", 2),
        ("ftp://admin:Pl4nted-a@127.0.0.1:1", 2),
        ("admin:Pl4nted-a@127.0.0.1:1", 2),
        ("http://admin:Pl4nted/a@127.0.0.1:1", 2),
        ("http://admin:Pl4nted?a@127.0.0.1:1", 2),
        ("http://admin:Pl4nted#a@127.0.0.1:1", 2),
        ("http://admin:Pl4nted a@127.0.0.1:1", 2),
        ("http://admin:Pl4nted%zz@127.0.0.1:1", 2),
        ("http://admin:Pl4nted@a@127.0.0.1:1", 2),
        ("http://127.0.0.1:1/?password=Pl4nted", 2),
    ];
    for (address, _) in addresses {
        for variable in ["TOPOC_BROKER", "TOPOC_AMQP"] {
            let address = if variable == "TOPOC_AMQP" {
                address.replacen("http", "amqp", 1)
            } else {
                address.to_owned()
            };
            let said = Said::of(planted.command(&["apply", "t.kdl", "--yes"]).env(variable, &address));
            planted.verify(&format!("{variable}={address}"), &format!("{}{}", said.out, said.err));
            assert!(matches!(said.code, 0 | 2 | 4), "{address}: {}{}", said.out, said.err);
        }
        let said = Said::of(&mut planted.command(&["diff", "t.kdl", "--broker", address]));
        planted.verify(&format!("--broker {address}"), &format!("{}{}", said.out, said.err));
    }
    // who is not let in
    let management = planted.world.broker.management_tls_url().replace("guest:guest", "admin:Pl4nted-wrong");
    wrong(&[("TOPOC_BROKER", &management)], 4);
    let amqp = planted.world.broker.amqps_url().replace("guest:guest", "admin:Pl4nted-wrong");
    wrong(&[("TOPOC_AMQP", &amqp)], 4);
    let file = planted.path("admin");
    let bare = planted.world.broker.management_tls_url().replace("guest:guest@", "admin@");
    planted.run(&["diff", "t.kdl"], &[("TOPOC_BROKER", &bare), ("TOPOC_BROKER_PASSWORD_FILE", &file)], 0);
    // a key that is none
    wrong(&[("TOPOC_BROKER_KEY", &planted.path("admin"))], 2);
    // addresses that the broker refuses, with its own words
    for uri in [
        "amqp://u:Pl4nted-bad@host:notaport",
        "amqp://u:Pl4nted%zz@host",
        "http://u:Pl4nted-bad@host",
        "Pl4nted",
    ] {
        for variable in ["EU_URI", "SOURCE_URI"] {
            let said = Said::of(planted.command(&["apply", "t.kdl", "--yes", "--all"]).env(variable, uri));
            planted.verify(&format!("{variable}={uri}"), &format!("{}{}", said.out, said.err));
            let said = Said::of(
                planted.command(&["apply", "t.kdl", "--yes", "--format", "json"]).env(variable, uri),
            );
            planted.verify(&format!("{variable}={uri} as JSON"), &format!("{}{}", said.out, said.err));
        }
    }
    planted.verify("the record", &planted.records());
}

/// In a file they are mistakes, and the line that they stand in is shown.
fn what_stands_in_a_file(planted: &Planted) {
    let text = planted.text();
    let open = text
        .replace("password env=\"USER_PASSWORD\"", "password \"Pl4nted-open\"")
        .replace("uri-env=\"EU_URI\"", "uri=\"amqp://u:Pl4nted-open@host\"")
        .replace("uri-env=\"SOURCE_URI\"", "uri=\"amqp://u:Pl4nted-open@host\" wrong=1");
    let environment = "environment \"production\" management=\"http://admin:Pl4nted-open@127.0.0.1:1\"\n";
    for (name, text) in [
        ("open.kdl", open.clone()),
        ("environment.kdl", format!("{text}{environment}")),
        ("twice.kdl", format!("{open}user \"by-env\" {{ password \"Pl4nted-twice\" 5 }}\n")),
        ("unread.kdl", open.replace("shovel", "shovle").replace("user ", "usr ")),
    ] {
        fs::write(planted.files.join(name), text).unwrap();
        for words in [
            &["check", name, "--all"][..],
            &["check", name, "--all", "--format", "json"],
            &["check", name, "--all", "--format", "sarif"],
            &["check", name, "--all", "--format", "github"],
            &["check", name, "--env", "production"],
            &["diff", name],
            &["diff", name, "--env", "production"],
            &["plan", name, "-o", "out/open.json"],
            &["apply", name, "--yes"],
            &["graph", name, "--format", "mermaid"],
            &["export", "definitions", name],
            &["policies", name],
        ] {
            let said = Said::of(&mut planted.command(words));
            planted.verify(&format!("{words:?}"), &format!("{}{}", said.out, said.err));
        }
    }
}

/// A `dot` that tells how it was called before it draws.
#[cfg(unix)]
fn what_others_see(planted: &Planted) {
    use std::os::unix::fs::PermissionsExt as _;
    let script = planted.files.join("dot.sh");
    let seen = planted.path("out/seen");
    fs::write(
        &script,
        format!("#!/bin/sh\ntr '\\0' ' ' < /proc/$$/cmdline > '{seen}'\ntee '{seen}.dot' | dot \"$@\"\n"),
    )
    .unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    let dot = script.display().to_string();
    planted.run(&["graph", "t.kdl", "--format", "svg", "-o", "out/t.svg"], &[("TOPOC_DOT", &dot)], 0);
    assert!(fs::read_to_string(&seen).unwrap().contains("-Tsvg"));
    planted.verify_files(&planted.files.join("out"));
}

fn no_secret_comes_out(version: Version) {
    let planted = Planted::start(version);
    what_verbs_say(&planted);
    what_goes_wrong(&planted);
    what_stands_in_a_file(&planted);
    #[cfg(unix)]
    what_others_see(&planted);
}

#[test]
fn planted_secrets_come_out_nowhere() {
    no_secret_comes_out(Version::V3_10);
}

#[test]
fn planted_secrets_come_out_nowhere_on_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        no_secret_comes_out(Version::V4_0);
    }
}
