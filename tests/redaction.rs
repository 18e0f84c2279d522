//! Tokens and the app's bytes are in nothing that is written for a person or for a log.
#![expect(clippy::expect_used, clippy::panic, reason = "a test may panic")]

use core::fmt::Debug;
use core::fmt::Display;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use tokenlatch::promises::Checked;
use tokenlatch::promises::Promise;
use tokenlatch::promises::Violation;
use tokenlatch::{
    Access, Cause, ChallengeKind, Config, ConfigError, Confirmation, Corrupt, Effect, Event,
    Expiry, Grant, GrantError, Latch, Now, Outcome, PermitError, ProbeResult, RecordError,
    Rejected, Ticket, TokenFailure, Waiter, inspect,
};

const ACCESS_1: &str = "ACCESS-zqxj-4711-first";
const REFRESH_1: &str = "REFRESH-vkwq-0815-first";
const ACCESS_2: &str = "ACCESS-pfbz-2342-second";
const REFRESH_2: &str = "REFRESH-hjxy-6174-second";
const APP_DATA: &str = "APPDATA-qqvx-1729-tenant";
const QUOTED: &str = "\"REFUSED-kzpw-8128-quoted\"";
const BODY: &str = "BODY-wvzk-5040-answer";

/// No eight bytes of one of these may be seen anywhere.
const SECRETS: [&str; 7] = [
    ACCESS_1, REFRESH_1, ACCESS_2, REFRESH_2, APP_DATA, QUOTED, BODY,
];

const WINDOW: usize = 8;

/// The ways in which bytes get into a text: as they are, as numbers, as hexadecimal digits.
fn forms(bytes: &[u8]) -> [String; 5] {
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
    let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let mut escaped = String::new();
    for byte in bytes {
        escaped.extend(byte.escape_ascii().map(char::from));
    }
    [
        String::from_utf8_lossy(bytes).into_owned(),
        numbers.join(","),
        hex(bytes),
        hex(bytes).to_uppercase(),
        escaped,
    ]
}

static FORMS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    SECRETS
        .iter()
        .flat_map(|secret| secret.as_bytes().windows(WINDOW))
        .flat_map(forms)
        .collect()
});

/// The part of a secret that `text` shows.
fn leak(text: &str) -> Option<&'static str> {
    let dense: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    FORMS
        .iter()
        .map(String::as_str)
        .find(|form| text.contains(form) || dense.contains(form))
}

#[track_caller]
fn check(text: &str) {
    if let Some(leak) = leak(text) {
        panic!("{leak} in {text}");
    }
}

#[track_caller]
fn show(what: &dyn Debug) {
    check(&format!("{what:?}"));
    check(&format!("{what:#?}"));
    check(&format!("{:x?}", what));
}

#[track_caller]
fn say(what: &(impl Display + Debug)) {
    check(&format!("{what}"));
    check(&format!("{what:#}"));
    show(what);
}

/// The search finds what it has to.
#[test]
fn a_leak_is_noticed() {
    #[derive(Debug)]
    #[expect(dead_code, reason = "read by `Debug` alone")]
    struct Leaky<'a>(Option<&'a [u8]>);
    let part = &ACCESS_1.as_bytes()[5..14];
    let leaky = Leaky(Some(part));
    assert!(leak(&format!("{leaky:?}")).is_some());
    assert!(leak(&format!("{leaky:#?}")).is_some());
    assert!(leak(&format!("{leaky:02x?}").replace(", ", "")).is_some());
    assert!(leak(&format!("Bearer {ACCESS_1}")).is_some());
    assert!(leak(&format!("{QUOTED:?}")).is_some());
    assert!(leak("ACCESS, REFRESH, APPDATA").is_none());
}

struct Host {
    latch: Checked<256, 4>,
    now: Now,
    effects: Vec<Effect>,
}

impl Host {
    fn new(config: Config) -> Self {
        Self {
            latch: Checked::new(config, 11).expect("a config that works"),
            now: Now::new(1_000, 1_700_000_000_000),
            effects: Vec::new(),
        }
    }

    fn latch(&self) -> &Latch<256, 4> {
        self.latch.latch()
    }

    /// Tells one event, and shows everything there is to show before, between and after.
    #[track_caller]
    fn tell(&mut self, event: Event<'_>) -> Result<Outcome, Rejected> {
        show(&event);
        show(&event.kind());
        let outcome = self.latch.handle(self.now, event);
        show(&outcome);
        let outcome = outcome.expect("no promise is broken");
        if let Err(rejected) = outcome {
            say(&rejected);
        }
        self.look();
        while let Some(effect) = self.latch.poll_effect().expect("no promise is broken") {
            show(&effect);
            self.effects.push(effect);
            self.look();
        }
        outcome
    }

    #[track_caller]
    fn look(&self) {
        show(&self.latch);
        show(self.latch());
        for step in self.latch().trace() {
            say(&step);
            show(&step.effects);
            let names: Vec<_> = step.effects.names().collect();
            show(&names);
        }
        let latch = self.latch();
        show(&latch.config());
        show(&(latch.state(), latch.generation(), latch.expires_at()));
        show(&(latch.trouble(), latch.corrupt(), latch.poll_timeout()));
    }

    #[track_caller]
    fn ticket(&self, kind: &str) -> Ticket {
        let mut newest = self.effects.iter().rev();
        match newest.find(|effect| format!("{effect:?}").starts_with(kind)) {
            Some(
                Effect::Load { ticket }
                | Effect::Store { ticket }
                | Effect::SendTokenRequest { ticket, .. }
                | Effect::Probe { ticket }
                | Effect::Revoke { ticket },
            ) => *ticket,
            other => panic!("no order {kind}: {other:?}"),
        }
    }

    #[track_caller]
    fn loaded(&mut self, record: Option<&[u8]>) {
        let ticket = self.ticket("Load");
        assert_eq!(
            self.tell(Event::Loaded { ticket, record }),
            Ok(Outcome::Done)
        );
    }

    #[track_caller]
    fn record(&self) -> Vec<u8> {
        let mut buffer = vec![0; Latch::<256, 4>::RECORD_CAPACITY];
        let ticket = self.ticket("Store");
        let length = self.latch().record(ticket, &mut buffer);
        show(&length);
        show(&self.latch().record(ticket, &mut []));
        buffer.truncate(length.expect("room for the record"));
        show(&inspect(&buffer));
        buffer
    }

    #[track_caller]
    fn stored(&mut self) -> Vec<u8> {
        let record = self.record();
        let ticket = self.ticket("Store");
        assert_eq!(self.tell(Event::Stored { ticket }), Ok(Outcome::Done));
        record
    }

    #[track_caller]
    fn send(&mut self, waiter: u32, status: u16) -> Outcome {
        let waiter = Waiter::from_u32(waiter);
        let access = Access::First;
        self.tell(Event::AccessRequested { waiter, access })
            .expect("room for it");
        let claimed = self.latch.permit(self.now, waiter);
        show(&claimed);
        let permit = claimed
            .expect("no promise is broken")
            .expect("the gate is open");
        show(&permit);
        assert!(leak(permit.token()).is_some());
        let receipt = permit.receipt();
        show(&receipt);
        self.tell(Event::Answered {
            receipt,
            status,
            challenge: ChallengeKind::InvalidToken,
        })
        .expect("an answer is never refused")
    }
}

fn grant<'a>(access: &'a str, refresh: &'a str) -> Grant<'a> {
    let mut grant = Grant::new(access);
    grant.refresh_token = Some(refresh);
    grant.expiry = Expiry::In(3_600_000);
    grant.subject = Some("user-42");
    grant.app_data = Some(APP_DATA.as_bytes());
    grant
}

// promises: P13
#[test]
fn no_secret_is_shown_from_the_login_to_the_revocation() {
    let mut config = Config::new();
    config.confirmation = Confirmation::Probed;
    let mut host = Host::new(config);
    host.look();
    host.tell(Event::Opened).expect("the first event");
    // Another program's bytes, with a secret of its own.
    host.loaded(Some(BODY.as_bytes()));

    let Ok(Outcome::Login(ticket)) = host.tell(Event::LoginStarted) else {
        panic!("no login");
    };
    let first = grant(ACCESS_1, REFRESH_1);
    show(&first);
    for refused in [
        grant(QUOTED, REFRESH_1),
        grant(ACCESS_1, QUOTED),
        grant(&ACCESS_1.repeat(20), REFRESH_1),
        grant(&format!("Bearer {ACCESS_1}"), REFRESH_1),
        grant(&format!("{ACCESS_1}\n"), REFRESH_1),
    ] {
        let told = host.tell(Event::Granted {
            ticket,
            grant: refused,
        });
        assert!(matches!(told, Err(Rejected::Grant(_))));
    }
    host.tell(Event::Granted {
        ticket,
        grant: first,
    })
    .expect("a good grant");
    host.loaded(None);
    let record = host.stored();
    host.loaded(Some(&record));
    let ticket = host.ticket("Probe");
    show(&host.latch().probe_permit(ticket));
    show(&host.latch().probe_permit(Ticket::from_u32(0)));
    let result = ProbeResult::Accepted;
    host.tell(Event::Probed { ticket, result }).expect("a fact");

    assert_eq!(host.send(1, 200), Outcome::Deliver);
    assert_eq!(host.send(2, 401), Outcome::Retry);
    host.loaded(Some(&record));
    let marked = host.stored();
    host.loaded(Some(&marked));
    let ticket = host.ticket("SendTokenRequest");
    assert_eq!(host.latch().refresh_token(ticket), Some(REFRESH_1));
    for failure in [
        TokenFailure::Lost,
        TokenFailure::Unusable(GrantError::Quoted),
    ] {
        say(&failure);
        host.tell(Event::TokenFailed {
            ticket,
            failure,
            retry_after: Some(1),
        })
        .expect("a fact");
    }
    host.now = Now::new(9_000, 1_700_000_008_000);
    host.tell(Event::TimeoutReached).expect("a fact");
    host.loaded(Some(&marked));
    let marked = host.stored();
    host.loaded(Some(&marked));
    let ticket = host.ticket("SendTokenRequest");
    let second = grant(ACCESS_2, REFRESH_2);
    host.tell(Event::Granted {
        ticket,
        grant: second,
    })
    .expect("a good grant");
    host.loaded(Some(&marked));
    let ticket = host.ticket("Store");
    host.tell(Event::StoreFailed { ticket }).expect("a fact");
    let renewed = host.stored();
    host.loaded(Some(&renewed));
    let ticket = host.ticket("Probe");
    host.tell(Event::Probed { ticket, result }).expect("a fact");
    assert_eq!(host.send(3, 200), Outcome::Deliver);

    // Another start of it, which then finds half a record.
    let mut other = Host::new(Config::new());
    other.now = Now::new(1_000, 1_700_000_010_000);
    other.tell(Event::Opened).expect("the first event");
    other.loaded(Some(&renewed));
    assert_eq!(other.latch().app_data(), Some(APP_DATA.as_bytes()));
    other.tell(Event::StoreChanged).expect("a fact");
    other.loaded(Some(&renewed[..renewed.len() / 2]));
    show(&other.latch().corrupt());

    host.tell(Event::LogoutRequested).expect("a fact");
    let ticket = host.ticket("Revoke");
    assert_eq!(host.latch().revocation(ticket), Some(REFRESH_2));
    host.tell(Event::RevokeFailed { ticket }).expect("a fact");
    host.loaded(Some(&renewed));
    let tombstone = host.stored();
    check(&format!("{tombstone:?}"));
    let late = host.tell(Event::Granted {
        ticket: Ticket::from_u32(1),
        grant: second,
    });
    assert_eq!(late, Ok(Outcome::Orphaned));
    other.tell(Event::StoreChanged).expect("a fact");
    other.loaded(Some(&tombstone));
}

// promises: P13
#[cfg(feature = "json")]
#[test]
fn no_parser_tells_what_it_read() {
    use tokenlatch::ResponseShape;
    use tokenlatch::response::parse;
    for (status, body) in [
        (
            200,
            format!("{{\"access_token\":\"{ACCESS_1}\",\"refresh_token\":\"{REFRESH_1}\"}}"),
        ),
        (
            200,
            format!("{{\"access_token\":\"{ACCESS_1}\",\"token_type\":\"{BODY}\"}}"),
        ),
        (
            200,
            format!("{{\"access_token\":\"{ACCESS_1}\",\"expires_in\":\"{BODY}\"}}"),
        ),
        (200, format!("{{\"access_token\":\"{ACCESS_1}")),
        (200, BODY.to_owned()),
        (
            400,
            format!("{{\"error\":\"{BODY}\",\"error_description\":\"{ACCESS_1}\"}}"),
        ),
        (503, format!("<html>{BODY}</html>")),
    ] {
        let mut body = body.into_bytes();
        let parsed = parse(&ResponseShape::RFC6749, status, &mut body);
        show(&parsed);
        if let Err(failure) = parsed {
            say(&failure);
        }
    }
}

/// Errors hold numbers and names alone; here is each type once.
// promises: P13
#[test]
fn no_error_has_room_for_a_secret() {
    say(&ConfigError::Zero("budget"));
    say(&Corrupt::Content);
    say(&GrantError::TooLong);
    say(&PermitError::Refused(Cause::Unknown));
    say(&RecordError::BufferTooSmall);
    say(&Rejected::Grant(GrantError::Scheme));
    say(&TokenFailure::Unusable(GrantError::Literal));
    say(&Violation {
        promise: Promise::P13,
        what: "shown",
    });
    for cause in Cause::ALL {
        say(cause);
    }
}
