//! A whole life of the gate allocates nothing, and nothing that it shows is a secret.

use core::cell::Cell;
use core::cell::RefCell;
use core::future::poll_fn;
use core::pin::pin;

use allocation_counter::measure;
use embassy_futures::block_on;
use embassy_futures::select::Either;
use embassy_futures::select::select;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use tokenlatch::ChallengeKind;
use tokenlatch::Config;
use tokenlatch::Confirmation;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::GrantType;
use tokenlatch::Instant;
use tokenlatch::Latch;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::Permit;
use tokenlatch::ProbeResult;
use tokenlatch::State;
use tokenlatch::TokenFailure;
use tokenlatch::gate::Failed;
use tokenlatch::gate::Gate;
use tokenlatch::gate::GateError;
use tokenlatch::gate::Host;
use tokenlatch::gate::TokenError;
use tokenlatch::gate::TokenRequest;

type QuietGate = Gate<CriticalSectionRawMutex, 64, 2>;
const RECORD: usize = QuietGate::RECORD_CAPACITY;

const ACCESS: [&str; 2] = ["ACCESS-zqxj-4711-first", "ACCESS-pfbz-2342-second"];
const REFRESH: [&str; 2] = ["REFRESH-vkwq-0815-first", "REFRESH-hjxy-6174-second"];

fn grant(number: usize) -> Grant<'static> {
    let mut grant = Grant::new(ACCESS[number]);
    grant.refresh_token = Some(REFRESH[number]);
    grant.expiry = Expiry::In(3_600_000);
    grant
}

/// A host without a heap.
struct Quiet {
    disk: RefCell<([u8; RECORD], usize)>,
    revoked: Cell<bool>,
}

impl Host for Quiet {
    async fn wait_until(&self, _: Instant) {
        core::future::pending::<()>().await;
    }

    async fn load(&self, buffer: &mut [u8]) -> Result<usize, Failed> {
        let disk = self.disk.borrow();
        buffer[..disk.1].copy_from_slice(&disk.0[..disk.1]);
        Ok(disk.1)
    }

    async fn store(&self, record: &[u8]) -> Result<(), Failed> {
        let mut disk = self.disk.borrow_mut();
        disk.0[..record.len()].copy_from_slice(record);
        disk.1 = record.len();
        Ok(())
    }

    async fn send_token_request<'r>(
        &self,
        request: TokenRequest<'_>,
        _: &'r mut [u8],
    ) -> Result<Grant<'r>, TokenError> {
        assert_eq!(request.grant_type, GrantType::RefreshToken);
        assert_eq!(request.refresh_token, REFRESH[0]);
        Ok(grant(1))
    }

    async fn probe(&self, permit: Permit<'_>) -> ProbeResult {
        assert!(ACCESS.contains(&permit.token()));
        ProbeResult::Accepted
    }

    async fn revoke(&self, token: &str) -> Result<(), Failed> {
        assert_eq!(token, REFRESH[1]);
        self.revoked.set(true);
        Ok(())
    }
}

async fn fetch(gate: &QuietGate, statuses: &[u16]) -> Result<(), GateError> {
    let mut request = gate.request()?;
    for status in statuses {
        let token = request
            .permit(|permit| permit.token().len())
            .await
            .expect("it leaves");
        assert!(token > 20);
        let outcome = request.answered(*status, ChallengeKind::InvalidToken)?;
        assert_eq!(outcome == Outcome::Retry, *status == 401);
    }
    Ok(())
}

/// Fails if it takes more steps than any life here.
async fn in_time<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut steps = 0;
    poll_fn(|context| {
        steps += 1;
        assert!(steps < 10_000, "something is waited for that never comes");
        future.as_mut().poll(context)
    })
    .await
}

async fn life(gate: &QuietGate, host: &Quiet) {
    let mut watch = gate.watch().expect("room");
    while watch.changed().await.login.is_none() {}
    let ticket = gate.login_started().expect("it is opened");
    let told = gate.granted(ticket, grant(0));
    assert_eq!(told, Ok(Outcome::Done));
    fetch(gate, &[200]).await.expect("an answer");
    fetch(gate, &[401, 200]).await.expect("an answer");
    assert_eq!(gate.state(), State::Ready);
    gate.logout().expect("it is opened");
    while !host.revoked.get() {
        embassy_futures::yield_now().await;
    }
}

fn new() -> (QuietGate, Quiet) {
    let mut config = Config::new();
    config.confirmation = Confirmation::Probed;
    let latch = Latch::new(config, 1).expect("a config that works");
    let disk = RefCell::new(([0; RECORD], 0));
    let revoked = Cell::new(false);
    let gate = QuietGate::new(latch, || Now::monotonic(0));
    (gate, Quiet { disk, revoked })
}

// promises: P14
#[test]
fn a_whole_life_of_the_gate_allocates_nothing() {
    let counted = measure(|| {
        let (gate, host) = new();
        let mut runner = gate.runner().expect("the only one");
        let (mut record, mut reply) = ([0; RECORD], [0; 8]);
        let both = select(
            runner.run(&host, &mut record, &mut reply),
            life(&gate, &host),
        );
        let Either::Second(()) = block_on(in_time(both));
    });
    assert_eq!(counted.count_total, 0, "{counted:?}");
}

// promises: P13
#[test]
fn nothing_that_the_gate_shows_is_a_secret() {
    let (gate, host) = new();
    let mut runner = gate.runner().expect("the only one");
    let (mut record, mut reply) = ([0; RECORD], [0; 8]);
    let mut shown = format!("{runner:?}");
    let both = select(runner.run(&host, &mut record, &mut reply), async {
        let mut watch = gate.watch().expect("room");
        let mut request = gate.request().expect("room");
        shown += &format!("{gate:?} {watch:?} {request:?} {:?}", watch.changed().await);
        let ticket = gate.login_started().expect("it is opened");
        let told = gate.granted(ticket, grant(0));
        shown += &format!("{told:?} {request:?}");
        let permit = request.permit(|permit| format!("{permit:?}")).await;
        shown += &format!("{permit:?} {request:?} {gate:?} {:?}", gate.status());
        shown += &format!("{:?}", request.answered(200, ChallengeKind::Absent));
    });
    let Either::Second(()) = block_on(in_time(both));
    for error in [
        GateError::NotReady,
        GateError::OutOfTurn,
        GateError::Reentered,
        GateError::Running,
        GateError::WatchersFull,
    ] {
        shown += &format!("{error} {error:?}");
    }
    let error = TokenError::from(TokenFailure::Lost);
    shown += &format!("{Failed} {Failed:?} {error} {error:?}");
    // The buffers are wiped too.
    shown += &String::from_utf8_lossy(&record);
    shown += &String::from_utf8_lossy(&reply);
    assert!(shown.contains("Ready"));
    for secret in ACCESS.iter().chain(&REFRESH) {
        assert!(!shown.contains(secret), "{shown}");
        assert!(!shown.contains(&secret[8..16]), "{shown}");
    }
}
