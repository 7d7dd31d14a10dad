//! The `topoc` command.
fn main() {}
