//! A recording as a test, as the example `replay` writes it: `tests/replay.rs` compares.

use crate::support::Host;
use tokenlatch::Access;
use tokenlatch::Cause;
use tokenlatch::ChallengeKind;
use tokenlatch::Config;
use tokenlatch::Event;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::GrantError;
use tokenlatch::Outcome;
use tokenlatch::PermitError;
use tokenlatch::Receipt;
use tokenlatch::Rejected;
use tokenlatch::Ticket;
use tokenlatch::Waiter;

// Recorded with room for 4 waiting requests, not 8.
#[test]
fn a_report_from_the_field() {
    let config = Config::new();
    let mut host = Host::seeded(config, 5);
    host.offset = Some(1700000000000);
    host.at(1250, Event::Resumed)
        .is_rejected(Rejected::NotOpened)
        .gives(&[]);
    host.at(
        1500,
        Event::AccessRequested {
            waiter: Waiter::from_u32(7),
            access: Access::First,
        },
    )
    .is(Outcome::Admitted)
    .gives(&[]);
    host.at(1750, Event::Opened)
        .is(Outcome::Done)
        .gives(&["StateChanged Pending", "Load #1"]);
    let record = b"---";
    host.at(
        2000,
        Event::Loaded {
            ticket: Ticket::from_u32(1),
            record: Some(record),
        },
    )
    .is(Outcome::Done)
    .gives(&["StateChanged Unauthenticated", "RequireLogin StoreCorrupt"]);
    host.at(2250, Event::LoginStarted)
        .gives(&["StateChanged Pending"]);
    let mut grant = Grant::new("\"------0");
    grant.refresh_token = Some("-------1");
    grant.scope = Some(" ------2");
    grant.subject = Some("-------3");
    grant.app_data = Some(b"\x01------4");
    grant.expiry = Expiry::In(3600000);
    host.at(
        2500,
        Event::Granted {
            ticket: Ticket::from_u32(2),
            grant,
        },
    )
    .is_rejected(Rejected::Grant(GrantError::Quoted))
    .gives(&[]);
    let mut grant = Grant::new("-------5");
    grant.refresh_token = Some("-------1");
    grant.scope = Some(" ------2");
    grant.subject = Some("-------3");
    grant.app_data = Some(b"\x01------4");
    grant.expiry = Expiry::In(3600000);
    host.at(
        2750,
        Event::Granted {
            ticket: Ticket::from_u32(2),
            grant,
        },
    )
    .is(Outcome::Done)
    .gives(&["Load #3"]);
    host.at(
        3000,
        Event::Loaded {
            ticket: Ticket::from_u32(3),
            record: None,
        },
    )
    .is(Outcome::Done)
    .gives(&["Store #4"]);
    host.at(
        3250,
        Event::Stored {
            ticket: Ticket::from_u32(4),
        },
    )
    .is(Outcome::Done)
    .gives(&["StateChanged Ready", "Announce", "Release 7"]);
    host.now = 9000;
    host.send(7).expect("a permit");
    host.now = 9000;
    assert_eq!(host.send(7), Err(PermitError::Unknown));
    host.at(
        3500,
        Event::Answered {
            receipt: Receipt::from_u64(0x100000001),
            status: 403,
            challenge: ChallengeKind::InsufficientScope,
        },
    )
    .is(Outcome::Surface(Cause::InsufficientScope))
    .gives(&["StateChanged Pending", "Load #5"]);
    host.at(3750, Event::RefreshRequested)
        .is(Outcome::Done)
        .gives(&[]);
    host.at(4000, Event::StoreChanged)
        .is(Outcome::Done)
        .gives(&["Load #6"]);
    let record = b"TL\x01\x92\xf5\x01\x00\x1ac\x03;\x0c\x1ac\x03;\x0c\x1b\x00\x00\x01\x8b\xcf\xe5s\xb8\x00\x1b\x00\x00\x01\x8b\xcf\xe5p\xca\x1b\x00\x00\x01\x8b\xd0\x1c_J\xf4\x00\x00\x00h-------5h-------1h ------2h-------3H\x01------4\xc1\xf4^\x08";
    host.at(
        4250,
        Event::Loaded {
            ticket: Ticket::from_u32(6),
            record: Some(record),
        },
    )
    .is(Outcome::Done)
    .gives(&["StateChanged Refreshing", "Load #7"]);
    let record = b"TL\x01\x92\xf5\x01\x00\x1ac\x03;\x0c\x1ac\x03;\x0c\x1b\x00\x00\x01\x8b\xcf\xe5s\xb8\x00\x1b\x00\x00\x01\x8b\xcf\xe5p\xca\x1b\x00\x00\x01\x8b\xd0\x1c_J\xf4\x00\x00\x00h-------5h-------1h ------2h-------3H\x01------4\xc1\xf4^\x08";
    host.at(
        4500,
        Event::Loaded {
            ticket: Ticket::from_u32(7),
            record: Some(record),
        },
    )
    .is(Outcome::Done)
    .gives(&["Store #8"]);
    host.at(4750, Event::LogoutRequested)
        .is(Outcome::Done)
        .gives(&["StateChanged Unauthenticated", "Load #10", "Revoke #9"]);
}
