//! What needs no feature. The texts of causes and errors are for a screen or a log: who names them pays for them.

use tokenlatch::Challenge;
use tokenlatch::Step;

use crate::Latch;
use crate::Root;

fn challenge<'a>(header: &'a [u8]) -> Challenge<'a> {
    Challenge::parse([header])
}

fn step(latch: &Latch, index: usize) -> Option<Step> {
    latch.trace().nth(index)
}

#[unsafe(no_mangle)]
pub static FOOTPRINT_ALL: [Root; 19] = roots![
    Latch::new,
    Latch::record,
    Latch::probe_permit,
    Latch::refresh_token,
    Latch::revocation,
    Latch::is_volatile,
    Latch::waiting,
    Latch::trouble,
    Latch::corrupt,
    Latch::expires_at,
    Latch::subject,
    Latch::scope,
    Latch::app_data,
    step,
    challenge,
    Challenge::max_age,
    tokenlatch::inspect,
    tokenlatch::retry_after,
    tokenlatch::http_date,
];
