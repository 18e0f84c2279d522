//! The paths of the library through its C interface, each call made as from C: not inlined.

use core::hint::black_box;
use core::ptr::null;

use tokenlatch::capi::*;
use tokenlatch::numbers::*;

use crate::Case;
use crate::Who;
use crate::World;
use crate::bytes::ACCESS;
use crate::bytes::CHALLENGE;
use crate::bytes::REFRESH;
use crate::path;
use crate::rival::DUE;
use crate::rival::LIFETIME;
use crate::rival::WAITER;

const WALL: u64 = 1_700_000_000_000;

pub(crate) struct Side {
    memory: [u64; TL_LATCH_WORDS],
    cell: [u8; 16 * 1024],
    stored: usize,
    token: [u8; TL_TOKEN_CAPACITY],
    current: u64,
    late: u64,
    ticket: u32,
}

impl Default for Side {
    fn default() -> Self {
        Self {
            memory: [0; TL_LATCH_WORDS],
            cell: [0; 16 * 1024],
            stored: 0,
            token: [0; TL_TOKEN_CAPACITY],
            current: 0,
            late: 0,
            ticket: 0,
        }
    }
}

/// Calls a function of the interface where the compiler does not know which one it is.
macro_rules! call {
    ($name:ident as fn($($argument:ty),*) -> $result:ty; $($value:expr),* $(,)?) => {{
        let function: unsafe extern "C" fn($($argument),*) -> $result = black_box($name);
        // SAFETY: the pointers lead to memory of this side, as long as is said.
        unsafe { function($($value),*) }
    }};
}

impl Side {
    fn latch(&mut self) -> *mut tl_latch {
        self.memory.as_mut_ptr().cast()
    }

    #[inline(always)]
    fn poll(&mut self) -> Option<tl_effect> {
        let mut effect = tl_effect::default();
        let latch = self.latch();
        let told =
            call!(tl_poll_effect as fn(*mut tl_latch, *mut tl_effect) -> i32; latch, &mut effect);
        (told == 1).then_some(effect)
    }

    fn drain(&mut self, millis: u64) {
        while let Some(effect) = self.poll() {
            let (latch, ticket) = (self.latch(), effect.ticket);
            let cell = self.cell.as_mut_ptr();
            // SAFETY: as above.
            unsafe {
                match effect.kind {
                    TL_EFFECT_LOAD => {
                        tl_loaded(latch, millis, WALL + millis, ticket, cell, self.stored);
                    }
                    TL_EFFECT_STORE => {
                        tl_record(latch, ticket, cell, self.cell.len(), &mut self.stored);
                        tl_stored(latch, millis, WALL + millis, ticket);
                    }
                    TL_EFFECT_SEND_TOKEN_REQUEST => self.ticket = ticket,
                    _ => {}
                }
            }
        }
    }

    fn grant(&mut self) {
        let latch = self.latch();
        let grant = tl_grant {
            access_token: ACCESS.as_ptr().cast(),
            access_token_len: ACCESS.len(),
            refresh_token: REFRESH.as_ptr().cast(),
            refresh_token_len: REFRESH.len(),
            scope: null(),
            scope_len: 0,
            subject: null(),
            subject_len: 0,
            app_data: null(),
            app_data_len: 0,
            expiry_ms: LIFETIME,
            server_time_ms: 0,
            expiry: TL_EXPIRY_IN,
            token_type: 0,
        };
        // SAFETY: as above.
        unsafe { tl_granted_sized(latch, 0, WALL, self.ticket, &grant, size_of::<tl_grant>()) };
        self.drain(0);
    }

    #[inline(always)]
    fn request(&mut self) -> u32 {
        let (now, waiter) = (black_box(1), black_box(WAITER));
        let latch = self.latch();
        call!(
            tl_access_requested as fn(*mut tl_latch, u64, u64, u32) -> i32;
            latch, now, WALL + now, waiter
        );
        let mut found = 0;
        while let Some(effect) = self.poll() {
            if effect.kind == TL_EFFECT_RELEASE {
                found = effect.waiter;
            }
        }
        found
    }

    /// The token is copied out; gives the receipt.
    #[inline(always)]
    fn permit(&mut self) -> u64 {
        let (now, waiter) = (black_box(1), black_box(WAITER));
        let (mut len, mut receipt) = (0, 0);
        let latch = self.latch();
        let token = self.token.as_mut_ptr();
        call!(
            tl_permit as fn(*mut tl_latch, u64, u64, u32, *mut core::ffi::c_char, usize, *mut usize, *mut u64) -> i32;
            latch, now, WALL + now, waiter, token.cast(), self.token.len(), &mut len, &mut receipt
        );
        if len == ACCESS.len() { receipt } else { 0 }
    }

    #[inline(always)]
    fn answer(&mut self, receipt: u64, status: u16) -> i32 {
        let now = black_box(1);
        let latch = self.latch();
        call!(
            tl_answered as fn(*mut tl_latch, u64, u64, u64, u16, *const core::ffi::c_char, usize) -> i32;
            latch, now, WALL + now, black_box(receipt), black_box(status), null(), 0
        )
    }
}

/// As the path in Rust begins: see there.
fn ready(world: &mut World) {
    let side = &mut world.c;
    *side = Side::default();
    let latch = side.latch();
    // SAFETY: as above.
    unsafe {
        let size = size_of_val(&side.memory);
        let config_size = size_of::<tl_config>();
        let mut config = core::mem::MaybeUninit::<tl_config>::uninit();
        tl_config_init_sized(config.as_mut_ptr(), config_size);
        tl_latch_init_sized(
            latch,
            size,
            config.as_ptr(),
            config_size,
            0x5eed,
            tl_version(),
        );
        tl_opened(latch, 0, WALL);
        side.drain(0);
        tl_login_started(latch, 0, WALL, &mut side.ticket);
        side.grant();
        side.request();
        side.late = side.permit();
        tl_refresh_requested(latch, 0, WALL);
        side.drain(0);
        side.grant();
        side.request();
        side.current = side.permit();
    }
    side.answer(side.current, 200);
}

fn released(world: &mut World) {
    ready(world);
    world.c.request();
}

fn permit(world: &mut World) {
    world.found = u32::from(world.c.permit() != 0);
}

fn request(world: &mut World) {
    world.found = world.c.request();
}

fn answer(world: &mut World) {
    let told = world.c.answer(world.c.current, 200);
    world.found = u32::from(told == TL_OUTCOME_DELIVER);
}

fn permit_and_answer(world: &mut World) {
    let receipt = world.c.permit();
    let told = world.c.answer(receipt, 200);
    world.found = u32::from(told == TL_OUTCOME_DELIVER);
}

fn late_401(world: &mut World) {
    let told = world.c.answer(world.c.late, 401);
    world.found = u32::from(told == TL_OUTCOME_RETRY);
}

fn timer(world: &mut World) {
    let (now, latch) = (black_box(DUE), world.c.latch());
    call!(tl_timeout_reached as fn(*mut tl_latch, u64, u64) -> i32; latch, now, WALL + now);
    world.found = call!(tl_state as fn(*const tl_latch) -> i32; latch) as u32;
}

fn decode(world: &mut World) {
    let record = world.latch.record();
    let mut content = tl_store_content::default();
    call!(
        tl_inspect as fn(*const u8, usize, *mut tl_store_content) -> i32;
        record.as_ptr(), record.len(), &mut content
    );
    world.found = u32::from(content.content == TL_STORE_SESSION);
}

fn challenge(world: &mut World) {
    let mut challenge = tl_challenge::default();
    call!(
        tl_challenge_parse as fn(*const core::ffi::c_char, usize, *mut tl_challenge) -> i32;
        CHALLENGE.as_ptr().cast(), CHALLENGE.len(), &mut challenge
    );
    world.found = u32::from(challenge.kind == TL_CHALLENGE_INVALID_TOKEN);
}

const fn case(path: &'static str, prepare: fn(&mut World), run: fn(&mut World)) -> Case {
    Case {
        path,
        who: Who::C,
        prepare,
        run,
    }
}

pub(crate) const CASES: &[Case] = &[
    case(path::PERMIT, released, permit),
    case(path::REQUEST, ready, request),
    case(path::ANSWER, ready, answer),
    case(path::PERMIT_AND_ANSWER, released, permit_and_answer),
    case(path::LATE_401, ready, late_401),
    case(path::TIMER, ready, timer),
    case(path::DECODE, crate::latch::storing, decode),
    case(path::CHALLENGE, |_| {}, challenge),
];
