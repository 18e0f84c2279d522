//! Signing in: for the application, or by itself with credentials that need no person.

use core::time::Duration;
use std::sync::{MutexGuard, PoisonError};
use std::thread;

use tokenlatch::inspect;
use tokenlatch::{Cause, Event, Outcome, Rejected, State, StoreContent, Ticket, TokenFailure};

use crate::host::{Inner, Shared};
use crate::http::Credentials;

/// How long after a sign-out elsewhere another process may sign in again.
const SIBLING_LIMIT: Duration = Duration::from_secs(3);

/// How often a login is tried again, the first pause, and the longest.
const RETRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// How a token request failed, and when the server wants the next one.
type Failed = (TokenFailure, Option<u32>);

impl Inner {
    /// Signs in, whoever was signed in before.
    pub(crate) fn sign_in(&self, credentials: &Credentials) -> Result<(), TokenFailure> {
        let mut shared = self.lock();
        shared.turn = shared.turn.saturating_add(1);
        self.sign_in_now(shared, credentials)
    }

    fn sign_in_now<'a>(
        &'a self,
        mut shared: MutexGuard<'a, Shared>,
        credentials: &Credentials,
    ) -> Result<(), TokenFailure> {
        shared.signing_in = true;
        shared.given_up = None;
        let turn = shared.turn;
        let mut pauses = (0..RETRIES).map(|retry| PAUSE.saturating_mul(1 << retry));
        let result = loop {
            // Told for each attempt, since the token's lifetime counts from here.
            let started = shared.latch.handle(self.now(), Event::LoginStarted);
            drop(shared);
            let Ok(Outcome::Login(ticket)) = started else {
                break Err(TokenFailure::NotSent);
            };
            self.changed.notify_all();
            let (failure, retry_after) = match self.exchange(ticket, credentials) {
                Ok(()) => break Ok(()),
                Err(failed) => failed,
            };
            let Some(pause) = pauses.next().filter(|_| may_repeat(failure, credentials)) else {
                break Err(failure);
            };
            let asked = Duration::from_secs(u64::from(retry_after.unwrap_or(0)));
            thread::sleep(pause.max(asked).min(LONGEST_PAUSE));
            shared = self.lock();
            if shared.turn != turn {
                drop(shared);
                break Err(failure);
            }
        };
        let mut shared = self.lock();
        if shared.turn == turn {
            shared.signing_in = false;
            if result.is_err() && shared.signed_out && self.credentials.is_some() {
                shared.given_up = Some(Cause::SignedOut);
                self.changed.notify_all();
            }
        }
        result
    }

    /// The latch wants a login, and there may be credentials at hand. One process signs in, the others wait
    /// for the lock and then find its session: two of them must not use up one refresh token.
    pub(crate) fn sign_in_alone(&self, cause: Cause) {
        let Some(credentials) = &self.credentials else {
            return; // The application shows its login.
        };
        let mut shared = self.lock();
        let is_late = shared.latch.state() == State::Ready;
        // After a sign-out here only somebody who signs in ends it.
        if is_late || shared.signed_out || shared.signing_in || shared.lease.login {
            return;
        }
        let may = match cause {
            Cause::SignedOutElsewhere => return self.await_sibling(shared, cause),
            // In an earlier run.
            Cause::SignedOut | Cause::NotSignedIn | Cause::StoreCorrupt => true,
            // A refresh token from the command line was used up by the first login.
            _ => credentials.is_lasting(),
        };
        if !may {
            shared.given_up = Some(cause);
            self.changed.notify_all();
            return;
        }
        // A session of another process is newer than this, even if the latch finds it before we have the lock.
        let known = shared.latch.generation();
        let turn = shared.turn;
        shared.lease.login = true;
        shared.given_up = None;
        self.changed.notify_all();
        while shared.lease.held.is_none() && shared.turn == turn {
            if shared.lease.failed {
                shared.lease.failed = false;
                shared.lease.login = false;
                return self.lease_failed(shared);
            }
            shared = self.wait(shared);
        }
        if shared.turn != turn {
            // Who signs out while it waits does not want it any more, and who signs in does not need it.
            shared.lease.login = false;
            self.changed.notify_all();
            return;
        }
        let found = self.store.load().ok().flatten().unwrap_or_default();
        let is_newer = matches!(inspect(&found), StoreContent::Session(found) if found > known);
        if is_newer {
            let _ = shared.latch.handle(self.now(), Event::StoreChanged);
        } else {
            if !credentials.is_lasting() {
                shared.refreshes = shared.refreshes.saturating_add(1);
            }
            let failure = self.sign_in_now(shared, credentials).err();
            shared = self.lock();
            if let Some(failure) = failure.filter(|_| shared.turn == turn) {
                eprintln!("sign-in: {failure}");
                shared.given_up = Some(Cause::LoginFailed);
            }
        }
        // The driver gives the lock up, unless the latch wants it for the new session.
        shared.lease.login = false;
        self.changed.notify_all();
    }

    /// The latch asks for a login once: after one that failed, with the next request, again.
    fn lease_failed<'a>(&'a self, mut shared: MutexGuard<'a, Shared>) {
        shared.given_up = Some(Cause::LeaseUnavailable);
        let turn = shared.turn;
        drop(shared);
        self.changed.notify_all();
        thread::sleep(PAUSE);
        shared = self.lock();
        let is_over = shared.turn != turn || shared.latch.state() == State::Ready;
        if is_over || shared.signing_in || shared.lease.login {
            return;
        }
        if let Ok(Outcome::Login(ticket)) = shared.latch.handle(self.now(), Event::LoginStarted) {
            let failed = Event::TokenFailed {
                ticket,
                failure: TokenFailure::NotSent,
                retry_after: None,
            };
            let _ = shared.latch.handle(self.now(), failed);
        }
        self.changed.notify_all();
    }

    /// Another process found the session ended and signs in again, or its user signed out for good.
    fn await_sibling(&self, shared: MutexGuard<'_, Shared>, cause: Cause) {
        let turn = shared.turn;
        let is_closed =
            |shared: &mut Shared| shared.turn == turn && shared.latch.state() != State::Ready;
        let waited = self
            .changed
            .wait_timeout_while(shared, SIBLING_LIMIT, is_closed);
        let (mut shared, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            shared.given_up = Some(cause);
            self.changed.notify_all();
        }
    }

    /// Sends a token request, of a login or a renewal, and tells the latch what came of it.
    pub(crate) fn exchange(&self, ticket: Ticket, credentials: &Credentials) -> Result<(), Failed> {
        let mut answer = self.server.request_token(credentials.form());
        let retry_after = answer.as_ref().map_or(None, |answer| answer.retry_after);
        let grant = match &mut answer {
            Ok(answer) => answer.grant(),
            Err(failure) => Err(*failure),
        };
        let failure = match grant {
            Ok(grant) => match self.tell(Event::Granted { ticket, grant }) {
                Ok(Outcome::Orphaned) => {
                    // Its sign-in is over: nobody may use these tokens, so nobody should be able to.
                    let token = grant.refresh_token.unwrap_or(grant.access_token);
                    self.server.revoke(token);
                    return Ok(());
                }
                Err(Rejected::Grant(error)) => TokenFailure::Unusable(error),
                _ => return Ok(()),
            },
            Err(failure) => failure,
        };
        let _ = self.tell(Event::TokenFailed {
            ticket,
            failure,
            retry_after,
        });
        Err((failure, retry_after))
    }
}

/// Whether the same login may help a little later.
fn may_repeat(failure: TokenFailure, credentials: &Credentials) -> bool {
    match failure {
        // A refresh token may be used up by then.
        TokenFailure::Lost => credentials.is_lasting(),
        TokenFailure::NotSent
        | TokenFailure::RateLimited
        | TokenFailure::Unavailable
        | TokenFailure::Unrecognized => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use testserver::{Fault, Target, Times};
    use tokenlatch::{Cause, State};

    use super::PAUSE;
    use crate::Failure;
    use crate::host::{FetchError, Host, config};
    use crate::http::{AuthServer, Credentials};
    use crate::store::Store;
    use crate::world::{World, alice};

    /// A host that signs in by itself, whose requests do not wait for long.
    fn host(world: &World) -> Result<Host, Failure> {
        let server = AuthServer::new(world.server.token_endpoint(), "native-app".to_owned());
        let mut config = config();
        config.wait_limit_ms = 300;
        let store = Store::new(&world.file)?;
        Ok(Host::open(config, store, server, Some(alice()), None)?)
    }

    /// Whether a request ends for this reason.
    fn is_refused(host: &Host, world: &World, cause: Cause) -> bool {
        let answer = host.get(&world.url());
        matches!(answer, Err(FetchError::Refused(why)) if why == cause)
    }

    fn await_login(host: &Host) {
        let mut shared = host.inner().lock();
        while !shared.lease.login {
            shared = host.inner().wait(shared);
        }
    }

    // promises: P6
    #[test]
    fn a_sign_out_ends_a_login_that_waits_for_another_process() -> Result<(), Failure> {
        let world = World::new(None)?;
        let other = Store::new(&world.file)?.lock()?;
        let host = host(&world)?;
        await_login(&host);
        host.sign_out();
        drop(other);
        assert!(is_refused(&host, &world, Cause::SignedOut));
        host.close();
        assert_eq!(world.server.counters().token_requests, 0);
        Ok(())
    }

    #[test]
    fn one_login_waits_for_another_process_however_often_the_latch_asks() -> Result<(), Failure> {
        let world = World::new(None)?;
        let other = Store::new(&world.file)?.lock()?;
        let host = host(&world)?;
        await_login(&host);
        for _ in 0..2 {
            assert!(is_refused(&host, &world, Cause::WaitTimeout));
        }
        drop(other);
        world.await_server(|server| server.counters().logins, 0);
        host.close();
        assert_eq!(world.server.counters().token_requests, 1);
        Ok(())
    }

    fn bob() -> Credentials {
        Credentials::Password {
            username: "bob".to_owned(),
            password: "builder".to_owned(),
        }
    }

    /// Until the first login of the host has failed, and it pauses.
    fn await_pause(world: &World, host: &Host) {
        world.await_server(|server| server.counters().token_requests, 0);
        let mut shared = host.inner().lock();
        while shared.latch.state() != State::Unauthenticated {
            shared = host.inner().wait(shared);
        }
    }

    fn fail(world: &World, times: Times) {
        let fault = Fault::Unavailable { retry_after: None };
        world.server.fault(Target::Token, fault, times);
    }

    // promises: P6
    #[test]
    fn a_sign_out_in_the_pause_of_a_login_that_failed_stands() -> Result<(), Failure> {
        let world = World::new(None)?;
        fail(&world, Times::UntilCleared);
        let host = host(&world)?;
        await_pause(&world, &host);
        host.sign_out();
        world.server.clear_all_faults();
        for _ in 0..2 {
            assert!(is_refused(&host, &world, Cause::SignedOut));
            thread::sleep(2 * PAUSE);
        }
        host.close();
        assert_eq!(world.server.counters().token_requests, 1);
        Ok(())
    }

    // promises: P6
    #[test]
    fn a_sign_in_that_fails_ends_no_sign_out() -> Result<(), Failure> {
        let world = World::new(None)?;
        let host = host(&world)?;
        assert!(host.get(&world.url()).is_ok());
        host.sign_out();
        let nobody = Credentials::Password {
            username: "bob".to_owned(),
            password: "destroyer".to_owned(),
        };
        assert!(host.sign_in(&nobody).is_err());
        for _ in 0..2 {
            assert!(is_refused(&host, &world, Cause::SignedOut));
            thread::sleep(PAUSE);
        }
        host.close();
        assert_eq!(world.server.counters().logins, 1);
        Ok(())
    }

    // promises: P7
    #[test]
    fn a_sign_in_by_the_application_ends_the_hosts_own() -> Result<(), Failure> {
        let world = World::new(None)?;
        fail(&world, Times::Next(1));
        let host = host(&world)?;
        await_pause(&world, &host);
        host.sign_in(&bob())?;
        thread::sleep(2 * PAUSE);
        assert!(
            host.get(&world.url())
                .is_ok_and(|answer| answer.response.status() == 200)
        );
        host.close();
        let sessions = |user| world.server.alive_sessions_of(user);
        assert_eq!((sessions("alice"), sessions("bob")), (0, 1));
        Ok(())
    }

    #[test]
    fn a_login_whose_lock_failed_is_tried_again() -> Result<(), Failure> {
        let world = World::new(None)?;
        let obstacle = world.file.with_extension("lock");
        std::fs::create_dir(&obstacle)?;
        let host = host(&world)?;
        assert!(is_refused(&host, &world, Cause::LeaseUnavailable));
        std::fs::remove_dir(&obstacle)?;
        // Not at once.
        while host.get(&world.url()).is_err() {
            thread::sleep(PAUSE);
        }
        host.close();
        assert_eq!(world.server.counters().logins, 1);
        Ok(())
    }
}
