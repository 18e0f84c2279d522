//! Operation lists against the promises and the reference model.
#![no_main]

#[path = "../../tests/fuzz_props/ops.rs"]
mod ops;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    ops::check(data, &mut ());
});
