//! Generates the services' code from the topology.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    topoc::codegen::configure().compile("topology.kdl")?;
    Ok(())
}
