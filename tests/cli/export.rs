//! Definitions files.

use serde_json::Value;

use super::*;

const USERS: &str = "topology \"users\"
vhost \"shop\"
user \"hashed\" {
    password hash=\"kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR\"
    permission vhost=\"shop\" configure=\"^$\" write=\"^$\" read=\".*\"
}
user \"secret\" {
    password env=\"EXPORTED\"
    permission vhost=\"shop\" configure=\"^$\" write=\"^$\" read=\".*\"
}
user \"without\" {
    permission vhost=\"shop\" configure=\"^$\" write=\"^$\" read=\".*\"
}
";

fn exported(arguments: &[&str]) -> (Value, String) {
    let folder = folder(&[("a.kdl", USERS)]);
    let output = topoc(folder.path(), &["export", "definitions", "a.kdl"])
        .args(arguments)
        .env("EXPORTED", "p w")
        .output();
    let (code, out, err) = ended(&output.expect("the test can set itself up"));
    assert_eq!(code, 0, "{err}");
    (serde_json::from_str(&out).expect("JSON"), err)
}

fn names<'a>(file: &'a Value, list: &str, member: &str) -> Vec<&'a str> {
    file[list].as_array().into_iter().flatten().filter_map(|entry| entry[member].as_str()).collect()
}

#[test]
fn a_user_is_written_with_its_password_or_not_at_all() {
    let (file, said) = exported(&[]);
    assert_eq!(names(&file, "users", "name"), ["hashed"]);
    assert_eq!(names(&file, "permissions", "user"), ["hashed"]);
    assert!(said.contains("user `secret` is left out with its permissions"), "{said}");
    assert!(said.contains("user `without` is left out with its permissions"), "{said}");
    let (file, said) = exported(&["--with-secrets"]);
    assert_eq!(names(&file, "users", "name"), ["hashed", "secret"]);
    assert_eq!(names(&file, "permissions", "user"), ["hashed", "secret"]);
    assert!(names(&file, "users", "password_hash").iter().all(|hash| !hash.is_empty()), "{file}");
    assert!(!file.to_string().contains("p w") && !said.contains("`secret`"), "{said}");
}

#[test]
fn a_minus_is_standard_output() {
    let folder = folder(&[("a.kdl", CLEAN)]);
    for arguments in [&["export", "definitions"][..], &["generate", "rust"], &["graph"]] {
        let to = |output: &[&str]| run(folder.path(), &[arguments, &["a.kdl"], output].concat());
        let (code, out, err) = to(&["-o", "-"]);
        assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}");
        assert_eq!(out, to(&[]).1, "{arguments:?}");
    }
    assert!(!folder.path().join("-").exists());
}
