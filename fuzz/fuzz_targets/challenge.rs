#![no_main]
//! See `tests/fuzz_props/challenge.rs`.

#[path = "../../tests/fuzz_props/challenge.rs"]
mod props;

libfuzzer_sys::fuzz_target!(|data: &[u8]| props::check(data));
