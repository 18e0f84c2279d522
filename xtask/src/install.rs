//! The C library, built and put where C programs find it.

use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::ensure;

use crate::header::RECORDING;
use crate::proc;
use crate::project::Project;

pub(crate) const MANIFEST: &str = "capi/Cargo.toml";
pub(crate) const HEADER: &str = "include/tokenlatch.h";
const WRAPPER: &str = "include/tokenlatch.hpp";
const TEMPLATES: &str = "xtask/capi";

/// How large tokens may be, how many requests may wait, and whether a latch can be recorded.
#[derive(Clone, Copy)]
pub(crate) struct Capacities {
    pub(crate) tokens: u32,
    pub(crate) waiters: u32,
    pub(crate) records: bool,
}

impl Capacities {
    pub(crate) const DEFAULT: Self = Self {
        tokens: 4096,
        waiters: 32,
        records: false,
    };
    pub(crate) const SMALL: Self = Self {
        tokens: 1024,
        waiters: 8,
        records: false,
    };

    /// Those of the environment, or the defaults.
    pub(crate) fn asked() -> Result<Self> {
        let asked = |name: &str, default| match std::env::var(name) {
            Ok(text) => text
                .parse()
                .with_context(|| format!("{name} is no number: {text}")),
            Err(_) => Ok(default),
        };
        Ok(Self {
            tokens: asked("TOKENLATCH_TOKEN_CAPACITY", Self::DEFAULT.tokens)?,
            waiters: asked("TOKENLATCH_WAITER_CAPACITY", Self::DEFAULT.waiters)?,
            records: std::env::var_os("TOKENLATCH_RECORDING").is_some_and(|value| value == "1"),
        })
    }

    /// The header with these as its defaults.
    pub(crate) fn header(self, text: &str) -> Result<String> {
        let mut text = text.to_owned();
        let numbers = [
            ("TOKEN", Self::DEFAULT.tokens, self.tokens),
            ("WAITER", Self::DEFAULT.waiters, self.waiters),
        ];
        for (name, default, number) in numbers {
            let line = format!("#define TL_{name}_CAPACITY {default}u\n");
            ensure!(text.contains(&line), "{HEADER} has no `{}`", line.trim());
            text = text.replace(&line, &format!("#define TL_{name}_CAPACITY {number}u\n"));
        }
        if self.records {
            let line = format!("/* #undef {RECORDING} */\n");
            ensure!(text.contains(&line), "{HEADER} has no `{}`", line.trim());
            text = text.replace(&line, &format!("#define {RECORDING} 1\n"));
        }
        Ok(text)
    }
}

/// The two libraries as cargo names them.
pub(crate) struct Built {
    pub(crate) archive: PathBuf,
    pub(crate) shared: PathBuf,
}

/// What programs that are linked with the shared library ask for. Before 1.0 the minor number is part of it.
pub(crate) fn soname(project: &Project) -> Result<String> {
    let version = project.version()?;
    let mut parts = version.split('.');
    let (major, minor) = (parts.next(), parts.next());
    let (major, minor) = major.zip(minor).context("a version has three numbers")?;
    Ok(match major {
        "0" => format!("libtokenlatch.so.{major}.{minor}"),
        _ => format!("libtokenlatch.so.{major}"),
    })
}

/// Builds both libraries with these capacities.
pub(crate) fn build(project: &Project, capacities: Capacities) -> Result<Built> {
    ensure!(
        cfg!(target_os = "linux"),
        "the C library is installed on Linux only; elsewhere: cargo build --release --manifest-path {MANIFEST}"
    );
    let Capacities {
        tokens,
        waiters,
        records,
    } = capacities;
    let features = if records { "recording" } else { "" };
    // A folder for each, so that one does not undo the other.
    let target = project
        .target
        .join("capi")
        .join(format!("{tokens}-{waiters}-{features}"));
    let mut command = project.cargo(&[
        "rustc",
        "--release",
        "--locked",
        "--manifest-path",
        MANIFEST,
        "--features",
        features,
    ]);
    command.env("CARGO_TARGET_DIR", &target);
    command.env("TOKENLATCH_TOKEN_CAPACITY", tokens.to_string());
    command.env("TOKENLATCH_WAITER_CAPACITY", waiters.to_string());
    command.arg("--");
    command.arg(format!("-Clink-arg=-Wl,-soname,{}", soname(project)?));
    proc::run(&mut command)?;
    let built = target.join("release");
    Ok(Built {
        archive: built.join("libtokenlatch_c.a"),
        shared: built.join("libtokenlatch_c.so"),
    })
}

/// Puts libraries, headers, and what pkg-config and CMake read below `prefix`. Nothing in them names the prefix: the
/// folder can be moved.
pub(crate) fn install(project: &Project, prefix: &Path, capacities: Capacities) -> Result<()> {
    let built = build(project, capacities)?;
    let (include, lib) = (prefix.join("include"), prefix.join("lib"));
    let (pkgconfig, cmake) = (lib.join("pkgconfig"), lib.join("cmake/tokenlatch"));
    for folder in [&include, &pkgconfig, &cmake] {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let read = |name: &str| {
        std::fs::read_to_string(project.root.join(name)).with_context(|| format!("no {name}"))
    };
    std::fs::write(
        include.join("tokenlatch.h"),
        capacities.header(&read(HEADER)?)?,
    )?;
    std::fs::write(include.join("tokenlatch.hpp"), read(WRAPPER)?)?;
    put(&built.archive, &lib.join("libtokenlatch.a"))?;
    let version = project.version()?;
    let shared = format!("libtokenlatch.so.{version}");
    put(&built.shared, &lib.join(&shared))?;
    let soname = soname(project)?;
    for link in [&*soname, "libtokenlatch.so"] {
        link_to(&shared, &lib.join(link))?;
    }
    let mut parts = version.split('.');
    let values = [
        ("@VERSION@", version),
        ("@MAJOR@", parts.next().unwrap_or_default()),
        ("@MINOR@", parts.next().unwrap_or_default()),
        ("@SHARED@", &shared),
        ("@SONAME@", &soname),
    ];
    let templates = [
        (&pkgconfig, "tokenlatch.pc"),
        (&cmake, "tokenlatch-config.cmake"),
        (&cmake, "tokenlatch-config-version.cmake"),
    ];
    for (folder, name) in templates {
        let mut text = read(&format!("{TEMPLATES}/{name}.in"))?;
        for (word, value) in values {
            text = text.replace(word, value);
        }
        std::fs::write(folder.join(name), text)?;
    }
    println!(
        "{}: tokens of {} bytes, {} waiting requests{}",
        project.show(prefix),
        capacities.tokens,
        capacities.waiters,
        if capacities.records {
            ", can record"
        } else {
            ""
        }
    );
    Ok(())
}

/// Copies a file to a place of its own: programs that use the one of an earlier installation go on with that.
fn put(from: &Path, to: &Path) -> Result<()> {
    let _ = std::fs::remove_file(to);
    std::fs::copy(from, to).with_context(|| format!("cannot make {}", to.display()))?;
    Ok(())
}

#[cfg(unix)]
fn link_to(target: &str, link: &Path) -> Result<()> {
    // One of an earlier installation.
    let _ = std::fs::remove_file(link);
    std::os::unix::fs::symlink(target, link)
        .with_context(|| format!("cannot make {}", link.display()))
}

#[cfg(not(unix))]
fn link_to(target: &str, link: &Path) -> Result<()> {
    let folder = link.parent().context("a file lies in a folder")?;
    std::fs::copy(folder.join(target), link)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_gets_its_capacities() {
        let text = "#define TL_TOKEN_CAPACITY 4096u\n#define TL_WAITER_CAPACITY 32u\n";
        let small = Capacities::SMALL.header(text).unwrap();
        assert_eq!(
            small,
            "#define TL_TOKEN_CAPACITY 1024u\n#define TL_WAITER_CAPACITY 8u\n"
        );
        assert!(Capacities::SMALL.header("").is_err());
        let mut records = Capacities::DEFAULT;
        records.records = true;
        assert!(records.header(text).is_err());
        let text = format!("{text}/* #undef TL_RECORDING */\n");
        let made = records.header(&text).unwrap();
        assert!(made.ends_with("#define TL_RECORDING 1\n"), "{made}");
    }
}
