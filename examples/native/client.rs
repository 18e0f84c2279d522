//! The client of the command line: sends its requests and counts what became of them.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::io::{self, Write};
use std::thread;

use serde_json::json;
use tokenlatch::{Cause, Renewal};
use ureq::Body;
use ureq::http::Response;

use crate::Failure;
use crate::args::Options;
use crate::host::{FetchError, Host, config};
use crate::http::{AuthServer, Credentials};
use crate::naive::Naive;
use crate::store::Store;

/// How often a request is made anew: its answer broke off, or our own next sign-in replaced the one it had.
const NEW_REQUESTS: u32 = 2;

#[derive(Default)]
struct Tally {
    next: AtomicU64,
    answered: AtomicU64,
    unanswered: AtomicU64,
    unauthorized: AtomicU64,
}

/// What a request came to.
struct Got {
    status: Option<u16>,
    body: Vec<u8>,
    /// What there is to say, and what the latch said.
    reason: Option<String>,
    cause: Option<Cause>,
    /// The answer broke off.
    is_broken: bool,
}

/// Runs the client. True if every request got its answer.
pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    let mut server = AuthServer::new(options.token_endpoint.clone(), options.client_id.clone());
    server.client_secret.clone_from(&options.client_secret);
    server
        .revocation_endpoint
        .clone_from(&options.revocation_endpoint);
    server.scope.clone_from(&options.scope);
    let mut config = config();
    if matches!(options.credentials, Credentials::Client) {
        config.renewal = Renewal::Login;
    }
    // Whether a server takes a used refresh token again for a while is its own business; most do not. Who can
    // simply sign in again need not try. A client with nothing else has nothing to lose, and keeps the default.
    if options.credentials.is_lasting() {
        config.reuse_grace_ms = 0;
    }
    if let Some(grace) = options.reuse_grace_ms {
        config.reuse_grace_ms = grace;
    }
    let store = Store::new(&options.store)?;
    let lasting = options.credentials.is_lasting();
    let credentials = Some(options.credentials.clone());
    let host = Host::open(config, store, server, credentials, options.record.clone())?;
    let tally = send_all(options, &|url| get(&host, url, lasting));
    if options.logout {
        host.sign_out();
    }
    let refreshes = host.refreshes();
    host.close();
    Ok(tally.report(options, refreshes)?)
}

/// The same with the other client, as the second process of the story.
pub(crate) fn run_naive(options: &Options) -> Result<bool, Failure> {
    let base_url = options.token_endpoint.trim_end_matches("/token");
    let client = Naive::open(base_url, &options.store);
    let tally = send_all(options, &|url| match client.get(url) {
        Ok(response) => Got::answer(response, None),
        Err(error) => Got::nothing(&error),
    });
    Ok(tally.report(options, 0)?)
}

fn get(host: &Host, url: &str, lasting: bool) -> Got {
    let mut got = get_once(host, url);
    for _ in 0..NEW_REQUESTS {
        // An application would drop it: the next user may be another. This one always signs in as the same.
        let is_replaced = match got.cause {
            Some(
                Cause::SignInChanged
                | Cause::SignedOutElsewhere
                | Cause::SessionEnded
                | Cause::RefreshResponseLost
                | Cause::Expired,
            ) => lasting,
            _ => false,
        };
        if !is_replaced && !got.is_broken {
            break;
        }
        got = get_once(host, url);
    }
    got
}

fn get_once(host: &Host, url: &str) -> Got {
    match host.get(url) {
        Ok(answer) => Got::answer(answer.response, answer.cause),
        Err(error) => Got {
            cause: match &error {
                FetchError::Refused(cause) => Some(*cause),
                FetchError::Transport(_) => None,
            },
            ..Got::nothing(&error)
        },
    }
}

impl Got {
    /// An answer that breaks off is none.
    fn answer(mut response: Response<Body>, cause: Option<Cause>) -> Self {
        match response.body_mut().read_to_vec() {
            Ok(body) => Self {
                status: Some(response.status().as_u16()),
                body,
                reason: cause.map(|cause| cause.to_string()),
                cause,
                is_broken: false,
            },
            Err(error) => Self {
                is_broken: true,
                ..Self::nothing(&error)
            },
        }
    }

    fn nothing(error: &dyn fmt::Display) -> Self {
        Self {
            status: None,
            body: Vec::new(),
            reason: Some(error.to_string()),
            cause: None,
            is_broken: false,
        }
    }
}

/// Each worker takes the next request and pauses.
fn send_all(options: &Options, get: &(impl Fn(&str) -> Got + Sync)) -> Tally {
    let tally = Tally::default();
    thread::scope(|scope| {
        for _ in 0..options.concurrency {
            scope.spawn(|| work(options, &tally, get));
        }
    });
    tally
}

fn work(options: &Options, tally: &Tally, get: &impl Fn(&str) -> Got) {
    loop {
        let number = tally.next.fetch_add(1, Ordering::Relaxed);
        if number >= options.requests() {
            return;
        }
        let index = usize::try_from(number)
            .unwrap_or(0)
            .checked_rem(options.urls.len());
        let Some(url) = index.and_then(|index| options.urls.get(index)) else {
            return;
        };
        if number >= u64::from(options.concurrency) {
            thread::sleep(Duration::from_millis(options.pause_ms));
        }
        let got = get(url);
        let count = match got.status {
            Some(401) => &tally.unauthorized,
            Some(_) => &tally.answered,
            None => &tally.unanswered,
        };
        count.fetch_add(1, Ordering::Relaxed);
        if let Some(status) = got.status {
            options.print(status, url, &got.body);
        }
        if let Some(reason) = got.reason {
            eprintln!("{url}: {reason}");
        }
    }
}

impl Tally {
    fn report(self, options: &Options, refreshes: u64) -> io::Result<bool> {
        let [answered, unanswered, unauthorized] =
            [self.answered, self.unanswered, self.unauthorized].map(AtomicU64::into_inner);
        let mut out = io::stdout().lock();
        if options.json {
            let line = json!({
                "requests": options.requests(),
                "answered": answered,
                "unanswered": unanswered.saturating_add(unauthorized),
                "refreshes": refreshes,
                "unexpected_401": unauthorized,
            });
            writeln!(out, "{line}")?;
        }
        out.flush()?;
        Ok(answered == options.requests())
    }
}
