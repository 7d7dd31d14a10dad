//! Definitions become KDL that says the very same.
#![expect(clippy::disallowed_methods, reason = "cases are files")]
#![allow(clippy::unwrap_used, reason = "in tests, helpers too, a panic is the failure")]

use std::fs;

use serde_json::{Value as Json, json};
use topoc::{
    broker::Secrets,
    import::{Imported, Options, import},
    kind::Definition,
    plan::{Live, Pair, plan},
    syntax::{Inputs, MemorySources},
};

fn options() -> Options {
    Options { name: "imported".to_owned(), ..Options::default() }
}

/// Imports, and shows that what is written is what is there.
#[track_caller]
fn imported(definitions: &str, options: &Options) -> Imported {
    let live = Live::from_text(definitions, None).expect("definitions");
    let imported = import(&live, &|_| true, options);
    let sources = imported
        .files
        .iter()
        .fold(MemorySources::default(), |sources, file| sources.with(file.path.as_str(), file.text.as_str()));
    let compiled = topoc::check(&["topology.kdl".to_owned()], &sources, &Inputs::default());
    let said: Vec<_> = compiled.report.diagnostics().iter().map(|found| &found.message).collect();
    assert!(!compiled.report.has_errors(), "{said:#?}\n{}", imported.files[0].text);
    let secrets = Secrets::from_variables([]);
    let same = |desired: &Definition, live: &Definition, attribute: &'static str| {
        secrets.same(desired, live, attribute)
    };
    let plan = plan(Pair { live: &live, desired: &compiled.topology, same_secret: &same, adopt: true });
    let steps: Vec<String> = plan
        .steps
        .iter()
        .filter(|step| step.action.writes())
        .map(|step| format!("{}: {}", step.title(), step.reason))
        .collect();
    assert!(steps.is_empty(), "{steps:#?}\n{}", imported.files[0].text);
    imported
}

fn shown(imported: &Imported) -> String {
    let files = imported.files.iter().map(|file| format!("──── {}\n{}", file.path, file.text));
    let notes: Vec<String> = imported.notes.iter().map(|note| format!("note: {note}")).collect();
    format!("{}──── {} entities\n{}\n", files.collect::<String>(), imported.described, notes.join("\n"))
}

#[test]
fn cases() {
    insta::glob!("import/*.json", |path| {
        let text = fs::read_to_string(path).unwrap();
        let imported = imported(&text, &options());
        assert!(!shown(&imported).contains("pl4nted"));
        insta::assert_snapshot!(shown(&imported));
    });
}

#[test]
fn each_vhost_has_a_file_where_that_is_asked_for() {
    let text = fs::read_to_string("tests/import/strange.json").unwrap();
    let split = imported(&text, &Options { split: true, hashes: true, ..options() });
    let paths: Vec<&str> = split.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["topology.kdl", "vhosts/default.kdl", "vhosts/odd---names.kdl"]);
    assert!(
        split.files[0].text.contains("password hash=\"YHil4TyI1OoSq/g/kcedOlptmog3GAAwvA8Wq2VocufxzH21\""),
        "{}",
        split.files[0].text
    );
}

/// What topologies export is what they were, and reads as what they are: with their ladders and super streams.
#[test]
fn what_was_written_is_found_again() {
    let topologies =
        glob::glob("tests/topologies/*.kdl").unwrap().chain(glob::glob("examples/*/topology.kdl").unwrap());
    for path in topologies.map(Result::unwrap) {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let folder = path.parent().unwrap().to_owned();
        let sources = topoc::syntax::DiskSources;
        let compiled =
            topoc::compile(&[folder.join(&name).display().to_string()], &sources, &Inputs::default());
        let exported = topoc::export::definitions(&compiled.topology, None).unwrap().json;
        let imported = imported(&exported.to_string(), &options());
        let count =
            |text: &str, word: &str| text.lines().filter(|line| line.trim_start().starts_with(word)).count();
        let ours = &imported.files[0].text;
        if !text.contains("template") && !text.contains("for \"") {
            assert_eq!(count(ours, "retry "), count(&text, "retry "), "{name}: {ours}");
        }
        assert_eq!(count(ours, "super-stream "), count(&text, "super-stream "), "{name}");
    }
}

/// A small generator: the same seed, the same definitions.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn one_of<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items[usize::try_from(self.below(items.len() as u64)).unwrap()]
    }

    fn name(&mut self) -> &'static str {
        self.one_of(&[
            "a",
            "b",
            "a.dead",
            "a.retry.1",
            "a.retry.2",
            "b-0",
            "b-1",
            "${n}",
            "x y",
            "é\u{1}\"\\",
            "-",
            "true",
            "a/b{c}",
            "",
        ])
    }

    fn json(&mut self, depth: u32) -> Json {
        match self.below(if depth == 0 { 6 } else { 8 }) {
            0 => json!(null),
            1 => json!(self.below(2) == 0),
            2 => json!(self.below(100_000)),
            3 => json!(-5),
            4 => json!(0.5),
            5 => json!(self.name()),
            6 => (0..self.below(3)).map(|_| self.json(depth - 1)).collect(),
            _ => (0..self.below(3))
                .map(|_| (self.name().to_owned(), self.json(depth - 1)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }

    fn arguments(&mut self, names: &[&str]) -> Json {
        let mut arguments = serde_json::Map::new();
        for _ in 0..self.below(4) {
            let name = self.one_of(names).to_owned();
            let value = match (name.as_str(), self.below(4)) {
                (_, 0) => self.json(2),
                ("x-queue-type", _) => json!(self.one_of(&["classic", "quorum", "stream"])),
                ("x-message-ttl" | "message-ttl", _) => {
                    json!([5000, 30_000, 1][usize::try_from(self.below(3)).unwrap()])
                }
                ("x-super-stream" | "x-single-active-consumer", _) => json!(true),
                ("x-overflow", _) => json!("reject-publish"),
                _ => json!(self.name()),
            };
            arguments.insert(name, value);
        }
        arguments.into()
    }

    fn definitions(&mut self) -> Json {
        const QUEUE: &[&str] = &[
            "x-queue-type",
            "x-message-ttl",
            "x-dead-letter-exchange",
            "x-dead-letter-routing-key",
            "x-max-length",
            "x-single-active-consumer",
            "x-overflow",
            "own",
            "x-own",
        ];
        let vhosts = ["/", "v"];
        let mut lists: std::collections::BTreeMap<&str, Vec<Json>> = std::collections::BTreeMap::new();
        for _ in 0..self.below(14) {
            let vhost = self.one_of(&vhosts);
            let (list, entry) = match self.below(8) {
                0..3 => (
                    "queues",
                    json!({"name": self.name(), "durable": self.below(3) > 0, "auto_delete": self.below(5) == 0, "arguments": self.arguments(QUEUE)}),
                ),
                3 => (
                    "exchanges",
                    json!({"name": self.name(), "type": self.one_of(&["topic", "headers", "direct", "x-own", ""]), "durable": true, "auto_delete": false, "internal": self.below(4) == 0, "arguments": self.arguments(&["alternate-exchange", "x-super-stream", "own"])}),
                ),
                4 | 5 => (
                    "bindings",
                    json!({"source": self.one_of(&["a", "b", "amq.topic", "amq.headers"]), "destination": self.name(), "destination_type": self.one_of(&["queue", "exchange"]), "routing_key": self.name(), "arguments": self.arguments(&["x-match", "h", "own"])}),
                ),
                6 => (
                    "policies",
                    json!({"name": self.name(), "pattern": self.name(), "apply-to": self.one_of(&["all", "queues", "streams"]), "priority": self.below(3), "definition": self.arguments(&["message-ttl", "max-length", "own", "overflow"])}),
                ),
                _ => (
                    "parameters",
                    json!({"name": self.name(), "component": self.one_of(&["plugin", "shovel", "operator_policy", "federation-upstream"]), "value": self.arguments(&["pattern", "uri", "src-uri", "definition", "own"])}),
                ),
            };
            let mut entry = entry;
            entry["vhost"] = json!(vhost);
            lists.entry(list).or_default().push(entry);
        }
        let mut all = json!(lists);
        all["rabbitmq_version"] = json!("4.0.5");
        all["vhosts"] = json!([{"name": "/"}, {"name": "v"}]);
        all
    }
}

/// Whatever a broker may say, the text says the same of it or leaves it to others.
#[test]
fn random_definitions_are_said() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..400 {
        let definitions = random.definitions().to_string();
        // what makes no sense at all is refused with words, by the reader
        if Live::from_text(&definitions, None).is_ok() {
            imported(&definitions, &options());
        }
    }
}
