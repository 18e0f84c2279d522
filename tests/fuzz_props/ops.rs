//! Operation lists against the promises and a reference model: two contexts, one store, one lease, and an
//! authorization server that rotates refresh tokens and ends the family on reuse.
//!
//! The model knows nothing of the latch's insides: it knows which tokens the server gave to whom, until when, and
//! who asked to sign out; from that follows what may leave and what may not.

use tokenlatch::Access;
use tokenlatch::ChallengeKind;
use tokenlatch::Config;
use tokenlatch::Confirmation;
use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::Latch;
use tokenlatch::LeaseMode;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::PermitError;
use tokenlatch::ProbeResult;
use tokenlatch::Receipt;
use tokenlatch::Rejected;
use tokenlatch::State;
use tokenlatch::Ticket;
use tokenlatch::TokenFailure;
use tokenlatch::Waiter;
use tokenlatch::Waiting;
use tokenlatch::promises::Checked;

pub(crate) const TOKEN: usize = 64;
pub(crate) const WAITERS: usize = 3;
const LIFETIME: u64 = 60_000;
const EPOCH: u64 = 1_700_000_000_000;
const USERS: [&str; 2] = ["anna", "ben"];

pub(crate) type Context = Checked<TOKEN, WAITERS>;

/// The authorization server.
#[derive(Default)]
struct Server {
    /// One for each sign-in: the serial of the newest refresh token, whose it is, and whether it is revoked.
    families: Vec<Family>,
    /// Refresh tokens that were used a second time.
    replayed: usize,
}

struct Family {
    user: usize,
    serial: usize,
    revoked: bool,
    /// End of the newest access token, in real time.
    expires: u64,
}

impl Server {
    fn sign_in(&mut self, user: usize, now: u64) -> (String, String) {
        self.families.push(Family {
            user,
            serial: 0,
            revoked: false,
            expires: now + LIFETIME,
        });
        Self::tokens(self.families.len() - 1, 0)
    }

    fn tokens(family: usize, serial: usize) -> (String, String) {
        (
            format!("a.{family}.{serial}"),
            format!("r.{family}.{serial}"),
        )
    }

    /// Family and serial of a token's name.
    fn parse(token: &str) -> (usize, usize) {
        let mut parts = token
            .split('.')
            .skip(1)
            .map(|part| part.parse().expect("one of our tokens"));
        (
            parts.next().expect("a family"),
            parts.next().expect("a serial"),
        )
    }

    fn refresh(&mut self, token: &str, now: u64) -> Option<(String, String)> {
        let (index, serial) = Self::parse(token);
        let family = &mut self.families[index];
        if serial != family.serial {
            self.replayed += 1;
            family.revoked = true;
        }
        if family.revoked {
            return None;
        }
        family.serial += 1;
        family.expires = now + LIFETIME;
        Some(Self::tokens(index, family.serial))
    }
}

/// A request that waits or is under way, as the model knows it.
struct Request {
    id: u32,
    /// The family it was admitted under, if a session was there.
    family: Option<usize>,
    receipt: Option<Receipt>,
}

/// One context, and its host's side of every order.
struct Host {
    latch: Context,
    load: Option<Ticket>,
    store: Option<Ticket>,
    lease: Option<Ticket>,
    exchange: Option<(Ticket, String)>,
    probe: Option<Ticket>,
    revoke: Option<Ticket>,
    login: Option<Ticket>,
    released: Vec<u32>,
    requests: Vec<Request>,
    /// Families that this context signed out of.
    ended: Vec<usize>,
}

/// Sees every call of every context, when it has returned.
pub(crate) trait Watch {
    fn started(&mut self, _who: usize, _latch: &Context) {}
    fn told(
        &mut self,
        _who: usize,
        _latch: &Context,
        _call: (Now, &Event<'_>),
        _outcome: Result<Outcome, Rejected>,
    ) {
    }
    fn given(&mut self, _who: usize, _latch: &Context, _effect: Effect) {}
    fn claimed(
        &mut self,
        _who: usize,
        _latch: &Context,
        _call: (Now, Waiter),
        _receipt: Result<Receipt, PermitError>,
    ) {
    }
}

impl Watch for () {}

/// Everything.
pub(crate) struct World<'w> {
    watch: &'w mut dyn Watch,
    config: Config,
    server: Server,
    cell: Vec<u8>,
    holder: Option<(usize, Ticket)>,
    hosts: Vec<Host>,
    monotonic: u64,
    wall: u64,
    requests: u32,
    seeds: u64,
    /// Something happened after which a refresh token may be used twice: a lost answer, a crash, a store that
    /// failed or lied, a lease that was taken away.
    faults: bool,
    /// Prints the transcript, for a list that fails: set `TRANSCRIPT`.
    verbose: bool,
    /// Requests that left.
    sent: usize,
}

/// The bytes of the input, one after the other, then zeros.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn next(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn pick(&mut self, from: usize) -> usize {
        usize::from(self.next()) % from.max(1)
    }
}

/// The property: no promise is broken, and nothing leaves that the model forbids.
pub(crate) fn check(data: &[u8], watch: &mut dyn Watch) -> usize {
    let mut input = Input(data);
    let mut world = World::new(&mut input, watch);
    while !input.0.is_empty() {
        world.step(&mut input);
    }
    if !world.faults && world.config.lease == LeaseMode::Host {
        assert_eq!(
            world.server.replayed, 0,
            "a refresh token was used twice without any fault"
        );
    }
    world.sent
}

impl<'w> World<'w> {
    fn new(input: &mut Input<'_>, watch: &'w mut dyn Watch) -> Self {
        let mut config = Config::new();
        let flags = input.next();
        config.confirmation = match flags & 3 {
            0 => Confirmation::Memory,
            1 => Confirmation::Stored,
            2 => Confirmation::ReadBack,
            _ => Confirmation::Probed,
        };
        config.lease = if flags & 4 == 0 {
            LeaseMode::Host
        } else {
            LeaseMode::None
        };
        config.serve_while_refreshing = flags & 8 != 0;
        config.when_signed_out = if flags & 16 == 0 {
            Waiting::Hold
        } else {
            Waiting::Refuse
        };
        config.when_unavailable = if flags & 32 == 0 {
            Waiting::Hold
        } else {
            Waiting::Refuse
        };
        config.reuse_grace_ms = if flags & 64 == 0 { 0 } else { 10_000 };
        let mut world = Self {
            watch,
            config,
            server: Server::default(),
            cell: Vec::new(),
            holder: None,
            hosts: Vec::new(),
            monotonic: 1_000,
            wall: EPOCH,
            requests: 0,
            seeds: 1,
            faults: config.lease == LeaseMode::None,
            verbose: std::env::var_os("TRANSCRIPT").is_some(),
            sent: 0,
        };
        world.hosts = vec![world.start(0), world.start(1)];
        world
    }

    fn start(&mut self, who: usize) -> Host {
        self.seeds += 1;
        let latch = Checked::new(self.config, self.seeds).expect("a config that works");
        self.watch.started(who, &latch);
        Host {
            latch,
            load: None,
            store: None,
            lease: None,
            exchange: None,
            probe: None,
            revoke: None,
            login: None,
            released: Vec::new(),
            requests: Vec::new(),
            ended: Vec::new(),
        }
    }

    fn now(&self) -> Now {
        Now::new(self.monotonic, self.wall)
    }

    fn pass(&mut self, millis: u64) {
        self.monotonic += millis;
        self.wall += millis;
    }

    fn tell(&mut self, who: usize, event: Event<'_>) -> Option<Outcome> {
        let now = self.now();
        let before = self.hosts[who].latch.latch().state();
        let told = self.hosts[who].latch.handle(now, event);
        if self.verbose {
            let after = self.hosts[who].latch.latch();
            println!(
                "{who} {} {event:?}: {before} -> {} {:?} {told:?}",
                self.monotonic,
                after.state(),
                after.generation()
            );
        }
        let told = told.unwrap_or_else(|broken| panic!("{broken}"));
        let latch = &self.hosts[who].latch;
        self.watch.told(who, latch, (now, &event), told);
        self.drain(who);
        told.ok()
    }

    fn drain(&mut self, who: usize) {
        let host = &mut self.hosts[who];
        while let Some(effect) = host
            .latch
            .poll_effect()
            .unwrap_or_else(|broken| panic!("{broken}"))
        {
            self.watch.given(who, &host.latch, effect);
            if self.verbose {
                println!("        {effect:?}");
            }
            match effect {
                Effect::Load { ticket } => host.load = Some(ticket),
                Effect::Store { ticket } => host.store = Some(ticket),
                Effect::AcquireLease { ticket } => host.lease = Some(ticket),
                Effect::ReleaseLease { ticket } => {
                    if self.holder == Some((who, ticket)) {
                        self.holder = None;
                    }
                    if host.lease == Some(ticket) {
                        host.lease = None;
                    }
                }
                Effect::SendTokenRequest { ticket, .. } => {
                    let token = host
                        .latch
                        .latch()
                        .refresh_token(ticket)
                        .expect("the order is under way");
                    host.exchange = Some((ticket, token.to_owned()));
                }
                Effect::Probe { ticket } => {
                    assert!(host.latch.latch().probe_permit(ticket).is_ok());
                    host.probe = Some(ticket);
                }
                Effect::Revoke { ticket } => host.revoke = Some(ticket),
                Effect::Release { waiter } => host.released.push(waiter.as_u32()),
                Effect::Refuse { waiter, .. } => {
                    host.released.retain(|id| *id != waiter.as_u32());
                    host.requests
                        .retain(|request| request.id != waiter.as_u32());
                }
                _ => {}
            }
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let choice = input.next();
        let who = usize::from(choice >> 7);
        match choice & 0x3f {
            0 => self.pass(1 + u64::from(input.next())),
            1 => self.pass(1_000 * (1 + u64::from(input.next()))),
            2 | 3 => self.timeout(who),
            4 | 5 => self.request(who, None),
            6 | 7 => self.claim(who, input.next()),
            8 => self.answer(who, 200, ChallengeKind::Absent, input.next()),
            9 => self.answer(who, 401, ChallengeKind::InvalidToken, input.next()),
            10 => self.answer_oddly(who, input),
            11 => self.cancel(who, input.next()),
            12 | 13 => self.load(who, input.next()),
            14 | 15 => self.store(who, input.next()),
            16 | 17 => self.lease(who, input.next()),
            18 | 19 => self.exchange(who, input.next()),
            20 => self.login(who, input.next()),
            21 => self.logout(who),
            22 => self.lifecycle(who, input.next()),
            23 => self.probe(who, input.next()),
            24 => self.revoke(who, input.next()),
            25 => self.stale(who, input),
            26 => self.clock(input.next()),
            27 => self.crash(who),
            28 => self.corrupt(input),
            29 => {
                self.tell(who, Event::RefreshRequested);
            }
            30..48 => self.be_good(who),
            _ => {
                self.request(who, None);
                self.claim(who, input.next());
            }
        }
    }

    fn timeout(&mut self, who: usize) {
        if let Some(at) = self.hosts[who].latch.latch().poll_timeout() {
            self.pass(at.as_millis().saturating_sub(self.monotonic));
        }
        self.tell(who, Event::TimeoutReached);
    }

    /// The family of the session, from the subject that came with it.
    fn signed_in_as(&self, who: usize) -> Option<usize> {
        let subject = self.hosts[who].latch.latch().subject()?;
        subject.split_once('.')?.1.parse().ok()
    }

    /// The family under which a request is admitted; `None` while that is open.
    fn family_of(&self, who: usize) -> Option<usize> {
        match self.hosts[who].latch.latch().state() {
            State::Ready | State::Refreshing => self.signed_in_as(who),
            _ => None,
        }
    }

    fn request(&mut self, who: usize, retry: Option<Receipt>) {
        self.requests += 1;
        let id = self.requests;
        let access = retry.map_or(Access::First, Access::Retry);
        // What time changed comes before what is asked now.
        self.tell(who, Event::TimeoutReached);
        let family = self.family_of(who);
        let host = &mut self.hosts[who];
        // Known before the effects are drained: the refusal may come at once.
        host.requests.push(Request {
            id,
            family,
            receipt: None,
        });
        let outcome = self.tell(
            who,
            Event::AccessRequested {
                waiter: Waiter::from_u32(id),
                access,
            },
        );
        if outcome != Some(Outcome::Admitted) {
            self.hosts[who].requests.retain(|request| request.id != id);
        }
    }

    fn claim(&mut self, who: usize, pick: u8) {
        let now = self.now();
        let host = &mut self.hosts[who];
        if host.released.is_empty() {
            return;
        }
        let id = host
            .released
            .remove(usize::from(pick) % host.released.len());
        let waiter = Waiter::from_u32(id);
        let permit = host
            .latch
            .permit(now, waiter)
            .unwrap_or_else(|broken| panic!("{broken}"))
            .map(|permit| (permit.token().to_owned(), permit.receipt()));
        let receipt = permit.as_ref().map(|(_, receipt)| *receipt);
        let receipt = receipt.map_err(|error| *error);
        self.watch.claimed(who, &host.latch, (now, waiter), receipt);
        match permit {
            Ok((token, receipt)) => self.left(who, id, &token, receipt),
            Err(PermitError::NotReady) => {}
            Err(_) => host.requests.retain(|request| request.id != id),
        }
        self.drain(who);
    }

    /// What the model says of a token that leaves.
    fn left(&mut self, who: usize, id: u32, token: &str, receipt: Receipt) {
        self.sent += 1;
        let (family, serial) = Server::parse(token);
        let host = &mut self.hosts[who];
        assert!(
            !host.ended.contains(&family),
            "a token leaves after its sign-out"
        );
        let request = host
            .requests
            .iter_mut()
            .find(|request| request.id == id)
            .expect("a request that waits");
        if let Some(admitted) = request.family {
            assert_eq!(
                admitted, family,
                "a request leaves with the token of another sign-in"
            );
        }
        request.receipt = Some(receipt);
        let subject = host.latch.latch().subject().expect("somebody is signed in");
        let user = self.server.families[family].user;
        assert_eq!(
            subject,
            format!("{}.{family}", USERS[user]),
            "a token leaves under another name"
        );
        if serial == self.server.families[family].serial {
            // What counts is real time; the latch may notice sleep only beyond its tolerance.
            let tolerance = u64::from(self.config.clock_tolerance_ms);
            assert!(
                self.wall < self.server.families[family].expires + tolerance,
                "an expired token leaves"
            );
        }
    }

    fn answer(&mut self, who: usize, status: u16, challenge: ChallengeKind, pick: u8) {
        let host = &mut self.hosts[who];
        let answered: Vec<usize> = (0..host.requests.len())
            .filter(|index| host.requests[*index].receipt.is_some())
            .collect();
        if answered.is_empty() {
            return;
        }
        let request = host
            .requests
            .remove(answered[usize::from(pick) % answered.len()]);
        let receipt = request.receipt.expect("one that was sent");
        if self.tell(
            who,
            Event::Answered {
                receipt,
                status,
                challenge,
            },
        ) == Some(Outcome::Retry)
        {
            self.request(who, Some(receipt));
        }
    }

    fn answer_oddly(&mut self, who: usize, input: &mut Input<'_>) {
        let challenges = [
            ChallengeKind::Absent,
            ChallengeKind::OtherScheme,
            ChallengeKind::NoError,
            ChallengeKind::InvalidRequest,
            ChallengeKind::InsufficientScope,
            ChallengeKind::InsufficientUserAuthentication,
            ChallengeKind::UseDpopNonce,
            ChallengeKind::OtherError,
        ];
        let challenge = challenges[input.pick(challenges.len())];
        let status = [401, 403, 400, 500][input.pick(4)];
        self.answer(who, status, challenge, input.next());
    }

    fn cancel(&mut self, who: usize, pick: u8) {
        let host = &mut self.hosts[who];
        let waiting: Vec<u32> = host
            .requests
            .iter()
            .filter(|request| request.receipt.is_none())
            .map(|request| request.id)
            .collect();
        if waiting.is_empty() {
            return;
        }
        let id = waiting[usize::from(pick) % waiting.len()];
        host.requests.retain(|request| request.id != id);
        host.released.retain(|released| *released != id);
        self.tell(
            who,
            Event::WaiterCancelled {
                waiter: Waiter::from_u32(id),
            },
        );
    }

    fn load(&mut self, who: usize, how: u8) {
        let Some(ticket) = self.hosts[who].load.take() else {
            return;
        };
        if how > 0xe0 {
            self.faults = true;
            self.tell(who, Event::LoadFailed { ticket });
            return;
        }
        let cell = self.cell.clone();
        self.tell(
            who,
            Event::Loaded {
                ticket,
                record: Some(&cell),
            },
        );
    }

    fn store(&mut self, who: usize, how: u8) {
        let Some(ticket) = self.hosts[who].store.take() else {
            return;
        };
        let mut buffer = [0; Latch::<TOKEN, WAITERS>::RECORD_CAPACITY];
        let Ok(length) = self.hosts[who].latch.latch().record(ticket, &mut buffer) else {
            // Superseded while it was on its way.
            assert_eq!(
                self.tell(who, Event::Stored { ticket }),
                Some(Outcome::Stale)
            );
            return;
        };
        self.faults |= how > 0xc0;
        match how {
            // It fails, whole or torn.
            0xf0.. => {
                self.tell(who, Event::StoreFailed { ticket });
            }
            0xe0..0xf0 => {
                self.cell = buffer[..length / 2].to_vec();
                self.tell(who, Event::StoreFailed { ticket });
            }
            // It lies.
            0xc1..0xe0 => {
                self.tell(who, Event::Stored { ticket });
            }
            _ => {
                self.cell = buffer[..length].to_vec();
                self.tell(who, Event::Stored { ticket });
            }
        }
    }

    fn lease(&mut self, who: usize, how: u8) {
        if how > 0xf0 {
            if let Some((holder, ticket)) = self.holder.take() {
                self.faults = true;
                self.tell(holder, Event::LeaseLost { ticket });
            }
            return;
        }
        let Some(ticket) = self.hosts[who].lease else {
            return;
        };
        if how > 0xe0 {
            self.hosts[who].lease = None;
            self.tell(who, Event::LeaseDenied { ticket });
            return;
        }
        if self.holder.is_some() {
            return;
        }
        self.hosts[who].lease = None;
        self.holder = Some((who, ticket));
        if self.tell(who, Event::LeaseGranted { ticket }) == Some(Outcome::Stale) {
            self.holder = None;
        }
    }

    fn exchange(&mut self, who: usize, how: u8) {
        let Some((ticket, token)) = self.hosts[who].exchange.take() else {
            return;
        };
        let failure = match how {
            0xf0.. => TokenFailure::NotSent,
            0xe8..0xf0 => TokenFailure::RateLimited,
            0xe0..0xe8 => TokenFailure::Unavailable,
            0xd8..0xe0 => TokenFailure::Unrecognized,
            0xd4..0xd8 => TokenFailure::Misconfigured,
            0xd0..0xd4 => TokenFailure::InteractionRequired,
            0xc0..0xd0 => {
                // It arrived, and the answer did not.
                self.faults = true;
                self.server.refresh(&token, self.wall);
                TokenFailure::Lost
            }
            _ => return self.exchange_answered(who, ticket, &token),
        };
        let retry_after = if how & 1 == 1 {
            Some(u32::from(how))
        } else {
            None
        };
        self.tell(
            who,
            Event::TokenFailed {
                ticket,
                failure,
                retry_after,
            },
        );
    }

    fn exchange_answered(&mut self, who: usize, ticket: Ticket, token: &str) {
        // An answer to an order that ran into its deadline is as good as lost.
        self.faults |= self.hosts[who]
            .latch
            .latch()
            .refresh_token(ticket)
            .is_none();
        match self.server.refresh(token, self.wall) {
            None => {
                let failure = TokenFailure::InvalidGrant;
                self.tell(
                    who,
                    Event::TokenFailed {
                        ticket,
                        failure,
                        retry_after: None,
                    },
                );
            }
            Some((access, refresh)) => {
                let mut grant = Grant::new(&access);
                grant.refresh_token = Some(&refresh);
                grant.expiry = Expiry::In(LIFETIME);
                self.tell(who, Event::Granted { ticket, grant });
            }
        }
    }

    fn login(&mut self, who: usize, how: u8) {
        let Some(ticket) = self.hosts[who].login.take() else {
            if let Some(Outcome::Login(ticket)) = self.tell(who, Event::LoginStarted) {
                self.faults |= self.hosts[who].exchange.is_some();
                self.hosts[who].login = Some(ticket);
            }
            return;
        };
        if how > 0xd0 {
            let failure = TokenFailure::InvalidGrant;
            self.tell(
                who,
                Event::TokenFailed {
                    ticket,
                    failure,
                    retry_after: None,
                },
            );
            return;
        }
        let user = usize::from(how & 1);
        let (access, refresh) = self.server.sign_in(user, self.wall);
        let subject = format!("{}.{}", USERS[user], self.server.families.len() - 1);
        let mut grant = Grant::new(&access);
        grant.refresh_token = Some(&refresh);
        grant.expiry = Expiry::In(LIFETIME);
        grant.subject = Some(&subject);
        if self.tell(who, Event::Granted { ticket, grant }) != Some(Outcome::Done) {
            // Nobody's: the host revokes it.
            self.server
                .families
                .last_mut()
                .expect("just signed in")
                .revoked = true;
        }
    }

    fn logout(&mut self, who: usize) {
        let family = self.signed_in_as(who);
        if self.tell(who, Event::LogoutRequested).is_none() {
            return;
        }
        let host = &mut self.hosts[who];
        assert_eq!(host.latch.latch().state(), State::Unauthenticated);
        assert!(
            host.requests
                .iter()
                .all(|request| request.receipt.is_some()),
            "a request still waits"
        );
        host.ended.extend(family);
        host.login = None;
    }

    fn lifecycle(&mut self, who: usize, how: u8) {
        let event = match how % 5 {
            0 => Event::Resumed,
            1 => Event::StoreChanged,
            2 => Event::WentOffline,
            3 => Event::WentOnline,
            _ => Event::Opened,
        };
        self.tell(who, event);
    }

    fn probe(&mut self, who: usize, how: u8) {
        let Some(ticket) = self.hosts[who].probe.take() else {
            return;
        };
        let result = match how {
            0xf0.. => ProbeResult::Refused,
            0xe0..0xf0 => ProbeResult::Unreachable,
            _ => ProbeResult::Accepted,
        };
        self.tell(who, Event::Probed { ticket, result });
    }

    fn revoke(&mut self, who: usize, how: u8) {
        let Some(ticket) = self.hosts[who].revoke.take() else {
            return;
        };
        if how > 0xe0 {
            self.tell(who, Event::RevokeFailed { ticket });
            return;
        }
        if let Some(token) = self.hosts[who].latch.latch().revocation(ticket) {
            let (family, _) = Server::parse(token);
            self.server.families[family].revoked = true;
        }
        self.tell(who, Event::Revoked { ticket });
    }

    /// Answers that nobody asked for.
    fn stale(&mut self, who: usize, input: &mut Input<'_>) {
        let ticket = Ticket::from_u32(0x4000_0000 | u32::from(input.next()));
        let event = match input.pick(6) {
            0 => Event::Granted {
                ticket,
                grant: Grant::new("a.0.0"),
            },
            1 => Event::Loaded {
                ticket,
                record: Some(b"TL"),
            },
            2 => Event::Stored { ticket },
            3 => Event::LeaseGranted { ticket },
            4 => Event::Probed {
                ticket,
                result: ProbeResult::Accepted,
            },
            _ => Event::Revoked { ticket },
        };
        assert_eq!(self.tell(who, event), Some(Outcome::Stale));
    }

    /// Sleep, and a wall clock that is set.
    fn clock(&mut self, how: u8) {
        match how {
            // Sleep: real time passes, the monotonic clock stands.
            0..0xc0 => self.wall += 1_000 * u64::from(how),
            // From here on the wall clock tells nothing of lifetimes any more.
            _ => {
                for family in &mut self.server.families {
                    family.expires = u64::MAX / 2;
                }
                self.wall -= 10_000;
            }
        }
    }

    fn crash(&mut self, who: usize) {
        self.faults = true;
        let fresh = self.start(who);
        if let Some((holder, _)) = self.holder {
            if holder == who {
                self.holder = None;
            }
        }
        self.hosts[who] = fresh;
        self.tell(who, Event::Opened);
    }

    fn corrupt(&mut self, input: &mut Input<'_>) {
        self.faults = true;
        let at = input.pick(self.cell.len());
        let change = input.next();
        if let Some(byte) = self.cell.get_mut(at) {
            *byte ^= change;
        }
    }

    /// Everything that is asked for is carried out, so that long lists get somewhere.
    fn be_good(&mut self, who: usize) {
        for _ in 0..4 {
            self.tell(who, Event::Opened);
            self.lease(who, 0);
            self.load(who, 0);
            self.store(who, 0);
            self.exchange(who, 0);
            self.probe(who, 0);
        }
        let latch = self.hosts[who].latch.latch();
        if let State::Unauthenticated | State::Expired = latch.state() {
            self.login(who, 0);
            self.login(who, 0);
        }
    }
}
