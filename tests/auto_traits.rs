//! Which auto traits the public types have: a change is a breaking one.

use core::fmt::Debug;
use core::panic::RefUnwindSafe;
use core::panic::UnwindSafe;
use std::sync::Mutex;

use tokenlatch::promises::Checked;
use tokenlatch::promises::Promise;
use tokenlatch::promises::Violation;
use tokenlatch::recording::Recorded;
use tokenlatch::recording::RecorderError;
use tokenlatch::recording::RecordingError;
use tokenlatch::recording::ReplayError;
use tokenlatch::{
    Access, Cause, Challenge, ChallengeKind, Config, ConfigError, Confirmation, Corrupt,
    Credential, Effect, EffectSet, Event, EventKind, Expiry, ExpiryForm, Generation, Grant,
    GrantError, GrantType, Instant, Latch, LeaseMode, Now, Outcome, ParamValue, Permit,
    PermitError, ProbeResult, Receipt, RecordError, Rejected, Renewal, ResponseShape, State, Step,
    StoreContent, Ticket, TokenFailure, TokenType, Waiter, Waiting,
};

const fn is_plain<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}
/// Holds the host's `&mut`, which no unwinding may cross unseen.
const fn is_moved<T: Send + Sync + Unpin>() {}
const fn is_value<T: Copy + Debug + Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}
const fn is_error<T: core::error::Error + Copy + Eq + Send + Sync + 'static>() {}

/// Whether a type has a trait, told without the trait being asked for: an inherent constant hides that of the
/// blanket implementation. One of the two is never used, hence the names.
macro_rules! has {
    ($type:ty: $trait:path) => {{
        struct Probe<T: ?Sized>(core::marker::PhantomData<T>);
        trait _Otherwise {
            const _HAS: bool = false;
        }
        impl<T: ?Sized> _Otherwise for Probe<T> {}
        impl<T: ?Sized + $trait> Probe<T> {
            const _HAS: bool = true;
        }
        Probe::<$type>::_HAS
    }};
}

type Small = Latch<16, 2>;

/// A latch moves between threads, and several may look at it; only `&mut` changes it.
#[test]
fn a_latch_is_send_sync_and_unpin() {
    is_plain::<Small>();
    is_plain::<Checked<16, 2>>();
    is_moved::<Recorded<'static, 16, 2>>();
    is_plain::<Permit<'static>>();
}

/// A second latch with the same token would be a second gate; a copied permit a second request.
// promises: P1, P13
#[test]
fn what_guards_a_secret_is_not_copied() {
    assert!(!has!(Small: Clone));
    assert!(!has!(Checked<16, 2>: Clone));
    assert!(!has!(Permit<'static>: Clone));
    assert!(!has!(Permit<'static>: PartialEq));
    assert!(!has!(Small: PartialEq));
    assert!(!has!(Small: core::hash::Hash));
    assert!(!has!(Small: Default));
}

// promises: P13
#[test]
fn what_holds_a_secret_has_no_display() {
    assert!(!has!(Small: core::fmt::Display));
    assert!(!has!(Permit<'static>: core::fmt::Display));
    assert!(!has!(Grant<'static>: core::fmt::Display));
    assert!(!has!(Grant<'static>: core::hash::Hash));
    assert!(!has!(Event<'static>: core::fmt::Display));
    // The macro itself can tell.
    assert!(has!(State: core::fmt::Display));
}

#[test]
fn what_is_passed_around_is_a_plain_value() {
    is_value::<Access>();
    is_value::<Cause>();
    is_value::<ChallengeKind>();
    is_value::<Config>();
    is_value::<Confirmation>();
    is_value::<Credential>();
    is_value::<Effect>();
    is_value::<EffectSet>();
    is_value::<Event<'static>>();
    is_value::<EventKind>();
    is_value::<Expiry>();
    is_value::<ExpiryForm>();
    is_value::<Generation>();
    is_value::<Grant<'static>>();
    is_value::<GrantType>();
    is_value::<Instant>();
    is_value::<LeaseMode>();
    is_value::<Now>();
    is_value::<Outcome>();
    is_value::<ProbeResult>();
    is_value::<Promise>();
    is_value::<Receipt>();
    is_value::<Renewal>();
    is_value::<ResponseShape>();
    is_value::<State>();
    is_value::<Step>();
    is_value::<StoreContent>();
    is_value::<Ticket>();
    is_value::<TokenType>();
    is_value::<Waiter>();
    is_value::<Waiting>();
    is_plain::<Challenge<'static>>();
    is_plain::<ParamValue<'static>>();
}

#[test]
fn errors_are_small_values() {
    is_error::<ConfigError>();
    is_error::<Corrupt>();
    is_error::<GrantError>();
    is_error::<PermitError>();
    is_error::<RecordError>();
    is_error::<Rejected>();
    is_error::<TokenFailure>();
    is_error::<RecorderError>();
    is_error::<RecordingError>();
    is_plain::<ReplayError>();
    is_plain::<Violation>();
}

/// A latch can be a `static` behind the host's mutex, built at compile time.
#[test]
fn a_latch_is_built_in_a_constant() {
    static LATCH: Mutex<Result<Small, ConfigError>> = Mutex::new(Latch::new(Config::new(), 1));
    let latch = LATCH.lock();
    let latch = latch.as_ref().map(|latch| latch.as_ref().map(Latch::state));
    assert!(matches!(latch, Ok(Ok(State::Unauthenticated))));
}

/// Whether tasks of several threads may share a gate is decided by its mutex; the runner's future follows the host's.
#[cfg(feature = "embassy-sync")]
mod gate {
    use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
    use embassy_sync::blocking_mutex::raw::NoopRawMutex;
    use tokenlatch::gate::{Failed, Gate, GateError, Host, Request, Runner, Status, Watch};
    use tokenlatch::gate::{TokenError, TokenRequest};
    use tokenlatch::{Config, Grant, Instant, Latch, Now, TokenFailure};

    use super::{is_error, is_moved, is_value};

    type Clock = fn() -> Now;
    type Shared = Gate<CriticalSectionRawMutex, 16, 2>;
    type Local = Gate<NoopRawMutex, 16, 2>;

    #[test]
    fn a_gate_is_shared_as_far_as_its_mutex_is() {
        is_moved::<Shared>();
        is_moved::<Request<'static, CriticalSectionRawMutex, 16, 2, Clock>>();
        is_moved::<Watch<'static, CriticalSectionRawMutex, 16, 2, Clock>>();
        is_moved::<Runner<'static, CriticalSectionRawMutex, 16, 2, Clock>>();
        assert!(has!(Local: Send));
        assert!(!has!(Local: Sync));
        assert!(!has!(Request<'static, NoopRawMutex, 16, 2, Clock>: Send));
        assert!(!has!(Shared: Clone));
        assert!(!has!(Request<'static, CriticalSectionRawMutex, 16, 2, Clock>: Clone));
        assert!(!has!(Runner<'static, CriticalSectionRawMutex, 16, 2, Clock>: Clone));
    }

    #[test]
    fn what_a_gate_says_is_a_plain_value() {
        is_value::<Status>();
        is_value::<TokenRequest<'static>>();
        is_error::<Failed>();
        is_error::<GateError>();
        is_error::<TokenError>();
    }

    struct Nowhere;

    impl Host for Nowhere {
        async fn wait_until(&self, _: Instant) {}

        async fn load(&self, _: &mut [u8]) -> Result<usize, Failed> {
            Err(Failed)
        }

        async fn store(&self, _: &[u8]) -> Result<(), Failed> {
            Err(Failed)
        }

        async fn send_token_request<'r>(
            &self,
            _: TokenRequest<'_>,
            _: &'r mut [u8],
        ) -> Result<Grant<'r>, TokenError> {
            Err(TokenFailure::NotSent.into())
        }
    }

    fn is_send<F: Send>(future: F) {
        drop(future);
    }

    /// A gate can be a `static`, built at compile time.
    #[test]
    fn the_futures_of_a_shared_gate_move_between_threads() {
        static GATE: Shared = {
            const CONFIG: tokenlatch::ValidConfig = match Config::new().validated() {
                Ok(config) => config,
                Err(_) => panic!("this config can't work"),
            };
            Gate::new(Latch::with(CONFIG, 1), || Now::monotonic(0))
        };
        if let Ok(mut runner) = GATE.runner() {
            is_send(runner.run(&Nowhere, &mut [0; Shared::RECORD_CAPACITY], &mut []));
        }
        if let Ok(mut request) = GATE.request() {
            is_send(request.permit(|permit| permit.receipt()));
        }
        if let Ok(mut watch) = GATE.watch() {
            is_send(watch.changed());
        }
    }
}
