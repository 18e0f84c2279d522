//! What `cargo xtask explore` prints for some of the seeded faults: each test fails with its fault and passes
//! without. Written by `UPDATE=1 cargo xtask explore`.

use proof::explore::Act;
use proof::explore::on;
use proof::explore::replay;

/// P1 (gate): the gate is open with an expired token. In the space `events`.
#[test]
fn the_gate_is_open_with_an_expired_token() {
    let way = [
        on(0, Act::Open),
        //    0 0 Opened -> Done
        //      0   RequireLogin { cause: NotSignedIn }
        on(0, Act::Request),
        //    0 0 AccessRequested -> Admitted
        on(0, Act::Login),
        //    0 0 LoginStarted -> Login(Ticket(1))
        //      0   StateChanged { state: Pending }
        on(0, Act::LoginGranted(0)),
        //    0 0 Granted -> Done
        //      0   StateChanged { state: Ready }
        //      0   Release { waiter: Waiter(0) }
        on(0, Act::Advance),
        //    2 0 TimeoutReached -> Done
        //      0   Refuse { waiter: Waiter(0), cause: WaitTimeout }
        on(0, Act::Request),
        //    2 0 AccessRequested -> Admitted
        //      0   Release { waiter: Waiter(0) }
        on(0, Act::Advance),
        //    3 0 TimeoutReached -> Done
        //      0   StateChanged { state: Refreshing }
        //      0   SendTokenRequest { ticket: Ticket(2), grant_type: RefreshToken }
        on(0, Act::Advance),
        //    4 0 TimeoutReached -> P1 (gate): the gate is open with an expired token
    ];
    assert_eq!(replay("events", &way), Ok(()));
}

/// P3 (single flight): two contexts send token requests. In the space `login`.
#[test]
fn two_contexts_send_token_requests() {
    let way = [
        on(0, Act::Open),
        //    0 0 Opened -> Done
        //      0   StateChanged { state: Pending }
        //      0   Load { ticket: Ticket(1) }
        on(0, Act::Open),
        //    0 1 Opened -> Done
        //      1   StateChanged { state: Pending }
        //      1   Load { ticket: Ticket(1) }
        on(0, Act::Login),
        //    0 1 LoginStarted -> Login(Ticket(2))
        on(0, Act::LoginGranted(0)),
        //    0 1 Granted -> Done
        //      1   Load { ticket: Ticket(3) }
        on(0, Act::Loaded),
        //    0 1 Loaded -> Done
        //      1   Store { ticket: Ticket(4) }
        on(0, Act::Write),
        on(0, Act::Stored),
        //    0 1 Stored -> Done
        //      1   StateChanged { state: Ready }
        //      1   Announce
        on(1, Act::Loaded),
        //    0 0 Loaded -> Done
        //      0   StateChanged { state: Ready }
        on(0, Act::Advance),
        //    2 0 TimeoutReached -> Done
        //      0   StateChanged { state: Refreshing }
        //      0   Load { ticket: Ticket(2) }
        //    2 1 TimeoutReached -> Done
        //      1   StateChanged { state: Refreshing }
        //      1   Load { ticket: Ticket(5) }
        on(0, Act::Loaded),
        //    2 0 Loaded -> Done
        //      0   Store { ticket: Ticket(3) }
        on(1, Act::Loaded),
        //    2 1 Loaded -> Done
        //      1   Store { ticket: Ticket(6) }
        on(0, Act::Advance),
        //    3 1 TimeoutReached -> Done
        //      1   SendTokenRequest { ticket: Ticket(7), grant_type: RefreshToken }
        //    3 0 TimeoutReached -> Done
        //      0   SendTokenRequest { ticket: Ticket(4), grant_type: RefreshToken }
    ];
    assert_eq!(replay("login", &way), Ok(()));
}

/// P6 (logout): a sign-out is not in the store. In the space `probe`.
#[test]
fn a_sign_out_is_not_in_the_store() {
    let way = [
        on(0, Act::Open),
        //    0 0 Opened -> Done
        //      0   StateChanged { state: Pending }
        //      0   Load { ticket: Ticket(1) }
        on(0, Act::Login),
        //    0 0 LoginStarted -> Login(Ticket(2))
        on(0, Act::LoginGranted(0)),
        //    0 0 Granted -> Done
        //      0   Load { ticket: Ticket(3) }
        on(0, Act::Loaded),
        //    0 0 Loaded -> Done
        //      0   Store { ticket: Ticket(4) }
        on(0, Act::Write),
        on(0, Act::Logout),
        //    0 0 LogoutRequested -> Done
        //      0   StateChanged { state: Unauthenticated }
        //      0   Revoke { ticket: Ticket(5) }
        on(0, Act::Advance),
        //    1 0 TimeoutReached -> Done
        // From here a fair host goes on:
    ];
    assert_eq!(replay("probe", &way), Ok(()));
}
