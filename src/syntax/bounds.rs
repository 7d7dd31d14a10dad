//! What a topology may be at most, so that no text makes topoc slow or large.

/// The longest source that is read, in bytes.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;
/// How many blocks may nest, as written and as templates make them. The language itself needs less than ten.
pub const MAX_DEPTH: usize = 64;
/// How many nodes files may have, how many loops and templates may make of them, and how often loops may run, in all.
/// Each takes some hundred bytes, and a finding in each some hundred more.
pub(super) const MAX_NODES: usize = 1_000_000;
/// How much text `${…}` may make, in bytes, in all.
pub(super) const MAX_TEXT: usize = 64 * 1024 * 1024;
/// How many templates may use one another in a chain.
pub(super) const MAX_CHAIN: usize = 64;
