//! Two at once: who comes second is told who is at it, and nothing interleaves.

use std::{
    fmt::Write as _,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::json;
use topoc_test_support::{Version, available_or_skip};

use crate::world::{Said, World};

/// Ended with the test, also where it fails.
struct Applying(Child);

impl Drop for Applying {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn many(name: &str, queues: usize) -> String {
    let mut text = format!("topology \"{name}\"\nvhost \"{name}\" {{\n");
    for index in 0..queues {
        writeln!(text, "queue \"q{index}\" type=\"classic\"").unwrap();
    }
    text.push('}');
    text
}

fn topoc(world: &World, file: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_topoc"));
    command.args(["apply", "--yes"]).arg(file).args(flags);
    command.env("TOPOC_BROKER", world.broker.management_url()).env_remove("TOPOC_AMQP");
    command
}

/// An apply that is amidst its steps.
fn start(world: &World, name: &str, text: &str) -> Applying {
    let file = world.folder.path().join(format!("{name}.kdl"));
    std::fs::write(&file, text).unwrap();
    let mut command = topoc(world, &file, &["--concurrency", "1"]);
    let applying = Applying(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    while !world.exists(&format!("/api/queues/{name}/q5")) {
        thread::sleep(Duration::from_millis(20));
    }
    applying
}

fn who_comes_second_waits(world: &World) {
    let text = many("turns", 1_500);
    let mut first = start(world, "turns", &text);
    // another topology, and the same vhost
    let other = "topology \"other\"\nvhost \"turns\" external=#true { queue \"mine\" type=\"classic\" }\n";
    for second in [text.as_str(), other] {
        let said = world.run("apply", second, &["--yes", "--lock-timeout", "0s"]);
        assert_eq!(said.code, 4, "{}{}", said.out, said.err);
        assert!(said.err.contains("error: `guest`"), "{}", said.err);
        assert!(said.err.contains(", topology `turns`, since 2"), "{}", said.err);
        assert!(
            said.err.contains(" UTC is applying to vhost `turns`; nothing has been changed"),
            "{}",
            said.err
        );
    }
    // who looks only, and who is at another vhost, waits for nobody
    assert_eq!(world.run("diff", &text, &[]).code, 0);
    world.apply("topology \"elsewhere\"\nvhost \"elsewhere\" { queue \"q\" type=\"classic\" }", &[]);
    assert!(first.0.try_wait().unwrap().is_none(), "it is still at it");
    let said = world.run("apply", &text, &["--yes", "--lock-timeout", "60s"]);
    assert!(said.out.starts_with("nothing to do"), "{}{}", said.out, said.err);
    assert!(first.0.wait().unwrap().success());
}

fn a_lock_dies_with_its_holder(world: &World) {
    let text = many("killed", 300);
    let mut first = start(world, "killed", &text);
    first.0.kill().unwrap();
    first.0.wait().unwrap();
    let said = world.run("apply", &text, &["--yes"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    world.assert_settled(&text);
}

/// A policy for all queues must not take the lock away: it is unused for all that the broker sees.
fn a_lock_does_not_expire(world: &World) {
    let text = many("expiring", 800);
    world.api().put("/api/vhosts/expiring", &json!({}));
    let all = json!({"configure": ".*", "write": ".*", "read": ".*"});
    world.api().put("/api/permissions/expiring/guest", &all);
    let policy =
        json!({"pattern": "^topoc", "definition": {"expires": 200}, "apply-to": "queues", "priority": 0});
    world.api().put("/api/policies/expiring/soon", &policy);
    let first = start(world, "expiring", &text);
    thread::sleep(Duration::from_secs(1));
    let said = world.run("apply", &text, &["--yes", "--lock-timeout", "0s"]);
    assert!(said.err.contains("is applying to vhost `expiring`"), "{}{}", said.out, said.err);
    drop(first);
}

fn who_may_not_lock_is_told(world: &World) {
    let text = "topology \"barred\"\nvhost \"barred\" { policy \"p\" pattern=\"^q$\" { max-length 5 } }";
    world.apply(text, &[]);
    let api = world.api();
    api.put("/api/users/narrow", &json!({"password": "narrow", "tags": "policymaker"}));
    let permissions = json!({"configure": "^$", "write": "^$", "read": "^$"});
    api.put("/api/permissions/barred/narrow", &permissions);
    let broker = world.broker.management_url().replace("guest:guest", "narrow:narrow");
    let text = text.replace('5', "6");
    // who may not see the ports takes the usual one
    let said = world.run("apply", &text, &["--yes", "--broker", &broker]);
    assert!(
        said.err.contains("cannot be locked against others who apply: amqp://127.0.0.1:5672: "),
        "{}",
        said.err
    );
    assert!(said.err.contains("whose address --amqp gives"), "{}", said.err);
    let amqp = world.broker.amqp_url().replace("guest:guest", "narrow:narrow");
    let said = world.run("apply", &text, &["--yes", "--broker", &broker, "--amqp", &amqp]);
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
    assert!(
        said.err.contains("`narrow` may not declare and read the queue `topoc.lock` there"),
        "{}",
        said.err
    );
    let said = world.run("apply", &text, &["--yes", "--no-lock", "--broker", &broker]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
}

/// A lock that is lost is taken again, unless somebody else was quicker: then what is left is not begun.
fn a_lock_is_kept(world: &World) {
    let text = many("kept", 1_500);
    let file = world.folder.path().join("kept.kdl");
    std::fs::write(&file, &text).unwrap();
    let bound = text.replacen("queue \"q0\"", "exchange \"e\" type=\"fanout\"\nqueue \"q0\"", 1);
    let bound = bound.replace(" type=\"classic\"\n", " type=\"classic\" { bind \"e\" }\n");
    std::fs::write(&file, &bound).unwrap();
    let applying = topoc(world, &file, &["--concurrency", "1"]).stdout(Stdio::piped()).spawn().unwrap();
    while !world.exists("/api/queues/kept/q5") {
        thread::sleep(Duration::from_millis(20));
    }
    let ours = |connection: &&serde_json::Value| {
        connection["vhost"] == "kept" && connection["client_properties"]["connection_name"] == "topoc apply"
    };
    let mut closed = false;
    while !closed && world.exists("/api/queues/kept/topoc.lock") {
        let connections = world.api().get("/api/connections");
        for connection in connections.as_array().unwrap().iter().filter(ours) {
            let name = connection["name"].as_str().unwrap().replace(' ', "%20").replace('>', "%3E");
            world.api().delete(&format!("/api/connections/{name}"));
            closed = true;
        }
        thread::sleep(Duration::from_millis(100));
    }
    assert!(closed, "the management API shows the connection while it is at it");
    let output = applying.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let said = Said::of(&mut topoc(world, &file, &[]));
    assert!(said.out.starts_with("nothing to do"), "{}{}", said.out, said.err);
}

fn everything(version: Version) {
    if !available_or_skip(version) {
        return;
    }
    let world = World::of(version);
    who_comes_second_waits(&world);
    a_lock_dies_with_its_holder(&world);
    a_lock_does_not_expire(&world);
    who_may_not_lock_is_told(&world);
    a_lock_is_kept(&world);
}

#[test]
fn one_at_a_time_on_3_10() {
    everything(Version::V3_10);
}

#[test]
fn one_at_a_time_on_4_0() {
    everything(Version::V4_0);
}
