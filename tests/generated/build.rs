//! Generates every case of `tests/generate` as a service's build script would.

use std::{env, error::Error, fs, path::Path};

const CASES: &str = "../generate";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={CASES}");
    let mut cases = Vec::new();
    for entry in fs::read_dir(CASES)? {
        cases.push(entry?.file_name().into_string().map_err(|name| format!("{name:?} is no UTF-8"))?);
    }
    cases.sort();
    let mut modules = String::new();
    for case in cases {
        // a folder of their own: two topologies may have one name
        let folder = Path::new(&env::var("OUT_DIR")?).join(&case);
        topoc::codegen::configure().out_dir(&folder).compile(format!("{CASES}/{case}/topology.kdl"))?;
        for file in fs::read_dir(&folder)? {
            let name = file?.file_name();
            let path = Path::new(&case).join(name).with_extension("");
            modules
                .push_str(&format!("topoc_runtime::include_topology!({:?});\n", path.display().to_string()));
        }
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("cases.rs"), modules)?;
    Ok(())
}
