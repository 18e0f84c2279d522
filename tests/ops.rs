//! Operation lists against the promises and the reference model: the fuzz corpus, and lists from fixed seeds.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "small numbers of the test's own"
)]

#[path = "fuzz_props/ops.rs"]
mod ops;

/// Every committed input, findings included.
// promises: P1, P2, P3, P4, P5, P6, P7, P8, P9, P10, P11, P14, P15
#[test]
fn the_corpus_keeps_the_promises() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/ops");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus") {
        let path = entry.expect("an entry").path();
        println!("{}", path.display());
        ops::check(&std::fs::read(path).expect("a file"), &mut ());
        files += 1;
    }
    assert!(files > 0, "no file in {folder}");
}

/// Lists from a small generator: the same on every machine.
// promises: P1, P2, P3, P4, P5, P6, P7, P8, P9, P10, P11, P14, P15
#[test]
fn random_lists_keep_the_promises() {
    let mut sent = 0;
    let only = std::env::var("SEED")
        .ok()
        .map(|seed| seed.parse().expect("a number"));
    let seeds = only.map_or(0..1_000_u64, |seed: u64| seed..seed + 1);
    for seed in seeds {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let list: Vec<u8> = (0..400)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 32).to_le_bytes()[0]
            })
            .collect();
        let result = std::panic::catch_unwind(|| ops::check(&list, &mut ()));
        sent += result.unwrap_or_else(|_| panic!("seed {seed}"));
    }
    assert!(
        only.is_some() || sent > 1_000,
        "only {sent} requests left: the lists lead nowhere"
    );
    println!("{sent} requests left");
}
