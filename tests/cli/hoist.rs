//! Arguments are moved into policies in the files themselves.

use super::*;

fn hoist(folder: &Path, flags: &[&str]) -> (i32, String, String) {
    run(folder, &[&["policies", "--hoist"], flags].concat())
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).expect("the file is there")
}

#[test]
fn each_file_changes_where_its_entities_are_written() {
    let main = "// the shop\r\nvhost \"shop\" {\r\n    include \"queues.kdl\"\r\n    queue \"a\" type=\"classic\" { max-length 5 } // why\r\n}\r\n";
    let queues = "queue \"b\" type=\"classic\" max-length=6 \\\n    auto-delete=#false\nqueue \"c\" type=\"classic\" {\n    /- max-length 1\n    max-length 6; auto-delete #true\n}\n";
    let folder = folder(&[("topology.kdl", main), ("queues.kdl", queues)]);
    let (code, out, err) = hoist(folder.path(), &["--fix"]);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    assert_eq!(err, "changed topology.kdl\nchanged queues.kdl\n");
    assert_eq!(
        read(folder.path(), "topology.kdl"),
        "// the shop\r\nvhost \"shop\" {\r\n    include \"queues.kdl\"\r\n    queue \"a\" type=\"classic\" // why\r\n    policy \"a\" pattern=\"^a$\" apply-to=\"queues\" {\r\n        max-length 5\r\n    }\r\n}\r\n"
    );
    assert_eq!(
        read(folder.path(), "queues.kdl"),
        "queue \"b\" type=\"classic\" \\\n    auto-delete=#false\npolicy \"max-length\" pattern=\"^(b|c)$\" apply-to=\"queues\" {\n    max-length 6\n}\nqueue \"c\" type=\"classic\" {\n    /- max-length 1\n    auto-delete #true\n}\n"
    );
    let (code, out, _) = hoist(folder.path(), &[]);
    assert_eq!((code, out.as_str()), (0, "nothing to hoist: no argument moves\n"));
}

#[test]
fn secrets_stay_in_their_files() {
    let text = "queue \"q\" type=\"classic\" max-length=5\nuser \"u\" { password \"hunter2hunter2\" }\n";
    let folder = folder(&[("topology.kdl", text)]);
    for flags in [&["--diff"][..], &["--format", "json"], &[]] {
        let (code, out, err) = hoist(folder.path(), flags);
        assert_eq!(code, 0, "{err}");
        assert!(out.contains("max-length") && !(out + &err).contains("hunter2"));
    }
    assert_eq!(hoist(folder.path(), &["--fix"]).0, 0);
    assert!(read(folder.path(), "topology.kdl").contains("password \"hunter2hunter2\""));
}

#[test]
fn standard_input_goes_to_standard_output() {
    let output = topoc(folder(&[]).path(), &["policies", "-", "--hoist", "--fix"])
        .write_stdin("queue \"q\" type=\"classic\" max-length=5\n")
        .output()
        .unwrap();
    let wanted = "queue \"q\" type=\"classic\"\npolicy \"q\" pattern=\"^q$\" apply-to=\"queues\" {\n    max-length 5\n}\n";
    assert_eq!(ended(&output), (0, wanted.to_owned(), String::new()));
}

#[test]
fn what_is_wrong_is_shown_and_nothing_is_written() {
    let folder = folder(&[("topology.kdl", WRONG)]);
    let (code, out, err) = hoist(folder.path(), &["--fix"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("`typ`"), "{err}");
    assert_eq!(read(folder.path(), "topology.kdl"), WRONG);
}

#[test]
fn systems_as_people_write_them_are_hoisted_once_and_check_as_before() {
    let topologies = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/topologies");
    for path in std::fs::read_dir(topologies).expect("the folder is there") {
        let path = path.expect("it can be read").path();
        let text = std::fs::read_to_string(&path).expect("it is text");
        let folder = folder(&[("topology.kdl", &text)]);
        let before = run(folder.path(), &["check", "--quiet"]).0;
        assert_eq!(hoist(folder.path(), &["--fix"]).0, 0);
        assert_ne!(read(folder.path(), "topology.kdl"), text, "{path:?}");
        let (after, out, _) = run(folder.path(), &["check", "--quiet"]);
        assert_eq!(after, before, "{path:?}: {out}");
        let (_, again, _) = hoist(folder.path(), &[]);
        assert!(again.starts_with("nothing to hoist"), "{path:?}: {again}");
    }
}
