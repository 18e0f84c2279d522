#![no_main]
//! See `tests/fuzz_props/response.rs`.

#[path = "../../tests/fuzz_props/response.rs"]
mod props;

libfuzzer_sys::fuzz_target!(|data: &[u8]| props::check(data));
