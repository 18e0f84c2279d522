//! Child processes: each in a group of its own, so that whatever it started ends with it.

use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read;
use std::process::Child;
use std::process::ChildStdin;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

/// The groups that are running now, for the signal handler.
static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// Kills every child when this process is interrupted or told to end.
///
/// Children are in groups of their own, so a terminal's Ctrl-C reaches this process only.
pub(crate) fn stop_children_on_signals() -> Result<()> {
    ctrlc::set_handler(|| {
        let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        for group in running.iter() {
            kill_group(*group);
        }
        // The lock is held on purpose: nothing may be started any more.
        std::process::exit(130);
    })
    .context("no signal handler could be set")
}

#[cfg(unix)]
fn kill_group(group: u32) {
    if let Ok(group) = i32::try_from(group) {
        let group = nix::unistd::Pid::from_raw(group);
        // It may have ended by itself.
        let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
    }
}

#[cfg(not(unix))]
fn kill_group(_group: u32) {}

/// A running child. Dropping it kills its whole group.
pub(crate) struct Job {
    child: Child,
    name: String,
}

impl Job {
    /// Starts a command. Its standard input is empty unless the command says otherwise.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let name = show(command);
        forget_own_build(command);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let child = command
            .spawn()
            .with_context(|| format!("`{name}` did not start"))?;
        running.push(child.id());
        drop(running);
        Ok(Self { child, name })
    }

    /// The pipe to its standard input; dropping the pipe closes it.
    pub(crate) fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Hands each line of its standard output to `each` until the output ends.
    pub(crate) fn each_line(&mut self, each: impl FnMut(&str)) -> Result<()> {
        match self.child.stdout.take() {
            Some(pipe) => lines(pipe, each),
            None => Ok(()),
        }
    }

    /// The lines of its standard output as they come, for those who wait with a limit.
    pub(crate) fn lines(&mut self) -> mpsc::Receiver<String> {
        let (sender, receiver) = mpsc::channel();
        let pipe = self.child.stdout.take();
        std::thread::spawn(move || {
            lines(pipe?, |line| {
                // Nobody may be listening any more; the pipe is read to its end all the same.
                let _ = sender.send(line.to_owned());
            })
            .ok()
        });
        receiver
    }

    /// The lines of its standard error, likewise.
    pub(crate) fn error_lines(&mut self) -> mpsc::Receiver<String> {
        let (sender, receiver) = mpsc::channel();
        let pipe = self.child.stderr.take();
        std::thread::spawn(move || {
            lines(pipe?, |line| {
                let _ = sender.send(line.to_owned());
            })
            .ok()
        });
        receiver
    }

    /// Prints both outputs with `label` before each line.
    pub(crate) fn echo(&mut self, label: &str) -> Echo {
        let errors = self.child.stderr.take();
        let out = self.child.stdout.take();
        let of_errors = label.to_owned();
        let of_out = label.to_owned();
        let errors = std::thread::spawn(move || {
            lines(errors?, |line| eprintln!("[{of_errors}] {line}")).ok()
        });
        let out = std::thread::spawn(move || {
            let mut last = None;
            let read = lines(out?, |line| {
                println!("[{of_out}] {line}");
                if !line.trim().is_empty() {
                    last = Some(line.to_owned());
                }
            });
            read.ok()?;
            last
        });
        Echo { errors, out }
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> Result<ExitStatus> {
        let status = self.child.wait();
        status.with_context(|| format!("`{}` could not be waited for", self.name))
    }

    /// Waits for its end, no longer than `limit`.
    pub(crate) fn wait_for(&mut self, limit: Duration) -> Result<ExitStatus> {
        let until = Instant::now() + limit;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("`{}` did not end within {} s", self.name, limit.as_secs())
    }
}

/// The printing of a child's outputs.
pub(crate) struct Echo {
    errors: JoinHandle<Option<()>>,
    out: JoinHandle<Option<String>>,
}

impl Echo {
    /// Waits until both outputs have ended and been printed; gives the last line of the first.
    pub(crate) fn last_line(self) -> Option<String> {
        let _ = self.errors.join();
        self.out.join().ok().flatten()
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        let id = self.child.id();
        if let Ok(None) = self.child.try_wait() {
            kill_group(id);
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|group| *group != id);
    }
}

/// `cargo run` tells this process about its own package; a build started from here must not
/// take that for something about itself.
fn forget_own_build(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let own = text == "CARGO"
            || text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_MANIFEST_")
            || text == "OUT_DIR";
        if own {
            command.env_remove(name);
        }
    }
}

/// Reads line by line; bytes that are no UTF-8 are replaced.
fn lines(pipe: impl Read, mut each: impl FnMut(&str)) -> Result<()> {
    let mut reader = BufReader::new(pipe);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        each(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']));
        line.clear();
    }
    Ok(())
}

/// A command as a person would type it.
pub(crate) fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// Runs a command to its end, its output going through, and fails unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    command.stdin(Stdio::null());
    println!("+ {}", show(command));
    let mut job = Job::start(command)?;
    let status = job.wait()?;
    check(status, command)
}

/// Runs a command to its end, and gives its standard output. Its errors go through.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut job = Job::start(command)?;
    let mut text = String::new();
    job.each_line(|line| {
        text.push_str(line);
        text.push('\n');
    })?;
    let status = job.wait()?;
    check(status, command)?;
    Ok(text)
}

/// Whether a command can be started and succeeds, its output unseen.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let ended = Job::start(command).and_then(|mut job| job.wait());
    ended.is_ok_and(|status| status.success())
}

pub(crate) fn check(status: ExitStatus, command: &Command) -> Result<()> {
    if !status.success() {
        bail!("`{}` failed ({status})", show(command));
    }
    Ok(())
}
