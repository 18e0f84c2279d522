#![no_main]
//! See `tests/fuzz_props/retry_after.rs`.

#[path = "../../tests/fuzz_props/retry_after.rs"]
mod props;

libfuzzer_sys::fuzz_target!(|data: &[u8]| props::check(data));
