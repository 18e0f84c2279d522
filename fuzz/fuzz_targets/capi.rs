//! The C interface beside the library, step by step.
#![no_main]

#[path = "../../tests/fuzz_props/capi.rs"]
mod props;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    props::check(data);
});
