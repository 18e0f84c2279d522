//! Every function that is told the size of a structure, with sizes that are not one of this library's.

use core::mem::size_of;
use core::ptr::null_mut;

use tokenlatch::capi::*;
use tokenlatch::numbers::*;

use crate::support::Memory;
use crate::support::defaults;
use crate::support::grant;

/// What a call may write to, and what it says of a size.
type Call = fn(&Memory, &mut [u64; 64], usize) -> i32;

fn response() -> tl_response {
    tl_response {
        server_time_ms: 0,
        shape: core::ptr::null(),
        status: 500,
        retry_after_s: 0,
    }
}

/// A function, what it is told the size of, and whether a smaller one is that of an older header.
const FUNCTIONS: &[(&str, usize, Call)] = &[
    (
        "tl_config_check_sized",
        size_of::<tl_config>(),
        |_, _, size| {
            let config = defaults();
            // SAFETY: a configuration; no size that is taken is larger.
            unsafe { tl_config_check_sized(&raw const config, size, null_mut()) }
        },
    ),
    (
        "tl_latch_init_sized",
        size_of::<tl_config>(),
        |memory, _, size| {
            let (at, latch_size) = (memory.at(), size_of::<tl_latch>());
            let config = defaults();
            // SAFETY: as above, and memory of a latch.
            unsafe { tl_latch_init_sized(at, latch_size, &raw const config, size, 1, tl_version()) }
        },
    ),
    (
        "tl_granted_sized",
        size_of::<tl_grant>(),
        |memory, _, size| {
            let grant = grant("a", "b");
            // SAFETY: as above.
            unsafe { tl_granted_sized(memory.at(), 9, 9, 1, &raw const grant, size) }
        },
    ),
    (
        "tl_token_response_sized",
        size_of::<tl_response>(),
        |memory, place, size| {
            let (at, body) = (memory.at(), place.as_mut_ptr().cast());
            let response = response();
            // SAFETY: as above.
            unsafe { tl_token_response_sized(at, 9, 9, 1, &raw const response, size, body, 8) }
        },
    ),
    (
        "tl_token_response_read_sized",
        size_of::<tl_response>(),
        |_, place, size| read(place, size, size_of::<tl_grant>()),
    ),
    (
        "tl_token_response_read_sized",
        size_of::<tl_grant>(),
        |_, place, size| read(place, size_of::<tl_response>(), size),
    ),
];

/// These write as much as is said, and tell nothing.
const WRITERS: &[&str] = &["tl_config_init_sized", "tl_response_shape_init_sized"];

fn read(place: &mut [u64; 64], size: usize, grant_size: usize) -> i32 {
    let [failure, body, grant @ ..] = place;
    let grant = grant.as_mut_ptr().cast();
    let response = response();
    let (body, failure) = (core::ptr::from_mut(body), core::ptr::from_mut(failure));
    // SAFETY: an answer, and memory for a body of eight bytes, a grant and a failure.
    unsafe {
        tl_token_response_read_sized(
            &raw const response,
            size,
            body.cast(),
            8,
            grant,
            grant_size,
            failure.cast(),
        )
    }
}

#[test]
fn the_table_has_every_function_that_is_told_a_size() {
    let header = include_str!("../../include/tokenlatch.h");
    let (_, functions) = header.split_once("extern \"C\" {").unwrap();
    let names = functions
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("tl_") && word.ends_with("_sized"));
    let mut count = 0;
    for name in names {
        let is_known = FUNCTIONS.iter().any(|(known, ..)| *known == name);
        assert!(is_known || WRITERS.contains(&name), "{name}");
        count += 1;
    }
    assert_eq!(count, 7);
}

#[test]
fn a_size_that_is_none_of_this_library_is_refused_and_changes_nothing() {
    for (name, whole, call) in FUNCTIONS {
        for size in [0, 1, 4, whole + 1, whole + 8, usize::MAX] {
            let memory = Memory::ready();
            let before = memory.seen();
            let mut place = [0x5A5A_5A5A; 64];
            let told = call(&memory, &mut place, size);
            assert_eq!(told, TL_ERR_ABI, "{name}, {size}");
            assert_eq!(place, [0x5A5A_5A5A; 64], "{name}, {size} has written");
            assert!(memory.seen() == before, "{name}, {size}");
        }
        let memory = Memory::ready();
        let told = call(&memory, &mut [0; 64], *whole);
        assert_ne!(told, TL_ERR_ABI, "{name} with its own size");
    }
}

type Write = fn(*mut u8, usize);

fn write_config(at: *mut u8, size: usize) {
    // SAFETY: the caller has memory of that size.
    unsafe { tl_config_init_sized(at.cast(), size) }
}

fn write_shape(at: *mut u8, size: usize) {
    // SAFETY: the caller has memory of that size.
    unsafe { tl_response_shape_init_sized(at.cast(), size) }
}

#[test]
fn what_only_writes_keeps_to_the_size() {
    let writers: [(Write, usize); 2] = [
        (write_config, size_of::<tl_config>()),
        (write_shape, size_of::<tl_response_shape>()),
    ];
    for (write, whole) in writers {
        for size in [0, 4, whole - 8, whole, whole + 16] {
            let mut place = [0x5A5A_5A5A_5A5A_5A5A_u64; 64];
            let at = place.as_mut_ptr().cast::<u8>();
            write(at, size);
            // Nothing is read of the structure itself, whose padding has no value.
            let all = |from: usize, to: usize, value: u8| {
                // SAFETY: these bytes lie in `place`, and no structure was written there.
                (from..to).all(|index| unsafe { at.add(index).read() } == value)
            };
            assert!(all(size, size_of_val(&place), 0x5A), "{size}");
            // A later header's fields are zero.
            assert!(all(whole, size, 0), "{size}");
        }
    }
}
