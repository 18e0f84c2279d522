//! The feature `json`.

use crate::Latch;
use crate::Root;

#[unsafe(no_mangle)]
pub static FOOTPRINT_JSON: [Root; 2] = roots![tokenlatch::response::parse, Latch::handle_response,];
