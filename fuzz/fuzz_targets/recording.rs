#![no_main]
//! See `tests/fuzz_props/recording.rs`.

#[path = "../../tests/fuzz_props/recording.rs"]
mod props;

libfuzzer_sys::fuzz_target!(|data: &[u8]| props::check(data));
