//! Mending files in place.

use super::*;

/// One finding that can be mended, in line 2.
const BENT: &str = "vhost \"/\"\nqueue \"a\" type=\"classic\" max-length=\"5\" // five\n";
const STRAIGHT: &str = "vhost \"/\"\nqueue \"a\" type=\"classic\" max-length=5 // five\n";

fn read(folder: &tempfile::TempDir, name: &str) -> String {
    std::fs::read_to_string(folder.path().join(name)).expect("the file is there")
}

#[test]
fn files_are_mended_and_what_is_left_is_shown() {
    let folder = folder(&[("a.kdl", "include \"b.kdl\"\n"), ("b.kdl", BENT), ("c.kdl", WRONG)]);
    let (code, out, err) = run(folder.path(), &["check", "--fix", "a.kdl"]);
    assert_eq!((code, err.as_str()), (0, "mended 1 finding in b.kdl: arg-bad-type\n"), "{out}");
    assert!(out.contains("in 2 files: no findings") && !out.contains("can be mended"), "{out}");
    assert_eq!(
        (read(&folder, "a.kdl").as_str(), read(&folder, "b.kdl").as_str()),
        ("include \"b.kdl\"\n", STRAIGHT)
    );
    assert_eq!(read(&folder, "c.kdl"), WRONG);
    let (code, _, err) = run(folder.path(), &["check", "--fix", "a.kdl"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn the_exit_code_is_for_what_is_left() {
    let wrong = format!("{BENT}queue \"b\" type=\"classic\" max-length=-5\n");
    let folder = folder(&[("a.kdl", &wrong)]);
    let (code, out, err) = run(folder.path(), &["check", "--fix", "a.kdl"]);
    assert_eq!((code, err.as_str()), (1, "mended 1 finding in a.kdl: arg-bad-type\n"));
    assert!(out.contains("arg-out-of-range") && !out.contains("arg-bad-type"), "{out}");
}

#[test]
fn the_difference_is_shown_and_nothing_is_written() {
    let folder = folder(&[("a.kdl", BENT)]);
    let (code, out, err) = run(folder.path(), &["check", "--fix", "--diff", "a.kdl"]);
    assert_eq!(code, 1, "{err}");
    let diff = "--- a.kdl\n+++ a.kdl (mended)\n@@ -1,2 +1,2 @@\n vhost \"/\"\n\
                -queue \"a\" type=\"classic\" max-length=\"5\" // five\n\
                +queue \"a\" type=\"classic\" max-length=5 // five\n";
    assert_eq!(out, diff);
    assert_eq!(read(&folder, "a.kdl"), BENT);
    std::fs::write(folder.path().join("a.kdl"), STRAIGHT).unwrap();
    let (code, out, _) = run(folder.path(), &["check", "--fix", "--diff", "a.kdl"]);
    assert_eq!((code, out.as_str()), (0, ""));
    assert_eq!(run(folder.path(), &["check", "--diff", "a.kdl"]).0, 2);
}

#[test]
fn standard_input_is_printed_mended_or_as_it_is() {
    let folder = folder(&[]);
    for (text, code) in [(BENT, 0), (STRAIGHT, 0), ("queue \"a\" {\n", 1)] {
        let output = topoc(folder.path(), &["check", "--fix", "-"]).write_stdin(text).output().unwrap();
        let (left, out, err) = ended(&output);
        assert_eq!(left, code, "{err}");
        assert_eq!(out, if text == BENT { STRAIGHT } else { text });
        assert!(err.contains("checked"), "{err}");
    }
}

#[test]
fn what_can_be_mended_is_told_in_every_format() {
    let folder = folder(&[("a.kdl", BENT)]);
    let (_, out, _) = run(folder.path(), &["check", "a.kdl"]);
    assert!(out.contains("more: topoc explain arg-bad-type; topoc check --fix mends it\n"), "{out}");
    assert!(out.ends_with("1 finding can be mended: topoc check a.kdl --fix\n"), "{out}");
    let (_, out, _) = run(folder.path(), &["check", "--format", "json", "a.kdl"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    let edit = &json["diagnostics"][0]["fix"]["edits"][0];
    let [start, end] = ["start", "end"].map(|name| usize::try_from(edit[name].as_u64().unwrap()).unwrap());
    assert_eq!((&BENT[start..end], &edit["text"], &edit["line"]), ("\"5\"", &"5".into(), &2.into()));
    let (_, out, _) = run(folder.path(), &["check", "--format", "sarif", "a.kdl"]);
    let sarif: serde_json::Value = serde_json::from_str(&out).unwrap();
    let change = &sarif["runs"][0]["results"][0]["fixes"][0]["artifactChanges"][0];
    assert_eq!(change["artifactLocation"]["uri"], "a.kdl");
    let replacement = &change["replacements"][0];
    assert_eq!(
        (&replacement["insertedContent"]["text"], &replacement["deletedRegion"]["startLine"]),
        (&"5".into(), &2.into())
    );
    let (_, out, _) = run(folder.path(), &["lints", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    let fixable = |name: &str| {
        let mut lints = json["lints"].as_array().unwrap().iter();
        lints.find(|lint| lint["name"] == name).unwrap()["fixable"].clone()
    };
    assert_eq!((fixable("arg-bad-type"), fixable("even-quorum-size")), (true.into(), false.into()));
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_written_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder(&[("locked/a.kdl", BENT)]);
    let locked = folder.path().join("locked");
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o555)).unwrap();
    let (code, _, err) = run(folder.path(), &["check", "--fix", "locked/a.kdl"]);
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o755)).unwrap();
    // root may write everywhere
    if code != 0 {
        assert!(code == 1 && err.contains("cannot be written"), "{code} {err}");
        assert_eq!(read(&folder, "locked/a.kdl"), BENT);
    }
}
