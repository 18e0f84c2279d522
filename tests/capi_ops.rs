//! Operation lists told to a latch and, through the C functions, to another: the fuzz corpus, and lists from fixed
//! seeds.

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

#[path = "fuzz_props/capi.rs"]
mod props;

/// Every committed input, findings included, and those of the target without C functions.
// promises: P1, P2, P3, P4, P5, P6, P7, P8, P9, P10, P11, P13, P14, P15
#[test]
fn the_corpus_gives_the_same_through_c() {
    for corpus in ["capi", "ops"] {
        let folder = format!("{}/fuzz/corpus/{corpus}", env!("CARGO_MANIFEST_DIR"));
        let mut files = 0;
        for entry in std::fs::read_dir(&folder).expect("the corpus") {
            let path = entry.expect("an entry").path();
            println!("{}", path.display());
            let counts = props::check(&std::fs::read(path).expect("a file"));
            assert!(counts.calls > 0);
            files += 1;
        }
        assert!(files > 0, "no file in {folder}");
    }
}

/// Lists from a small generator: the same on every machine.
// promises: P1, P2, P3, P4, P5, P6, P7, P8, P9, P10, P11, P13, P14, P15
#[test]
fn random_lists_give_the_same_through_c() {
    let mut all = props::Counts::default();
    let lists = if cfg!(miri) { 2 } else { 500_u64 };
    for seed in 0..lists {
        let list = list(seed);
        let counts = std::panic::catch_unwind(|| props::check(&list));
        let counts = counts.unwrap_or_else(|_| panic!("seed {seed}"));
        all.calls += counts.calls;
        all.effects += counts.effects;
        all.permits += counts.permits;
        all.records += counts.records;
        all.misuses += counts.misuses;
    }
    println!("{all:?}");
    assert!(
        cfg!(miri) || all.permits > 1_000 && all.records > 1_000,
        "the lists lead nowhere"
    );
}

fn list(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let bytes = (0..400).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32).to_le_bytes()[0]
    });
    bytes.collect()
}
