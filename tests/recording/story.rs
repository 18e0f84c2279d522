// A life with every kind of entry: login, store, a request that is refused, a renewal, the answers of a store, a
// logout. Other hosts tell the same to a latch of theirs: `tests/capi/c/recording.c`, `js/test/recording.test.mjs`.

use tokenlatch::Access;
use tokenlatch::ChallengeKind;
use tokenlatch::Config;
use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::Ticket;
use tokenlatch::Waiter;
use tokenlatch::recording::Key;
use tokenlatch::recording::Recorded;

const SEED: u64 = 5;
pub(crate) const KEY: Key = Key::new(*b"0123456789abcdef");
/// When the wall clock says so, the monotonic one says 0.
const EPOCH: u64 = 1_700_000_000_000;

struct Telling<'l, 'b, const T: usize, const W: usize> {
    latch: &'l mut Recorded<'b, T, W>,
    millis: u64,
}

impl<const T: usize, const W: usize> Telling<'_, '_, T, W> {
    /// The outcome, if it was not refused, and the last of the orders.
    fn tell(&mut self, event: Event<'_>) -> (Option<Outcome>, Option<Effect>) {
        self.millis = self.millis.saturating_add(250);
        let now = Now::new(self.millis, EPOCH.saturating_add(self.millis));
        let outcome = self.latch.handle(now, event);
        let mut last = None;
        while let Some(effect) = self.latch.poll_effect() {
            last = Some(effect);
        }
        (outcome.ok(), last)
    }
}

fn hour() -> Grant<'static> {
    let mut grant = Grant::new("an-access-token");
    grant.refresh_token = Some("a-refresh-token");
    grant.expiry = Expiry::In(3_600_000);
    grant.scope = Some("openid profile");
    grant.subject = Some("anna@example.com");
    grant.app_data = Some(&[0, 159, 146, 150]);
    grant
}

/// `None` if the latch does not do what it did when this was written.
fn story<const T: usize, const W: usize>(latch: &mut Recorded<'_, T, W>) -> Option<()> {
    let mut host = Telling {
        latch,
        millis: 1_000,
    };
    // Too early.
    let (None, _) = host.tell(Event::Resumed) else {
        return None;
    };
    let waiter = Waiter::from_u32(7);
    let access = Access::First;
    host.tell(Event::AccessRequested { waiter, access }).0?;
    let Some(Effect::Load { ticket }) = host.tell(Event::Opened).1 else {
        return None;
    };
    let record = Some(&b"garbage"[..]);
    host.tell(Event::Loaded { ticket, record }).0?;
    let Some(Outcome::Login(ticket)) = host.tell(Event::LoginStarted).0 else {
        return None;
    };
    let mut grant = hour();
    grant.access_token = "\"an-access-token\"";
    let (None, _) = host.tell(Event::Granted { ticket, grant }) else {
        return None;
    };
    let grant = hour();
    host.tell(Event::Granted { ticket, grant }).0?;
    // The load and the store of the new sign-in.
    let ticket = Ticket::from_u32(ticket.as_u32().wrapping_add(1));
    let record = None;
    let Some(Effect::Store { ticket }) = host.tell(Event::Loaded { ticket, record }).1 else {
        return None;
    };
    let mut buffer = [0; 512];
    let length = host.latch.record(ticket, &mut buffer).ok()?;
    host.tell(Event::Stored { ticket }).0?;
    let now = Now::new(9_000, EPOCH.saturating_add(9_000));
    let receipt = host.latch.permit(now, waiter).ok()?.receipt();
    if host.latch.permit(now, waiter).is_ok() {
        return None;
    }
    host.tell(Event::Answered {
        receipt,
        status: 403,
        challenge: ChallengeKind::InsufficientScope,
    })
    .0?;
    host.tell(Event::RefreshRequested).0?;
    let record = buffer.get(..length);
    let (_, mut order) = host.tell(Event::StoreChanged);
    while let Some(Effect::Load { ticket }) = order {
        (_, order) = host.tell(Event::Loaded { ticket, record });
    }
    // The renewal is marked.
    let Some(Effect::Store { .. }) = order else {
        return None;
    };
    host.tell(Event::LogoutRequested).0?;
    Some(())
}

/// Plays it into the buffer, and tells the length of the recording.
pub(crate) fn record<const T: usize, const W: usize>(key: Key, buffer: &mut [u8]) -> Option<usize> {
    let mut latch = Recorded::<T, W>::new(Config::new(), SEED, key, buffer).ok()?;
    story(&mut latch)?;
    let recorder = latch.recorder();
    (!recorder.is_full()).then_some(recorder.bytes().len())
}
