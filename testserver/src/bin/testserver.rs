//! Runs the server for other processes.
//!
//! Prints one line of JSON with its addresses, then runs until stdin closes or the time is over.

#![forbid(unsafe_code)]

use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::json;
use testserver::{Settings, TestServer};

const USAGE: &str = "\
usage: testserver [options]
  --port N            port on loopback (default 0: a free one)
  --access-ttl-ms N   lifetime of access tokens (default 2000)
  --refresh-ttl-ms N  lifetime of refresh tokens (default: no end)
  --reuse-grace-ms N  grace for used refresh tokens (default 0)
  --latency-ms N      time each answer takes (default 50)
  --max-seconds N     stop after this time (default 600)
  --no-stdin          do not stop when stdin closes";

struct Options {
    settings: Settings,
    limit: Duration,
    watch_stdin: bool,
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut out = Options {
        settings: Settings::default(),
        limit: Duration::from_secs(600),
        watch_stdin: true,
    };
    while let Some(name) = args.next() {
        if name == "--no-stdin" {
            out.watch_stdin = false;
            continue;
        }
        let value = args.next().and_then(|v| v.parse::<u64>().ok());
        let value = value.ok_or_else(|| format!("{name} needs a number"))?;
        let time = Duration::from_millis(value);
        match name.as_str() {
            "--port" => {
                let port = u16::try_from(value);
                out.settings.port = port.map_err(|_| "the port is too large".to_owned())?;
            }
            "--access-ttl-ms" => out.settings.access_ttl = time,
            "--refresh-ttl-ms" => out.settings.refresh_ttl = Some(time),
            "--reuse-grace-ms" => out.settings.reuse_grace = time,
            "--latency-ms" => out.settings.latency = time,
            "--max-seconds" => out.limit = Duration::from_secs(value),
            _ => return Err(format!("unknown option {name}")),
        }
    }
    Ok(out)
}

fn run(options: Options) -> io::Result<()> {
    let server = TestServer::start(options.settings)?;
    let mut out = io::stdout();
    let line = json!({
        "base_url": server.base_url(),
        "token_endpoint": server.token_endpoint(),
        "revocation_endpoint": server.revocation_endpoint(),
        "control_endpoint": server.base_url() + "/control",
    });
    writeln!(out, "{line}")?;
    out.flush()?;
    let (closed, wait) = mpsc::channel();
    if options.watch_stdin {
        let closed = closed.clone();
        thread::spawn(move || {
            let mut byte = [0; 256];
            while io::stdin().read(&mut byte).is_ok_and(|n| n > 0) {}
            let _ = closed.send(());
        });
    }
    // Either way it is time to stop.
    let _ = wait.recv_timeout(options.limit);
    drop(closed);
    Ok(())
}

fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("testserver: {why}");
            ExitCode::FAILURE
        }
    }
}
