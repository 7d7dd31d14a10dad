//! Which files are read, and the codes that a run leaves with.

use super::*;

#[test]
fn a_clean_topology_leaves_with_0_and_a_wrong_one_with_1() {
    let folder = folder(&[("clean.kdl", CLEAN), ("wrong.kdl", WRONG)]);
    let (code, out, err) = run(folder.path(), &["check", "clean.kdl"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(
        out.starts_with(
            "checked 3 queues, 2 exchanges, 2 bindings, 1 vhost, 1 message, 2 services in 1 file: no findings ("
        ),
        "{out}"
    );
    let (code, out, err) = run(folder.path(), &["check", "wrong.kdl"]);
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    assert!(out.contains("wrong.kdl:1:16"), "{out}");
}

#[test]
fn warnings_and_hints_count_only_where_they_are_denied() {
    let folder = folder(&[("empty.kdl", "// nothing\n")]);
    assert_eq!(run(folder.path(), &["check", "empty.kdl"]).0, 0);
    assert_eq!(run(folder.path(), &["check", "empty.kdl", "--deny", "warning"]).0, 1);
    assert_eq!(run(folder.path(), &["check", "empty.kdl", "--deny", "warnings"]).0, 1);
    assert_eq!(run(folder.path(), &["check", "empty.kdl", "--deny", "hint"]).0, 1);
    assert_eq!(run(folder.path(), &["check", "empty.kdl", "--quiet"]), (0, String::new(), String::new()));
    let (code, out, _) = run(folder.path(), &["check", "empty.kdl", "--quiet", "--deny", "warning"]);
    assert!(code == 1 && out.starts_with("warning[empty-file]: "), "{out}");
}

#[test]
fn a_wrong_command_line_leaves_with_2() {
    let folder = folder(&[]);
    for arguments in [
        &["check"][..],
        &["chekc"],
        &["check", "--format", "xml", "a.kdl"],
        &["check", "--var", "region", "a.kdl"],
        &["check", "--target", "2.8", "a.kdl"],
        &["explain", "no-such-name-at-all"],
        &[],
    ] {
        let (code, out, err) = run(folder.path(), arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(!err.is_empty(), "{arguments:?}");
    }
    let (_, _, err) = run(folder.path(), &["check"]);
    assert_eq!(
        err,
        "error: no file is named, and there is no `topology.kdl` in this folder\n  \
         help: name one: `topoc check FILE`; `topoc init` writes a starter topology\n"
    );
}

#[test]
fn the_command_that_shows_all_findings_can_be_pasted() {
    let many: String = (0..9).map(|i| format!("queue \"q{i}\" typ=\"x\"\n")).collect();
    let folder = folder(&[("a b.kdl", &many)]);
    let more = "   and 4 more like this: topoc check 'a b.kdl' --env e --all\n";
    let (_, out, _) = run(folder.path(), &["check", "a b.kdl", "--env", "e"]);
    assert!(out.contains(more), "{out}");
    let (_, out, _) = run(folder.path(), &["check", "a b.kdl", "--target", "4.0"]);
    assert!(out.contains("topoc check 'a b.kdl' --target 4.0 --all\n"), "{out}");
    for verb in [&["graph"][..], &["generate", "rust"], &["policies"], &["diff"], &["export", "definitions"]]
    {
        let (code, _, err) = run(folder.path(), &[verb, &["a b.kdl", "--env", "e"]].concat());
        assert!(code == 1 && err.contains(more), "{verb:?}: {err}");
    }
    assert!(run(folder.path(), &["check", "a b.kdl", "--all"]).1.contains("q8"));
}

#[test]
fn without_files_the_topology_of_the_folder_is_read() {
    let folder = folder(&[("topology.kdl", WRONG)]);
    assert_eq!(run(folder.path(), &["check"]).0, 1);
    assert_eq!(run(folder.path(), &["fmt", "--check"]).0, 0);
}

#[test]
fn a_folder_stands_for_its_kdl_files_and_names_keep_their_folder() {
    let folder = folder(&[("t/b.kdl", WRONG), ("t/a.kdl", CLEAN), ("t/notes.txt", "no"), ("e/x.txt", "")]);
    let (code, out, _) = run(folder.path(), &["check", "t"]);
    assert_eq!(code, 1);
    assert!(out.contains("t/b.kdl:1:16") && out.contains("in 2 files"), "{out}");
    let (code, out, _) = run(folder.path(), &["check", "e/"]);
    assert_eq!(code, 1);
    assert!(out.contains("the folder `e` holds no .kdl file"), "{out}");
    let (code, out, _) = run(folder.path(), &["check", "t/a.kdl", "t/b.kdl"]);
    assert_eq!(code, 1);
    assert!(out.contains("in 2 files"), "{out}");
}

#[test]
fn a_minus_reads_standard_input_and_its_includes_stand_beside_the_command() {
    let folder = folder(&[("more.kdl", "queue \"b\" typ=\"x\"\n")]);
    let output = topoc(folder.path(), &["check", "-"])
        .write_stdin("include \"more.kdl\"\nqueue \"a\" typ=\"x\"\n")
        .output();
    let (code, out, _) = ended(&output.unwrap());
    assert_eq!(code, 1);
    assert!(out.contains("<stdin>:2:11") && out.contains("more.kdl:1:11"), "{out}");
}

#[test]
fn variables_come_from_the_command_line_before_the_environment() {
    let text = "variable \"region-name\" default=\"eu\" { one-of \"eu\" \"us\" }\nlimits max-queues=5\n";
    let folder = folder(&[("a.kdl", text)]);
    let with = |value: &str, arguments: &[&str]| {
        let mut command = topoc(folder.path(), &["check", "a.kdl"]);
        command.env("TOPOC_VAR_REGION_NAME", value).args(arguments);
        ended(&command.output().unwrap())
    };
    assert_eq!(with("us", &[]).0, 0);
    let (code, out, _) = with("moon", &[]);
    assert_eq!(code, 1);
    assert!(out.contains("from TOPOC_VAR_REGION_NAME"), "{out}");
    assert_eq!(with("moon", &["--var", "region-name=us"]).0, 0);
}

#[test]
fn init_writes_once_and_only_force_writes_again() {
    let folder = folder(&[]);
    let (code, out, _) = run(folder.path(), &["init", "shop"]);
    assert_eq!(code, 0);
    assert!(out.contains("topoc check shop/topology.kdl"), "{out}");
    assert_eq!(run(folder.path(), &["check", "shop", "--deny", "hint"]).0, 0);
    assert_eq!(run(folder.path(), &["fmt", "--check", "shop"]).0, 0);
    let path = folder.path().join("shop/topology.kdl");
    std::fs::write(&path, "// mine\n").unwrap();
    let (code, _, err) = run(folder.path(), &["init", "shop"]);
    assert_eq!((code, std::fs::read_to_string(&path).unwrap().as_str()), (1, "// mine\n"));
    assert!(err.contains("topoc init shop --force"), "{err}");
    assert_eq!(run(folder.path(), &["init", "shop", "--force"]).0, 0);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), CLEAN);
}

#[test]
fn init_names_the_topology_after_its_folder() {
    let folder = folder(&[]);
    for (argument, name) in
        [("payments", "payments"), ("a b/größe \"1\"", "größe \\\"1\\\""), ("x/${y}", "$${y}")]
    {
        let (code, out, err) = run(folder.path(), &["init", argument]);
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        let text = std::fs::read_to_string(folder.path().join(argument).join("topology.kdl")).unwrap();
        assert!(text.contains(&format!("\ntopology \"{name}\" {{")), "{text}");
        assert!(text.contains(&format!("\nvhost \"{name}\" default-queue-type=")), "{text}");
        let (code, out, _) = run(folder.path(), &["check", argument, "--deny", "hint"]);
        assert_eq!(code, 0, "{out}");
    }
    let inside = folder.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    assert_eq!(run(&inside, &["init"]).0, 0);
    let text = std::fs::read_to_string(inside.join("topology.kdl")).unwrap();
    assert!(text.contains("topology \"inside\""), "{text}");
}
