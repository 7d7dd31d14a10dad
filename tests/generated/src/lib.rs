//! Code generated for the cases of `tests/generate`: it compiles without a warning, also without a pedantic one.
#![deny(warnings, clippy::all, clippy::pedantic)]
#![allow(rustdoc::bare_urls, reason = "hostile names are quoted as they are")]

pub mod model;
#[cfg(doctest)]
mod wrong_use;

include!(concat!(env!("OUT_DIR"), "/cases.rs"));
