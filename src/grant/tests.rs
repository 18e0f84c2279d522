//! The secrets of a grant, and the buffer that they share.

use super::*;

#[test]
fn the_parts_lie_in_one_buffer_and_are_replaced_in_place() {
    let mut rest = Rest::<16>::new();
    assert!(rest.is_empty());
    rest.set(&[Some(b"r1"), Some(b"scope"), None, Some(b"data")]);
    assert!(!rest.is_empty());
    rest.set(&[Some(b"r-22"), None, Some(b"bob"), None]);
    let parts = [
        Part::RefreshToken,
        Part::Scope,
        Part::Subject,
        Part::AppData,
    ];
    let text = parts.map(|part| rest.get_str(part));
    assert_eq!(text, ["r-22", "scope", "bob", "data"]);
    rest.drop_refresh_token();
    let text = parts.map(|part| rest.get_str(part));
    assert_eq!(text, ["", "scope", "bob", "data"]);
}

#[test]
fn parts_of_every_length_take_the_place_of_each_other() {
    const ROOM: usize = 3;
    const OLD: [&[u8]; 4] = [b"abc", b"def", b"ghi", b"jkl"];
    const NEW: [&[u8]; 4] = [b"ABC", b"DEF", b"GHI", b"JKL"];
    const PARTS: [Part; 4] = [
        Part::RefreshToken,
        Part::Scope,
        Part::Subject,
        Part::AppData,
    ];
    /// Four digits to this base.
    fn digits(number: usize, base: usize) -> [usize; 4] {
        [0, 1, 2, 3].map(|place| number / base.pow(place) % base)
    }
    let mut tried = 0;
    for before in 0..4_usize.pow(4) {
        let lengths = digits(before, 4);
        if lengths.iter().sum::<usize>() > ROOM {
            continue;
        }
        let old = [0, 1, 2, 3].map(|part| OLD[part].get(..lengths[part]).unwrap());
        let step = if cfg!(miri) { 97 } else { 1 };
        for after in (0..5_usize.pow(4)).step_by(step) {
            // One longer than the text is a part that is not given.
            let lengths = digits(after, 5);
            let new = [0, 1, 2, 3].map(|part| NEW[part].get(..lengths[part]));
            let expected = [0, 1, 2, 3].map(|part| new[part].unwrap_or(old[part]));
            let mut rest = Rest::<ROOM>::new();
            rest.set(&old.map(Some));
            let fits = expected.iter().map(|part| part.len()).sum::<usize>() <= ROOM;
            assert_eq!(rest.fits(&new, true), fits);
            if fits {
                rest.set(&new);
                assert_eq!(PARTS.map(|part| rest.get(part)), expected);
                tried += 1;
            }
        }
    }
    assert!(tried > if cfg!(miri) { 10 } else { 1_000 }, "{tried}");
}

#[test]
fn a_secret_has_its_name_as_its_debug() {
    let mut secret = Secret::<8>::new();
    secret.set("token");
    let mut text = heapless::String::<16>::new();
    assert!(core::fmt::write(&mut text, format_args!("{secret:?}")).is_ok());
    assert_eq!(text, "Secret");
}
