//! The C interface: translation only (feature `capi`; `include/tokenlatch.h`).
//!
//! Every function checks its pointers for NULL and alignment, and a latch for being one; writes its results only when
//! it succeeds; takes memory from the caller only; and calls nothing back. What it can't check is documented in the
//! header: that memory is as long as is said, and that nobody else uses a latch while a function writes to it.
//!
//! # Safety
//!
//! A pointer that is not NULL leads to as much memory as its type or its length says, for as long as the call lasts;
//! nobody else writes to it meanwhile, and nobody reads what the function writes to. Memory of a latch was written to
//! before it is passed on, be it with anything. In the `SAFETY` lines this is the caller's promise.

#![expect(
    clippy::exhaustive_structs,
    clippy::missing_safety_doc,
    reason = "the structures are those of C; what is safe is said above, once"
)]

mod answer;
mod config;
mod facts;
mod grants;
mod helpers;
mod orders;
mod ptr;
#[cfg(feature = "recording")]
mod recording;
mod requests;
mod setup;
mod shape;
mod state;
mod text;
mod types;

pub use answer::*;
pub use facts::*;
pub use grants::*;
pub use helpers::*;
pub use orders::*;
#[cfg(feature = "recording")]
pub use recording::*;
pub use requests::*;
pub use setup::*;
pub use shape::*;
pub use state::*;
pub use text::*;
pub use types::*;

/// How many bytes an access token may have, and the rest of a grant together.
pub const TL_TOKEN_CAPACITY: usize =
    capacity(option_env!("TOKENLATCH_TOKEN_CAPACITY"), 4096, 65_535);

/// How many requests may wait.
pub const TL_WAITER_CAPACITY: usize = capacity(option_env!("TOKENLATCH_WAITER_CAPACITY"), 32, 255);

/// The latch that is behind the interface.
pub(crate) type Latch = crate::latch::Latch<TL_TOKEN_CAPACITY, TL_WAITER_CAPACITY>;

/// The words of a `tl_latch`, as the header computes them.
pub const TL_LATCH_WORDS: usize = latch_words(TL_TOKEN_CAPACITY, TL_WAITER_CAPACITY);

/// Three token buffers, the waiting requests and the rest, with a tenth to spare for later versions.
const fn latch_words(tokens: usize, waiters: usize) -> usize {
    let bytes = tokens
        .saturating_mul(3)
        .saturating_add(waiters.saturating_mul(16));
    bytes.saturating_add(752).saturating_mul(11).div_ceil(80)
}

/// A capacity that was asked for when the library was built.
const fn capacity(asked: Option<&str>, default: usize, most: usize) -> usize {
    let Some(asked) = asked else { return default };
    let mut digits = asked.as_bytes();
    let mut number = 0_usize;
    while let [digit, rest @ ..] = digits {
        assert!(digit.is_ascii_digit(), "a capacity is a number");
        number = number
            .saturating_mul(10)
            .saturating_add((*digit).saturating_sub(b'0') as usize);
        digits = rest;
    }
    assert!(number > 0, "a capacity is not 0");
    assert!(number <= most, "a capacity is too large");
    number
}

/// The outcome or the error.
fn number(told: Result<i32, i32>) -> i32 {
    match told {
        Ok(number) | Err(number) => number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capacity_is_what_was_asked_for() {
        assert_eq!(capacity(None, 4096, 65_535), 4096);
        assert_eq!(capacity(Some("1"), 4096, 65_535), 1);
        assert_eq!(capacity(Some("65535"), 4096, 65_535), 65_535);
        assert_eq!(capacity(Some("0255"), 32, 255), 255);
    }

    #[test]
    #[should_panic = "a capacity is not 0"]
    fn no_capacity_is_none() {
        capacity(Some(""), 32, 255);
    }

    #[test]
    #[should_panic = "a capacity is a number"]
    fn a_word_is_no_capacity() {
        capacity(Some("2k"), 32, 255);
    }

    #[test]
    #[should_panic = "a capacity is too large"]
    fn a_capacity_has_an_end() {
        capacity(Some("256"), 32, 255);
    }

    #[test]
    fn a_latch_has_room_for_its_tokens_and_requests() {
        // In bytes: 752, three times the tokens, 16 for each request, and a tenth of it all.
        assert_eq!(latch_words(0, 0), 104);
        assert_eq!(latch_words(64, 4), 139);
        assert_eq!(latch_words(4096, 32), 1864);
        assert_eq!(latch_words(usize::MAX, 1), usize::MAX.div_ceil(80));
    }
}
