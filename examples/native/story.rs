//! The same user's story, told twice.

use core::sync::atomic::Ordering;
use core::time::Duration;
use std::env;
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};
use testserver::{Fault, Target, Times};

use crate::Failure;
use crate::world::{App, LatchApp, NaiveApp, PATIENCE, Seen, Threads, World};

/// What the second process asks for: requests of a worker, workers, and the pause between requests.
const CHILD_REQUESTS: u64 = 15;
const CHILD_WORKERS: u64 = 2;
const PAUSE: Duration = Duration::from_millis(150);

/// Plays both sides. True if the latch kept its promises.
pub(crate) fn run(as_json: bool, recording: Option<PathBuf>) -> Result<bool, Failure> {
    println!("A naive client: the token in a variable, a refresh on each 401.");
    let naive = play::<NaiveApp>(None)?;
    println!("\nThe same with the latch.");
    let latch = play::<LatchApp>(recording.clone())?;
    println!("\n{:<32}{:>8}{:>8}", "", "naive", "latch");
    for ((name, naive), (_, latch)) in naive.rows().iter().zip(latch.rows()) {
        println!("{:<32}{naive:>8}{latch:>8}", name.replace('_', " "));
    }
    if let Some(path) = recording {
        let path = path.display();
        println!("\nrecorded: cargo run --example replay {path}");
    }
    if as_json {
        println!("{}", json!({"latch": latch.json(), "naive": naive.json()}));
    }
    Ok(latch.is_clean())
}

/// What was counted.
#[derive(Default)]
struct Score {
    sent_without_token: u64,
    unexpected_401: u64,
    refreshes: u64,
    replayed: u64,
    unsettled: u64,
    alive_after_logout: u64,
}

impl Score {
    fn rows(&self) -> [(&'static str, u64); 6] {
        [
            ("sent_without_token", self.sent_without_token),
            ("unexpected_401", self.unexpected_401),
            ("refreshes", self.refreshes),
            ("replayed", self.replayed),
            ("unsettled", self.unsettled),
            ("alive_after_logout", self.alive_after_logout),
        ]
    }

    fn json(&self) -> Value {
        self.rows()
            .into_iter()
            .map(|(name, count)| (name.to_owned(), Value::from(count)))
            .collect()
    }

    fn is_clean(&self) -> bool {
        self.rows()
            .iter()
            .all(|(name, count)| *name == "refreshes" || *count == 0)
    }
}

fn play<A: App>(recording: Option<PathBuf>) -> Result<Score, Failure> {
    let world = Arc::new(World::new(recording)?);
    let app = Arc::new(A::open(&world)?);
    before_the_login(&world, &app)?;
    burst(&world, &app);
    late_401(&world, &app);
    second_process(&world, &*app)?;
    logout_during_refresh(&world, &app)?;
    let alive = alive_after_logout(&world);
    close(app);
    restart::<A>(&world)?;
    let counters = world.server.counters();
    let [started, settled, unauthorized] = [&world.started, &world.settled, &world.unauthorized]
        .map(|count| count.load(Ordering::Relaxed));
    Ok(Score {
        sent_without_token: counters.sent_without_token,
        unexpected_401: unauthorized,
        refreshes: counters.refresh_requests,
        replayed: counters.replayed,
        unsettled: started.saturating_sub(settled),
        alive_after_logout: alive,
    })
}

/// Twenty requests of four threads while the login is under way.
fn before_the_login<A: App>(world: &Arc<World>, app: &Arc<A>) -> Result<(), Failure> {
    world.server.delay_next_login(400);
    let login = {
        let app = Arc::clone(app);
        thread::spawn(move || app.sign_in())
    };
    world.await_server(|server| server.counters().password_requests, 0);
    let before = world.unauthorized.load(Ordering::Relaxed);
    Threads::start(world, app, 4, 5).wait();
    login.join().map_err(|_| "the login panicked")??;
    let counters = world.server.counters();
    let refused = world
        .unauthorized
        .load(Ordering::Relaxed)
        .saturating_sub(before);
    println!(
        "  1  20 requests before the login has answered: {} left without a token, {refused} came back as 401",
        counters.sent_without_token
    );
    Ok(())
}

/// The token has expired, and eight threads find out at the same time.
fn burst<A: App>(world: &Arc<World>, app: &Arc<A>) {
    world.get(&**app);
    let before = world.server.counters();
    world.server.expire_access_now();
    Threads::start(world, app, 8, 1).wait();
    let after = world.server.counters();
    println!(
        "  2  8 requests on an expired token, refreshes: {}",
        after
            .refresh_requests
            .saturating_sub(before.refresh_requests)
    );
}

/// One request left with the old token, and its 401 comes when the others have renewed it long ago.
fn late_401<A: App>(world: &Arc<World>, app: &Arc<A>) {
    world.get(&**app);
    let before = world.server.counters();
    let slow = Fault::Slow {
        delay: Duration::from_millis(400),
    };
    world.server.fault(Target::Api, slow, Times::Next(1));
    world.server.expire_access_now();
    let late = Threads::start(world, app, 1, 1);
    world.await_server(|server| server.counters().faults, before.faults);
    world.get(&**app);
    late.wait();
    let after = world.server.counters();
    println!(
        "  3  a 401 that arrives after the refresh, refreshes: {}",
        after
            .refresh_requests
            .saturating_sub(before.refresh_requests)
    );
}

/// Another process on the same file, until the token has expired under both.
fn second_process<A: App>(world: &World, app: &A) -> Result<(), Failure> {
    let before = world.server.counters();
    let mut child = second(world, A::FLAG)?;
    let end = Instant::now().checked_add(PATIENCE);
    let seen = world.unauthorized.load(Ordering::Relaxed);
    while child.try_wait()?.is_none() {
        if Some(Instant::now()) > end {
            child.kill()?;
        }
        world.get(app);
        thread::sleep(PAUSE);
    }
    let output = child.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let report: Value = text
        .lines()
        .last()
        .map_or(Ok(Value::Null), serde_json::from_str)?;
    let count = |name| report.get(name).and_then(Value::as_u64);
    world
        .unauthorized
        .fetch_add(count("unexpected_401").unwrap_or(0), Ordering::Relaxed);
    let requests = CHILD_REQUESTS.saturating_mul(CHILD_WORKERS);
    // Without a report it was stuck.
    let settled = if count("requests") == Some(requests) {
        requests
    } else {
        0
    };
    world.started.fetch_add(requests, Ordering::Relaxed);
    world.settled.fetch_add(settled, Ordering::Relaxed);
    let after = world.server.counters();
    println!(
        "  4  two processes on one store, refreshes: {}, refresh tokens used twice: {}, requests with a 401: {}",
        after
            .refresh_requests
            .saturating_sub(before.refresh_requests),
        after.replayed.saturating_sub(before.replayed),
        world
            .unauthorized
            .load(Ordering::Relaxed)
            .saturating_sub(seen)
    );
    Ok(())
}

fn second(world: &World, flag: Option<&str>) -> io::Result<Child> {
    let mut command = Command::new(env::current_exe()?);
    command.args(flag).arg("--json");
    command
        .arg("--token-endpoint")
        .arg(world.server.token_endpoint());
    command.args([
        "--client-id",
        "native-app",
        "--username",
        "alice",
        "--password",
        "wonderland",
    ]);
    command
        .arg("--store")
        .arg(&world.file)
        .arg("--get")
        .arg(world.url());
    command.arg("--concurrency").arg(CHILD_WORKERS.to_string());
    command
        .arg("--repeat")
        .arg(CHILD_REQUESTS.saturating_mul(CHILD_WORKERS).to_string());
    command.arg("--pause-ms").arg(PAUSE.as_millis().to_string());
    // What it has to say of single requests is not part of the story.
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

/// The user signs out while a renewal is under way.
fn logout_during_refresh<A: App>(world: &Arc<World>, app: &Arc<A>) -> Result<(), Failure> {
    if !matches!(world.get(&**app), Seen::Answer(200)) {
        println!("     (signed out by then: the user has to sign in again)");
        app.sign_in()?;
        world.get(&**app);
    }
    let before = world.server.counters().refresh_requests;
    let slow = Fault::Slow {
        delay: Duration::from_millis(400),
    };
    world.server.fault(Target::Token, slow, Times::Next(1));
    world.server.expire_access_now();
    let request = Threads::start(world, app, 1, 1);
    world.await_server(|server| server.counters().refresh_requests, before);
    let start = Instant::now();
    app.sign_out();
    let took = start.elapsed();
    request.wait();
    println!(
        "  5  logout during a refresh, done after {} ms",
        took.as_millis()
    );
    Ok(())
}

/// Tokens of the user that work when everything has come to rest.
fn alive_after_logout(world: &World) -> u64 {
    // The answer of the refresh, and what either client does about it.
    thread::sleep(Duration::from_millis(600));
    let start = Instant::now();
    loop {
        let alive = world.server.alive_tokens("alice");
        if alive == 0 || start.elapsed() > Duration::from_secs(1) {
            return u64::try_from(alive).unwrap_or(u64::MAX);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// The program starts again after the sign-out, and once more after a sign-in.
fn restart<A: App>(world: &World) -> Result<(), Failure> {
    let app = A::open(world)?;
    let first = world.get(&app);
    app.sign_in()?;
    world.get(&app);
    app.close();
    let logins = world.server.counters().password_requests;
    let app = A::open(world)?;
    let second = world.get(&app);
    app.close();
    let again = world
        .server
        .counters()
        .password_requests
        .saturating_sub(logins);
    println!(
        "  6  restart after the logout: {}; after a new sign-in: {}, logins since: {again}",
        word(&first),
        word(&second)
    );
    Ok(())
}

fn word(seen: &Seen) -> String {
    match seen {
        Seen::Answer(200) => "still signed in".to_owned(),
        Seen::Answer(status) => status.to_string(),
        Seen::Nothing(reason) => reason.trim_end_matches('.').to_lowercase(),
    }
}

/// Ends an application that no thread uses any more; one that hangs is left alone.
fn close<A: App>(app: Arc<A>) {
    if let Some(app) = Arc::into_inner(app) {
        app.close();
    }
}
