//! A package whose `build.rs` generates from a topology, built by cargo: what its user sees, and when it is built
//! again.

#![expect(clippy::unwrap_used, reason = "a panic is the test's failure")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const RIGHT: &str = r#"topology "shop" { rabbitmq "3.10" }
include "parts/*.kdl"
variable "name" default="orders"
exchange "${name}" type="fanout"
queue "q" type="quorum" max-length=10 overflow="reject-publish" { bind "${name}"; retry "1s" then="d" }
service "till" { publishes "Ordered" }
service "cook" { consumes "q" { on "Ordered" }; consumes "d" }
"#;
const PART: &str = "message \"Ordered\" { publish-to \"orders\"; payload { id \"uuid\" } }\n";

/// A package in a folder of its own; what it depends on stays compiled from run to run.
struct Package(PathBuf);

impl Package {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("build-script");
        let package = Self(folder);
        package.write(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"shop\"\nedition = \"2024\"\n[workspace]\n[profile.dev]\ndebug = 0\n\
                 [build-dependencies]\ntopoc = {{ path = {root:?}, default-features = false, features = [\"codegen\"] }}\n"
            ),
        );
        package.write("Cargo.lock", &fs::read_to_string(root.join("Cargo.lock")).unwrap());
        package.write("src/lib.rs", "");
        package.write(
            "build.rs",
            "fn main() -> Result<(), topoc::codegen::Error> {\n    topoc::codegen::configure().compile(\"topology.kdl\")\n}\n",
        );
        let _ = fs::remove_dir_all(package.0.join("parts"));
        package.forget();
        package
    }

    /// Takes away what earlier runs have built of the package itself, perhaps with another topoc.
    fn forget(&self) {
        for folder in ["target/debug/build", "target/debug/.fingerprint"] {
            for entry in fs::read_dir(self.0.join(folder)).into_iter().flatten().flatten() {
                if entry.file_name().to_string_lossy().starts_with("shop-") {
                    fs::remove_dir_all(entry.path()).unwrap();
                }
            }
        }
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if fs::read_to_string(&path).ok().as_deref() != Some(text) {
            fs::write(path, text).unwrap();
        }
    }

    /// Whether it builds, and what cargo prints.
    fn build(&self) -> (bool, String) {
        self.build_with("")
    }

    fn build_with(&self, name: &str) -> (bool, String) {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--offline", "--color", "never"]).current_dir(&self.0);
        cargo.env("CARGO_TARGET_DIR", self.0.join("target")).env_remove("RUSTFLAGS").env_remove("OUT_DIR");
        cargo.env_remove("TOPOC_VAR_NAME");
        if !name.is_empty() {
            cargo.env("TOPOC_VAR_NAME", name);
        }
        let output = cargo.output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    }

    /// Where the generated file is, once it is there.
    fn generated(&self) -> PathBuf {
        let build = self.0.join("target/debug/build");
        let mut found: Vec<PathBuf> = fs::read_dir(build)
            .unwrap()
            .map(|entry| entry.unwrap().path().join("out/shop.rs"))
            .filter(|path| path.exists())
            .collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }
}

#[test]
fn cargo_shows_what_is_wrong_and_builds_again_when_it_must() {
    let package = Package::new();
    package.write("topology.kdl", RIGHT);
    package.write("parts/messages.kdl", &PART.replace("orders", "ordres"));
    let (built, said) = package.build();
    assert!(!built, "{said}");
    let shown = [
        "Error: the topology has errors",
        "error[unknown-exchange]: ",
        "[parts/messages.kdl:1:",
        "message \"Ordered\" { publish-to \"ordres\"; payload { id \"uuid\" } }",
        "╰── ",
        "help: ",
        "orders",
    ];
    for part in shown {
        assert!(said.contains(part), "{part:?} is missing in\n{said}");
    }
    assert!(!said.contains('\u{1b}'), "no colours:\n{said}");

    // an included file is watched
    package.write("parts/messages.kdl", PART);
    let (built, said) = package.build();
    assert!(built, "{said}");
    let generated = package.generated();
    let first = fs::read_to_string(&generated).unwrap();
    assert!(first.contains("pub struct Ordered"));

    // nothing is done where nothing has changed
    let time = fs::metadata(&generated).unwrap().modified().unwrap();
    let (built, said) = package.build();
    assert!(built && !said.contains("Compiling shop"), "{said}");

    // the file stays as it is where its text does
    package.write("topology.kdl", &format!("// a remark\n{RIGHT}"));
    let (built, said) = package.build();
    assert!(built && said.contains("Compiling shop"), "{said}");
    assert_eq!(fs::metadata(&generated).unwrap().modified().unwrap(), time);

    // a new file in an included folder is seen, and a warning is one line
    package.write(
        "parts/more.kdl",
        "message \"Forgotten\" { publish-to \"orders\" }\nqueue \"left\" type=\"quorum\"\n",
    );
    let (built, said) = package.build();
    assert!(built, "{said}");
    assert!(fs::read_to_string(&generated).unwrap().contains("pub struct Forgotten"));
    let warning =
        said.lines().find(|line| line.starts_with("warning: shop@") && line.contains("parts/more.kdl:2: "));
    assert!(warning.is_some_and(|line| line.ends_with(']')), "{said}");

    // a variable is watched before it is ever set
    package.write("parts/more.kdl", "message \"Forgotten\" { publish-to \"orders\" }\n");
    package.write("parts/messages.kdl", &PART.replace("orders", "${name}"));
    package.write("parts/more.kdl", "");
    assert!(package.build().0);
    let (built, said) = package.build_with("parcels");
    assert!(built, "{said}");
    assert!(fs::read_to_string(&generated).unwrap().contains("name: \"parcels\""));
}
