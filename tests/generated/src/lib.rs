//! Code generated for the cases of `tests/generate`: it compiles without a warning, also without clippy's.
#![deny(warnings, clippy::all, clippy::pedantic)]

topoc_runtime::include_topology!("common");
