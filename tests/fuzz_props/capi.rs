//! The C interface beside the library: a latch behind C functions is told whatever a checked latch is told, and must
//! give the same outcomes, orders, times, bytes and steps. Both are recorded, which must give the same bytes too. In
//! between it is misused, which must change nothing.
//!
//! The checked latch keeps the promises with every call; one that can't be told from it keeps them too.

#![expect(unsafe_code, reason = "the functions are those of C")]

#[path = "ops.rs"]
pub(crate) mod ops;

use core::mem::MaybeUninit;
use core::mem::size_of;
use core::ptr::null;
use core::ptr::null_mut;

use ops::Context;
use ops::TOKEN;
use ops::WAITERS;
use tokenlatch::Access;
use tokenlatch::ChallengeKind;
use tokenlatch::Config;
use tokenlatch::Confirmation;
use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::GrantType;
use tokenlatch::Instant;
use tokenlatch::Latch;
use tokenlatch::LeaseMode;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::PermitError;
use tokenlatch::ProbeResult;
use tokenlatch::Receipt;
use tokenlatch::Rejected;
use tokenlatch::TokenFailure;
use tokenlatch::TokenType;
use tokenlatch::Waiter;
use tokenlatch::Waiting;
use tokenlatch::capi::*;
use tokenlatch::numbers::*;
use tokenlatch::recording::Key;
use tokenlatch::recording::Recorded;

/// What was compared.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) calls: usize,
    pub(crate) effects: usize,
    pub(crate) permits: usize,
    pub(crate) records: usize,
    pub(crate) misuses: usize,
}

/// The property, for a list of operations.
pub(crate) fn check(data: &[u8]) -> Counts {
    let mut watch = Beside::default();
    ops::check(data, &mut watch);
    watch.counts
}

/// A latch behind C functions for each context.
#[derive(Default)]
struct Beside {
    twins: Vec<Option<Twin>>,
    started: u64,
    counts: Counts,
}

/// Memory that C has.
struct Twin {
    memory: Box<MaybeUninit<tl_latch>>,
    tape: Vec<u8>,
    /// A latch of the same size that is told the same: its token can be looked at.
    plain: Box<Recorded<'static, TL_TOKEN_CAPACITY, TL_WAITER_CAPACITY>>,
    /// What it records into.
    beside: *mut [u8],
}

/// Room for a recording. Where it is full, both are cut at the same byte.
const TAPE: usize = 16 * 1024;
const KEY: [u8; 16] = [7; 16];

impl Twin {
    fn new(config: &Config, seed: u64) -> Self {
        let beside = Box::into_raw(vec![0; TAPE].into_boxed_slice());
        // SAFETY: it is freed when the twin is dropped, after the latch that records into it.
        let lent = unsafe { &mut *beside };
        let plain = Recorded::new(*config, seed, Key::new(KEY), lent);
        let mut twin = Self {
            memory: Box::new(MaybeUninit::uninit()),
            tape: vec![0xA5; TAPE],
            plain: Box::new(plain.expect("a config that works")),
            beside,
        };
        let at = twin.at();
        // SAFETY: memory of a latch.
        unsafe { at.write_bytes(0xA5, 1) };
        let config = config_of(config);
        let size = size_of::<tl_latch>();
        // SAFETY: memory of a latch, and a configuration.
        unsafe {
            let config_size = size_of::<tl_config>();
            let no_room = tl_latch_init_sized(
                at,
                tl_latch_size() - 1,
                &raw const config,
                config_size,
                seed,
                tl_version(),
            );
            assert_eq!(no_room, TL_ERR_ABI);
            assert_eq!(tl_state(at), TL_ERR_UNINIT);
            let made =
                tl_latch_init_sized(at, size, &raw const config, config_size, seed, tl_version());
            assert_eq!(made, TL_OUTCOME_DONE);
            let tape = twin.tape.as_mut_ptr();
            let begun = tl_recording_start(at, KEY.as_ptr(), tape, TAPE);
            assert_eq!(begun, TL_OUTCOME_DONE);
        }
        twin
    }

    fn compare_recordings(&mut self) {
        let mut len = 0;
        // SAFETY: a latch, and memory for the length.
        let is_full = unsafe { tl_recording_len(self.at(), &raw mut len) };
        let recorder = self.plain.recorder();
        assert_eq!(is_full, i32::from(recorder.is_full()));
        assert!(
            self.tape[..len] == *recorder.bytes(),
            "the recordings differ"
        );
    }

    fn at(&mut self) -> *mut tl_latch {
        self.memory.as_mut_ptr()
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.compare_recordings();
        }
        let at = self.at();
        // SAFETY: a latch, then none. The one that was told the same does nothing with its buffer any more.
        unsafe {
            tl_latch_wipe(at);
            assert_eq!(tl_state(at), TL_ERR_UNINIT);
            drop(Box::from_raw(self.beside));
        }
    }
}

impl Beside {
    fn twin(&mut self, who: usize) -> *mut tl_latch {
        self.twins[who].as_mut().expect("it was started").at()
    }

    fn plain(
        &mut self,
        who: usize,
    ) -> &mut Recorded<'static, TL_TOKEN_CAPACITY, TL_WAITER_CAPACITY> {
        &mut self.twins[who].as_mut().expect("it was started").plain
    }

    /// A checked latch lets time pass before each call.
    fn pass_time(&mut self, who: usize, now: Now) {
        let at = self.twin(who);
        assert_eq!(poll(at), None, "an order was left");
        let (now_ms, wall_ms) = clocks(now);
        // SAFETY: a latch.
        let told = unsafe { tl_timeout_reached(at, now_ms, wall_ms) };
        assert_eq!(told, TL_OUTCOME_DONE);
        let told = self.plain(who).handle(now, Event::TimeoutReached);
        assert_eq!(told, Ok(Outcome::Done));
    }

    /// Everything that the two say of themselves.
    fn compare(&mut self, who: usize, latch: &Context) {
        let at = self.twin(who);
        let latch = latch.latch();
        let never = |at: Option<Instant>| at.map_or(u64::MAX, Instant::as_millis);
        let (mut sign_in, mut serial) = (0, 0);
        // SAFETY: a latch, and memory for what it says.
        unsafe {
            assert_eq!(tl_state(at), latch.state() as i32);
            assert_eq!(
                tl_generation(at, &raw mut sign_in, &raw mut serial),
                TL_OUTCOME_DONE
            );
            assert_eq!(
                (sign_in, serial),
                (latch.generation().sign_in, latch.generation().serial)
            );
            assert_eq!(tl_is_volatile(at), i32::from(latch.is_volatile()));
            assert_eq!(tl_is_offline(at), i32::from(latch.is_offline()));
            assert_eq!(usize::try_from(tl_waiting(at)), Ok(latch.waiting()));
            assert_eq!(
                tl_trouble(at),
                latch.trouble().map_or(0, |cause| cause.code().into())
            );
            assert_eq!(
                tl_corrupt(at),
                latch.corrupt().map_or(0, |corrupt| corrupt as i32 + 1)
            );
            assert_eq!(tl_poll_timeout(at), never(latch.poll_timeout()));
            assert_eq!(tl_expires_at(at), never(latch.expires_at()));
            let subject = copied(|to, room, len| tl_subject(at, to.cast(), room, len));
            assert_eq!(subject, Ok(latch.subject().unwrap_or_default().into()));
            let scope = copied(|to, room, len| tl_scope(at, to.cast(), room, len));
            assert_eq!(scope, Ok(latch.scope().unwrap_or_default().into()));
            let data = copied(|to, room, len| tl_app_data(at, to, room, len));
            assert_eq!(data, Ok(latch.app_data().unwrap_or_default().into()));
        }
        self.compare_traces(who, latch);
    }

    fn compare_traces(&mut self, who: usize, latch: &Latch<TOKEN, WAITERS>) {
        let at = self.twin(who);
        let mut steps = [tl_step::default(); tokenlatch::TRACE_CAPACITY];
        // SAFETY: a latch, and memory for its steps.
        let count = unsafe { tl_trace(at, steps.as_mut_ptr(), steps.len()) };
        let count = usize::try_from(count).expect("a count");
        assert_eq!(count, latch.trace().count());
        for (raw, step) in steps.iter().zip(latch.trace()) {
            assert_eq!(raw.at_ms, step.at.as_millis());
            assert_eq!(
                (raw.sign_in, raw.serial),
                (step.generation.sign_in, step.generation.serial)
            );
            let kinds = (raw.event, raw.from, raw.to);
            assert_eq!(kinds, (step.event as u32, step.from as u32, step.to as u32));
            let names = (1..13).filter(|kind| raw.effects >> kind & 1 == 1);
            let names = names.map(|kind| text(tl_effect_name(kind)));
            assert!(names.eq(step.effects.names()));
        }
    }

    /// A call that must fail, another one each time.
    fn misuse(&mut self, who: usize) {
        let at = self.twin(who);
        let before = seen(at);
        let which = self.counts.misuses % 10;
        self.counts.misuses += 1;
        let (mut len, mut receipt) = (7_usize, 7_u64);
        let mut byte = 7_u8;
        let nothing = [0_u64; size_of::<tl_grant>() / 8];
        let (no_grant, no_answer) = (nothing.as_ptr().cast(), nothing.as_ptr().cast());
        // SAFETY: a latch, memory of its size, or NULL.
        let (told, code) = unsafe {
            match which {
                0 => (tl_opened(null_mut(), 0, 0), TL_ERR_ARGUMENT),
                1 => (
                    tl_login_started(at, u64::MAX, 1, null_mut()),
                    TL_ERR_ARGUMENT,
                ),
                2 => (
                    tl_granted_sized(at, u64::MAX, 1, 1, no_grant, 8),
                    TL_ERR_ABI,
                ),
                3 => (tl_token_failed(at, u64::MAX, 1, 1, 99, 0), TL_ERR_ARGUMENT),
                4 => (tl_probed(at, u64::MAX, 1, 1, 3), TL_ERR_ARGUMENT),
                5 => (tl_answered_as(at, u64::MAX, 1, 1, 401, 9), TL_ERR_ARGUMENT),
                6 => (tl_loaded(at, u64::MAX, 1, 1, null(), 1), TL_ERR_ARGUMENT),
                7 => (
                    tl_record(at, u32::MAX, &raw mut byte, 1, &raw mut len),
                    TL_ERR_STALE,
                ),
                8 => (
                    tl_permit(
                        at,
                        u64::MAX,
                        1,
                        1,
                        null_mut(),
                        1,
                        &raw mut len,
                        &raw mut receipt,
                    ),
                    TL_ERR_ARGUMENT,
                ),
                _ => (
                    tl_token_response_sized(at, u64::MAX, 1, 1, no_answer, 1, &raw mut byte, 1),
                    TL_ERR_ABI,
                ),
            }
        };
        assert_eq!(told, code, "misuse {which}");
        assert_eq!(
            (len, receipt, byte),
            (7, 7, 7),
            "misuse {which} has written"
        );
        assert!(seen(at) == before, "misuse {which} has changed the latch");
    }
}

impl ops::Watch for Beside {
    fn started(&mut self, who: usize, latch: &Context) {
        if self.twins.len() <= who {
            self.twins.resize_with(who + 1, || None);
        }
        // As the contexts are given theirs.
        self.started += 1;
        self.twins[who] = Some(Twin::new(latch.latch().config(), self.started + 1));
        self.compare(who, latch);
    }

    fn told(
        &mut self,
        who: usize,
        latch: &Context,
        (now, event): (Now, &Event<'_>),
        told: Result<Outcome, Rejected>,
    ) {
        let at = self.twin(who);
        self.pass_time(who, now);
        if told == Err(Rejected::QueueFull) {
            // There is more room behind the C functions.
            return;
        }
        assert_eq!(self.plain(who).handle(now, *event), told);
        let by_bytes = self.counts.calls % 2 == 1;
        self.counts.calls += 1;
        let mut ticket = 0;
        let raw = tell(at, (now, event), by_bytes, &mut ticket);
        assert_eq!(raw, code_of(told), "{event:?} at {now:?}");
        if let Ok(Outcome::Login(given)) = told {
            assert_eq!(ticket, given.as_u32());
        }
        self.compare(who, latch);
        self.misuse(who);
    }

    fn given(&mut self, who: usize, latch: &Context, effect: Effect) {
        let at = self.twin(who);
        self.counts.effects += 1;
        assert_eq!(self.plain(who).poll_effect(), Some(effect));
        assert_eq!(poll(at), Some(effect_of(effect)));
        let latch = latch.latch();
        match effect {
            Effect::Store { ticket } => {
                let mut record = [0; Latch::<TOKEN, 1>::RECORD_CAPACITY];
                let expected = latch
                    .record(ticket, &mut record)
                    .expect("the order is under way");
                // SAFETY: a latch, and memory for the record.
                let found = copied(|to, room, len| unsafe {
                    tl_record(at, ticket.as_u32(), to, room, len)
                });
                assert_eq!(found.as_deref(), Ok(&record[..expected]));
                self.counts.records += 1;
            }
            Effect::SendTokenRequest { ticket, .. } => {
                let expected = latch.refresh_token(ticket).expect("the order is under way");
                // SAFETY: a latch, and memory for the token.
                let found = copied(|to, room, len| unsafe {
                    tl_refresh_token(at, ticket.as_u32(), to.cast(), room, len)
                });
                assert_eq!(found.as_deref(), Ok(expected.as_bytes()));
            }
            Effect::Revoke { ticket } => {
                let expected = latch.revocation(ticket).expect("the order is under way");
                // SAFETY: a latch, and memory for the token.
                let found = copied(|to, room, len| unsafe {
                    tl_revocation(at, ticket.as_u32(), to.cast(), room, len)
                });
                assert_eq!(found.as_deref(), Ok(expected.as_bytes()));
            }
            Effect::Probe { ticket } => {
                let permit = latch.probe_permit(ticket).expect("the order is under way");
                let expected = format!("Authorization: {} {}", permit.scheme(), permit.token());
                // SAFETY: a latch, and memory for the line.
                let found = copied(|to, room, len| unsafe {
                    tl_probe_permit_header(at, ticket.as_u32(), to.cast(), room, len)
                });
                assert_eq!(found.as_deref(), Ok(expected.as_bytes()));
            }
            _ => {}
        }
    }

    fn claimed(
        &mut self,
        who: usize,
        latch: &Context,
        (now, waiter): (Now, Waiter),
        told: Result<Receipt, PermitError>,
    ) {
        let at = self.twin(who);
        self.pass_time(who, now);
        self.counts.permits += 1;
        let plain = self.plain(who).permit(now, waiter);
        let expected = plain.map(|permit| permit.token().to_owned());
        let (mut token, mut len, mut receipt) = ([0_u8; 128], 7, 7);
        let (now_ms, wall_ms) = clocks(now);
        // SAFETY: a latch, and memory for what it tells.
        let raw = unsafe {
            tl_permit(
                at,
                now_ms,
                wall_ms,
                waiter.as_u32(),
                token.as_mut_ptr().cast(),
                128,
                &raw mut len,
                &raw mut receipt,
            )
        };
        match told {
            Ok(given) => {
                assert_eq!((raw, receipt), (TL_OUTCOME_DONE, given.as_u64()));
                assert_eq!(expected.as_deref().map(str::as_bytes), Ok(&token[..len]));
            }
            Err(error) => {
                let code = match error {
                    PermitError::Refused(cause) => TL_ERR_REFUSED - i32::from(cause.code()),
                    PermitError::Unknown => TL_ERR_UNKNOWN,
                    _ => TL_ERR_NOT_READY,
                };
                assert_eq!((raw, receipt, len), (code, 7, 7));
                assert_eq!(token, [0; 128]);
            }
        }
        self.compare(who, latch);
        self.misuse(who);
    }
}

/// The fact, told through its C function: a grant also as the answer it came in, a challenge also as its header.
fn tell(
    at: *mut tl_latch,
    (now, event): (Now, &Event<'_>),
    by_bytes: bool,
    ticket: &mut u32,
) -> i32 {
    let (ms, wall) = clocks(now);
    // SAFETY: a latch, and memory of its size.
    unsafe {
        match *event {
            Event::Opened => tl_opened(at, ms, wall),
            Event::Resumed => tl_resumed(at, ms, wall),
            Event::StoreChanged => tl_store_changed(at, ms, wall),
            Event::WentOffline => tl_went_offline(at, ms, wall),
            Event::WentOnline => tl_went_online(at, ms, wall),
            Event::LoginStarted => tl_login_started(at, ms, wall, ticket),
            Event::Granted { ticket, grant } if by_bytes => {
                respond(at, (ms, wall), ticket.as_u32(), &grant)
            }
            Event::Granted { ticket, grant } => {
                let raw = grant_of(&grant);
                tl_granted_sized(
                    at,
                    ms,
                    wall,
                    ticket.as_u32(),
                    &raw const raw,
                    size_of::<tl_grant>(),
                )
            }
            Event::TokenFailed {
                ticket,
                failure,
                retry_after,
            } => tl_token_failed(
                at,
                ms,
                wall,
                ticket.as_u32(),
                failure_of(failure),
                retry_after.unwrap_or(0),
            ),
            Event::Loaded { ticket, record } => {
                let record = record.unwrap_or_default();
                tl_loaded(at, ms, wall, ticket.as_u32(), record.as_ptr(), record.len())
            }
            Event::LoadFailed { ticket } => tl_load_failed(at, ms, wall, ticket.as_u32()),
            Event::Stored { ticket } => tl_stored(at, ms, wall, ticket.as_u32()),
            Event::StoreFailed { ticket } => tl_store_failed(at, ms, wall, ticket.as_u32()),
            Event::Probed { ticket, result } => {
                let result = match result {
                    ProbeResult::Accepted => TL_PROBE_ACCEPTED,
                    ProbeResult::Refused => TL_PROBE_REFUSED,
                    ProbeResult::Unreachable => TL_PROBE_UNREACHABLE,
                };
                tl_probed(at, ms, wall, ticket.as_u32(), result)
            }
            Event::LeaseGranted { ticket } => tl_lease_granted(at, ms, wall, ticket.as_u32()),
            Event::LeaseDenied { ticket } => tl_lease_denied(at, ms, wall, ticket.as_u32()),
            Event::LeaseLost { ticket } => tl_lease_lost(at, ms, wall, ticket.as_u32()),
            Event::Revoked { ticket } => tl_revoked(at, ms, wall, ticket.as_u32()),
            Event::RevokeFailed { ticket } => tl_revoke_failed(at, ms, wall, ticket.as_u32()),
            Event::AccessRequested { waiter, access } => match access {
                Access::First => tl_access_requested(at, ms, wall, waiter.as_u32()),
                Access::Retry(receipt) => {
                    tl_access_retried(at, ms, wall, waiter.as_u32(), receipt.as_u64())
                }
                Access::Public => tl_access_public(at, ms, wall, waiter.as_u32()),
            },
            Event::Answered {
                receipt,
                status,
                challenge,
            } if by_bytes => {
                let header = header_of(challenge);
                tl_answered(
                    at,
                    ms,
                    wall,
                    receipt.as_u64(),
                    status,
                    header.as_ptr().cast(),
                    header.len(),
                )
            }
            Event::Answered {
                receipt,
                status,
                challenge,
            } => tl_answered_as(at, ms, wall, receipt.as_u64(), status, challenge as u32),
            Event::WaiterCancelled { waiter } => tl_waiter_cancelled(at, ms, wall, waiter.as_u32()),
            Event::RefreshRequested => tl_refresh_requested(at, ms, wall),
            Event::LogoutRequested => tl_logout_requested(at, ms, wall),
            Event::TimeoutReached => tl_timeout_reached(at, ms, wall),
            _ => panic!("there is no C function for {event:?}"),
        }
    }
}

/// The grant in the JSON that it might have come in.
fn respond(at: *mut tl_latch, (ms, wall): (u64, u64), ticket: u32, grant: &Grant<'_>) -> i32 {
    let mut body = format!("{{\"access_token\":\"{}\"", grant.access_token);
    let texts = [
        ("refresh_token", grant.refresh_token),
        ("scope", grant.scope),
        ("sub", grant.subject),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            body += &format!(",\"{name}\":\"{text}\"");
        }
    }
    if let Expiry::In(millis) = grant.expiry {
        body += &format!(",\"expires_in\":{millis}");
    }
    body += "}";
    let mut body = body.into_bytes();
    let mut shape = MaybeUninit::<tl_response_shape>::uninit();
    // SAFETY: a latch, and memory of its size.
    unsafe {
        tl_response_shape_init_sized(shape.as_mut_ptr(), size_of::<tl_response_shape>());
        let mut shape = shape.assume_init();
        shape.subject = c"sub".as_ptr();
        shape.expiry_form = TL_EXPIRY_FORM_IN_MILLISECONDS;
        let response = tl_response {
            server_time_ms: grant.server_time.unwrap_or(0),
            shape: &raw const shape,
            status: 200,
            retry_after_s: 0,
        };
        let size = size_of::<tl_response>();
        tl_token_response_sized(
            at,
            ms,
            wall,
            ticket,
            &raw const response,
            size,
            body.as_mut_ptr(),
            body.len(),
        )
    }
}

fn grant_of(grant: &Grant<'_>) -> tl_grant {
    let text =
        |text: Option<&str>| text.map_or((null(), 0), |text| (text.as_ptr().cast(), text.len()));
    let (refresh_token, refresh_token_len) = text(grant.refresh_token);
    let (scope, scope_len) = text(grant.scope);
    let (subject, subject_len) = text(grant.subject);
    let (expiry, expiry_ms) = match grant.expiry {
        Expiry::Unknown => (TL_EXPIRY_UNKNOWN, 0),
        Expiry::In(millis) => (TL_EXPIRY_IN, millis),
        Expiry::At(millis) => (TL_EXPIRY_AT, millis),
    };
    tl_grant {
        access_token: grant.access_token.as_ptr().cast(),
        access_token_len: grant.access_token.len(),
        refresh_token,
        refresh_token_len,
        scope,
        scope_len,
        subject,
        subject_len,
        app_data: grant.app_data.map_or(null(), <[u8]>::as_ptr),
        app_data_len: grant.app_data.map_or(0, <[u8]>::len),
        expiry_ms,
        server_time_ms: grant.server_time.unwrap_or(0),
        expiry,
        token_type: if grant.token_type == TokenType::Dpop {
            TL_TOKEN_TYPE_DPOP
        } else {
            TL_TOKEN_TYPE_BEARER
        },
    }
}

fn failure_of(failure: TokenFailure) -> u32 {
    match failure {
        TokenFailure::NotSent => TL_FAILURE_NOT_SENT,
        TokenFailure::Lost => TL_FAILURE_LOST,
        TokenFailure::RateLimited => TL_FAILURE_RATE_LIMITED,
        TokenFailure::Unavailable => TL_FAILURE_UNAVAILABLE,
        TokenFailure::InvalidGrant => TL_FAILURE_INVALID_GRANT,
        TokenFailure::InteractionRequired => TL_FAILURE_INTERACTION_REQUIRED,
        TokenFailure::Misconfigured => TL_FAILURE_MISCONFIGURED,
        TokenFailure::Unrecognized => TL_FAILURE_UNRECOGNIZED,
        _ => TL_FAILURE_UNUSABLE_EMPTY,
    }
}

/// A header that says this.
fn header_of(challenge: ChallengeKind) -> &'static str {
    match challenge {
        ChallengeKind::Absent => "",
        ChallengeKind::OtherScheme => "Basic realm=\"x\"",
        ChallengeKind::NoError => "Bearer",
        ChallengeKind::OtherError => "Basic\nBearer error=\"x\"",
        ChallengeKind::InvalidRequest => "Bearer error=\"invalid_request\"",
        ChallengeKind::InvalidToken => "DPoP error=\"invalid_token\"",
        ChallengeKind::InsufficientScope => "Bearer error=insufficient_scope",
        ChallengeKind::InsufficientUserAuthentication => {
            "Bearer error=\"insufficient_user_authentication\""
        }
        _ => "DPoP error=\"use_dpop_nonce\"",
    }
}

fn code_of(told: Result<Outcome, Rejected>) -> i32 {
    match told {
        Ok(Outcome::Done) => TL_OUTCOME_DONE,
        Ok(Outcome::Stale) => TL_OUTCOME_STALE,
        Ok(Outcome::Orphaned) => TL_OUTCOME_ORPHANED,
        Ok(Outcome::Login(_)) => TL_OUTCOME_LOGIN,
        Ok(Outcome::Pass) => TL_OUTCOME_PASS,
        Ok(Outcome::Admitted) => TL_OUTCOME_ADMITTED,
        Ok(Outcome::Deliver) => TL_OUTCOME_DELIVER,
        Ok(Outcome::Retry) => TL_OUTCOME_RETRY,
        Ok(Outcome::Surface(cause)) => TL_OUTCOME_SURFACE + i32::from(cause.code()),
        Err(Rejected::NotOpened) => TL_ERR_NOT_OPENED,
        Err(Rejected::AlreadyOpened) => TL_ERR_ALREADY_OPENED,
        Err(Rejected::DuplicateWaiter) => TL_ERR_DUPLICATE_WAITER,
        Err(Rejected::NoSession) => TL_ERR_NO_SESSION,
        Err(Rejected::Throttled) => TL_ERR_THROTTLED,
        other => panic!("{other:?} has no number here"),
    }
}

fn effect_of(effect: Effect) -> tl_effect {
    let none = tl_effect::default();
    let with_ticket = |kind, ticket: tokenlatch::Ticket| tl_effect {
        kind,
        ticket: ticket.as_u32(),
        ..none
    };
    match effect {
        Effect::StateChanged { state } => tl_effect {
            kind: TL_EFFECT_STATE_CHANGED,
            state: state as u32,
            ..none
        },
        Effect::Load { ticket } => with_ticket(TL_EFFECT_LOAD, ticket),
        Effect::Store { ticket } => with_ticket(TL_EFFECT_STORE, ticket),
        Effect::Announce => tl_effect {
            kind: TL_EFFECT_ANNOUNCE,
            ..none
        },
        Effect::ReleaseLease { ticket } => with_ticket(TL_EFFECT_RELEASE_LEASE, ticket),
        Effect::AcquireLease { ticket } => with_ticket(TL_EFFECT_ACQUIRE_LEASE, ticket),
        Effect::SendTokenRequest { ticket, grant_type } => tl_effect {
            grant_type: u32::from(grant_type == GrantType::Login),
            ..with_ticket(TL_EFFECT_SEND_TOKEN_REQUEST, ticket)
        },
        Effect::Probe { ticket } => with_ticket(TL_EFFECT_PROBE, ticket),
        Effect::Revoke { ticket } => with_ticket(TL_EFFECT_REVOKE, ticket),
        Effect::RequireLogin { cause } => tl_effect {
            kind: TL_EFFECT_REQUIRE_LOGIN,
            cause: cause.code().into(),
            ..none
        },
        Effect::Refuse { waiter, cause } => tl_effect {
            kind: TL_EFFECT_REFUSE,
            waiter: waiter.as_u32(),
            cause: cause.code().into(),
            ..none
        },
        Effect::Release { waiter } => tl_effect {
            kind: TL_EFFECT_RELEASE,
            waiter: waiter.as_u32(),
            ..none
        },
        other => panic!("there is no number for {other:?}"),
    }
}

fn config_of(config: &Config) -> tl_config {
    let mut raw = MaybeUninit::<tl_config>::uninit();
    // SAFETY: memory for a configuration, all of which is written.
    let mut raw = unsafe {
        tl_config_init_sized(raw.as_mut_ptr(), size_of::<tl_config>());
        raw.assume_init()
    };
    raw.confirmation = match config.confirmation {
        Confirmation::Memory => TL_CONFIRMATION_MEMORY,
        Confirmation::Stored => TL_CONFIRMATION_STORED,
        Confirmation::ReadBack => TL_CONFIRMATION_READ_BACK,
        Confirmation::Probed => TL_CONFIRMATION_PROBED,
    };
    raw.lease = u32::from(config.lease == LeaseMode::Host);
    raw.when_signed_out = u32::from(config.when_signed_out == Waiting::Refuse);
    raw.when_unavailable = u32::from(config.when_unavailable == Waiting::Refuse);
    raw.serve_while_refreshing = config.serve_while_refreshing.into();
    raw.reuse_grace_ms = config.reuse_grace_ms;
    raw
}

fn clocks(now: Now) -> (u64, u64) {
    (now.monotonic.as_millis(), now.wall.unwrap_or(0))
}

fn poll(at: *mut tl_latch) -> Option<tl_effect> {
    let mut effect = tl_effect {
        kind: 99,
        ..tl_effect::default()
    };
    // SAFETY: a latch, and memory for an order.
    match unsafe { tl_poll_effect(at, &raw mut effect) } {
        0 => {
            assert_eq!(effect, tl_effect::default());
            None
        }
        1 => Some(effect),
        error => panic!("polling gives {error}"),
    }
}

/// What a function copies out, asked first for the length.
fn copied(copy: impl Fn(*mut u8, usize, *mut usize) -> i32) -> Result<Vec<u8>, i32> {
    let mut len = 0;
    match copy(null_mut(), 0, &raw mut len) {
        TL_ERR_SPACE => {}
        TL_OUTCOME_DONE => return Ok(Vec::new()),
        error => return Err(error),
    }
    let mut buffer = vec![0; len];
    assert_eq!(
        copy(buffer.as_mut_ptr(), buffer.len(), &raw mut len),
        TL_OUTCOME_DONE
    );
    buffer.truncate(len);
    Ok(buffer)
}

/// What there is to be seen of a latch.
fn seen(at: *const tl_latch) -> ([i32; 6], [u64; 2], [tl_step; tokenlatch::TRACE_CAPACITY]) {
    let mut steps = [tl_step::default(); tokenlatch::TRACE_CAPACITY];
    // SAFETY: a latch, and memory for its steps.
    unsafe {
        let count = tl_trace(at, steps.as_mut_ptr(), steps.len());
        let numbers = [
            tl_state(at),
            tl_waiting(at),
            tl_trouble(at),
            tl_corrupt(at),
            tl_is_volatile(at),
            count,
        ];
        (numbers, [tl_poll_timeout(at), tl_expires_at(at)], steps)
    }
}

fn text(at: *const core::ffi::c_char) -> &'static str {
    // SAFETY: the library's texts are terminated and last for ever.
    let text = unsafe { core::ffi::CStr::from_ptr(at) };
    text.to_str().expect("UTF-8")
}
