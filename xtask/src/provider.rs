//! The OpenID provider of the end-to-end run: npm's `oidc-provider` on loopback.

use std::path::PathBuf;
use std::process::ChildStdin;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use serde_json::Value;

use crate::counts;
use crate::counts::Counts;
use crate::proc::Job;
use crate::project::Project;
use crate::tools;

const START: Duration = Duration::from_secs(30);
const STOP: Duration = Duration::from_secs(15);

/// Where the provider's script and its packages are.
pub(crate) fn folder(project: &Project) -> PathBuf {
    project.root.join("xtask/e2e")
}

/// The provider's own tests.
pub(crate) fn smoke(project: &Project, counts: &mut Counts) -> Result<()> {
    tools::npm_packages(project, &folder(project))?;
    let mut command = project.command("node");
    command.args(["--test", "--test-reporter=tap", "smoke.mjs"]);
    counts::run(command.current_dir(folder(project)), counts)
}

/// A running provider. Dropping it kills it.
pub(crate) struct Provider {
    job: Job,
    /// Closing it asks the provider to end.
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    /// What it said of itself when it had started.
    pub(crate) about: Value,
}

impl Provider {
    /// Starts it with so many grants of each of its clients.
    pub(crate) fn start(
        project: &Project,
        ttl: u32,
        grants: usize,
        max_seconds: u64,
    ) -> Result<Self> {
        tools::npm_packages(project, &folder(project))?;
        let mut command = project.command("node");
        command
            .arg("provider.mjs")
            .args(["--ttl", &ttl.to_string()])
            .args(["--refresh-tokens", &grants.to_string()])
            .args(["--max-seconds", &max_seconds.to_string()])
            .current_dir(folder(project))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut job = Job::start(&mut command)?;
        let stdin = job.stdin();
        let lines = job.lines();
        let line = lines
            .recv_timeout(START)
            .context("the provider did not say where it listens")?;
        let about = serde_json::from_str(&line)
            .with_context(|| format!("the provider's first line is not JSON: {line}"))?;
        Ok(Self {
            job,
            stdin,
            lines,
            about,
        })
    }

    /// A member of what it said of itself.
    pub(crate) fn text(&self, name: &str) -> Result<&str> {
        self.text_at(name, 0)
    }

    /// The same; of a list, such as that of the refresh tokens, the one at this place.
    pub(crate) fn text_at(&self, name: &str, at: usize) -> Result<&str> {
        let value = &self.about[name];
        let value = if value.is_array() { &value[at] } else { value };
        let text = value.as_str();
        text.with_context(|| format!("the provider did not name its {name}"))
    }

    /// Ends it and gives its counts.
    pub(crate) fn stop(mut self) -> Result<Value> {
        drop(self.stdin.take());
        let line = self
            .lines
            .recv_timeout(STOP)
            .context("the provider ended without its counts")?;
        self.job.wait_for(STOP)?;
        serde_json::from_str(&line)
            .with_context(|| format!("the provider's last line is not JSON: {line}"))
    }
}
