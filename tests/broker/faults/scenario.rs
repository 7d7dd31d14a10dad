//! An apply that creates, changes, replaces, deletes and takes over entities of every kind, beside what others have made
//! there, and queues that hold messages.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use topoc_test_support::{Event, Fate, Proxy};

use super::trial::{Course, Point};
use crate::world::{Said, World};

const BEFORE: &str = include_str!("before.kdl");
const AFTER: &str = include_str!("after.kdl");

/// The queues that hold messages, and how many.
const HOLDING: [(&str, usize); 2] = [("kept", 3), ("safe", 2)];

/// How long a run may take: some wait for a broker that is gone.
const PATIENCE: Duration = Duration::from_secs(180);

/// How topoc is to be called in every run.
const FLAGS: &[&str] = &["--yes", "--adopt", "--allow-gap", "--concurrency", "4"];

pub(super) struct Scenario {
    pub(super) world: World,
    /// Of the broker, after the first apply of the world that is called [`TEMPLATE`].
    definitions: String,
    made: AtomicUsize,
    /// The broker imports definitions of one at a time.
    importing: Mutex<()>,
}

/// As long as the name of any other world.
const TEMPLATE: &str = "w0000";

/// A run that is under way.
pub(super) type Run = Arc<Mutex<Option<Child>>>;

impl Scenario {
    pub(super) fn new(world: World) -> Self {
        let mut scenario =
            Self { world, definitions: String::new(), made: AtomicUsize::new(0), importing: Mutex::new(()) };
        let said = scenario.run("apply", TEMPLATE, BEFORE, &["--yes"]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        scenario.add_others(TEMPLATE);
        let mut definitions = scenario.world.api().get("/api/definitions");
        let lists = definitions.as_object_mut().unwrap();
        for list in lists.values_mut().filter_map(Value::as_array_mut) {
            list.retain(|entry| entry.to_string().contains(TEMPLATE));
        }
        // what it holds of itself is not imported
        for name in ["rabbit_version", "rabbitmq_version", "topic_permissions"] {
            if lists.get(name).is_some_and(|list| list.as_array().is_some_and(Vec::is_empty)) {
                lists.remove(name);
            }
        }
        scenario.definitions = definitions.to_string();
        scenario.remove(TEMPLATE);
        scenario
    }

    /// How many requests the apply has where all goes well.
    pub(super) fn requests(&self) -> usize {
        let name = self.prepare();
        let proxy = self.world.proxy(|_| Fate::Pass);
        let said = Said::of(&mut self.apply(&name, &proxy));
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        self.verify(&name).unwrap();
        self.remove(&name);
        proxy.passed()
    }

    /// Tries a point, and says how the run has ended, if the point was met. What is wrong is the error.
    pub(super) fn attempt(&self, point: Point) -> Result<Option<String>, String> {
        let name = self.prepare();
        let before = self.state(&name);
        let run: Run = Arc::default();
        let course = Course::new(point, kill(&run));
        let ruling = course.clone();
        let proxy = self.world.proxy(move |passing| ruling.fate(passing));
        let mut command = self.apply(&name, &proxy);
        let said = end(&mut command, &run)?;
        let Some(met) = course.met() else {
            self.remove(&name);
            return Ok(None);
        };
        let told = |what: &str, said: &Said| {
            format!("{what}, at {met}; code {}\n{}\n{}", said.code, said.out.trim(), said.err.trim())
        };
        if !point.trial.kills() {
            self.judge(&name, &said, &before).map_err(|what| told(&what, &said))?;
        }
        self.recover(&name).map_err(|what| told(&what, &said))?;
        Ok(Some(if point.trial.kills() { "killed".to_owned() } else { format!("exit {}", said.code) }))
    }

    /// The run of an apply on a world, through a proxy.
    pub(super) fn apply(&self, name: &str, proxy: &Proxy) -> Command {
        self.command("apply", name, AFTER, FLAGS, Some(proxy))
    }

    /// That another run brings all to its end.
    pub(super) fn recover(&self, name: &str) -> Result<(), String> {
        let again = self.run("apply", name, AFTER, FLAGS);
        if again.code != 0 {
            return Err(format!(
                "the next apply does not go through: {}
{}{}",
                again.code, again.out, again.err
            ));
        }
        self.verify(name)?;
        self.remove(name);
        Ok(())
    }

    /// Whether a run says what happened and what leads on, and what it says is so.
    fn judge(&self, name: &str, said: &Said, before: &str) -> Result<(), String> {
        let all = format!("{}{}", said.out, said.err);
        if all.contains("panicked") {
            return Err("it panics".to_owned());
        }
        match said.code {
            0 if said.out.contains("\napplied ") => Ok(()),
            0 => Err("it leaves with 0, and does not say that it has applied".to_owned()),
            4 => {
                if !all.contains("help: ") && !all.contains("go on with: ") {
                    return Err("it does not say what leads on".to_owned());
                }
                if self.state(name) == before {
                    Ok(())
                } else {
                    Err(format!(
                        "it leaves with 4, and has changed the broker:\n{before}\n{}",
                        self.state(name)
                    ))
                }
            }
            5 if !all.contains("go on with: ") && !all.contains("help: ") => {
                Err("it does not say what leads on".to_owned())
            }
            5 => Ok(()),
            _ => Err("it leaves with another code".to_owned()),
        }
    }

    /// That the broker is as described, and nothing is lost.
    fn verify(&self, name: &str) -> Result<(), String> {
        let diff = self.run("diff", name, AFTER, &["--exit-code"]);
        if diff.code != 0 {
            return Err(format!("the broker is not as described:\n{}{}", diff.out, diff.err));
        }
        let api = self.world.api();
        for (queue, count) in HOLDING {
            let get = json!({"count": 10, "ackmode": "ack_requeue_true", "encoding": "auto"});
            let found = api.post(&format!("/api/queues/{name}/{queue}/get"), &get);
            let found = found.as_array().map_or(0, Vec::len);
            if found != count {
                return Err(format!("`{queue}` holds {found} messages, and has held {count}"));
            }
        }
        for (path, key) in others() {
            let found = api.get(&format!("/api/bindings/{name}/{path}"));
            let is_bound = found.as_array().unwrap().iter().any(|found| found["routing_key"] == *key);
            if !is_bound {
                return Err(format!("what others have bound is gone: {path} {key}"));
            }
        }
        let kept = api.get("/api/global-parameters");
        let left = kept.as_array().unwrap().iter().filter_map(|kept| kept["name"].as_str());
        let left: Vec<&str> = left.filter(|kept| kept.starts_with(&format!("topoc:{name}:"))).collect();
        if !left.is_empty() {
            return Err(format!("it leaves something on record: {left:?}"));
        }
        Ok(())
    }

    /// A world of its own, as it is before the apply.
    pub(super) fn prepare(&self) -> String {
        let name = format!("w{:04}", self.made.fetch_add(1, Ordering::SeqCst) + 1);
        let api = self.world.api();
        let importing = self.importing.lock().unwrap();
        api.put(&format!("/api/vhosts/{name}"), &json!({"description": "before"}));
        let definitions = self.definitions.replace(TEMPLATE, &name);
        api.post("/api/definitions", &serde_json::from_str(&definitions).unwrap());
        drop(importing);
        for (queue, count) in HOLDING {
            self.world.publish(&name, queue, count);
        }
        name
    }

    /// What others have made, and bound to what is made anew.
    fn add_others(&self, name: &str) {
        let api = self.world.api();
        api.put(&format!("/api/exchanges/{name}/theirs"), &json!({"type": "fanout", "durable": true}));
        api.put(&format!("/api/exchanges/{name}/adopted"), &json!({"type": "fanout", "durable": true}));
        api.put(&format!("/api/queues/{name}/adopted"), &json!({"durable": true}));
        let policy = json!({"pattern": "^adopted$", "definition": {"max-length": 6}, "apply-to": "all"});
        api.put(&format!("/api/policies/{name}/adopted"), &policy);
        for (path, key) in others() {
            api.post(&format!("/api/bindings/{name}/{path}"), &json!({"routing_key": key, "arguments": {}}));
        }
    }

    /// What the broker has of a world, but for records and what comes and goes by itself.
    fn state(&self, name: &str) -> String {
        let mut definitions = self.definitions_now();
        let lists = definitions.as_object_mut().unwrap();
        let mut found = Vec::new();
        for (list, entries) in lists.iter().filter(|(list, _)| *list != "rabbitmq_version") {
            let entries = entries.as_array().into_iter().flatten();
            let ours = entries.filter(|entry| {
                let record = entry["name"].as_str().is_some_and(|name| name.starts_with("topoc:"));
                !record && entry.to_string().contains(name) && entry["name"] != "topoc.lock"
            });
            found.extend(ours.map(|entry| format!("{list} {entry}")));
        }
        found.sort();
        found.join("\n")
    }

    /// RabbitMQ 3.10 answers with 500 while another vhost is being deleted.
    fn definitions_now(&self) -> Value {
        loop {
            match self.world.api().ask("GET", "/api/definitions", None).unwrap() {
                (200, definitions) => return definitions,
                (500, _) => thread::sleep(Duration::from_millis(100)),
                (status, answer) => panic!("{status} {answer}"),
            }
        }
    }

    fn remove(&self, name: &str) {
        let api = self.world.api();
        for path in [
            format!("/api/parameters/shovel/{name}/leaves"),
            format!("/api/parameters/shovel/{name}/new"),
            format!("/api/vhosts/{name}"),
            format!("/api/users/{name}"),
            format!("/api/users/{name}-leaves"),
            format!("/api/users/{name}-new"),
            format!("/api/global-parameters/{name}-shop"),
            format!("/api/global-parameters/topoc%3A{name}"),
        ] {
            // some of it may be gone
            api.ask("DELETE", &path, None).unwrap();
        }
    }

    fn run(&self, verb: &str, name: &str, text: &str, flags: &[&str]) -> Said {
        Said::of(&mut self.command(verb, name, text, flags, None))
    }

    /// `topoc VERB` on a text, through a proxy if there is one.
    fn command(&self, verb: &str, name: &str, text: &str, flags: &[&str], proxy: Option<&Proxy>) -> Command {
        let mut command = self.world.command_on(verb, &self.file(name, text), flags);
        if let Some(proxy) = proxy {
            command.env("TOPOC_BROKER", proxy.management_url()).env("TOPOC_AMQP", proxy.amqp_url());
        }
        command
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.world.folder.path().join(format!("{name}.kdl"));
        std::fs::write(&path, text.replace("NAME", name)).unwrap();
        path
    }
}

/// What others have bound, each with its key.
fn others() -> [(&'static str, &'static str); 4] {
    [
        ("e/theirs/q/remade", "theirs"),
        ("e/remade/q/remade", "handmade"),
        ("e/theirs/e/remade", "in"),
        ("e/remade/q/kept", "out"),
    ]
}

fn kill(run: &Run) -> Event {
    let run = run.clone();
    Arc::new(move || {
        let mut run = run.lock().unwrap();
        let Some(run) = run.as_mut() else { panic!("a request before the run is known") };
        // one that has ended has ended
        let _ = run.kill();
    })
}

/// Runs to the end, within the reach of what may kill it.
pub(super) fn end(command: &mut Command, run: &Run) -> Result<Said, String> {
    let mut lock = run.lock().unwrap();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    *lock = Some(child);
    drop(lock);
    let start = std::time::Instant::now();
    let status = loop {
        if let Some(status) = run.lock().unwrap().as_mut().unwrap().try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > PATIENCE {
            kill(run)();
            return Err(format!("it has not ended after {} s", PATIENCE.as_secs()));
        }
        thread::sleep(Duration::from_millis(10));
    };
    let child = run.lock().unwrap().take().unwrap();
    let output = child.wait_with_output().unwrap();
    Ok(Said {
        code: status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    })
}
