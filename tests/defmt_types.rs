//! Every public type can be logged with defmt.
#![cfg(all(
    feature = "defmt",
    feature = "embassy-sync",
    feature = "json",
    feature = "recording"
))]
#![expect(clippy::expect_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use tokenlatch::gate;
use tokenlatch::promises;
use tokenlatch::recording;
use tokenlatch::*;

type Clock = fn() -> Now;

fn is_format<T: defmt::Format>(name: &'static str) -> &'static str {
    assert!(core::any::type_name::<T>().contains(name));
    name
}

macro_rules! formats {
    ($($name:ident: $type:ty,)*) => { [$(is_format::<$type>(stringify!($name))),*] };
}

/// These belong to the doors to other languages, or are there for the checkers alone.
const ELSEWHERE: &[&str] = &["capi", "numbers", "verify", "wasm"];

/// The public types of the source, without those of macros.
fn declared(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().expect("a name").to_string_lossy();
        if ELSEWHERE.contains(&&*stem) {
            continue;
        }
        if path.is_dir() {
            declared(&path, names);
            continue;
        }
        let text = fs::read_to_string(&path).expect("a source file");
        let words = text.lines().filter_map(|line| {
            let line = line.trim_start().strip_prefix("pub ")?;
            let name = line
                .strip_prefix("struct ")
                .or_else(|| line.strip_prefix("enum "))?;
            name.split(|c: char| !c.is_alphanumeric()).next()
        });
        names.extend(words.map(str::to_owned));
    }
}

#[test]
fn every_public_type_can_be_logged() {
    let formats = formats![
        Access: Access,
        Cause: Cause,
        Challenge: Challenge<'_>,
        ChallengeKind: ChallengeKind,
        Checked: promises::Checked<64, 2>,
        Config: Config,
        ConfigError: ConfigError,
        Confirmation: Confirmation,
        Corrupt: Corrupt,
        Credential: Credential,
        Difference: recording::Difference,
        Effect: Effect,
        EffectSet: EffectSet,
        Entries: recording::Entries<'_>,
        Entry: recording::Entry,
        Event: Event<'_>,
        EventKind: EventKind,
        Expiry: Expiry,
        ExpiryForm: ExpiryForm,
        Fact: recording::Fact,
        Failed: gate::Failed,
        Gate: gate::Gate<NoopRawMutex, 64, 2, Clock>,
        GateError: gate::GateError,
        Generation: Generation,
        Grant: Grant<'_>,
        GrantError: GrantError,
        GrantType: GrantType,
        Handled: response::Handled,
        Instant: Instant,
        Key: recording::Key,
        Latch: Latch<64, 2>,
        LeaseMode: LeaseMode,
        Now: Now,
        Outcome: Outcome,
        ParamValue: ParamValue<'_>,
        Permit: Permit<'_>,
        PermitError: PermitError,
        ProbeResult: ProbeResult,
        Promise: promises::Promise,
        Receipt: Receipt,
        RecordError: RecordError,
        Recorded: recording::Recorded<'_, 64, 2>,
        Recorder: recording::Recorder<'_>,
        RecorderError: recording::RecorderError,
        Recording: recording::Recording<'_>,
        RecordingError: recording::RecordingError,
        Redacted: recording::Redacted,
        Rejected: Rejected,
        Renewal: Renewal,
        Replay: recording::Replay<'_, 64, 2>,
        ReplayError: recording::ReplayError,
        Request: gate::Request<'_, NoopRawMutex, 64, 2, Clock>,
        ResponseShape: ResponseShape,
        Runner: gate::Runner<'_, NoopRawMutex, 64, 2, Clock>,
        State: State,
        Status: gate::Status,
        Step: Step,
        StoreContent: StoreContent,
        Ticket: Ticket,
        TokenError: gate::TokenError,
        TokenFailure: TokenFailure,
        TokenRequest: gate::TokenRequest<'_>,
        TokenResponse: response::TokenResponse,
        TokenType: TokenType,
        ValidConfig: ValidConfig,
        Violation: promises::Violation,
        Waiter: Waiter,
        Waiting: Waiting,
        Watch: gate::Watch<'_, NoopRawMutex, 64, 2, Clock>,
    ];
    let formats: BTreeSet<String> = formats.iter().map(|name| (*name).to_owned()).collect();
    let mut names = BTreeSet::new();
    declared(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut names,
    );
    assert!(names.len() > 50, "{names:?}");
    let missing: Vec<_> = names.difference(&formats).collect();
    assert!(missing.is_empty(), "not in the list: {missing:?}");
}
