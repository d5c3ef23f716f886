//! The workspace as `cargo metadata` tells it, and its files as git knows them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The target whose dependencies count: what is not built here needs no rule.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

pub(super) struct Workspace {
    pub(super) root: PathBuf,
    /// The crates of this repository.
    pub(super) members: Vec<Package>,
    /// Everything that they are built from, from the registries.
    pub(super) foreign: Vec<Package>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Package {
    pub(super) name: String,
    #[serde(default)]
    pub(super) version: String,
    pub(super) license: Option<String>,
    pub(super) source: Option<String>,
    pub(super) manifest_path: PathBuf,
    pub(super) dependencies: Vec<Dependency>,
    #[serde(default)]
    pub(super) targets: Vec<Target>,
}

impl Package {
    /// The folder of the package.
    pub(super) fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(Path::new(""))
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// `dev`, `build`, or nothing.
    pub(super) kind: Option<String>,
    /// Only for crates of this repository.
    pub(super) path: Option<PathBuf>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Target {
    pub(super) src_path: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
}

impl Workspace {
    pub(super) fn read() -> Result<Self> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--format-version", "1", "--filter-platform", PLATFORM])
            .output()
            .context("cannot run cargo metadata")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "cargo metadata failed: {said}");
        let metadata: Metadata = serde_json::from_slice(&output.stdout)
            .context("cannot read what cargo metadata wrote")?;
        let (members, foreign) =
            metadata.packages.into_iter().partition(|package| package.source.is_none());
        Ok(Self { root: metadata.workspace_root, members, foreign })
    }

    /// How a path is told: from the root of the repository.
    pub(super) fn place(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}

/// The files below `root` that are kept, or would be, by git: tracked, or new and not ignored.
pub(super) fn files(root: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    let output = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", pattern])
        .output()
        .context("cannot run git")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git ls-files failed: {said}");
    let names = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    let mut paths: Vec<PathBuf> =
        names.split('\0').filter(|name| !name.is_empty()).map(|name| root.join(name)).collect();
    // A file that was removed and not committed yet is still listed.
    paths.retain(|path| path.is_file());
    paths.sort();
    paths.dedup();
    Ok(paths)
}
