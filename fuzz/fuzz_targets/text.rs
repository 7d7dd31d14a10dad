//! Any text at all: read, checked, shown and formatted.

#![no_main]

#[path = "../../tests/fuzz/holds.rs"]
mod holds;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = holds::holds(&[text.to_owned()]);
});
