//! `cargo xtask c`: the C host, with sanitizers and under valgrind, against the test server and a real provider.
//!
//! AddressSanitizer sees into the library too: for these runs it is compiled with it, by the nightly compiler, and a
//! byte that Rust code writes behind a latch must be found. The C compiler's run-time fits both.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::ensure;
use serde_json::Value;
use serde_json::json;

use crate::artifacts;
use crate::e2e;
use crate::e2e::Program;
use crate::native;
use crate::proc;
use crate::proc::Echo;
use crate::proc::Job;
use crate::project::Project;
use crate::tools;
use crate::tools::NIGHTLY;

const SOURCES: &str = "examples/c";
/// Programs that must be stopped, each by its tool.
const CONTROLS: &str = "xtask/c";
const LIBRARY: &str = "capi/Cargo.toml";
const SANITIZERS: &str = "-fsanitize=address,undefined -fno-sanitize-recover=all";

/// What a tool ends a program with when it has found something. The programs themselves end with 0, 1 or 2.
const FOUND: i32 = 99;
const ENV: &[(&str, &str)] = &[
    (
        "ASAN_OPTIONS",
        "exitcode=99:detect_stack_use_after_return=1",
    ),
    ("UBSAN_OPTIONS", "exitcode=99:print_stacktrace=1"),
];
pub(crate) const MEMCHECK: &[&str] = &[
    "valgrind",
    "--quiet",
    "--trace-children=yes",
    "--error-exitcode=99",
    "--leak-check=full",
    "--errors-for-leak-kinds=definite,indirect,possible",
];
const HELGRIND: &[&str] = &[
    "valgrind",
    "--quiet",
    "--trace-children=yes",
    "--error-exitcode=99",
    "--tool=helgrind",
    "--suppressions=xtask/c/helgrind.supp",
];

/// The runs against the provider, in which a token lives for two seconds.
const LONG: Duration = Duration::from_secs(9);
const AT_LEAST: u64 = 3;
/// A story that takes this long hangs.
const LIMIT: Duration = Duration::from_secs(120);

pub(crate) fn run(_words: &[String]) -> Result<()> {
    check(&Project::read()?)
}

pub(crate) fn check(project: &Project) -> Result<()> {
    for (program, package) in [
        ("cc", "gcc libc6-dev"),
        ("make", "make"),
        ("valgrind", "valgrind libc6-dbg"),
    ] {
        tools::debian(project, program, package)?;
    }
    tools::debian_library(project, "libcurl", "libcurl4-openssl-dev")?;

    let plain = Build::new(project, "plain", library(project)?, "-O2 -g")?;
    let flags = format!("-O1 -g -fno-omit-frame-pointer {SANITIZERS}");
    let sanitized = Build::new(project, "sanitized", sanitized_library(project)?, &flags)?;
    controls(project, &plain, &sanitized)?;
    logins(project, &sanitized)?;
    stories(project, &plain, &sanitized)?;

    let programs = ["loop", "threads"].map(|name| (format!("{name}, "), sanitized.program(name)));
    let programs = programs.each_ref().map(|(name, path)| Program {
        name,
        path: path.clone(),
        env: ENV,
        long: LONG,
        at_least: AT_LEAST,
    });
    e2e::play(project, "c-e2e", &programs)
}

/// The library as it is given to users.
fn library(project: &Project) -> Result<PathBuf> {
    let args = ["build", "--release", "--manifest-path", LIBRARY];
    let mut command = project.cargo(&args);
    command.env("CARGO_TARGET_DIR", project.target.join("capi"));
    static_library(&mut command)
}

/// The library with AddressSanitizer, the core library that it is made with included.
fn sanitized_library(project: &Project) -> Result<PathBuf> {
    tools::toolchain(project, NIGHTLY)?;
    tools::component_of(project, NIGHTLY, "rust-src")?;
    let version = proc::read(&mut project.rustc_of(NIGHTLY, &["-vV"]))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc does not name its host")?;
    let args = ["build", "--manifest-path", LIBRARY, "-Zbuild-std=core"];
    let mut command = project.cargo_of(NIGHTLY, &args);
    // A target of its own, so that the flags are not those of build scripts.
    command.args(["--target", host]);
    command.env("RUSTFLAGS", "-Zsanitizer=address --cfg tokenlatch_overrun");
    command.env("CARGO_TARGET_DIR", project.target.join("capi-sanitized"));
    static_library(&mut command)
}

fn static_library(command: &mut Command) -> Result<PathBuf> {
    let built = artifacts::build(command)?;
    let files = built
        .iter()
        .filter_map(|built| built["filenames"].as_array());
    let mut files = files.flatten().filter_map(Value::as_str);
    let file = files.find(|file| Path::new(file).extension().is_some_and(|end| end == "a"));
    Ok(PathBuf::from(
        file.context("cargo built no static library")?,
    ))
}

/// The C programs, compiled one way.
struct Build {
    folder: PathBuf,
    library: PathBuf,
    flags: String,
}

impl Build {
    fn new(project: &Project, name: &str, library: PathBuf, flags: &str) -> Result<Self> {
        let folder = project.scratch(&format!("c-{name}"))?;
        let mut make = project.command("make");
        make.args(["--silent", "-C", SOURCES]);
        make.arg(format!("OUT={}", folder.display()));
        make.arg(format!("CFLAGS={flags}"));
        let include = project.root.join("include");
        make.arg(format!("TOKENLATCH_CFLAGS=-I{}", include.display()));
        make.arg(format!("TOKENLATCH_LIBS={}", library.display()));
        proc::run(&mut make)?;
        Ok(Self {
            folder,
            library,
            flags: flags.to_owned(),
        })
    }

    fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A program of one file beside the example.
    fn control(&self, project: &Project, name: &str) -> Result<PathBuf> {
        let path = self.program(name);
        let mut command = project.command("cc");
        command
            .args(["-std=c99", "-D_DEFAULT_SOURCE", "-pedantic"])
            .args(["-Wall", "-Wextra", "-Werror"])
            .args(self.flags.split(' '))
            .args(["-Iinclude", &format!("-I{SOURCES}")])
            .arg(format!("{CONTROLS}/{name}.c"))
            .arg(self.program("libhost.a"))
            .arg(&self.library)
            .args(["-lcurl", "-lpthread"])
            .arg("-o")
            .arg(&path);
        proc::run(&mut command)?;
        Ok(path)
    }
}

/// The tools find what is put before them inside of the library, and nothing where there is nothing.
fn controls(project: &Project, plain: &Build, sanitized: &Build) -> Result<()> {
    let overrun = sanitized.control(project, "overrun")?;
    expect(project, &[], &overrun, "heap-buffer-overflow", "tl_overrun")?;
    let race = plain.control(project, "race")?;
    expect(
        project,
        HELGRIND,
        &race,
        "Possible data race",
        "tl_went_offline",
    )
}

/// What the host does with logins that nobody wants any more.
fn logins(project: &Project, build: &Build) -> Result<()> {
    let program = build.control(project, "logins")?;
    let mut command = wrapped(project, &[], &program);
    command.arg(project.scratch("c-logins")?);
    proc::run(&mut command)
}

/// Runs a program twice: with an argument it is stopped, and the report has both texts; without it is not.
fn expect(project: &Project, tool: &[&str], program: &Path, what: &str, at: &str) -> Result<()> {
    for is_faulty in [false, true] {
        let mut command = wrapped(project, tool, program);
        if is_faulty {
            command.arg("fault");
        }
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        let mut job = Job::start(&mut command)?;
        let errors = job.error_lines();
        let status = job.wait_for(LIMIT)?;
        let report: Vec<String> = errors.into_iter().collect();
        let report = report.join("\n");
        let shown = proc::show(&command);
        if is_faulty {
            let is_found = status.code() == Some(FOUND);
            let is_found = is_found && report.contains(what) && report.contains(at);
            ensure!(is_found, "`{shown}` was not stopped by its fault: {report}");
            println!("+ {shown}\n  stopped: {what}, {at}");
        } else {
            ensure!(status.success(), "`{shown}`: {status}: {report}");
        }
    }
    Ok(())
}

fn wrapped(project: &Project, tool: &[&str], program: &Path) -> Command {
    let mut command = match tool.split_first() {
        Some((name, args)) => {
            let mut command = project.command(name);
            command.args(args).arg(program);
            command
        }
        None => project.command(&program.to_string_lossy()),
    };
    command.envs(ENV.iter().copied());
    command
}

/// The story without the latch, and with it each way of running it.
fn stories(project: &Project, plain: &Build, sanitized: &Build) -> Result<()> {
    let server = artifacts::build(&mut project.cargo(&["build", "-p", "testserver"]))?;
    let mut programs = server
        .iter()
        .filter_map(|built| built["executable"].as_str());
    let server = PathBuf::from(programs.next().context("cargo built no test server")?);
    let start = |name: &str, build: &Build, program: &str, tool: &[&str]| {
        Story::start(project, &server, name, &build.program(program), tool)
    };
    // As many at a time as two processors can do without being late.
    let groups = [
        [
            ("naive", plain, "naive", &[][..]),
            ("loop, sanitizers", sanitized, "loop", &[]),
            ("threads, sanitizers", sanitized, "threads", &[]),
        ],
        [
            ("loop, memcheck", plain, "loop", MEMCHECK),
            ("threads, memcheck", plain, "threads", MEMCHECK),
            ("threads, helgrind", plain, "threads", HELGRIND),
        ],
    ];
    let mut told = Vec::new();
    for group in groups {
        let running = group.map(|(name, build, program, tool)| start(name, build, program, tool));
        for story in running {
            told.push(story?.finish()?);
        }
    }
    print_table(&told);
    let (naive, latch) = told.split_first().context("no story was told")?;
    for (name, counts) in latch {
        native::judge(&json!({"latch": counts, "naive": naive.1})).with_context(|| name.clone())?;
    }
    Ok(())
}

/// A story that is being told, and the server that it is told about.
struct Story {
    name: String,
    job: Job,
    echo: Echo,
    /// Ends with this.
    _server: Job,
}

impl Story {
    fn start(
        project: &Project,
        server: &Path,
        name: &str,
        program: &Path,
        tool: &[&str],
    ) -> Result<Self> {
        let mut command = project.command(&server.to_string_lossy());
        command.args(["--max-seconds", &LIMIT.as_secs().to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = Job::start(&mut command)?;
        let about = server.lines().recv_timeout(LIMIT);
        let about = native::json(&about.context("the test server did not say where it listens")?)?;
        let url = about["base_url"].as_str().context("no base_url")?;

        let mut command = wrapped(project, tool, program);
        command.args(["--story", url]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut job = Job::start(&mut command)?;
        let echo = job.echo(name);
        Ok(Self {
            name: name.to_owned(),
            job,
            echo,
            _server: server,
        })
    }

    /// What it counted.
    fn finish(mut self) -> Result<(String, Value)> {
        let status = self.job.wait_for(LIMIT)?;
        let line = self.echo.last_line().unwrap_or_default();
        ensure!(status.success(), "{}: {status}", self.name);
        Ok((self.name, native::json(&line)?))
    }
}

fn print_table(told: &[(String, Value)]) {
    let names = told.iter().map(|(name, _)| format!("{name:>21}"));
    println!("\n{:<20}{}", "", names.collect::<String>());
    for row in native::COUNTS.iter().chain(&["refreshes"]) {
        let counts = told
            .iter()
            .map(|(_, counts)| format!("{:>21}", counts[row].to_string()));
        println!(
            "{:<20}{}",
            row.replace('_', " "),
            counts.collect::<String>()
        );
    }
    println!();
}
