//! Each function with NULL, with memory that is not aligned, and with what is not a latch: its code, and no change.

use core::cell::UnsafeCell;
use core::mem::size_of;
use core::ptr::null_mut;

use tokenlatch::capi::*;
use tokenlatch::numbers::*;

use crate::support::Memory;
use crate::support::grant;

/// What a call writes to. Filled with a pattern; a call that fails leaves it.
#[repr(C, align(8))]
struct Place([u64; 32]);

const PATTERN: u64 = 0x5A5A_5A5A_5A5A_5A5A;

/// One call: what is passed for its pointers.
struct Args {
    latch: *mut tl_latch,
    /// The pointer that is NULL: the first is the latch's, if there is one.
    null: Option<usize>,
    /// The pointer that is not aligned.
    crooked: Option<usize>,
    /// In cells, since several pointers lead there at once.
    places: [UnsafeCell<Place>; 4],
}

impl Args {
    fn new(latch: *mut tl_latch) -> Self {
        Self {
            latch,
            null: None,
            crooked: None,
            places: [const { UnsafeCell::new(Place([PATTERN; 32])) }; 4],
        }
    }

    fn pass<T>(&self, index: usize, at: *mut T) -> *mut T {
        if self.null == Some(index) {
            return null_mut();
        }
        if self.crooked == Some(index) {
            return at.wrapping_byte_add(1);
        }
        at
    }

    fn latch(&self) -> *mut tl_latch {
        self.pass(0, self.latch)
    }

    /// Memory for the pointer of this index.
    fn place<T>(&self, index: usize) -> *mut T {
        let at = self.places[index % 4].get().cast();
        self.pass(index, at)
    }

    /// The structure of the caller's at this index.
    fn given<T>(&self, index: usize, value: &T) -> *const T {
        self.pass(index, core::ptr::from_ref(value).cast_mut())
    }

    fn is_untouched(&mut self) -> bool {
        let mut words = self.places.iter_mut().flat_map(|place| place.get_mut().0);
        words.all(|word| word == PATTERN)
    }
}

/// Bytes in each place.
const ROOM: usize = 32 * 8;

/// How a function says that it did nothing.
#[derive(Clone, Copy, PartialEq)]
enum Says {
    /// By a negative number.
    Code,
    /// By `TL_NEVER`.
    Never,
    /// It does not.
    Nothing,
}

struct Function {
    name: &'static str,
    /// How many pointers it takes.
    pointers: usize,
    takes_latch: bool,
    /// The pointers that need an alignment, beside the latch's.
    aligned: &'static [usize],
    says: Says,
    call: fn(&Args) -> i64,
}

/// A row of the table: its pointers, what says that it failed, which pointers are aligned, and the call.
macro_rules! functions {
    ($($name:ident $pointers:literal $latch:ident $says:ident $aligned:expr, |$a:ident| $($argument:expr),*;)*) => {
        &[$(Function {
            name: stringify!($name),
            pointers: $pointers,
            takes_latch: functions!(@$latch),
            aligned: &$aligned,
            says: Says::$says,
            call: |$a| {
                // SAFETY: each pointer is NULL, not aligned, or leads to memory of its size.
                let told = unsafe { $name($($argument),*) };
                functions!(@told $says told)
            },
        }),*]
    };
    (@latch) => { true };
    (@none) => { false };
    (@told Code $told:ident) => { i64::from($told) };
    (@told Never $told:ident) => { $told.cast_signed() };
    (@told Nothing $told:ident) => { { let () = $told; 0 } };
}

const GRANT: usize = size_of::<tl_grant>();
const RESPONSE: usize = size_of::<tl_response>();

fn response() -> tl_response {
    tl_response {
        server_time_ms: 0,
        shape: core::ptr::null(),
        status: 500,
        retry_after_s: 0,
    }
}

/// Every function that takes a pointer.
const FUNCTIONS: &[Function] = functions! {
    tl_config_init_sized 1 none Nothing [], |a| a.place(0), size_of::<tl_config>();
    tl_config_check_sized 1 none Code [0], |a| a.place(0), size_of::<tl_config>(), null_mut();
    tl_latch_init_sized 2 latch Code [1], |a| a.latch(), size_of::<tl_latch>(), a.place(1), size_of::<tl_config>(), 1, tl_version();
    tl_latch_wipe 1 latch Nothing [], |a| a.latch();
    tl_wipe 1 none Nothing [], |a| a.place(0), 8;
    tl_response_shape_init_sized 1 none Nothing [], |a| a.place(0), size_of::<tl_response_shape>();

    tl_opened 1 latch Code [], |a| a.latch(), 0, 0;
    tl_resumed 1 latch Code [], |a| a.latch(), 0, 0;
    tl_store_changed 1 latch Code [], |a| a.latch(), 0, 0;
    tl_went_offline 1 latch Code [], |a| a.latch(), 0, 0;
    tl_went_online 1 latch Code [], |a| a.latch(), 0, 0;
    tl_refresh_requested 1 latch Code [], |a| a.latch(), 0, 0;
    tl_logout_requested 1 latch Code [], |a| a.latch(), 0, 0;
    tl_timeout_reached 1 latch Code [], |a| a.latch(), 0, 0;
    tl_login_started 2 latch Code [1], |a| a.latch(), 0, 0, a.place(1);
    tl_granted_sized 2 latch Code [1], |a| a.latch(), 0, 0, 1, a.given(1, &grant("a", "b")), GRANT;
    tl_token_failed 1 latch Code [], |a| a.latch(), 0, 0, 1, TL_FAILURE_LOST, 0;
    tl_token_response_sized 3 latch Code [1], |a| a.latch(), 0, 0, 1, a.given(1, &response()), RESPONSE, a.place(2), 8;
    tl_token_response_read_sized 4 none Code [0, 2, 3], |a| a.given(0, &response()), RESPONSE, a.place(1), 8, a.place(2), GRANT, a.place(3);
    tl_loaded 2 latch Code [], |a| a.latch(), 0, 0, 1, a.place(1), 8;
    tl_load_failed 1 latch Code [], |a| a.latch(), 0, 0, 1;
    tl_stored 1 latch Code [], |a| a.latch(), 0, 0, 1;
    tl_store_failed 1 latch Code [], |a| a.latch(), 0, 0, 1;
    tl_lease_granted 1 latch Code [], |a| a.latch(), 0, 0, 1;
    tl_lease_denied 1 latch Code [], |a| a.latch(), 0, 0, 1;
    tl_lease_lost 1 latch Code [], |a| a.latch(), 0, 0, 1;
    tl_revoked 1 latch Code [], |a| a.latch(), 0, 0, 1;
    tl_revoke_failed 1 latch Code [], |a| a.latch(), 0, 0, 1;
    tl_probed 1 latch Code [], |a| a.latch(), 0, 0, 1, TL_PROBE_ACCEPTED;
    tl_access_requested 1 latch Code [], |a| a.latch(), 0, 0, 1;
    tl_access_retried 1 latch Code [], |a| a.latch(), 0, 0, 1, 1;
    tl_access_public 1 latch Code [], |a| a.latch(), 0, 0, 1;
    tl_answered 2 latch Code [], |a| a.latch(), 0, 0, 1, 401, a.place(1), 8;
    tl_answered_as 1 latch Code [], |a| a.latch(), 0, 0, 1, 401, TL_CHALLENGE_ABSENT;
    tl_waiter_cancelled 1 latch Code [], |a| a.latch(), 0, 0, 1;

    tl_poll_effect 2 latch Code [1], |a| a.latch(), a.place(1);
    tl_poll_timeout 1 latch Never [], |a| a.latch();
    tl_permit 4 latch Code [2, 3], |a| a.latch(), 0, 0, 7, a.place(1), ROOM, a.place(2), a.place(3);
    tl_permit_header 4 latch Code [2, 3], |a| a.latch(), 0, 0, 7, a.place(1), ROOM, a.place(2), a.place(3);
    tl_probe_permit 3 latch Code [2], |a| a.latch(), 7, a.place(1), ROOM, a.place(2);
    tl_probe_permit_header 3 latch Code [2], |a| a.latch(), 7, a.place(1), ROOM, a.place(2);
    tl_refresh_token 3 latch Code [2], |a| a.latch(), 7, a.place(1), ROOM, a.place(2);
    tl_revocation 3 latch Code [2], |a| a.latch(), 7, a.place(1), ROOM, a.place(2);
    tl_record 3 latch Code [2], |a| a.latch(), 7, a.place(1), ROOM, a.place(2);

    tl_state 1 latch Code [], |a| a.latch();
    tl_generation 3 latch Code [1, 2], |a| a.latch(), a.place(1), a.place(2);
    tl_is_volatile 1 latch Code [], |a| a.latch();
    tl_is_offline 1 latch Code [], |a| a.latch();
    tl_waiting 1 latch Code [], |a| a.latch();
    tl_trouble 1 latch Code [], |a| a.latch();
    tl_corrupt 1 latch Code [], |a| a.latch();
    tl_token_type 1 latch Code [], |a| a.latch();
    tl_expires_at 1 latch Never [], |a| a.latch();
    tl_subject 3 latch Code [2], |a| a.latch(), a.place(1), ROOM, a.place(2);
    tl_scope 3 latch Code [2], |a| a.latch(), a.place(1), ROOM, a.place(2);
    tl_app_data 3 latch Code [2], |a| a.latch(), a.place(1), ROOM, a.place(2);
    tl_trace 2 latch Code [1], |a| a.latch(), a.place(1), 2;

    tl_step_text 3 none Code [0, 2], |a| a.given(0, &tl_step::default()), a.place(1), ROOM, a.place(2);
    tl_challenge_parse 2 none Code [1], |a| a.place(0), 8, a.place(1);
    tl_challenge_param 3 none Code [2], |a| a.place(0), 8, TL_CHALLENGE_PARAM_REALM, a.place(1), ROOM, a.place(2);
    tl_retry_after 2 none Code [1], |a| a.place(0), 8, 0, 0, a.place(1);
    tl_http_date 2 none Code [1], |a| a.place(0), 8, a.place(1);
    tl_inspect 2 none Code [1], |a| a.place(0), 8, a.place(1);

    tl_recording_start 3 latch Code [], |a| a.latch(), a.place(1), a.place(2), ROOM;
    tl_recording_len 2 latch Code [1], |a| a.latch(), a.place(1);
    tl_recording_stop 1 latch Code [], |a| a.latch();
};

/// Calls a function in a way that must fail, and sees that it left the latch and its places as they were.
fn fails(function: &Function, memory: &Memory, args: &mut Args, code: i32, how: &str) {
    let name = function.name;
    let before = memory.seen();
    let told = (function.call)(args);
    match function.says {
        Says::Code => assert_eq!(told, i64::from(code), "{name} with {how}"),
        Says::Never => assert_eq!(told.cast_unsigned(), u64::MAX, "{name} with {how}"),
        Says::Nothing => {}
    }
    assert!(args.is_untouched(), "{name} with {how} has written");
    assert!(
        memory.seen() == before,
        "{name} with {how} has changed the latch"
    );
}

#[test]
fn the_table_has_every_function_that_takes_a_pointer() {
    let header = include_str!("../../include/tokenlatch.h");
    let (_, functions) = header.split_once("extern \"C\" {").unwrap();
    let is_code = |line: &&str| !line.trim_start().starts_with(['*', '/', '#']);
    let functions: Vec<_> = functions.lines().filter(is_code).collect();
    let functions = functions.join("\n");
    let mut count = 0;
    for declaration in functions.split(';') {
        let Some((head, arguments)) = declaration.split_once('(') else {
            continue;
        };
        let name = head.rsplit([' ', '*', '\n']).next().unwrap();
        if !name.starts_with("tl_") || !arguments.contains('*') {
            continue;
        }
        let row = FUNCTIONS.iter().find(|function| function.name == name);
        let row = row.unwrap_or_else(|| panic!("{name} is not in the table"));
        // One that may be NULL is not counted.
        let optional = usize::from(name == "tl_config_check_sized");
        let pointers = arguments.split(',').filter(|one| one.contains('*')).count();
        assert_eq!(row.pointers, pointers - optional, "{name}");
        count += 1;
    }
    assert_eq!(count, FUNCTIONS.len());
}

/// All functions; under miri, which is slow, each seventh.
fn functions() -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter().step_by(if cfg!(miri) { 7 } else { 1 })
}

#[test]
fn null_is_refused_and_changes_nothing() {
    for function in functions() {
        for index in 0..function.pointers {
            let memory = Memory::ready();
            let mut args = Args::new(memory.at());
            args.null = Some(index);
            let how = format!("NULL for pointer {index}");
            fails(function, &memory, &mut args, TL_ERR_ARGUMENT, &how);
        }
    }
}

#[test]
fn what_is_not_aligned_is_refused_and_changes_nothing() {
    for function in functions() {
        let latch = function.takes_latch.then_some(0);
        for index in latch.iter().chain(function.aligned).copied() {
            let memory = Memory::ready();
            let mut args = Args::new(memory.at());
            args.crooked = Some(index);
            let how = format!("pointer {index} not aligned");
            fails(function, &memory, &mut args, TL_ERR_ARGUMENT, &how);
        }
    }
}

#[test]
fn what_is_not_a_latch_is_refused_and_changes_nothing() {
    let latches = functions().filter(|function| function.takes_latch);
    for function in latches.filter(|function| function.name != "tl_latch_init_sized") {
        for byte in [0, 0xAA, 0xFF] {
            let memory = Memory::filled(byte);
            let mut args = Args::new(memory.at());
            let how = format!("memory full of {byte:#x}");
            fails(function, &memory, &mut args, TL_ERR_UNINIT, &how);
        }
        let wiped = Memory::ready();
        // SAFETY: a latch.
        unsafe { tl_latch_wipe(wiped.at()) };
        let mut args = Args::new(wiped.at());
        fails(function, &wiped, &mut args, TL_ERR_UNINIT, "a wiped latch");

        let (latch, copy) = (Memory::ready(), Memory::filled(0));
        // SAFETY: both are memory of a latch.
        unsafe { copy.at().copy_from(latch.at(), 1) };
        let mut args = Args::new(copy.at());
        fails(function, &copy, &mut args, TL_ERR_UNINIT, "a copy");
    }
}

#[test]
fn with_good_pointers_no_call_says_that_they_are_bad() {
    for function in functions() {
        let memory = Memory::ready();
        let mut args = Args::new(memory.at());
        let told = (function.call)(&mut args);
        let bad = [TL_ERR_ARGUMENT, TL_ERR_ABI, TL_ERR_UNINIT].map(i64::from);
        // The pattern is no configuration.
        let is_config =
            function.name.contains("config_check") || function.name.contains("latch_init");
        assert!(
            is_config || !bad.contains(&told),
            "{}: {told}",
            function.name
        );
    }
}

#[test]
fn lengths_that_memory_cannot_have_are_refused() {
    let memory = Memory::ready();
    let at = memory.at();
    let before = memory.seen();
    let mut place = [PATTERN; 4];
    let (bytes, huge) = (place.as_mut_ptr().cast::<u8>(), usize::MAX / 2 + 1);
    let (answer, mut len) = (response(), 7);
    // SAFETY: the lengths are not those of the memory, and are refused before it is touched.
    let told = unsafe {
        [
            tl_loaded(at, 0, 0, 1, bytes, huge),
            tl_answered(at, 0, 0, 1, 401, bytes.cast(), huge),
            tl_token_response_sized(at, 0, 0, 1, &raw const answer, RESPONSE, bytes, huge),
            tl_inspect(bytes, huge, core::ptr::dangling_mut()),
            tl_trace(at, bytes.cast(), usize::MAX / 32),
            tl_subject(at, bytes.cast(), huge, &raw mut len),
        ]
    };
    assert_eq!(told, [TL_ERR_ARGUMENT; 6]);
    assert_eq!((len, place), (7, [PATTERN; 4]));
    assert!(memory.seen() == before);
}

#[test]
fn nothing_of_no_length_may_be_null() {
    let memory = Memory::ready();
    let at = memory.at();
    let mut len = 7;
    // SAFETY: a latch; NULL has no length.
    unsafe {
        assert_eq!(tl_loaded(at, 0, 0, 99, null_mut(), 0), TL_OUTCOME_STALE);
        assert_eq!(
            tl_answered(at, 0, 0, 1, 200, null_mut(), 0),
            TL_OUTCOME_DELIVER
        );
        assert_eq!(tl_trace(at, null_mut(), 0), 0);
        assert_eq!(tl_subject(at, null_mut(), 0, &raw mut len), TL_OUTCOME_DONE);
        assert_eq!(len, 0);
        tl_wipe(null_mut(), 0);
        tl_latch_wipe(null_mut());
        let mut content = tl_store_content::default();
        assert_eq!(tl_inspect(null_mut(), 0, &raw mut content), 0);
    }
}

#[test]
fn numbers_without_a_meaning_and_text_that_is_not_utf_8_are_refused() {
    let memory = Memory::ready();
    let at = memory.at();
    let mut ticket = 0;
    // SAFETY: a latch, and memory for the ticket.
    unsafe { tl_login_started(at, 0, 0, &raw mut ticket) };
    let before = memory.seen();
    let bad = |change: fn(&mut tl_grant)| {
        let mut grant = grant("a", "b");
        change(&mut grant);
        // SAFETY: a latch and a grant.
        unsafe { tl_granted_sized(at, 0, 0, ticket, &raw const grant, GRANT) }
    };
    const NOT_UTF_8: [u8; 2] = [0xFF, 0xFE];
    let told = [
        bad(|grant| grant.expiry = 3),
        bad(|grant| grant.token_type = 2),
        bad(|grant| grant.access_token = NOT_UTF_8.as_ptr().cast()),
        bad(|grant| grant.refresh_token = NOT_UTF_8.as_ptr().cast()),
        bad(|grant| (grant.scope, grant.scope_len) = (NOT_UTF_8.as_ptr().cast(), 2)),
        bad(|grant| (grant.subject, grant.subject_len) = (NOT_UTF_8.as_ptr().cast(), 2)),
        bad(|grant| grant.app_data_len = 1),
        bad(|grant| grant.access_token = core::ptr::null()),
        bad(|grant| grant.refresh_token = core::ptr::null()),
        bad(|grant| grant.scope_len = 1),
        bad(|grant| grant.subject_len = 1),
    ];
    assert_eq!(told, [TL_ERR_ARGUMENT; 11]);
    // SAFETY: a latch.
    let told = unsafe {
        [
            tl_token_failed(at, 0, 0, ticket, 8, 0),
            tl_token_failed(at, 0, 0, ticket, 35, 0),
            tl_token_failed(at, 0, 0, ticket, 44, 0),
            tl_probed(at, 0, 0, ticket, 3),
            tl_answered_as(at, 0, 0, 1, 401, 9),
        ]
    };
    assert_eq!(told, [TL_ERR_ARGUMENT; 5]);
    assert!(memory.seen() == before);
}

/// A negative time, or `TL_NEVER`, in a number without a sign: no clock tells it, and it would never be over.
#[test]
fn a_time_that_no_clock_tells_is_refused() {
    const NEGATIVE: u64 = u64::MAX;
    let memory = Memory::ready();
    let at = memory.at();
    let mut ticket = 0;
    // SAFETY: a latch, and memory for the ticket.
    unsafe {
        tl_login_started(at, 0, 0, &raw mut ticket);
        assert_eq!(tl_access_requested(at, 0, 0, 1), TL_OUTCOME_ADMITTED);
    }
    let before = memory.seen();
    let given = grant("a", "b");
    let mut len = 0;
    let mut receipt = 0;
    let mut room = [0; 64];
    let to = room.as_mut_ptr();
    let answer = response();
    let mut body = *br#"{"access_token":"a\/b"}"#;
    for (now, wall) in [(NEGATIVE, 0), (0, NEGATIVE), (1 << 63, 1)] {
        // SAFETY: a latch, and memory for what is told and what is written.
        let told = unsafe {
            [
                tl_resumed(at, now, wall),
                tl_timeout_reached(at, now, wall),
                tl_logout_requested(at, now, wall),
                tl_login_started(at, now, wall, &raw mut ticket),
                tl_granted_sized(at, now, wall, ticket, &raw const given, GRANT),
                tl_token_failed(at, now, wall, ticket, TL_FAILURE_LOST, 0),
                tl_token_response_sized(
                    at,
                    now,
                    wall,
                    ticket,
                    &raw const answer,
                    RESPONSE,
                    body.as_mut_ptr(),
                    body.len(),
                ),
                tl_loaded(at, now, wall, ticket, null_mut(), 0),
                tl_stored(at, now, wall, ticket),
                tl_probed(at, now, wall, ticket, TL_PROBE_ACCEPTED),
                tl_access_requested(at, now, wall, 2),
                tl_answered(at, now, wall, 1, 401, null_mut(), 0),
                tl_answered_as(at, now, wall, 1, 401, TL_CHALLENGE_ABSENT),
                tl_waiter_cancelled(at, now, wall, 1),
                tl_permit(at, now, wall, 1, to, 64, &raw mut len, &raw mut receipt),
            ]
        };
        assert_eq!(told, [TL_ERR_ARGUMENT; 15]);
        assert_eq!(&body, br#"{"access_token":"a\/b"}"#);
        assert!(memory.seen() == before);
    }
    // SAFETY: a latch.
    let latest = unsafe { tl_timeout_reached(at, u64::MAX >> 1, u64::MAX >> 1) };
    assert_eq!(latest, TL_OUTCOME_DONE);
}
