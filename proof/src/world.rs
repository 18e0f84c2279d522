//! Contexts with their hosts, one store, one lease, a network and a server, in simulated time.
//!
//! Everything that a host does takes time and can go wrong: a store fails, is torn, lies or is late; a request is lost
//! on the way there or back; an announcement is lost or comes twice; a context sleeps, is restarted, goes offline.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BinaryHeap;
use std::collections::VecDeque;

use tokenlatch::Access;
use tokenlatch::Cause;
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
use tokenlatch::Receipt;
use tokenlatch::State;
use tokenlatch::Ticket;
use tokenlatch::TokenFailure;
use tokenlatch::Waiter;
use tokenlatch::promises::Checked;

use crate::random::Random;
use crate::server::Server;
use crate::server::Tokens;

const TOKEN: usize = 64;
const WAITERS: usize = 8;
/// How long a renewal that is under way may take.
const PATIENCE: u64 = 30_000;
const EPOCH: u64 = 1_700_000_000_000;

/// What happens at some time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Happening {
    Wake,
    Loaded(u32, Fate),
    Stored(u32, Vec<u8>, Fate),
    LeaseAnswer(u32),
    /// The token request arrives at the server, with this refresh token.
    TokenRequest(u32, String),
    TokenAnswer(u32, TokenOutcome),
    LoginBegins,
    LoginAnswer(u32, u64),
    RevocationArrives(u32, String),
    RevocationAnswer(u32),
    Announced,
    Request(Want),
    ApiAnswer(u64, String),
    Freeze(u64),
    Thaw,
    Restart,
    Offline(u64),
    Online,
    Logout,
    ClockSet(i64),
}

/// Why a request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Want {
    /// The application goes on asking from time to time.
    New,
    /// One more, at once.
    Burst,
    /// The one with this number again.
    Again(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    Good,
    Fails,
    Torn,
    Lies,
    /// The host never answers.
    Silent,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TokenOutcome {
    Granted {
        access: String,
        refresh: String,
        subject: String,
    },
    InvalidGrant,
    Unavailable,
    RateLimited(u32),
    Unrecognized,
    NotSent,
    Lost,
}

impl From<Tokens> for TokenOutcome {
    fn from(tokens: Tokens) -> Self {
        Self::Granted {
            access: tokens.access,
            refresh: tokens.refresh,
            subject: tokens.subject,
        }
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Scheduled {
    at: u64,
    order: u64,
    context: usize,
    /// Of the context's life: what was begun before a restart comes to nobody after it.
    life: u32,
    what: Happening,
}

/// A context and its host.
struct Context {
    latch: Checked<TOKEN, WAITERS>,
    life: u32,
    /// Simulated time less the monotonic clock: grows with every sleep.
    slept: u64,
    frozen: bool,
    frozen_at: u64,
    offline: bool,
    /// What came while it was frozen.
    mail: Vec<Happening>,
    requests: u32,
    /// Since when each request waits, and of which sign-in's user it was asked.
    waiting: BTreeMap<u32, (u64, Option<String>)>,
    in_flight: BTreeMap<u64, Receipt>,
    writes_until: u64,
    wake: u64,
}

/// What is counted.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) admitted: u64,
    pub(crate) turned_away: u64,
    pub(crate) sent: u64,
    pub(crate) answered: u64,
    pub(crate) retried: u64,
    pub(crate) surfaced: u64,
    pub(crate) refused: BTreeMap<u16, u64>,
    pub(crate) token_requests: u64,
    pub(crate) lost_answers: u64,
    pub(crate) restarts: u64,
    pub(crate) sleeps: u64,
    pub(crate) logouts: u64,
    pub(crate) longest_wait: u64,
    pub(crate) steps: u64,
}

/// Everything.
pub(crate) struct World {
    config: Config,
    random: Random,
    now: u64,
    wall_offset: i64,
    order: u64,
    agenda: BinaryHeap<Reverse<Scheduled>>,
    contexts: Vec<Context>,
    cell: Vec<u8>,
    holder: Option<(usize, u32)>,
    queue: VecDeque<(usize, u32)>,
    pub(crate) server: Server,
    server_down_until: u64,
    /// No fault any more: the end of a run, in which everybody must get well.
    pub(crate) fair: bool,
    pub(crate) counts: Counts,
    pub(crate) hash: u64,
    trace: bool,
}

impl World {
    pub(crate) fn new(seed: u64, contexts: usize, trace: bool) -> Self {
        let mut config = Config::new();
        config.lease = LeaseMode::Host;
        config.confirmation = Confirmation::ReadBack;
        config.budget = 40;
        // A server without any grace: a refresh token whose fate is unknown is never sent again.
        config.reuse_grace_ms = 0;
        let mut world = Self {
            config,
            random: Random::new(seed),
            now: 0,
            wall_offset: 0,
            order: 0,
            agenda: BinaryHeap::new(),
            contexts: Vec::new(),
            cell: Vec::new(),
            holder: None,
            queue: VecDeque::new(),
            server: Server::default(),
            server_down_until: 0,
            fair: false,
            counts: Counts::default(),
            hash: 0xcbf2_9ce4_8422_2325,
            trace,
        };
        for index in 0..contexts {
            let latch = world.new_latch();
            world.contexts.push(Context {
                latch,
                life: 0,
                slept: 0,
                frozen: false,
                frozen_at: 0,
                offline: false,
                mail: Vec::new(),
                requests: 0,
                waiting: BTreeMap::new(),
                in_flight: BTreeMap::new(),
                writes_until: 0,
                wake: u64::MAX,
            });
            world.tell(index, Event::Opened);
            world.plan_life(index);
        }
        world
    }

    fn new_latch(&mut self) -> Checked<TOKEN, WAITERS> {
        let seed = self.random.next();
        match Checked::new(self.config, seed) {
            Ok(latch) => latch,
            Err(error) => panic!("{error}"),
        }
    }

    fn plan_life(&mut self, context: usize) {
        let soon = self.random.below(2_000);
        self.schedule(context, soon, Happening::Request(Want::New));
    }

    fn schedule(&mut self, context: usize, delay: u64, what: Happening) {
        self.order += 1;
        let life = self.contexts[context].life;
        let (at, order) = (self.now + delay, self.order);
        self.agenda.push(Reverse(Scheduled {
            at,
            order,
            context,
            life,
            what,
        }));
    }

    /// Runs until this time.
    pub(crate) fn run_until(&mut self, end: u64) {
        while let Some(Reverse(next)) = self.agenda.peek() {
            if next.at > end {
                break;
            }
            let Some(Reverse(next)) = self.agenda.pop() else {
                break;
            };
            self.now = self.now.max(next.at);
            let context = &mut self.contexts[next.context];
            if context.life != next.life {
                continue;
            }
            if context.frozen {
                match next.what {
                    Happening::Thaw => {}
                    // A frozen context's own timers do not run; the server's side of things goes on.
                    Happening::TokenRequest(..) | Happening::RevocationArrives(..) => {}
                    what => {
                        context.mail.push(what);
                        continue;
                    }
                }
            }
            self.happen(next.context, next.what);
        }
        self.now = self.now.max(end);
    }

    fn time(&self, context: usize) -> Now {
        let wall = (EPOCH + self.now).saturating_add_signed(self.wall_offset);
        Now::new(self.now.saturating_sub(self.contexts[context].slept), wall)
    }

    fn tell(&mut self, context: usize, event: Event<'_>) -> Option<Outcome> {
        self.counts.steps += 1;
        let time = self.time(context);
        let told = self.contexts[context].latch.handle(time, event);
        if self.trace {
            println!(
                "{:>12} {context} {event:?} -> {:?} {told:?}",
                self.now, self.contexts[context].latch
            );
        }
        let told = told.unwrap_or_else(|broken| {
            panic!("at {} ms, context {context}, {event:?}: {broken}", self.now)
        });
        let state = self.contexts[context].latch.latch().state();
        for byte in format!("{event:?}{state}{told:?}{}", self.now).bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.drain(context);
        told.ok()
    }

    fn drain(&mut self, context: usize) {
        loop {
            let effect = self.contexts[context]
                .latch
                .poll_effect()
                .unwrap_or_else(|broken| panic!("{broken}"));
            let Some(effect) = effect else { break };
            if self.trace {
                println!("{:>12} {context}     {effect:?}", self.now);
            }
            self.order_of(context, effect);
        }
        let next = self.contexts[context].latch.latch().poll_timeout();
        let next = next.map_or(u64::MAX, |at| {
            at.as_millis().saturating_add(self.contexts[context].slept)
        });
        if next < self.contexts[context].wake {
            self.contexts[context].wake = next;
            let delay = next.saturating_sub(self.now);
            self.schedule(context, delay, Happening::Wake);
        }
    }

    fn latency(&mut self) -> u64 {
        if self.random.chance(20) {
            self.random.between(200, 4_000)
        } else {
            self.random.between(5, 120)
        }
    }

    fn fault(&mut self, per_mille: u64) -> bool {
        let chance = self.random.chance(per_mille);
        chance && !self.fair
    }

    fn order_of(&mut self, context: usize, effect: Effect) {
        match effect {
            Effect::Load { ticket } => {
                let fate = if self.fault(8) {
                    Fate::Fails
                } else if self.fault(3) {
                    Fate::Silent
                } else {
                    Fate::Good
                };
                let delay = self.random.between(0, 10);
                self.schedule(context, delay, Happening::Loaded(ticket.as_u32(), fate));
            }
            Effect::Store { ticket } => self.store(context, ticket),
            Effect::AcquireLease { ticket } => {
                self.queue.push_back((context, ticket.as_u32()));
                self.grant_lease();
            }
            Effect::ReleaseLease { ticket } => {
                self.queue
                    .retain(|waiting| *waiting != (context, ticket.as_u32()));
                if self.holder == Some((context, ticket.as_u32())) {
                    self.holder = None;
                    self.grant_lease();
                }
            }
            Effect::SendTokenRequest { ticket, .. } => {
                self.counts.token_requests += 1;
                let token = self.contexts[context]
                    .latch
                    .latch()
                    .refresh_token(ticket)
                    .unwrap_or_default()
                    .to_owned();
                let ticket = ticket.as_u32();
                if self.contexts[context].offline || self.fault(10) {
                    self.schedule(
                        context,
                        50,
                        Happening::TokenAnswer(ticket, TokenOutcome::NotSent),
                    );
                } else {
                    let delay = self.latency();
                    self.schedule(context, delay, Happening::TokenRequest(ticket, token));
                }
            }
            Effect::Revoke { ticket } => {
                let token = self.contexts[context]
                    .latch
                    .latch()
                    .revocation(ticket)
                    .unwrap_or_default()
                    .to_owned();
                let delay = self.latency();
                self.schedule(
                    context,
                    delay,
                    Happening::RevocationArrives(ticket.as_u32(), token),
                );
            }
            Effect::Announce => {
                for other in 0..self.contexts.len() {
                    if other != context && !self.fault(100) {
                        let delay = self.random.between(0, 50);
                        self.schedule(other, delay, Happening::Announced);
                        if self.fault(50) {
                            self.schedule(other, delay + 500, Happening::Announced);
                        }
                    }
                }
            }
            Effect::RequireLogin { .. } => {
                let delay = self.random.between(500, 5_000);
                self.schedule(context, delay, Happening::LoginBegins);
            }
            Effect::Refuse { waiter, cause } => self.refused(context, waiter.as_u32(), cause),
            Effect::Release { waiter } => self.released(context, waiter),
            _ => {}
        }
    }

    fn store(&mut self, context: usize, ticket: Ticket) {
        let mut buffer = vec![0; Latch::<TOKEN, WAITERS>::RECORD_CAPACITY];
        let Ok(length) = self.contexts[context]
            .latch
            .latch()
            .record(ticket, &mut buffer)
        else {
            return;
        };
        buffer.truncate(length);
        let fate = match self.random.below(1_000) {
            0..6 => Fate::Fails,
            6..9 => Fate::Torn,
            9..11 => Fate::Silent,
            11..13 => Fate::Lies,
            _ => Fate::Good,
        };
        let fate = if self.fair { Fate::Good } else { fate };
        // A host carries its writes out in the order in which they were given.
        let delay = self.random.between(0, 20);
        let end = (self.now + delay).max(self.contexts[context].writes_until);
        self.contexts[context].writes_until = end;
        self.schedule(
            context,
            end - self.now,
            Happening::Stored(ticket.as_u32(), buffer, fate),
        );
    }

    fn grant_lease(&mut self) {
        if self.holder.is_some() {
            return;
        }
        if let Some((context, ticket)) = self.queue.pop_front() {
            self.holder = Some((context, ticket));
            self.schedule(context, 1, Happening::LeaseAnswer(ticket));
        }
    }

    fn refused(&mut self, context: usize, waiter: u32, cause: Cause) {
        *self.counts.refused.entry(cause.code()).or_default() += 1;
        self.ended_waiting(context, waiter);
    }

    fn ended_waiting(&mut self, context: usize, waiter: u32) -> Option<String> {
        let (since, user) = self.contexts[context].waiting.remove(&waiter)?;
        let waited = self
            .time(context)
            .monotonic
            .as_millis()
            .saturating_sub(since);
        self.counts.longest_wait = self.counts.longest_wait.max(waited);
        user
    }

    fn released(&mut self, context: usize, waiter: Waiter) {
        let time = self.time(context);
        let permit = self.contexts[context]
            .latch
            .permit(time, waiter)
            .unwrap_or_else(|broken| panic!("{broken}"));
        let (token, receipt) = match permit {
            Ok(permit) => (permit.token().to_owned(), permit.receipt()),
            Err(PermitError::Refused(cause)) => {
                return self.refused(context, waiter.as_u32(), cause);
            }
            Err(_) => return,
        };
        let asked = self.ended_waiting(context, waiter.as_u32());
        if let (Some(asked), Some(user)) = (asked, self.server.user(&token)) {
            assert_eq!(
                asked, user,
                "at {} ms a request leaves under another user",
                self.now
            );
        }
        self.counts.sent += 1;
        let id = self.order;
        self.contexts[context].in_flight.insert(id, receipt);
        if self.contexts[context].offline || self.fault(5) {
            // It never arrives; the application sees an error of the transport.
            self.contexts[context].in_flight.remove(&id);
            return;
        }
        let delay = self.latency();
        self.schedule(context, delay, Happening::ApiAnswer(id, token));
    }

    fn happen(&mut self, context: usize, what: Happening) {
        match what {
            Happening::Wake => {
                self.contexts[context].wake = u64::MAX;
                self.tell(context, Event::TimeoutReached);
            }
            Happening::Loaded(ticket, fate) => {
                let ticket = Ticket::from_u32(ticket);
                let cell = self.cell.clone();
                match fate {
                    Fate::Silent => {}
                    Fate::Good => {
                        self.tell(
                            context,
                            Event::Loaded {
                                ticket,
                                record: Some(&cell),
                            },
                        );
                    }
                    _ => {
                        self.tell(context, Event::LoadFailed { ticket });
                    }
                }
            }
            Happening::Stored(ticket, bytes, fate) => {
                self.write(context, Ticket::from_u32(ticket), bytes, fate)
            }
            Happening::LeaseAnswer(ticket) => {
                if self.holder == Some((context, ticket)) {
                    self.tell(
                        context,
                        Event::LeaseGranted {
                            ticket: Ticket::from_u32(ticket),
                        },
                    );
                }
            }
            Happening::TokenRequest(ticket, token) => self.token_request(context, ticket, &token),
            Happening::TokenAnswer(ticket, outcome) => self.token_answer(context, ticket, &outcome),
            Happening::LoginBegins => self.login(context),
            Happening::LoginAnswer(ticket, user) => self.login_answer(context, ticket, user),
            Happening::RevocationArrives(ticket, token) => {
                self.server.revoke(&token);
                self.schedule(context, 20, Happening::RevocationAnswer(ticket));
            }
            Happening::RevocationAnswer(ticket) => {
                self.tell(
                    context,
                    Event::Revoked {
                        ticket: Ticket::from_u32(ticket),
                    },
                );
            }
            Happening::Announced => {
                self.tell(context, Event::StoreChanged);
            }
            Happening::Request(want) => self.request(context, want),
            Happening::ApiAnswer(id, token) => self.api_answer(context, id, &token),
            Happening::Freeze(duration) => {
                self.counts.sleeps += 1;
                self.contexts[context].frozen = true;
                self.schedule(context, duration, Happening::Thaw);
                self.contexts[context].frozen_at = self.now;
            }
            Happening::Thaw => self.thaw(context),
            Happening::Restart => self.restart(context),
            Happening::Offline(duration) => {
                self.contexts[context].offline = true;
                self.tell(context, Event::WentOffline);
                self.schedule(context, duration, Happening::Online);
            }
            Happening::Online => {
                self.contexts[context].offline = false;
                self.tell(context, Event::WentOnline);
            }
            Happening::Logout => {
                self.counts.logouts += 1;
                self.tell(context, Event::LogoutRequested);
                assert_eq!(
                    self.contexts[context].latch.latch().state(),
                    State::Unauthenticated
                );
            }
            Happening::ClockSet(by) => self.wall_offset += by,
        }
    }

    fn write(&mut self, context: usize, ticket: Ticket, bytes: Vec<u8>, fate: Fate) {
        match fate {
            Fate::Silent => {}
            Fate::Fails => {
                self.tell(context, Event::StoreFailed { ticket });
            }
            Fate::Torn => {
                self.cell = bytes[..bytes.len() / 2].to_vec();
                self.tell(context, Event::StoreFailed { ticket });
            }
            Fate::Lies => {
                self.tell(context, Event::Stored { ticket });
            }
            Fate::Good => {
                self.cell = bytes;
                self.tell(context, Event::Stored { ticket });
            }
        }
    }

    fn token_request(&mut self, context: usize, ticket: u32, token: &str) {
        let back = self.latency();
        let outcome = if self.now < self.server_down_until {
            match self.random.below(3) {
                0 => TokenOutcome::RateLimited(10),
                1 => TokenOutcome::Unrecognized,
                _ => TokenOutcome::Unavailable,
            }
        } else {
            {
                let before = self.server.replayed;
                let answer = self.server.refresh(token, self.now);
                if self.trace && self.server.replayed > before {
                    println!("{:>12} {context} REPLAYED {token}", self.now);
                }
                answer
            }
            .map_or(TokenOutcome::InvalidGrant, TokenOutcome::from)
        };
        if self.fault(5) {
            // The host notices when its own time is up.
            self.counts.lost_answers += 1;
            self.schedule(
                context,
                20_000,
                Happening::TokenAnswer(ticket, TokenOutcome::Lost),
            );
        } else {
            self.schedule(context, back, Happening::TokenAnswer(ticket, outcome));
        }
    }

    fn token_answer(&mut self, context: usize, ticket: u32, outcome: &TokenOutcome) {
        let ticket = Ticket::from_u32(ticket);
        let (failure, retry_after) = match outcome {
            TokenOutcome::Granted {
                access,
                refresh,
                subject,
            } => {
                let mut grant = Grant::new(access);
                grant.refresh_token = Some(refresh);
                grant.subject = Some(subject);
                grant.expiry = Expiry::In(crate::server::LIFETIME);
                if self.tell(context, Event::Granted { ticket, grant }) == Some(Outcome::Orphaned) {
                    self.server.revoke(refresh);
                }
                return;
            }
            TokenOutcome::InvalidGrant => (TokenFailure::InvalidGrant, None),
            TokenOutcome::Unavailable => (TokenFailure::Unavailable, None),
            TokenOutcome::RateLimited(seconds) => (TokenFailure::RateLimited, Some(*seconds)),
            TokenOutcome::Unrecognized => (TokenFailure::Unrecognized, None),
            TokenOutcome::NotSent => (TokenFailure::NotSent, None),
            TokenOutcome::Lost => (TokenFailure::Lost, None),
        };
        self.tell(
            context,
            Event::TokenFailed {
                ticket,
                failure,
                retry_after,
            },
        );
    }

    fn login(&mut self, context: usize) {
        // Somebody may have signed in since the login was asked for.
        let latch = self.contexts[context].latch.latch();
        if !matches!(latch.state(), State::Unauthenticated | State::Expired) {
            return;
        }
        if let Some(Outcome::Login(ticket)) = self.tell(context, Event::LoginStarted) {
            let user = self.random.below(2);
            let delay = self.latency();
            self.schedule(
                context,
                delay,
                Happening::LoginAnswer(ticket.as_u32(), user),
            );
        }
    }

    fn login_answer(&mut self, context: usize, ticket: u32, user: u64) {
        if self.now < self.server_down_until || self.contexts[context].offline {
            self.token_answer(context, ticket, &TokenOutcome::Unavailable);
            self.schedule(context, 30_000, Happening::LoginBegins);
            return;
        }
        let tokens = self.server.sign_in(user, self.now);
        self.token_answer(context, ticket, &tokens.into());
    }

    fn request(&mut self, context: usize, want: Want) {
        let access = match want {
            Want::New => {
                let next = self.random.between(1_000, 120_000);
                self.schedule(context, next, Happening::Request(Want::New));
                Access::First
            }
            Want::Burst => Access::First,
            Want::Again(id) => match self.contexts[context].in_flight.remove(&id) {
                Some(receipt) => Access::Retry(receipt),
                None => return,
            },
        };
        self.tell(context, Event::TimeoutReached);
        let latch = self.contexts[context].latch.latch();
        let user = match latch.state() {
            State::Ready | State::Refreshing => latch.subject().map(str::to_owned),
            _ => None,
        };
        let host = &mut self.contexts[context];
        host.requests += 1;
        let id = host.requests;
        let since = self.time(context).monotonic.as_millis();
        self.contexts[context].waiting.insert(id, (since, user));
        match self.tell(
            context,
            Event::AccessRequested {
                waiter: Waiter::from_u32(id),
                access,
            },
        ) {
            Some(Outcome::Admitted) => self.counts.admitted += 1,
            _ => {
                self.contexts[context].waiting.remove(&id);
                self.counts.turned_away += 1;
            }
        }
    }

    fn api_answer(&mut self, context: usize, id: u64, token: &str) {
        let Some(receipt) = self.contexts[context].in_flight.get(&id).copied() else {
            return;
        };
        let status = if self.server.accepts(token, self.now) {
            200
        } else {
            401
        };
        let challenge = if status == 401 {
            ChallengeKind::InvalidToken
        } else {
            ChallengeKind::Absent
        };
        match self.tell(
            context,
            Event::Answered {
                receipt,
                status,
                challenge,
            },
        ) {
            Some(Outcome::Retry) => {
                self.counts.retried += 1;
                return self.request(context, Want::Again(id));
            }
            Some(Outcome::Deliver) => self.counts.answered += 1,
            _ => self.counts.surfaced += 1,
        }
        self.contexts[context].in_flight.remove(&id);
    }

    fn thaw(&mut self, context: usize) {
        if !self.contexts[context].frozen {
            return;
        }
        // The monotonic clock stood still.
        self.contexts[context].slept += self.now - self.contexts[context].frozen_at;
        self.contexts[context].frozen = false;
        self.contexts[context].wake = u64::MAX;
        let mail = std::mem::take(&mut self.contexts[context].mail);
        self.tell(context, Event::Resumed);
        for what in mail {
            self.happen(context, what);
        }
    }

    fn restart(&mut self, context: usize) {
        self.counts.restarts += 1;
        let latch = self.new_latch();
        let host = &mut self.contexts[context];
        host.life += 1;
        host.latch = latch;
        host.frozen = false;
        host.offline = false;
        host.mail.clear();
        host.waiting.clear();
        host.in_flight.clear();
        host.slept = 0;
        host.writes_until = 0;
        host.wake = u64::MAX;
        // The lease ends with its holder.
        self.queue.retain(|(waiting, _)| *waiting != context);
        if self.holder.is_some_and(|(holder, _)| holder == context) {
            self.holder = None;
        }
        self.grant_lease();
        self.tell(context, Event::Opened);
        self.plan_life(context);
    }

    /// Something out of the ordinary, somewhere.
    pub(crate) fn trouble(&mut self) {
        let contexts = u64::try_from(self.contexts.len()).unwrap_or(1);
        let context = usize::try_from(self.random.below(contexts)).unwrap_or(0);
        if self.contexts[context].frozen {
            return;
        }
        match self.random.below(100) {
            0..25 => {
                let duration = self.random.between(1_000, 1_200_000);
                self.happen(context, Happening::Freeze(duration));
            }
            25..45 => {
                let duration = self.random.between(1_000, 400_000);
                self.happen(context, Happening::Offline(duration));
            }
            45..60 => self.happen(context, Happening::Restart),
            60..68 => self.happen(context, Happening::Logout),
            68..80 => self.server_down_until = self.now + self.random.between(1_000, 120_000),
            80..85 => self.server.expire_newest(),
            85..87 => self.server.end_newest(),
            87..92 => {
                for _ in 0..12 {
                    self.happen(context, Happening::Request(Want::Burst));
                }
            }
            92..96 => {
                let by = i64::try_from(self.random.below(7_200_000)).unwrap_or(0) - 3_600_000;
                self.happen(context, Happening::ClockSet(by));
            }
            _ => {
                if let Some((holder, ticket)) = self.holder.take() {
                    self.tell(
                        holder,
                        Event::LeaseLost {
                            ticket: Ticket::from_u32(ticket),
                        },
                    );
                    self.grant_lease();
                }
            }
        }
    }

    /// What must be true when everything has been well for a while. A renewal may just be under way: it must end.
    pub(crate) fn all_is_well(&mut self) {
        for index in 0..self.contexts.len() {
            let patience = self.now + PATIENCE;
            while self.now < patience {
                let latch = self.contexts[index].latch.latch();
                if latch.state() == State::Ready && !latch.is_volatile() {
                    break;
                }
                self.run_until(self.now + 100);
            }
            let context = &self.contexts[index];
            let latch = context.latch.latch();
            assert_eq!(
                latch.state(),
                State::Ready,
                "context {index} does not get well: {:?}",
                latch.trouble()
            );
            assert!(!latch.is_volatile(), "context {index} stays volatile");
            let oldest = context.waiting.values().map(|(since, _)| *since).min();
            let now = self.time(index).monotonic.as_millis();
            let limit = u64::from(self.config.wait_limit_ms);
            assert!(
                oldest.is_none_or(|since| now - since <= limit),
                "a request of context {index} waits for ever"
            );
        }
    }

    /// No more faults from here on.
    pub(crate) fn be_fair(&mut self) {
        self.fair = true;
        self.server_down_until = 0;
        for context in 0..self.contexts.len() {
            if self.contexts[context].frozen {
                self.thaw(context);
            }
            self.happen(context, Happening::Online);
        }
    }

    /// Back to faults, for the next stretch.
    pub(crate) const fn be_unfair(&mut self) {
        self.fair = false;
    }

    pub(crate) const fn now(&self) -> u64 {
        self.now
    }

    pub(crate) const fn random(&mut self) -> &mut Random {
        &mut self.random
    }
}
