//! The package in browsers and engines, and beside its peers: `cargo xtask js web`, `cargo xtask bench js`.

use std::path::PathBuf;

use anyhow::Result;
use anyhow::bail;

use crate::counts;
use crate::counts::Counts;
use crate::js;
use crate::proc;
use crate::project::Project;
use crate::tools;

/// A program, and the Debian package that it comes in.
const ENGINES: &[(&str, &str)] = &[
    ("chromium", "chromium"),
    ("firefox-esr", "firefox-esr"),
    ("WebKitWebDriver", "webkit2gtk-driver"),
    ("Xvfb", "xvfb"),
    ("jsc", "libjavascriptcoregtk-4.0-bin"),
    ("openssl", "openssl"),
];

/// Installs what is missing. Not each of these programs has an option that only tells its version.
fn engines(project: &Project) -> Result<()> {
    let found = |name: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
    };
    let missing = || ENGINES.iter().filter(|(name, _)| !found(name));
    let packages: Vec<_> = missing().map(|(_, package)| *package).collect();
    if !packages.is_empty() {
        let script = format!(
            "apt-get -q update && DEBIAN_FRONTEND=noninteractive \
             apt-get -qy install --no-install-recommends {}",
            packages.join(" ")
        );
        proc::run(project.command("sh").args(["-c", &script]))?;
    }
    let left: Vec<_> = missing().map(|(name, _)| *name).collect();
    if !left.is_empty() {
        bail!("missing: {}", left.join(", "));
    }
    Ok(())
}

fn browsers(project: &Project) -> PathBuf {
    project.root.join("js/test/browsers")
}

fn testserver(project: &Project) -> Result<PathBuf> {
    proc::run(&mut project.cargo(&["build", "--quiet", "-p", "testserver"]))?;
    Ok(project.target.join("debug/testserver"))
}

/// The package in engines and in browsers; it has been built.
pub(crate) fn test(project: &Project, counts: &mut Counts) -> Result<()> {
    engines(project)?;
    tools::npm_packages(project, &browsers(project))?;
    let server = testserver(project)?;
    let shots = project.scratch("h5")?;
    let mut files: Vec<_> = std::fs::read_dir(browsers(project))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    files.sort();
    let mut command = project.command("node");
    command
        // One after the other: what they measure must not be each other.
        .args(["--test", "--test-concurrency=1", "--test-reporter=tap"])
        .args(files)
        .env("TOKENLATCH_TESTSERVER", server)
        .env("TOKENLATCH_SHOTS", shots)
        .current_dir(browsers(project));
    counts::run(&mut command, counts)
}

/// The package beside its peers; writes `js/bench/README.md`.
pub(crate) fn bench(project: &Project) -> Result<()> {
    js::build(project)?;
    engines(project)?;
    tools::npm_packages(project, &browsers(project))?;
    tools::npm_packages(project, &project.root.join("js/bench"))?;
    let mut command = project.command("node");
    command
        .arg("js/bench/run.mjs")
        .env("TOKENLATCH_TESTSERVER", testserver(project)?);
    proc::run(&mut command)
}
