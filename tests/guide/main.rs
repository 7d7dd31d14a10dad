//! docs/guide.md and docs/cli.md, done as they say: commands run, files are written, and what is shown is printed.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod page;
mod shell;
mod users;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use page::{Block, blocks, is_shown, languages};
use shell::Shell;
use topoc_test_support::Shared;

const GUIDE: &str = include_str!("../../docs/guide.md");
const CLI: &str = include_str!("../../docs/cli.md");
const STARTER: &str = include_str!("../../src/cli/init/topology.kdl");
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/first-service");
/// The folder that the guide works in.
const FOLDER: &str = "shop";
/// How long a file is looked at again that a program in the background still writes.
const PATIENCE: Duration = Duration::from_secs(40);

/// What a page applies, a topology and a vhost of the same name, removed also when it goes wrong.
struct Applied(&'static Shared, &'static str);

impl Drop for Applied {
    fn drop(&mut self) {
        let (api, name) = (self.0.api(), self.1);
        let _ = api.ask("DELETE", &format!("/api/vhosts/{name}"), None);
        let _ = api.ask("DELETE", &format!("/api/global-parameters/topoc:{name}"), None);
    }
}

/// `first-service` beside `topoc`, as new as its files.
fn programs() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_topoc")).parent().unwrap();
    let time = |path: PathBuf| fs::metadata(path).and_then(|data| data.modified()).ok();
    let built = time(folder.join("first-service"));
    let files = ["Cargo.toml", "build.rs", "topology.kdl", "src/main.rs"];
    if files.iter().any(|file| time(Path::new(EXAMPLE).join(file)) > built) {
        let build = ["build", "--quiet", "--package", "first-service"];
        assert!(Command::new(env!("CARGO")).args(build).status().unwrap().success());
    }
    folder.to_owned()
}

fn address(url: &str) -> &str {
    let (_, rest) = url.split_once('@').unwrap();
    rest.split('/').next().unwrap()
}

#[test]
fn the_guide_does_what_it_says() {
    let blocks = blocks(GUIDE);
    let shared = Shared::get();
    let _applied = Applied(shared, FOLDER);
    let folder = tempfile::tempdir().unwrap();
    let mut shell = Shell::start(folder.path(), &programs());
    for (at, block) in blocks.iter().enumerate() {
        let path = block.file.as_ref().map(|file| folder.path().join(file));
        match (block.language.as_str(), path) {
            ("console", _) => run(block, &mut shell, shared),
            ("diff", Some(path)) => {
                let before = fs::read_to_string(&path).unwrap();
                let after = block.edit(&before);
                match blocks.get(at + 1).filter(|next| next.language == "text") {
                    Some(error) => refused(&before, &after, error),
                    None => fs::write(&path, after).unwrap(),
                }
            }
            (_, Some(path)) => {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, &block.text).unwrap();
                let within = path.strip_prefix(folder.path().join(FOLDER)).unwrap();
                let example = fs::read_to_string(Path::new(EXAMPLE).join(within)).unwrap();
                assert_eq!(block.text, example, "line {}: it is the example's {within:?}", block.line);
            }
            ("kdl", None) => assert!(STARTER.contains(&block.text), "line {}: of the starter", block.line),
            _ => {}
        }
    }
}

#[test]
fn the_command_line_does_what_it_says() {
    let shared = Shared::get();
    let _applied = Applied(shared, "tickets");
    let folder = tempfile::tempdir().unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_topoc")).parent().unwrap();
    let mut shell = Shell::start(folder.path(), programs);
    for block in blocks(CLI).iter().filter(|block| block.language == "console") {
        run(block, &mut shell, shared);
    }
}

#[test]
fn every_verb_and_option_is_described() {
    let mut command = topoc::cli::command();
    command.build();
    let sections: BTreeMap<&str, &str> =
        CLI.split("\n## ").filter_map(|section| section.split_once('\n')).collect();
    let common = sections["What the verbs have in common"];
    let verbs: Vec<&clap::Command> =
        command.get_subcommands().filter(|verb| verb.get_name() != "help").collect();
    let mut known = options(&command);
    known.insert("--help".to_owned());
    for verb in &verbs {
        let name = verb.get_name();
        let section = sections.get(name).unwrap_or_else(|| panic!("`## {name}`"));
        for option in options(verb) {
            assert!(section.contains(&option) || common.contains(&option), "{name}: {option}");
        }
        let example = format!("topoc {name}");
        assert!(section.contains(&example), "{name} has no example");
    }
    let words = CLI.split(|c: char| !c.is_ascii_lowercase() && c != '-');
    // lines of tables are no options
    for option in words.filter(|word| word.starts_with("--") && !word.ends_with('-')) {
        assert!(known.contains(option), "no verb has {option}");
    }
}

/// The options of a verb and of its forms.
fn options(verb: &clap::Command) -> BTreeSet<String> {
    // `help` goes without saying
    let shown = verb.get_arguments().filter(|option| !option.is_hide_set());
    let longs = shown.filter_map(|option| option.get_long()).filter(|long| *long != "help");
    longs.map(|long| format!("--{long}")).chain(verb.get_subcommands().flat_map(options)).collect()
}

/// Every command ends as it is shown.
fn run(block: &Block, shell: &mut Shell, shared: &Shared) {
    for step in block.steps() {
        let command = step
            .command
            .replace("localhost:15672", address(shared.management_url()))
            .replace("localhost:5672", address(shared.amqp_url()));
        let start = Instant::now();
        loop {
            let (printed, code) = shell.run(&command);
            if code == step.code && is_shown(&step.shown, &printed) {
                break;
            }
            assert!(
                command.starts_with("cat ") && start.elapsed() < PATIENCE,
                "line {}: `{command}` exits with {code} (said: {}) and prints\n{}\n--- and the guide shows\n{}",
                block.line,
                step.code,
                printed.join("\n"),
                step.shown.join("\n"),
            );
            thread::sleep(Duration::from_millis(200));
        }
    }
}

/// `right` compiles, and the compiler says of `wrong` what is shown.
fn refused(right: &str, wrong: &str, error: &Block) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    let generated = Command::new(env!("CARGO_BIN_EXE_topoc"))
        .args(["generate", "rust", "-o", "shop.rs"])
        .arg(Path::new(EXAMPLE).join("topology.kdl"))
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(generated.status.success(), "{}", String::from_utf8_lossy(&generated.stderr));
    let dependencies = Path::new(env!("CARGO_BIN_EXE_topoc")).with_file_name("deps");
    let compile = |text: &str, runtime: &Path| {
        // which tokio and tracing are the service's is not known here, so `main` does without
        let text = text.replace("#[tokio::main]", "").replace("async fn main", "async fn start");
        let is_there = |line: &&str| !line.contains("tracing_subscriber");
        let lines: Vec<&str> = text.lines().map(|line| Some(line).filter(is_there).unwrap_or("")).collect();
        fs::write(folder.path().join("src/main.rs"), lines.join("\n") + "\nfn main() {}\n").unwrap();
        let runtime = format!("topoc_runtime={}", runtime.display());
        Command::new("rustc")
            .args(["--edition=2024", "--emit=metadata", "-Adead_code", "--extern", &runtime])
            .arg(format!("-Ldependency={}", dependencies.display()))
            .args(["-o", "main.rmeta", "src/main.rs"])
            .env("OUT_DIR", folder.path())
            .current_dir(folder.path())
            .output()
            .unwrap()
    };
    let found = fs::read_dir(&dependencies).unwrap().map(|entry| entry.unwrap().path());
    let mut runtimes = found.filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("libtopoc_runtime-") && name.ends_with(".rlib")
    });
    // of the builds that cargo keeps, one that is whole and as new as this guide
    let runtime = runtimes.find(|runtime| compile(right, runtime).status.success());
    let said = compile(wrong, &runtime.expect("a build of topoc-runtime that the example compiles with"));
    assert!(!said.status.success());
    let said: Vec<String> = String::from_utf8_lossy(&said.stderr).lines().map(str::to_owned).collect();
    let shown: Vec<String> = error.text.lines().map(str::to_owned).collect();
    assert!(is_shown(&shown, &said), "line {}: rustc says\n{}", error.line, said.join("\n"));
}

#[test]
fn the_guide_leaves_little_untried() {
    let blocks = blocks(GUIDE);
    let languages = languages(&blocks);
    assert!(languages["sh"] <= 2, "what is not run: {languages:?}");
    let known = ["console", "diff", "kdl", "rust", "sh", "text", "toml"];
    assert!(languages.keys().all(|language| known.contains(language)), "{languages:?}");
    assert!(blocks.iter().filter(|block| block.language == "rust").all(|block| block.file.is_some()));
    let example = fs::read_to_string(Path::new(EXAMPLE).join("topology.kdl")).unwrap();
    assert_eq!(example, STARTER, "the example is what `topoc init` writes");
}

#[test]
fn dots_stand_for_what_varies() {
    let lines = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
    let shows = |shown: &str, printed: &str| is_shown(&lines(shown), &lines(printed));
    assert!(shows("a … c (… ms)\n…\nend", "a b c (12 ms)\n1\n2\nend"));
    assert!(shows("…\nend", "end"));
    assert!(!shows("a … c", "a b d"));
    assert!(!shows("a", "a\nb"));
    assert!(!shows("…\nend", "end\nmore"));
}
