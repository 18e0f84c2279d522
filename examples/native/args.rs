//! The command line.

use std::io::{self, Write};
use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};

use crate::http::Credentials;

pub(crate) const USAGE: &str = "\
usage: native [--json] [--record FILE]
       plays the story: the same user with the latch and with a naive client

       native --token-endpoint URL --client-id ID --store FILE --get URL... and one of
         --refresh-token R | --client-credentials | --username U --password P
       and optionally
         --client-secret S         of a confidential client
         --scope S                 asked for at the sign-in and at renewals
         --revocation-endpoint URL RFC 7009
         --concurrency N           requests at a time (1)
         --repeat N                requests for each URL (1)
         --pause-ms M              between two requests of a worker (0)
         --reuse-grace-ms M        how long the server takes a used refresh token again
         --logout                  sign out in the end
         --record FILE             write what the latch was told, for the example replay
         --json                    end with a line of JSON
       Several of these may run on one store at once.";

/// What to do.
pub(crate) enum Command {
    Help,
    Story {
        json: bool,
        record: Option<PathBuf>,
    },
    Client(Box<Options>),
    /// The second process of the story's other side.
    Naive(Box<Options>),
}

/// What the client does.
pub(crate) struct Options {
    pub(crate) token_endpoint: String,
    pub(crate) revocation_endpoint: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<String>,
    pub(crate) credentials: Credentials,
    pub(crate) scope: Option<String>,
    pub(crate) store: PathBuf,
    pub(crate) record: Option<PathBuf>,
    pub(crate) urls: Vec<String>,
    pub(crate) concurrency: u16,
    pub(crate) repeat: u32,
    pub(crate) pause_ms: u64,
    pub(crate) reuse_grace_ms: Option<u32>,
    pub(crate) logout: bool,
    pub(crate) json: bool,
}

impl Options {
    /// How many requests that makes.
    pub(crate) fn requests(&self) -> u64 {
        let urls = u64::try_from(self.urls.len()).unwrap_or(u64::MAX);
        urls.saturating_mul(u64::from(self.repeat))
    }

    /// Shows an answer: its body if it was asked for once, a line otherwise.
    pub(crate) fn print(&self, status: u16, url: &str, body: &[u8]) {
        if self.json {
            return;
        }
        let mut out = io::stdout().lock();
        // Nobody may be reading.
        let _ = writeln!(out, "{status} {url} {} bytes", body.len());
        if self.requests() == 1 {
            let _ = out.write_all(body).and_then(|()| writeln!(out));
        }
    }
}

/// Reads the command line.
pub(crate) fn parse(mut parser: Parser) -> Result<Command, lexopt::Error> {
    let mut any = false;
    let (mut json, mut logout, mut naive, mut client_credentials) = (false, false, false, false);
    let [
        mut endpoint,
        mut revocation_endpoint,
        mut client_id,
        mut client_secret,
    ] = [const { None::<String> }; 4];
    let [mut refresh_token, mut username, mut password, mut scope] = [const { None::<String> }; 4];
    let (mut store, mut record, mut urls) = (None, None, Vec::new());
    let (mut concurrency, mut repeat, mut pause_ms, mut reuse_grace_ms) = (1, 1, 0, None);
    while let Some(arg) = parser.next()? {
        let Arg::Long(name) = arg else {
            return match arg {
                Arg::Short('h') => Ok(Command::Help),
                _ => Err(arg.unexpected()),
            };
        };
        any |= !matches!(name, "json" | "record");
        match name {
            "json" => json = true,
            "help" => return Ok(Command::Help),
            "logout" => logout = true,
            "naive" => naive = true,
            "client-credentials" => client_credentials = true,
            "token-endpoint" => endpoint = Some(parser.value()?.string()?),
            "revocation-endpoint" => revocation_endpoint = Some(parser.value()?.string()?),
            "client-id" => client_id = Some(parser.value()?.string()?),
            "client-secret" => client_secret = Some(parser.value()?.string()?),
            "refresh-token" => refresh_token = Some(parser.value()?.string()?),
            "username" => username = Some(parser.value()?.string()?),
            "password" => password = Some(parser.value()?.string()?),
            "scope" => scope = Some(parser.value()?.string()?),
            "record" => record = Some(PathBuf::from(parser.value()?)),
            "store" => store = Some(PathBuf::from(parser.value()?)),
            "get" => urls.extend(
                parser
                    .values()?
                    .map(|url| url.string())
                    .collect::<Result<Vec<_>, _>>()?,
            ),
            "concurrency" => concurrency = parser.value()?.parse::<u16>()?.max(1),
            "repeat" => repeat = parser.value()?.parse()?,
            "pause-ms" => pause_ms = parser.value()?.parse()?,
            "reuse-grace-ms" => reuse_grace_ms = Some(parser.value()?.parse()?),
            _ => return Err(arg.unexpected()),
        }
    }
    if !any {
        return Ok(Command::Story { json, record });
    }
    let credentials = match (refresh_token, client_credentials, username, password) {
        (Some(token), false, None, None) => Credentials::RefreshToken(token),
        (None, true, None, None) => Credentials::Client,
        (None, false, Some(username), Some(password)) => {
            Credentials::Password { username, password }
        }
        _ => {
            return Err(
                "give one of --refresh-token, --client-credentials, --username with --password"
                    .into(),
            );
        }
    };
    if urls.is_empty() && !logout {
        return Err("--get is missing".into());
    }
    let options = Box::new(Options {
        token_endpoint: endpoint.ok_or("--token-endpoint is missing")?,
        client_id: client_id.ok_or("--client-id is missing")?,
        store: store.ok_or("--store is missing")?,
        record,
        revocation_endpoint,
        client_secret,
        credentials,
        scope,
        urls,
        concurrency,
        repeat,
        pause_ms,
        reuse_grace_ms,
        logout,
        json,
    });
    Ok(if naive {
        Command::Naive(options)
    } else {
        Command::Client(options)
    })
}
