//! Submodules, fetched from where `.gitmodules` says.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use rustix::process::Resource;
use types::CommitId;

use super::{CheckoutError, Part, SubmoduleProblem};
use crate::git::{Invocation, Output, failed};
use crate::{Error, Repositories};

/// What may be fetched without credentials. The server has none to show, and must not lend its own keys.
const SCHEMES: [&str; 3] = ["https://", "http://", "git://"];

impl Repositories {
    /// Path → address of the submodules that a commit's `.gitmodules` knows.
    pub(super) async fn module_addresses(
        &self,
        part: &Part,
    ) -> Result<BTreeMap<PathBuf, String>, CheckoutError> {
        let output = self
            .invoke("config")
            .env("GIT_DIR", &part.git_dir)
            .args(["config", "-z", "--blob", &format!("{}:.gitmodules", part.commit)])
            .args(["--get-regexp", r"^submodule\..*\.(path|url)$"])
            .output()
            .await?;
        // It exits with another status if there is no such file, or nothing of the kind in it.
        Ok(read_modules(&String::from_utf8_lossy(&output.stdout)))
    }

    /// Fetches one commit of a submodule into a new repository.
    pub(super) async fn fetch_module(
        &self,
        path: &Path,
        address: Option<&str>,
        commit: &CommitId,
        git_dir: &Path,
    ) -> Result<(), CheckoutError> {
        let refuse = |problem| error(path, address, problem);
        let Some(from) = address else {
            return Err(refuse(SubmoduleProblem::Unknown(path.display().to_string())));
        };
        if !SCHEMES.iter().any(|scheme| from.starts_with(scheme)) {
            return Err(refuse(SubmoduleProblem::Scheme));
        }
        self.invoke("init")
            .args(["init", "--quiet", "--bare", "--template="])
            .arg(git_dir)
            .text()
            .await?;
        let exact = self.fetch(git_dir).args(["--depth=1", from, commit.as_str()]);
        if run(exact).await.map_err(refuse)?.status.success() {
            return Ok(());
        }
        let limit = self.config().max_pack_bytes;
        if outgrown(git_dir, limit).map_err(Error::io("looking at a fetch", git_dir))? {
            return Err(refuse(SubmoduleProblem::TooLarge(limit)));
        }
        // Some servers hand out only what a ref points at, or no shallow history.
        let everything = self.fetch(git_dir).args([
            from,
            "+refs/heads/*:refs/heads/*",
            "+refs/tags/*:refs/tags/*",
        ]);
        let output = run(everything).await.map_err(refuse)?;
        if outgrown(git_dir, limit).map_err(Error::io("looking at a fetch", git_dir))? {
            return Err(refuse(SubmoduleProblem::TooLarge(limit)));
        }
        if !output.status.success() {
            return Err(refuse(problem(from, &output)));
        }
        let known = self
            .invoke("cat-file")
            .env("GIT_DIR", git_dir)
            .args(["cat-file", "-e", &format!("{commit}^{{commit}}")])
            .output()
            .await?;
        match known.status.code() {
            Some(0) => Ok(()),
            Some(1 | 128) => Err(refuse(SubmoduleProblem::NoCommit(commit.clone()))),
            _ => Err(failed("cat-file", &known).into()),
        }
    }

    /// A fetch from a stranger: nothing it sends is larger than a push may be.
    fn fetch(&self, git_dir: &Path) -> Invocation {
        let config = self.git().config();
        let mut invocation = self
            .invoke("fetch")
            .limit(Resource::Fsize, self.config().max_pack_bytes)
            .within(config.submodule_timeout)
            .env("GIT_DIR", git_dir)
            .env("GIT_ALLOW_PROTOCOL", "https:http:git");
        for (name, value) in &config.network_environment {
            invocation = invocation.env(name, value);
        }
        invocation
            .args(["-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=30"])
            .args(["fetch", "--quiet", "--no-tags"])
            .args(["--no-auto-maintenance", "--no-write-fetch-head", "--no-recurse-submodules"])
    }
}

/// Whether a pack was cut off at the limit: git says nothing of that.
pub(crate) fn outgrown(git_dir: &Path, limit: u64) -> io::Result<bool> {
    for entry in std::fs::read_dir(git_dir.join("objects/pack"))? {
        if entry?.metadata()?.len() >= limit {
            return Ok(true);
        }
    }
    Ok(false)
}

fn problem(from: &str, output: &Output) -> SubmoduleProblem {
    let said = output.stderr.lines().filter(|line| !line.trim().is_empty());
    let said = said.map(str::trim).collect::<Vec<_>>().join("; ");
    SubmoduleProblem::Refused(said.replace(from, &without_credentials(from)))
}

async fn run(invocation: Invocation) -> Result<Output, SubmoduleProblem> {
    match invocation.output().await {
        Ok(output) => Ok(output),
        Err(Error::GitTimedOut { after, .. }) => Err(SubmoduleProblem::TimedOut(after)),
        Err(error) => Err(SubmoduleProblem::Refused(error.to_string())),
    }
}

pub(super) fn error(
    path: &Path,
    address: Option<&str>,
    problem: SubmoduleProblem,
) -> CheckoutError {
    let path = path.display().to_string();
    CheckoutError::Submodule { path, address: address.map(without_credentials), problem }
}

/// An address as it may be shown.
fn without_credentials(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let host_ends = rest.find('/').unwrap_or(rest.len());
    match rest[..host_ends].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => address.to_owned(),
    }
}

/// Reads `submodule.NAME.path\nVALUE\0…`.
fn read_modules(text: &str) -> BTreeMap<PathBuf, String> {
    let mut paths = BTreeMap::new();
    let mut addresses = BTreeMap::new();
    for (key, value) in text.split('\0').filter_map(|entry| entry.split_once('\n')) {
        let Some(key) = key.strip_prefix("submodule.") else { continue };
        if let Some(name) = key.strip_suffix(".path") {
            paths.insert(name.to_owned(), PathBuf::from(value));
        } else if let Some(name) = key.strip_suffix(".url") {
            addresses.insert(name.to_owned(), value.to_owned());
        }
    }
    let mut known = BTreeMap::new();
    for (name, path) in paths {
        if let Some(address) = addresses.remove(&name) {
            known.insert(path, address);
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_addresses_are_matched_by_name() {
        let text = "submodule.a.b.path\nvendor/x\0submodule.a.b.url\nhttps://h/x\0\
                    submodule.other.url\nhttps://h/y\0";
        let known = read_modules(text);
        assert_eq!(known.len(), 1);
        assert_eq!(known[Path::new("vendor/x")], "https://h/x");
    }

    #[test]
    fn credentials_are_not_shown() {
        assert_eq!(without_credentials("https://me:s3cret@h/x@y"), "https://h/x@y");
        assert_eq!(without_credentials("https://h/x@y"), "https://h/x@y");
        assert_eq!(without_credentials("../x"), "../x");
    }
}
