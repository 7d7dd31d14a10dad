//! Generates every case of `tests/generate` as a service's build script would.

#[path = "hostile.rs"]
mod hostile;

use std::{env, error::Error, fs, path::Path};

use topoc::{
    codegen,
    syntax::{Inputs, MemorySources},
};

const CASES: &str = "../generate";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={CASES}");
    println!("cargo::rerun-if-changed=hostile.rs");
    let out = env::var("OUT_DIR")?;
    let out = Path::new(&out);
    let mut cases = Vec::new();
    for entry in fs::read_dir(CASES)? {
        cases.push(entry?.file_name().into_string().map_err(|name| format!("{name:?} is no UTF-8"))?);
    }
    cases.sort();
    let (mut modules, mut all) = (String::new(), String::new());
    for case in cases {
        // a folder of their own: two topologies may have one name
        let folder = out.join(&case);
        codegen::configure().out_dir(&folder).compile(format!("{CASES}/{case}/topology.kdl"))?;
        for file in fs::read_dir(&folder)? {
            let name = file?.file_name();
            let path = Path::new(&case).join(&name).with_extension("");
            modules
                .push_str(&format!("topoc_runtime::include_topology!({:?});\n", path.display().to_string()));
            let module = Path::new(&name).with_extension("");
            all.push_str(&format!("({case:?}, {}::TOPOLOGY),\n", module.display()));
        }
    }
    // in memory: its warnings are of no interest
    let from = MemorySources::default().with("hostile.kdl", hostile::topology());
    let compiled = topoc::check(&["hostile.kdl".to_owned()], &from, &Inputs::default());
    for (name, text) in codegen::generate(&compiled, &from, &[])?.files {
        fs::write(out.join(&name), text)?;
        modules.push_str(&format!("topoc_runtime::include_topology!({:?});\n", name.trim_end_matches(".rs")));
    }
    modules.push_str(&format!(
        "/// All of each case, by its name.\n\
         pub const ALL: &[(&str, topoc_runtime::declare::Topology)] = &[{all}];\n"
    ));
    fs::write(out.join("cases.rs"), modules)?;
    Ok(())
}
