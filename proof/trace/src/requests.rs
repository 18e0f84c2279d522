//! Requests, their permits and their answers.

use tokenlatch::Access;
use tokenlatch::ChallengeKind;
use tokenlatch::Event;
use tokenlatch::Outcome;
use tokenlatch::Receipt;
use tokenlatch::Waiter;

use crate::host::Host;
use crate::host::SENT;
use crate::host::WAITERS;

impl Host {
    pub(crate) fn request(&mut self, retry: Option<Receipt>) {
        self.requests += 1;
        let waiter = Waiter::from_u32(self.requests);
        let access = retry.map_or(Access::First, Access::Retry);
        if self.tell(Event::AccessRequested { waiter, access }) == Some(Outcome::Admitted) {
            let place = self.index(WAITERS);
            self.admitted[place] = self.requests;
        }
    }

    pub(crate) fn some_waiter(&mut self) -> Waiter {
        let place = self.index(WAITERS);
        Waiter::from_u32(self.admitted[place])
    }

    pub(crate) fn claim(&mut self) {
        let waiter = self.some_waiter();
        let place = self.index(SENT);
        if self.various {
            // Time that nobody told of passes too.
            let millis = self.pick(10_000);
            self.pass(u64::from(millis));
        }
        match self.latch.permit(self.now(), waiter) {
            Ok(permit) => {
                let receipt = permit.receipt();
                self.digest.bytes(permit.token().as_bytes());
                self.digest.long(receipt.as_u64());
                self.sent[place] = Some(receipt);
            }
            Err(error) => self.digest.no_permit(error),
        }
        self.drain();
    }

    pub(crate) fn answer(&mut self) {
        let challenges = [
            ChallengeKind::InvalidToken,
            ChallengeKind::Absent,
            ChallengeKind::NoError,
            ChallengeKind::OtherScheme,
            ChallengeKind::InvalidRequest,
            ChallengeKind::InsufficientScope,
            ChallengeKind::UseDpopNonce,
            ChallengeKind::OtherError,
        ];
        let place = self.index(SENT);
        let status = [200, 200, 200, 401, 401, 403, 500][self.index(7)];
        let challenge = challenges[self.index(challenges.len())];
        let Some(receipt) = self.sent[place].take() else {
            return;
        };
        let challenge = if status == 401 {
            challenge
        } else {
            ChallengeKind::Absent
        };
        let outcome = self.tell(Event::Answered {
            receipt,
            status,
            challenge,
        });
        if outcome == Some(Outcome::Retry) {
            self.request(Some(receipt));
        }
    }
}
