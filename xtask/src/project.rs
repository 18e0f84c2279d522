//! What `cargo metadata` says of this repository.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;
use serde_json::Value;

use crate::proc;

/// The package that is published.
pub(crate) const PACKAGE: &str = "tokenlatch";

/// The repository: its root package and where builds go.
pub(crate) struct Project {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    package: Value,
}

impl Project {
    pub(crate) fn read() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = root.parent().context("xtask lies in the repository")?;
        let mut command = Command::new("cargo");
        command.args(["metadata", "--no-deps", "--format-version", "1"]);
        let text = proc::read(command.current_dir(root))?;
        let mut metadata: Value = serde_json::from_str(&text)?;
        let root = metadata["workspace_root"].as_str();
        let root = PathBuf::from(root.context("no workspace_root")?);
        let target = metadata["target_directory"].as_str();
        let target = PathBuf::from(target.context("no target_directory")?);
        let packages = metadata["packages"].as_array_mut();
        let package = packages
            .and_then(|all| all.iter_mut().find(|package| package["name"] == PACKAGE))
            .with_context(|| format!("no package {PACKAGE}"))?
            .take();
        Ok(Self {
            root,
            target,
            package,
        })
    }

    /// A command that runs in the root of the repository.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// `cargo` with these arguments.
    pub(crate) fn cargo(&self, args: &[&str]) -> Command {
        let mut command = self.command("cargo");
        command.args(args);
        command
    }

    /// `cargo` of another toolchain.
    pub(crate) fn cargo_of(&self, toolchain: &str, args: &[&str]) -> Command {
        let mut command = self.command("rustup");
        command.args(["run", toolchain, "cargo"]).args(args);
        command
    }

    /// `rustc` of another toolchain.
    pub(crate) fn rustc_of(&self, toolchain: &str, args: &[&str]) -> Command {
        let mut command = self.command("rustup");
        command.args(["run", toolchain, "rustc"]).args(args);
        command
    }

    /// A folder below the target folder, empty.
    pub(crate) fn scratch(&self, name: &str) -> Result<PathBuf> {
        let path = self.target.join("xtask").join(name);
        if path.exists() {
            std::fs::remove_dir_all(&path)
                .with_context(|| format!("cannot empty {}", path.display()))?;
        }
        std::fs::create_dir_all(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(path)
    }

    /// A path for people: relative to the root where it lies below it.
    pub(crate) fn show(&self, path: &Path) -> String {
        let path = path.strip_prefix(&self.root).unwrap_or(path);
        path.display().to_string()
    }

    /// The public features, `default` excepted: private ones begin with `_`.
    pub(crate) fn features(&self) -> Vec<String> {
        let features = self.package["features"].as_object();
        let names = features.into_iter().flat_map(|all| all.keys());
        names
            .filter(|name| *name != "default" && !name.starts_with('_'))
            .cloned()
            .collect()
    }

    /// The version of the package.
    pub(crate) fn version(&self) -> Result<&str> {
        self.package["version"].as_str().context("no version")
    }

    /// The toolchain of the oldest supported compiler, with all three numbers.
    pub(crate) fn msrv(&self) -> Result<String> {
        let version = self.package["rust_version"].as_str();
        let version = version.context("Cargo.toml has no rust-version")?;
        Ok(match version.split('.').count() {
            2 => format!("{version}.0"),
            _ => version.to_owned(),
        })
    }

    /// The features that an example of the root package asks for.
    pub(crate) fn example_features(&self, name: &str) -> Result<Vec<String>> {
        let targets = self.package["targets"].as_array();
        let example = targets
            .and_then(|all| {
                all.iter()
                    .find(|target| target["name"] == name && target["kind"][0] == "example")
            })
            .with_context(|| format!("there is no example `{name}`"))?;
        let features = example["required-features"].as_array();
        let features = features.into_iter().flatten().filter_map(Value::as_str);
        Ok(features.map(str::to_owned).collect())
    }
}
