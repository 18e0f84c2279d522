//! The model checker CBMC: the one that is installed, or that of Debian 13 in a folder of its own.
//!
//! Debian 12 has none. Its package of Debian 13 runs there beside its own C library, started by its own loader; nothing
//! of it is installed.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::proc;
use crate::project::Project;
use crate::tools;

const VERSION: &str = "6.6.0";
const RELEASE: &str = "trixie";
const PACKAGES: &str = "cbmc libc6 libstdc++6 libgcc-s1 libjemalloc2 minisat zlib1g";
/// In place of the C library's: with it a short run takes half of the time, a long one two thirds.
const ALLOCATOR: &str = "libjemalloc.so.2";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Where the programs lie, if not on the path.
pub(super) struct Checker(Option<PathBuf>);

impl Checker {
    /// Finds or fetches it, and what it needs.
    pub(super) fn find(project: &Project) -> Result<Self> {
        tools::debian(project, "gcc", "gcc")?;
        tools::debian(project, "wasm2c", "wabt")?;
        let installed = Self(None);
        if installed.is_there() {
            return Ok(installed);
        }
        let folder = project.target.join("prove/cbmc");
        let fetched = Self(Some(folder.join("root")));
        if !fetched.is_there() {
            fetch(&folder).with_context(|| format!("missing: cbmc {VERSION}"))?;
        }
        if !fetched.is_there() {
            bail!("missing: cbmc {VERSION}, even after it was fetched");
        }
        Ok(fetched)
    }

    fn is_there(&self) -> bool {
        let told = proc::read(self.program("cbmc").arg("--version"));
        told.is_ok_and(|told| told.starts_with(VERSION))
    }

    /// One of its programs.
    pub(super) fn program(&self, name: &str) -> Command {
        let Some(root) = &self.0 else {
            return Command::new(name);
        };
        let usr = root.join("usr");
        let libraries = usr.join("lib");
        let of_system = libraries.join(format!("{}-linux-gnu", std::env::consts::ARCH));
        let mut command = Command::new(usr.join("lib64/ld-linux-x86-64.so.2"));
        command.arg("--preload").arg(of_system.join(ALLOCATOR));
        let both = format!("{}:{}", of_system.display(), libraries.display());
        command.arg("--library-path").arg(both);
        command.arg(usr.join("bin").join(name));
        command
    }
}

/// With the machine's own client and mirror, but with lists and a cache apart.
fn fetch(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    for name in ["state", "lists/partial", "cache/archives/partial", "root"] {
        std::fs::create_dir_all(folder.join(name))?;
    }
    let mirror = mirror()?;
    let source = format!("deb [signed-by={KEYRING}] {mirror} {RELEASE} main\n");
    std::fs::write(folder.join("sources.list"), source)?;
    std::fs::write(folder.join("status"), "")?;
    let at = |name: &str| folder.join(name).display().to_string();
    let config = format!(
        "Dir::Etc::SourceList \"{}\";\nDir::Etc::SourceParts \"-\";\nDir::State \"{}\";\nDir::State::Lists \"{}\";\n\
         Dir::State::Status \"{}\";\nDir::Cache \"{}\";\nAPT::Sandbox::User \"root\";\nAcquire::Languages \"none\";\n",
        at("sources.list"),
        at("state"),
        at("lists"),
        at("status"),
        at("cache")
    );
    std::fs::write(folder.join("apt.conf"), config)?;
    let script = format!(
        "apt-get -q update && apt-get -q download {PACKAGES} && for package in *.deb; do dpkg -x $package root; done"
    );
    let mut command = Command::new("sh");
    command.args(["-ec", &script]).current_dir(folder);
    proc::run(command.env("APT_CONFIG", folder.join("apt.conf")))
}

/// The first Debian mirror among the machine's sources.
fn mirror() -> Result<String> {
    let mut command = Command::new("apt-get");
    command.args(["indextargets", "--format", "$(REPO_URI)"]);
    let listed = proc::read(command.arg("Created-By: Packages"))?;
    let found = listed
        .lines()
        .find(|uri| uri.trim_end_matches('/').ends_with("/debian"));
    found
        .map(str::to_owned)
        .context("no Debian mirror among the sources of apt")
}
