//! Formatting files in place.

use super::*;

const LOOSE: &str = "queue   \"a\"{ // why\nmax-length   5\n}\n";
const SET: &str = "queue \"a\" { // why\n    max-length 5\n}\n";

#[test]
fn files_are_written_only_where_they_change() {
    let folder = folder(&[("loose.kdl", LOOSE), ("set.kdl", SET)]);
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let (code, out, err) = run(folder.path(), &["fmt", "loose.kdl", "set.kdl"]);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", "formatted loose.kdl\n"));
    assert_eq!((read("loose.kdl").as_str(), read("set.kdl").as_str()), (SET, SET));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn check_shows_the_difference_and_leaves_with_1() {
    let folder = folder(&[("loose.kdl", LOOSE), ("set.kdl", SET)]);
    let (code, out, err) = run(folder.path(), &["fmt", "--check", "loose.kdl", "set.kdl"]);
    assert_eq!(code, 1);
    assert!(out.contains("-queue   \"a\"{ // why\n-max-length   5\n+queue \"a\" { // why\n"), "{out}");
    assert_eq!(err, "1 of 2 would change: topoc fmt loose.kdl set.kdl\n");
    assert_eq!(std::fs::read_to_string(folder.path().join("loose.kdl")).unwrap(), LOOSE);
    assert_eq!(run(folder.path(), &["fmt", "--diff", "loose.kdl"]).0, 0);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let output = topoc(folder(&[]).path(), &["fmt", "-"]).write_stdin(LOOSE).output().unwrap();
    assert_eq!(ended(&output), (0, SET.to_owned(), String::new()));
}

#[test]
fn what_does_not_parse_stays_as_it_is() {
    let folder = folder(&[("broken.kdl", "queue \"a\"   {\n"), ("loose.kdl", LOOSE)]);
    let (code, _, err) = run(folder.path(), &["fmt", "broken.kdl", "loose.kdl"]);
    assert_eq!(code, 1);
    assert!(err.contains("a block is never closed") && err.contains("formatted loose.kdl"), "{err}");
    assert_eq!(std::fs::read_to_string(folder.path().join("broken.kdl")).unwrap(), "queue \"a\"   {\n");
}

#[cfg(unix)]
#[test]
fn links_stay_links_and_permissions_stay() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder(&[("loose.kdl", LOOSE)]);
    let (file, link) = (folder.path().join("loose.kdl"), folder.path().join("link.kdl"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("loose.kdl", &link).unwrap();
    assert_eq!(run(folder.path(), &["fmt", "link.kdl"]).0, 0);
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), SET);
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn the_repository_is_formatted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (code, out, err) = run(root, &["fmt", "--check", "examples/order-processing", "src/cli/init"]);
    assert_eq!(code, 0, "{out}{err}");
}
