//! Generates the cases of `tests/generate` as a service would.

fn main() -> Result<(), topoc::codegen::Error> {
    topoc::codegen::configure().compile("../generate/common/topology.kdl")
}
