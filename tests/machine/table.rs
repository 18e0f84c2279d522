//! The table of all states and events, and the diagram of the five states, as the machine itself has them.
//!
//! Each situation that can be reached is built anew and told each event once. `UPDATE=1` writes the outcome to
//! `docs/transitions.md` and the diagram into the READMEs; without it they are compared.

use core::fmt::Write;
use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use tokenlatch::Access;
use tokenlatch::ChallengeKind;
use tokenlatch::Config;
use tokenlatch::Confirmation;
use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::GrantError;
use tokenlatch::LeaseMode;
use tokenlatch::Outcome;
use tokenlatch::ProbeResult;
use tokenlatch::Receipt;
use tokenlatch::Rejected;
use tokenlatch::State;
use tokenlatch::Ticket;
use tokenlatch::TokenFailure;
use tokenlatch::Waiter;

use crate::support::Host;
use crate::support::grant;
use crate::support::line;

/// A latch in some situation, and what its host knows.
struct World {
    host: Host,
    /// What the store holds.
    cell: Vec<u8>,
    login: Option<Ticket>,
    /// Of a request under way.
    receipt: Option<Receipt>,
}

type Told = Option<Result<Outcome, Rejected>>;

/// A state, what happens inside it, and how to get there.
type Situation = (State, &'static str, fn() -> World);

const SITUATIONS: &[Situation] = &[
    (State::Unauthenticated, "not opened yet", unopened),
    (State::Unauthenticated, "nobody signed in", nobody),
    (
        State::Unauthenticated,
        "signed out, the tombstone and the revocation still under way",
        signing_out,
    ),
    (State::Pending, "restoring", restoring),
    (
        State::Pending,
        "restoring what has expired since",
        restoring_expired,
    ),
    (
        State::Pending,
        "restoring what has expired since, without a refresh token",
        restoring_ended,
    ),
    (State::Pending, "looking again", looking),
    (State::Pending, "logging in", logging_in),
    (
        State::Pending,
        "logging in while somebody is signed in",
        logging_in_again,
    ),
    (
        State::Pending,
        "saving a login, looking first",
        saving_login_look,
    ),
    (State::Pending, "saving a login, storing", saving_login),
    (
        State::Pending,
        "saving a login, reading back",
        reading_login_back,
    ),
    (State::Pending, "probing", probing_login),
    (State::Ready, "at rest", ready),
    (State::Ready, "the store could not be written", volatile),
    (
        State::Ready,
        "without a refresh token",
        without_refresh_token,
    ),
    (State::Refreshing, "waiting for the lease", leasing),
    (State::Refreshing, "reading the store again", rereading),
    (State::Refreshing, "marking the record", marking),
    (
        State::Refreshing,
        "exchanging, the old token valid",
        exchanging,
    ),
    (
        State::Refreshing,
        "exchanging, serving the old token",
        serving,
    ),
    (
        State::Refreshing,
        "exchanging, the old token refused",
        exchanging_after_401,
    ),
    (
        State::Refreshing,
        "looking once more after `invalid_grant`, the old token valid",
        rechecking,
    ),
    (
        State::Refreshing,
        "looking once more after `invalid_grant`, the old token refused",
        rechecking_after_401,
    ),
    (
        State::Refreshing,
        "saving, looking first",
        saving_renewal_look,
    ),
    (State::Refreshing, "saving, storing", saving_renewal),
    (
        State::Refreshing,
        "saving, reading back",
        reading_renewal_back,
    ),
    (State::Refreshing, "probing", probing_renewal),
    (State::Expired, "a retry is scheduled", retrying),
    (State::Expired, "offline", offline),
    (State::Expired, "a login is required", login_required),
];

/// Requests wait longer than anything else here takes.
fn config() -> Config {
    let mut config = Config::new();
    config.wait_limit_ms = 1_000_000_000;
    config
}

fn with(confirmation: Confirmation) -> Config {
    let mut config = config();
    config.confirmation = confirmation;
    config
}

impl World {
    fn new(config: Config) -> Self {
        Self {
            host: Host::new(config),
            cell: Vec::new(),
            login: None,
            receipt: None,
        }
    }

    /// Signed in a while ago: a request was accepted, one is under way, and one is released.
    fn ready(config: Config) -> Self {
        let mut world = Self::new(config);
        world.cell = world.host.sign_in(grant("a1", Some("r1"), 3_600));
        world.use_it();
        world
    }

    /// Another start, later.
    fn restoring(before: Self, now: u64) -> Self {
        let mut world = Self::new(config());
        world.cell = before.cell;
        world.host.now = now;
        world.host.request(3);
        world.host.tell(Event::Opened);
        world
    }

    fn use_it(&mut self) {
        self.host.now += 10_000;
        let (_, accepted) = self.host.request_and_send(1);
        self.host.answer(accepted, 200);
        self.receipt = Some(self.host.request_and_send(2).1);
        self.host.request(3);
    }

    /// An empty store, and a login under way.
    fn logging_in(config: Config) -> Self {
        let mut world = Self::new(config);
        world.host.open_empty();
        world.host.request(3);
        world.login = Some(world.host.login());
        world
    }

    fn granted(mut self) -> Self {
        let ticket = self.login.take().expect("a login");
        self.host.tell(Event::Granted {
            ticket,
            grant: grant("a1", Some("r1"), 3_600),
        });
        self
    }

    fn loaded(mut self) -> Self {
        let cell = self.cell.clone();
        self.host.loaded(Some(&cell));
        self
    }

    fn stored(mut self) -> Self {
        self.cell = self.host.record();
        self.host.stored();
        self
    }

    fn probed(mut self) -> Self {
        let ticket = newest(&self.host, "Probe").expect("a probe");
        let result = ProbeResult::Accepted;
        self.host.tell(Event::Probed { ticket, result });
        self
    }

    /// Ready at a level that the support's store alone does not reach.
    fn ready_after_probe() -> Self {
        let mut world = Self::logging_in(with(Confirmation::Probed))
            .granted()
            .loaded()
            .stored()
            .loaded()
            .probed();
        let waiter = Waiter::from_u32(3);
        world.host.tell(Event::WaiterCancelled { waiter });
        world.use_it();
        world
    }

    /// The timer starts a renewal.
    fn due(mut self) -> Self {
        self.host.wait();
        self
    }

    /// A 401 starts a renewal.
    fn refused(mut self) -> Self {
        let receipt = self.receipt.expect("a request under way");
        self.host.answer(receipt, 401);
        self
    }

    fn exchanging(self) -> Self {
        let world = self.loaded().stored();
        if world.host.latch().config().confirmation < Confirmation::ReadBack {
            return world;
        }
        world.loaded()
    }

    fn renewed(mut self) -> Self {
        self.host.granted(grant("a2", Some("r2"), 3_600));
        self
    }

    fn failed(mut self, failure: TokenFailure) -> Self {
        self.host.token_failed(failure);
        self
    }
}

fn unopened() -> World {
    let mut world = World::new(config());
    world.host.request(3);
    world
}

fn nobody() -> World {
    let mut world = World::new(config());
    world.host.open_empty();
    world.host.request(3);
    world
}

fn signing_out() -> World {
    let mut world = ready();
    world.host.tell(Event::LogoutRequested);
    world.host.request(4);
    world
}

fn restoring() -> World {
    World::restoring(ready(), 20_000)
}

fn restoring_expired() -> World {
    World::restoring(ready(), 7_200_000)
}

fn restoring_ended() -> World {
    World::restoring(without_refresh_token(), 7_200_000)
}

fn looking() -> World {
    let mut world = ready();
    world.host.tell(Event::StoreChanged);
    world
}

fn logging_in() -> World {
    World::logging_in(config())
}

fn logging_in_again() -> World {
    let mut world = ready();
    world.login = Some(world.host.login());
    world
}

fn saving_login_look() -> World {
    World::logging_in(config()).granted()
}

fn saving_login() -> World {
    saving_login_look().loaded()
}

fn reading_login_back() -> World {
    World::logging_in(with(Confirmation::ReadBack))
        .granted()
        .loaded()
        .stored()
}

fn probing_login() -> World {
    World::logging_in(with(Confirmation::Probed))
        .granted()
        .loaded()
        .stored()
        .loaded()
}

fn ready() -> World {
    World::ready(config())
}

fn volatile() -> World {
    let mut world = saving_login();
    while world.host.state() == State::Pending {
        world.host.store_failed();
    }
    assert!(world.host.latch().is_volatile());
    world
}

fn leasing() -> World {
    let mut config = config();
    config.lease = LeaseMode::Host;
    World::ready(config).due()
}

fn rereading() -> World {
    ready().due()
}

fn marking() -> World {
    rereading().loaded()
}

fn exchanging() -> World {
    ready().due().exchanging()
}

fn serving() -> World {
    let mut config = config();
    config.serve_while_refreshing = true;
    World::ready(config).due().exchanging()
}

fn exchanging_after_401() -> World {
    ready().refused().exchanging()
}

fn rechecking() -> World {
    exchanging().failed(TokenFailure::InvalidGrant)
}

fn rechecking_after_401() -> World {
    exchanging_after_401().failed(TokenFailure::InvalidGrant)
}

fn saving_renewal_look() -> World {
    exchanging().renewed()
}

fn saving_renewal() -> World {
    saving_renewal_look().loaded()
}

fn reading_renewal_back() -> World {
    World::ready(with(Confirmation::ReadBack))
        .due()
        .exchanging()
        .renewed()
        .loaded()
        .stored()
}

fn probing_renewal() -> World {
    World::ready_after_probe()
        .due()
        .exchanging()
        .renewed()
        .loaded()
        .stored()
        .loaded()
}

fn retrying() -> World {
    exchanging_after_401().failed(TokenFailure::Unavailable)
}

fn offline() -> World {
    let mut world = ready();
    world.host.tell(Event::WentOffline);
    world.refused()
}

fn without_refresh_token() -> World {
    let mut world = World::new(config());
    world.cell = world.host.sign_in(grant("a1", None, 3_600));
    world.use_it();
    world
}

fn login_required() -> World {
    without_refresh_token().refused()
}

/// The ticket of the newest order of this kind.
fn newest(host: &Host, kind: &str) -> Option<Ticket> {
    let mut orders = host.history.iter().rev();
    let newest = orders.find(|effect| name(effect) == kind)?;
    match newest {
        Effect::Load { ticket }
        | Effect::Store { ticket }
        | Effect::AcquireLease { ticket }
        | Effect::SendTokenRequest { ticket, .. }
        | Effect::Probe { ticket }
        | Effect::Revoke { ticket } => Some(*ticket),
        _ => None,
    }
}

fn name(effect: &Effect) -> String {
    let line = line(effect);
    line.split(' ').next().unwrap_or_default().to_owned()
}

/// What a store may hold, seen from here.
#[derive(Clone, Copy)]
enum Held {
    Nothing,
    Damaged,
    Same,
    /// Another context renewed.
    Renewed,
    /// Another context signed somebody in.
    Other,
    /// Another context signed out.
    Tombstone,
}

impl Held {
    fn bytes(self, world: &World) -> Option<Vec<u8>> {
        let cell = &world.cell;
        let sibling = || {
            let mut sibling = World::new(config());
            sibling.host = Host::seeded(config(), 99);
            sibling.host.now = world.host.now;
            sibling.cell.clone_from(cell);
            sibling.host.tell(Event::Opened);
            sibling.loaded()
        };
        let live = matches!(
            tokenlatch::inspect(cell),
            tokenlatch::StoreContent::Session(_)
        );
        match self {
            Self::Nothing => Some(Vec::new()),
            Self::Damaged => Some(b"TL".to_vec()),
            Self::Same if cell.is_empty() => None,
            Self::Same => Some(cell.clone()),
            Self::Renewed => {
                if !live {
                    return None;
                }
                let mut sibling = sibling();
                let told = sibling.host.tell(Event::RefreshRequested).outcome;
                if sibling.host.state() != State::Refreshing {
                    assert_eq!(told, Err(Rejected::NoSession));
                    return None;
                }
                let sibling = sibling.exchanging().renewed().loaded().stored();
                Some(sibling.cell)
            }
            Self::Other | Self::Tombstone => {
                let mut sibling = sibling();
                sibling.login = Some(sibling.host.login());
                let mut sibling = sibling.granted().loaded().stored();
                if let Self::Tombstone = self {
                    sibling.host.tell(Event::LogoutRequested);
                    sibling = sibling.loaded().stored();
                }
                Some(sibling.cell)
            }
        }
    }
}

/// A number that no order has.
const UNKNOWN: Ticket = Ticket::from_u32(u32::MAX);

const UNKNOWN_ID: &str = "unknown id";

/// Tells one event; `None` if there is nothing in this situation that it could be told of.
type Tell = fn(&mut World, Which) -> Told;

/// The cases of an event, each with its words.
type Cases = &'static [(&'static str, Which)];

/// Which of the cases of an event.
#[derive(Clone, Copy)]
enum Which {
    Plain,
    Unknown,
    Login,
    Renewal,
    Failure(TokenFailure),
    Found(Held),
    LastAttempt,
    Probe(ProbeResult),
    First,
    Retry,
    Public,
    Answer(u16, ChallengeKind),
    OnTime,
    Early,
    AfterSleep,
}

/// Every event, with the words for its cases.
const EVENTS: &[(&str, Tell, Cases)] = &[
    (
        "Opened",
        |world, _| tell(world, Event::Opened),
        &[("", Which::Plain)],
    ),
    (
        "Resumed",
        |world, _| tell(world, Event::Resumed),
        &[("", Which::Plain)],
    ),
    (
        "StoreChanged",
        |world, _| tell(world, Event::StoreChanged),
        &[("", Which::Plain)],
    ),
    (
        "WentOffline",
        |world, _| tell(world, Event::WentOffline),
        &[("", Which::Plain)],
    ),
    (
        "WentOnline",
        |world, _| tell(world, Event::WentOnline),
        &[("", Which::Plain)],
    ),
    (
        "LoginStarted",
        |world, _| tell(world, Event::LoginStarted),
        &[("", Which::Plain)],
    ),
    (
        "Granted",
        |world, which| {
            let ticket = grant_ticket(world, which)?;
            let grant = grant("a3", Some("r3"), 3_600);
            tell(world, Event::Granted { ticket, grant })
        },
        &[
            ("login", Which::Login),
            ("renewal", Which::Renewal),
            (UNKNOWN_ID, Which::Unknown),
        ],
    ),
    (
        "TokenFailed",
        |world, which| {
            let ticket = grant_ticket(world, which)?;
            let failure = match which {
                Which::Failure(failure) => failure,
                _ => TokenFailure::Unavailable,
            };
            let retry_after = None;
            tell(
                world,
                Event::TokenFailed {
                    ticket,
                    failure,
                    retry_after,
                },
            )
        },
        &[
            ("login", Which::Login),
            ("not sent", Which::Failure(TokenFailure::NotSent)),
            ("lost", Which::Failure(TokenFailure::Lost)),
            ("rate limited", Which::Failure(TokenFailure::RateLimited)),
            ("unavailable", Which::Failure(TokenFailure::Unavailable)),
            ("unrecognized", Which::Failure(TokenFailure::Unrecognized)),
            ("misconfigured", Which::Failure(TokenFailure::Misconfigured)),
            (
                "unusable",
                Which::Failure(TokenFailure::Unusable(GrantError::Empty)),
            ),
            (
                "interaction required",
                Which::Failure(TokenFailure::InteractionRequired),
            ),
            ("invalid grant", Which::Failure(TokenFailure::InvalidGrant)),
            (UNKNOWN_ID, Which::Unknown),
        ],
    ),
    (
        "Loaded",
        |world, which| {
            let ticket = ticket(world, which, "Load")?;
            let record = match which {
                Which::Found(held) => held.bytes(world)?,
                _ => Vec::new(),
            };
            let record = Some(&record[..]).filter(|record| !record.is_empty());
            tell(world, Event::Loaded { ticket, record })
        },
        &[
            ("nothing", Which::Found(Held::Nothing)),
            ("damaged", Which::Found(Held::Damaged)),
            ("as it was", Which::Found(Held::Same)),
            ("renewed elsewhere", Which::Found(Held::Renewed)),
            ("another sign-in", Which::Found(Held::Other)),
            ("tombstone", Which::Found(Held::Tombstone)),
            (UNKNOWN_ID, Which::Unknown),
        ],
    ),
    (
        "LoadFailed",
        |world, which| repeat(world, which, "Load", |ticket| Event::LoadFailed { ticket }),
        &[
            ("once", Which::Plain),
            ("last attempt", Which::LastAttempt),
            (UNKNOWN_ID, Which::Unknown),
        ],
    ),
    (
        "Stored",
        |world, which| {
            let ticket = ticket(world, which, "Store")?;
            tell(world, Event::Stored { ticket })
        },
        &[("", Which::Plain), (UNKNOWN_ID, Which::Unknown)],
    ),
    (
        "StoreFailed",
        |world, which| {
            repeat(world, which, "Store", |ticket| Event::StoreFailed {
                ticket,
            })
        },
        &[
            ("once", Which::Plain),
            ("last attempt", Which::LastAttempt),
            (UNKNOWN_ID, Which::Unknown),
        ],
    ),
    (
        "Probed",
        |world, which| {
            let ticket = ticket(world, which, "Probe")?;
            let result = match which {
                Which::Probe(result) => result,
                _ => ProbeResult::Accepted,
            };
            tell(world, Event::Probed { ticket, result })
        },
        &[
            ("accepted", Which::Probe(ProbeResult::Accepted)),
            ("refused", Which::Probe(ProbeResult::Refused)),
            ("unreachable", Which::Probe(ProbeResult::Unreachable)),
            (UNKNOWN_ID, Which::Unknown),
        ],
    ),
    (
        "LeaseGranted",
        |world, which| {
            let ticket = ticket(world, which, "AcquireLease")?;
            tell(world, Event::LeaseGranted { ticket })
        },
        &[("", Which::Plain), (UNKNOWN_ID, Which::Unknown)],
    ),
    (
        "LeaseDenied",
        |world, which| {
            let ticket = ticket(world, which, "AcquireLease")?;
            tell(world, Event::LeaseDenied { ticket })
        },
        &[("", Which::Plain), (UNKNOWN_ID, Which::Unknown)],
    ),
    (
        "LeaseLost",
        |world, which| {
            let ticket = ticket(world, which, "AcquireLease")?;
            tell(world, Event::LeaseLost { ticket })
        },
        &[("", Which::Plain), (UNKNOWN_ID, Which::Unknown)],
    ),
    (
        "Revoked",
        |world, which| {
            let ticket = ticket(world, which, "Revoke")?;
            tell(world, Event::Revoked { ticket })
        },
        &[("", Which::Plain), (UNKNOWN_ID, Which::Unknown)],
    ),
    (
        "RevokeFailed",
        |world, which| {
            let ticket = ticket(world, which, "Revoke")?;
            tell(world, Event::RevokeFailed { ticket })
        },
        &[("", Which::Plain), (UNKNOWN_ID, Which::Unknown)],
    ),
    (
        "AccessRequested",
        |world, which| {
            let access = match which {
                Which::Retry => Access::Retry(world.receipt?),
                Which::Public => Access::Public,
                _ => Access::First,
            };
            let waiter = Waiter::from_u32(7);
            tell(world, Event::AccessRequested { waiter, access })
        },
        &[
            ("first", Which::First),
            ("retry", Which::Retry),
            ("public", Which::Public),
        ],
    ),
    (
        "Answered",
        |world, which| {
            let Which::Answer(status, challenge) = which else {
                let (status, challenge) = (401, ChallengeKind::InvalidToken);
                let receipt = Receipt::from_u64(u64::MAX);
                return tell(
                    world,
                    Event::Answered {
                        receipt,
                        status,
                        challenge,
                    },
                );
            };
            let receipt = world.receipt?;
            tell(
                world,
                Event::Answered {
                    receipt,
                    status,
                    challenge,
                },
            )
        },
        &[
            ("200", Which::Answer(200, ChallengeKind::Absent)),
            ("403", Which::Answer(403, ChallengeKind::Absent)),
            ("503", Which::Answer(503, ChallengeKind::Absent)),
            (
                "401 `invalid_token`",
                Which::Answer(401, ChallengeKind::InvalidToken),
            ),
            (
                "401 without a challenge",
                Which::Answer(401, ChallengeKind::Absent),
            ),
            (
                "401 `use_dpop_nonce`",
                Which::Answer(401, ChallengeKind::UseDpopNonce),
            ),
            (
                "401 `insufficient_user_authentication`",
                Which::Answer(401, ChallengeKind::InsufficientUserAuthentication),
            ),
            (
                "403 `insufficient_scope`",
                Which::Answer(403, ChallengeKind::InsufficientScope),
            ),
            (
                "401 of another scheme",
                Which::Answer(401, ChallengeKind::OtherScheme),
            ),
            ("401 with an unknown receipt", Which::Unknown),
        ],
    ),
    (
        "WaiterCancelled",
        |world, which| {
            let waiter = match which {
                Which::Unknown => 77,
                _ if world.host.latch().waiting() == 0 => return None,
                _ => {
                    let state = world.host.refused();
                    3 + u32::from(state.iter().any(|(waiter, _)| *waiter == 3))
                }
            };
            let waiter = Waiter::from_u32(waiter);
            tell(world, Event::WaiterCancelled { waiter })
        },
        &[("", Which::Plain), (UNKNOWN_ID, Which::Unknown)],
    ),
    (
        "RefreshRequested",
        |world, _| tell(world, Event::RefreshRequested),
        &[("", Which::Plain)],
    ),
    (
        "LogoutRequested",
        |world, _| tell(world, Event::LogoutRequested),
        &[("", Which::Plain)],
    ),
    (
        "TimeoutReached",
        |world, which| {
            match which {
                Which::OnTime => {
                    let due = world.host.latch().poll_timeout()?;
                    world.host.now = due.as_millis();
                }
                Which::AfterSleep => {
                    // The wall clock ran on for half an hour.
                    world.host.offset = world.host.offset.map(|offset| offset + 1_800_000);
                }
                _ => {}
            }
            tell(world, Event::TimeoutReached)
        },
        &[
            ("when due", Which::OnTime),
            ("early", Which::Early),
            ("after sleep", Which::AfterSleep),
        ],
    ),
];

fn tell(world: &mut World, event: Event<'_>) -> Told {
    Some(world.host.tell(event).outcome)
}

fn ticket(world: &World, which: Which, kind: &str) -> Option<Ticket> {
    match which {
        Which::Unknown => Some(UNKNOWN),
        _ => newest(&world.host, kind),
    }
}

fn grant_ticket(world: &World, which: Which) -> Option<Ticket> {
    match which {
        Which::Login => world.login,
        which => ticket(world, which, "SendTokenRequest"),
    }
}

/// A failure told once, or until the latch tries no more.
fn repeat(
    world: &mut World,
    which: Which,
    kind: &str,
    event: fn(Ticket) -> Event<'static>,
) -> Told {
    let mut told = tell(world, event(ticket(world, which, kind)?));
    if let Which::LastAttempt = which {
        let again = |world: &World| world.host.effects.iter().any(|effect| name(effect) == kind);
        for _ in 1..world.host.latch().config().attempts {
            if !again(world) {
                // It was the first and the last.
                return None;
            }
            told = tell(world, event(ticket(world, which, kind)?));
        }
    }
    told
}

/// One line of the table.
struct Row {
    /// Events by name, each with its cases.
    events: Vec<(&'static str, Vec<&'static str>)>,
    outcome: String,
    next: State,
    effects: String,
}

impl Row {
    fn add(&mut self, event: &'static str, case: &'static str) {
        match self.events.last_mut() {
            Some((last, cases)) if *last == event => cases.push(case),
            _ => self.events.push((event, vec![case])),
        }
    }

    fn events(&self) -> String {
        let events = self.events.iter().map(|(event, cases)| {
            let cases: Vec<_> = cases.iter().filter(|case| !case.is_empty()).collect();
            if cases.is_empty() {
                return format!("`{event}`");
            }
            let cases: Vec<_> = cases.into_iter().copied().collect();
            format!("`{event}` ({})", cases.join("; "))
        });
        events.collect::<Vec<_>>().join(", ")
    }
}

/// The rows of one situation, those with the same result together; `edge` is told each change of the state.
fn rows(
    (state, phase, build): &Situation,
    edge: &mut impl FnMut(State, State, &'static str),
) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (event, tell, cases) in EVENTS {
        let mut told_once = false;
        for (case, which) in *cases {
            let mut world = build();
            assert_eq!(world.host.state(), *state, "{phase}");
            let Some(told) = tell(&mut world, *which) else {
                continue;
            };
            told_once = true;
            let next = world.host.state();
            if next != *state {
                edge(*state, next, event);
            }
            let (outcome, effects) = (outcome(told), effects(&world.host.effects));
            if let Which::Unknown = which {
                let stale = outcome == "Stale" || *event == "Answered";
                assert!(stale && next == *state && effects.is_empty(), "{event}");
            }
            if outcome == "Stale" && *event != "Answered" {
                continue;
            }
            let same = rows
                .iter_mut()
                .find(|row| (&row.outcome, row.next, &row.effects) == (&outcome, next, &effects));
            match same {
                Some(row) => row.add(event, case),
                None => rows.push(Row {
                    events: vec![(event, vec![case])],
                    outcome,
                    next,
                    effects,
                }),
            }
        }
        assert!(told_once, "{event} was not told in {state}, {phase}");
    }
    rows
}

fn outcome(told: Result<Outcome, Rejected>) -> String {
    match told {
        Ok(Outcome::Login(_)) => "Login".to_owned(),
        Ok(Outcome::Surface(cause)) => format!("Surface ({cause:?})"),
        Ok(outcome) => format!("{outcome:?}"),
        Err(rejected) => format!("rejected: {rejected:?}"),
    }
}

/// The orders without their ids; the state stands in a column of its own.
fn effects(effects: &[Effect]) -> String {
    let named = effects.iter().filter_map(|effect| match effect {
        Effect::StateChanged { .. } => None,
        Effect::Refuse { cause, .. } | Effect::RequireLogin { cause } => {
            Some(format!("{} ({cause:?})", name(effect)))
        }
        effect => Some(name(effect)),
    });
    let mut named: Vec<String> = named.collect();
    named.dedup();
    named.join(", ")
}

const HEAD: &str = "\
# States and events

Written by the machine itself: `UPDATE=1 cargo test --test machine table` makes this page, and the same test
without `UPDATE` compares it.

## The five states

";

const RULES: &str = "
In the situations below, no other event changes the state.

## Every event in every situation

Each situation is built anew and told each event once. In most of them one request waits. *Next* is empty where the
state stays; of the effects, `StateChanged` is left out. \"As it was\" is what the store held before. The level of
confirmation, the lease and `serve_while_refreshing` are as the situation needs them, everything else is the default.

An answer with a ticket that no order has, or whose order was superseded, is `Stale` in every situation and changes
nothing; so is the cancellation of a request that does not wait. They are tried too, and not listed.
";

/// From, to, and the events that lead there.
type Edge = (State, State, Vec<&'static str>);

/// The page, and the diagram on it.
fn page() -> (String, String) {
    let mut tables = String::new();
    let mut edges: Vec<Edge> = Vec::new();
    let mut last = None;
    for situation in SITUATIONS {
        let (state, phase, _) = situation;
        if last != Some(*state) {
            last = Some(*state);
            let _ = writeln!(tables, "\n### {state}");
        }
        let rows = rows(situation, &mut |from, to, event| match edges
            .iter_mut()
            .find(|edge| (edge.0, edge.1) == (from, to))
        {
            Some((.., events)) if events.contains(&event) => {}
            Some((.., events)) => events.push(event),
            None => edges.push((from, to, vec![event])),
        });
        let _ = writeln!(tables, "\n#### {state}: {phase}\n");
        let _ = writeln!(tables, "| Event | Outcome | Next | Effects |");
        let _ = writeln!(tables, "|---|---|---|---|");
        for row in rows {
            let next = if row.next == *state {
                ""
            } else {
                row.next.name()
            };
            let (events, outcome, effects) = (row.events(), &row.outcome, &row.effects);
            let _ = writeln!(tables, "| {events} | {outcome} | {next} | {effects} |");
        }
    }
    let diagram = diagram(&edges);
    (format!("{HEAD}{diagram}{RULES}{tables}"), diagram)
}

fn diagram(edges: &[Edge]) -> String {
    let order = |name: &str| EVENTS.iter().position(|(event, ..)| *event == name);
    let mut text = "```mermaid\nstateDiagram-v2\n    [*] --> Unauthenticated\n".to_owned();
    let mut edges = edges.to_vec();
    edges.sort_by_key(|(from, to, _)| (*from as u8, *to as u8));
    for (from, to, mut events) in edges {
        events.sort_by_key(|event| order(event));
        let _ = writeln!(text, "    {from} --> {to}: {}", events.join(", "));
    }
    text.push_str("```\n");
    text
}

const BEGIN: &str = "<!-- diagram begin -->\n";
const END: &str = "<!-- diagram end -->";

fn is_update() -> bool {
    env::var_os("UPDATE").is_some_and(|value| value == "1")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

#[test]
fn table_is_the_page_in_docs() {
    let (page, _) = page();
    let path = root().join("docs/transitions.md");
    if is_update() {
        fs::create_dir_all(root().join("docs")).expect("a folder for the page");
        fs::write(&path, &page).expect("the page can be written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/transitions.md is not what the machine does; look at what changed with UPDATE=1"
    );
}

#[test]
fn table_diagram_is_that_of_the_readmes() {
    let (_, diagram) = page();
    for name in ["README.md", "README.zh-CN.md"] {
        let path = root().join(name);
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let Some((before, rest)) = text.split_once(BEGIN) else {
            continue;
        };
        let (block, after) = rest.split_once(END).expect("the end of the diagram");
        if is_update() {
            let text = format!("{before}{BEGIN}{diagram}{END}{after}");
            fs::write(&path, text).expect("the README can be written");
        } else {
            assert_eq!(block, diagram, "{name}: write it with UPDATE=1");
        }
    }
}

/// What the diagram must say whatever the tables are.
// promises: P2, P6
#[test]
fn table_has_the_edges_that_were_promised() {
    let mut edges = Vec::new();
    for situation in SITUATIONS {
        rows(situation, &mut |from, to, event| {
            edges.push((from, to, event));
        });
    }
    for from in [
        State::Pending,
        State::Ready,
        State::Refreshing,
        State::Expired,
    ] {
        let to = State::Unauthenticated;
        assert!(edges.contains(&(from, to, "LogoutRequested")));
    }
    for (from, to, event) in edges {
        if event == "LogoutRequested" {
            assert_eq!(to, State::Unauthenticated);
        }
        // Nobody is signed in by anything but a login or what the store holds.
        if (from, to) == (State::Unauthenticated, State::Ready) {
            assert_eq!(event, "Loaded");
        }
        // A failure to renew never ends a session by itself.
        if event == "Answered" {
            assert_ne!(to, State::Unauthenticated);
        }
    }
}
