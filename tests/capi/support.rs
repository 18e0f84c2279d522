//! A latch in memory as C has it.

use core::alloc::Layout;
use core::ffi::CStr;
use core::ffi::c_char;
use core::mem::size_of;
use core::ptr::null_mut;

use tokenlatch::capi::*;
use tokenlatch::numbers::*;

/// Memory for a latch, filled with a byte that is no latch.
pub(crate) struct Memory {
    at: *mut tl_latch,
}

const LAYOUT: Layout = Layout::new::<[tl_latch; 2]>();

impl Memory {
    pub(crate) fn filled(byte: u8) -> Self {
        // SAFETY: the layout has a size.
        let at = unsafe { std::alloc::alloc(LAYOUT) };
        assert!(!at.is_null());
        // SAFETY: as much was allocated.
        unsafe { at.write_bytes(byte, LAYOUT.size()) };
        Self { at: at.cast() }
    }

    /// A latch with this configuration.
    pub(crate) fn latch(config: &tl_config) -> Self {
        let memory = Self::filled(0xAA);
        assert_eq!(init(memory.at(), config), TL_OUTCOME_DONE);
        memory
    }

    /// A latch with the defaults.
    pub(crate) fn fresh() -> Self {
        Self::latch(&defaults())
    }

    /// A latch in `Ready`: a login has succeeded and is stored.
    pub(crate) fn ready() -> Self {
        let memory = Self::fresh();
        let at = memory.at();
        // SAFETY: a latch, and memory for what it tells.
        unsafe {
            assert_eq!(tl_opened(at, 0, 0), TL_OUTCOME_DONE);
            let load = memory.order(TL_EFFECT_LOAD);
            let nothing = tl_loaded(at, 0, 0, load.ticket, core::ptr::null(), 0);
            assert_eq!(nothing, TL_OUTCOME_DONE);
            memory.login();
            let load = memory.order(TL_EFFECT_LOAD);
            tl_loaded(at, 0, 0, load.ticket, core::ptr::null(), 0);
            let store = memory.order(TL_EFFECT_STORE);
            assert_eq!(tl_stored(at, 0, 0, store.ticket), TL_OUTCOME_DONE);
            assert_eq!(tl_state(at), state(TL_STATE_READY));
        }
        memory
    }

    /// Starts a login, which is granted.
    pub(crate) fn login(&self) {
        let mut ticket = 0;
        let grant = grant("access", "refresh");
        let size = size_of::<tl_grant>();
        // SAFETY: a latch, a grant, and memory for what it tells.
        unsafe {
            let started = tl_login_started(self.at, 0, 0, &raw mut ticket);
            assert_eq!(started, TL_OUTCOME_LOGIN);
            let told = tl_granted_sized(self.at, 0, 0, ticket, &raw const grant, size);
            assert_eq!(told, TL_OUTCOME_DONE);
        }
    }

    pub(crate) fn at(&self) -> *mut tl_latch {
        self.at
    }

    /// The next order of a kind.
    pub(crate) fn order(&self, kind: u32) -> tl_effect {
        let mut effect = tl_effect::default();
        // SAFETY: a latch, and memory for the order.
        while unsafe { tl_poll_effect(self.at, &raw mut effect) } > 0 {
            if effect.kind == kind {
                return effect;
            }
        }
        panic!("there is no order {kind}")
    }

    /// What is there to be seen of a latch; its bytes too, where reading what lies between its fields is no harm.
    pub(crate) fn seen(&self) -> (Vec<u8>, String) {
        let mut bytes = Vec::new();
        if !cfg!(miri) {
            for index in 0..size_of::<tl_latch>() {
                // SAFETY: it was allocated and written to.
                bytes.push(unsafe { self.at.cast::<u8>().add(index).read_volatile() });
            }
        }
        // SAFETY: a latch or none.
        let seen = unsafe {
            let at = self.at;
            let mut steps = [tl_step::default(); 8];
            let count = tl_trace(at, steps.as_mut_ptr(), steps.len());
            let counts = [
                tl_state(at),
                tl_waiting(at),
                tl_trouble(at),
                tl_corrupt(at),
                count,
            ];
            format!(
                "{counts:?} {} {} {steps:?}",
                tl_poll_timeout(at),
                tl_expires_at(at)
            )
        };
        (bytes, seen)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: a latch or none; then it is used no more.
        unsafe {
            tl_latch_wipe(self.at);
            std::alloc::dealloc(self.at.cast(), LAYOUT);
        }
    }
}

/// `tl_config_init`.
pub(crate) fn defaults() -> tl_config {
    let mut config = core::mem::MaybeUninit::uninit();
    // SAFETY: memory for a configuration, all of which is written.
    unsafe {
        tl_config_init_sized(config.as_mut_ptr(), size_of::<tl_config>());
        config.assume_init()
    }
}

/// `tl_latch_init`.
pub(crate) fn init(at: *mut tl_latch, config: &tl_config) -> i32 {
    let (size, config_size) = (size_of::<tl_latch>(), size_of::<tl_config>());
    // SAFETY: memory for a latch.
    unsafe { tl_latch_init_sized(at, size, config, config_size, 0x5eed, tl_version()) }
}

/// A grant that lives for an hour.
pub(crate) fn grant(access: &'static str, refresh: &'static str) -> tl_grant {
    tl_grant {
        access_token: access.as_ptr().cast(),
        access_token_len: access.len(),
        refresh_token: refresh.as_ptr().cast(),
        refresh_token_len: refresh.len(),
        expiry: TL_EXPIRY_IN,
        expiry_ms: 3_600_000,
        ..no_grant()
    }
}

pub(crate) fn no_grant() -> tl_grant {
    // SAFETY: numbers and pointers; C has it all zero as well.
    unsafe { core::mem::zeroed() }
}

pub(crate) fn state(state: u32) -> i32 {
    state.cast_signed()
}

/// A text of the library's.
pub(crate) fn text(at: *const c_char) -> &'static str {
    assert!(!at.is_null());
    // SAFETY: the library's texts are terminated and last for ever.
    unsafe { CStr::from_ptr(at) }.to_str().unwrap()
}

/// What a function copies out: with no room, with a byte too few, and with enough.
pub(crate) fn copied(copy: impl Fn(*mut u8, usize, *mut usize) -> i32) -> Result<Vec<u8>, i32> {
    let mut needed = usize::MAX;
    let told = copy(null_mut(), 0, &raw mut needed);
    if told == TL_OUTCOME_DONE {
        assert_eq!(needed, 0);
        return Ok(Vec::new());
    }
    if told != TL_ERR_SPACE {
        assert_eq!(needed, usize::MAX);
        return Err(told);
    }
    let mut buffer = vec![0xEE; needed + 1];
    let mut len = 0;
    assert_eq!(
        copy(buffer.as_mut_ptr(), needed - 1, &raw mut len),
        TL_ERR_SPACE
    );
    assert_eq!(len, needed);
    assert!(buffer.iter().all(|byte| *byte == 0xEE));
    assert_eq!(
        copy(buffer.as_mut_ptr(), needed, &raw mut len),
        TL_OUTCOME_DONE
    );
    assert!(len <= needed);
    assert_eq!(buffer[needed], 0xEE);
    buffer.truncate(len);
    Ok(buffer)
}
