//! What is on a broker becomes a topology that says the very same of it.

use std::{path::Path, process::Command};

use topoc_test_support::{Version, available_or_skip};

use crate::world::{EU_URI, Said, World};

fn import(world: &World, from: &str, to: &Path, flags: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_topoc"));
    command.args(["import", "--broker", from, "-o"]).arg(to).args(flags);
    let said = Said::of(command.env_remove("TOPOC_AMQP").current_dir(world.folder.path()));
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    said
}

fn diff(world: &World, file: &Path, broker: &str) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_topoc"));
    command.arg("diff").arg(file).args(["--exit-code", "--broker", broker]).env_remove("TOPOC_AMQP");
    command.env("EU_URI", EU_URI);
    Said::of(command.current_dir(world.folder.path()))
}

fn the_difference_is_empty(world: &World) {
    let everything =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/broker/everything.kdl")).unwrap();
    world.apply(&everything, &[]);
    let (folder, url) = (world.folder.path(), world.broker.management_url());
    // as it is live, where all of it is on record already
    let live = folder.join("live.kdl");
    let said = import(world, &url, &live, &["--vhost", "all", "--name", "again"]);
    assert!(said.out.contains(" written to "), "{}", said.out);
    let said = diff(world, &live, &url);
    assert!(said.out.starts_with("nothing to do: "), "{}{}", said.out, said.err);
    let text = std::fs::read_to_string(&live).unwrap();
    for line in [
        "retry \"5s\" \"30s\" then=\"laddered.dead\"",
        "super-stream \"clicks\" partitions=3",
        "bind \"by-header\" match=\"any\" { header \"tier\" \"1\" }",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(!text.contains("pl4nted"));
    // as the broker writes it into a file: all of it, and each vhost into a file of its own
    let definitions = folder.join("definitions.json");
    std::fs::write(&definitions, world.api().get("/api/definitions").to_string()).unwrap();
    let from = format!("file:{}", definitions.display());
    let split = folder.join("split");
    import(world, &from, &split, &["--split", "--with-password-hashes"]);
    let said = diff(world, &split.join("topology.kdl"), &from);
    assert!(said.out.starts_with("nothing to do: "), "{}{}", said.out, said.err);
    // what is exported from what was imported is what was there
    let exported = folder.join("exported.json");
    let mut export = Command::new(env!("CARGO_BIN_EXE_topoc"));
    export
        .args(["export", "definitions", "--with-secrets", "-o"])
        .arg(&exported)
        .arg(split.join("topology.kdl"));
    let said = Said::of(export.env("EU_URI", EU_URI));
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let said = diff(world, &split.join("topology.kdl"), &format!("file:{}", exported.display()));
    assert!(said.out.starts_with("nothing to do: "), "{}{}", said.out, said.err);
    // a file that is there is not written over, and what is not there is told
    let mut again = Command::new(env!("CARGO_BIN_EXE_topoc"));
    let said = Said::of(again.args(["import", "--broker", &from, "-o"]).arg(&live));
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.err.contains("is there already, and is not written over"), "{}", said.err);
    let mut missing = Command::new(env!("CARGO_BIN_EXE_topoc"));
    let said = Said::of(missing.args(["import", "--broker", &from, "--vhost", "al"]));
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.err.contains("there is no vhost `al` on") && said.err.contains("`all`"), "{}", said.err);
}

fn everything(version: Version) {
    if available_or_skip(version) {
        the_difference_is_empty(&World::of(version));
    }
}

#[test]
fn what_is_live_is_described_on_3_10() {
    everything(Version::V3_10);
}

#[test]
fn what_is_live_is_described_on_4_0() {
    everything(Version::V4_0);
}
