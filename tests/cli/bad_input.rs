//! Input that nobody meant: a clear diagnostic, never a panic, a hang or a stack overflow.

use std::time::{Duration, Instant};

use super::*;

/// Checks and formats a file that is wrong, and gives what check says.
#[track_caller]
fn refused(text: impl AsRef<[u8]>, sentence: &str) {
    let folder = tempfile::tempdir().expect("the test can set itself up");
    std::fs::write(folder.path().join("a.kdl"), text).expect("the test can set itself up");
    for verb in ["check", "fmt"] {
        let start = Instant::now();
        let (code, out, err) = run(folder.path(), &[verb, "a.kdl"]);
        assert_eq!(code, 1, "{verb}: {out}{err}");
        let said = if verb == "check" { out } else { err };
        assert!(said.contains(sentence), "{verb}: {said}");
        assert!(said.len() < 20_000, "{verb} says {} bytes", said.len());
        assert!(start.elapsed() < Duration::from_secs(20), "{verb} takes {:?}", start.elapsed());
    }
}

#[test]
fn what_is_no_text() {
    refused(b"queue \"\xff\xfe\"\n", "`a.kdl` is not UTF-8: byte 7, in line 1, begins no character");
    refused(b"\xff\xfeq\0u\0", "iconv -f UTF-16");
    refused([0u8; 4096], "error[not-kdl]");
    refused(b"queue \"a\0b\"\n\0\0", "error[not-kdl]");
}

#[test]
fn what_is_too_large() {
    refused("queue \"a\"\n".repeat(5_000_000), "`a.kdl` has 48 MiB, and a topology file may have 32");
    refused("a\n".repeat(15_000_000), "the files have more than 1000000 nodes");
    refused("a".to_owned() + &" 1".repeat(1_000_000), "a node has more than 1 MiB");
    refused("a {\n".repeat(100_000), "blocks nest more than 64 deep");
    refused("a {".repeat(100_000) + &"}".repeat(100_000), "blocks nest more than 64 deep");
    refused("a /-{\n".repeat(1000) + &"}\n".repeat(1000), "more than 4 slashdashed blocks nest");
    refused("/- a {\n".repeat(18), "more than 4 slashdashed blocks nest");
    refused("/*".repeat(1_000_000), "comments nest more than 32 deep");
    refused("(".repeat(200_000), "error[not-kdl]");
    refused(format!("queue \"{}", "a".repeat(1_000_000)), "a string is never closed");
}

#[test]
#[cfg(unix)]
fn what_has_no_end() {
    let (code, out, _) = run(folder(&[]).path(), &["check", "/dev/zero"]);
    assert_eq!(code, 1);
    assert!(out.contains("`/dev/zero` has 33 MiB, and a topology file may have 32"), "{out}");
}

#[test]
fn what_never_ends() {
    refused("queue \"a", "a string is never closed");
    refused("queue #\"a\"", "a string is never closed");
    refused("queue \"\"\"\n  a\n", "a string is never closed");
    refused("queue \"a\" {", "a block is never closed");
    refused("queue \"a\" =", "error[not-kdl]");
    refused("}", "a `}` closes nothing");
}

#[test]
fn what_is_not_there() {
    let folder = folder(&[("empty.kdl", ""), ("blank.kdl", " \n\n"), ("bom.kdl", "\u{feff}")]);
    std::fs::create_dir(folder.path().join("folder.kdl")).unwrap();
    let said = |arguments: &[&str]| run(folder.path(), arguments);
    let (code, out, _) = said(&["check", "gone.kdl"]);
    assert_eq!(code, 1);
    assert!(out.contains("`gone.kdl` does not exist"), "{out}");
    let (code, out, _) = said(&["check", "folder.kdl"]);
    assert_eq!(code, 1);
    assert!(out.contains("the folder `folder.kdl` holds no .kdl file"), "{out}");
    for name in ["empty.kdl", "blank.kdl", "bom.kdl"] {
        let (code, out, _) = said(&["check", name]);
        assert_eq!(code, 0, "{out}");
        assert!(out.contains(&format!("`{name}` declares nothing")), "{out}");
    }
    let (code, _, err) = said(&["fmt", "gone.kdl"]);
    assert_eq!(code, 1);
    assert!(err.contains("`gone.kdl` does not exist"), "{err}");
}

#[test]
fn what_is_included_too_often() {
    let vhosts: String = (0..300).map(|i| format!("vhost \"{i}\" {{ include \"many.kdl\" }}\n")).collect();
    let folder = folder(&[("a.kdl", &vhosts), ("many.kdl", &"queue \"a\"\n".repeat(5000))]);
    let (code, out, _) = run(folder.path(), &["check", "a.kdl"]);
    assert_eq!(code, 1);
    assert!(out.contains("the files have more than 1000000 nodes"), "{}", &out[..out.len().min(2000)]);
}

#[test]
fn what_includes_itself() {
    let folder = folder(&[
        ("a.kdl", "include \"a.kdl\"\n"),
        ("b.kdl", "include \"./c.kdl\"\n"),
        ("c.kdl", "include \"d/../b.kdl\"\n"),
        ("all.kdl", "include \"*.kdl\"\nqueue \"q\" type=\"quorum\"\n"),
        ("folder.kdl", "include \"d\"\n"),
        ("d/x.kdl", ""),
    ]);
    for name in ["a.kdl", "b.kdl", "all.kdl"] {
        let (code, out, _) = run(folder.path(), &["check", name]);
        assert_eq!(code, 1, "{name}");
        assert!(out.contains("includes itself"), "{out}");
    }
    let (code, out, _) = run(folder.path(), &["check", "folder.kdl"]);
    assert_eq!(code, 1);
    assert!(out.contains("`d` is a folder"), "{out}");
}

/// A file that is no KDL has no nodes to find passwords in; no format may show them all the same.
#[test]
fn what_cannot_be_read_shows_no_password() {
    for text in [
        "user \"bob\" password=\"hunter2\n",
        "user \"bob\" password=hunter2\" {\n queue \"a\"\n",
        "user \"bob\" {\n password #\"hunter2\"#\nvhost \"x\" {\n",
        "user \"bob\" password=12hunter2\n",
        "user \"bob\" password='hunter2'\n",
        "environment \"a\" { management \"http://guest:hunter2@mq\"\n",
        "user \"bob\" password=\"hunter2\"\nqueue \"a\" max-length=12x\n",
    ] {
        let folder = folder(&[("topology.kdl", text)]);
        for arguments in [
            &["check"][..],
            &["check", "--format", "json"],
            &["check", "--format", "sarif"],
            &["check", "--format", "github"],
            &["fmt"],
            &["diff", "--format", "json"],
            &["graph"],
        ] {
            let (code, out, err) = run(folder.path(), arguments);
            assert_eq!(code, 1, "{arguments:?} {text}: {out}{err}");
            assert!((out.clone() + &err).contains("not-kdl"), "{arguments:?} {text}: {out}{err}");
            assert!(!(out.clone() + &err).contains("hunter"), "{arguments:?} {text}: {out}{err}");
        }
    }
}
