//! What lies between two commits: the commits themselves, and the paths that differ.

use types::{AppName, CommitId};

use super::Repositories;
use crate::Error;
use crate::git::failed;

/// A commit as whoever is told of a push sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedCommit {
    pub id: CommitId,
    pub tree: String,
    pub author: Signature,
    pub committer: Signature,
    /// When it was committed, with the committer's offset from UTC (RFC 3339).
    pub committed_at: String,
    /// Whole, or its first 16,384 characters.
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub name: String,
    pub email: String,
}

/// Characters of a message that are kept.
const MAX_MESSAGE: usize = 16_384;

impl Repositories {
    /// The commit that an object of a push is, or that a tag leads to; `None` if that is none.
    pub async fn peel(&self, app: &AppName, object: &CommitId) -> Result<Option<CommitId>, Error> {
        let name = format!("{object}^{{commit}}");
        let output = self
            .invoke_in(app, "rev-parse")
            .await?
            .args(["rev-parse", "--verify", "--quiet", &name])
            .output()
            .await?;
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().parse().ok())
    }

    /// The newest `most` commits that lead to `to` and not to `from`, oldest first.
    pub async fn commits_between(
        &self,
        app: &AppName,
        from: Option<&CommitId>,
        to: &CommitId,
        most: usize,
    ) -> Result<Vec<PushedCommit>, Error> {
        let mut invocation = self
            .invoke_in(app, "log")
            .await?
            .args(["log", "-z", "--no-show-signature", "--no-mailmap", "--encoding=UTF-8"])
            .arg("--format=%H%n%T%n%an%n%ae%n%cn%n%ce%n%cI%n%B")
            .args(["-n", &most.to_string(), to.as_str()]);
        if let Some(from) = from {
            invocation = invocation.arg(format!("^{from}"));
        }
        let output = invocation.output().await?;
        if !output.status.success() {
            return Err(failed("log", &output));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let commits = text.split_terminator('\0').map(commit).collect::<Option<Vec<_>>>();
        let mut commits = commits.ok_or_else(|| failed("log", &output))?;
        commits.reverse();
        Ok(commits)
    }

    /// Every path that differs between two commits; a moved file counts as both of its paths.
    pub async fn changed_paths(
        &self,
        app: &AppName,
        from: &CommitId,
        to: &CommitId,
    ) -> Result<Vec<String>, Error> {
        let text = self
            .invoke_in(app, "diff-tree")
            .await?
            .args(["diff-tree", "-r", "-z", "--name-only", "--no-renames"])
            .args([from.as_str(), to.as_str()])
            .text()
            .await?;
        Ok(text.split_terminator('\0').map(ToOwned::to_owned).collect())
    }

    /// The newest commit that both have in their past; `None` if there is none.
    pub async fn merge_base(
        &self,
        app: &AppName,
        one: &CommitId,
        other: &CommitId,
    ) -> Result<Option<CommitId>, Error> {
        let output = self
            .invoke_in(app, "merge-base")
            .await?
            .args(["merge-base", one.as_str(), other.as_str()])
            .output()
            .await?;
        match output.status.code() {
            Some(0) => Ok(String::from_utf8_lossy(&output.stdout).trim_end().parse().ok()),
            Some(1) => Ok(None),
            _ => Err(failed("merge-base", &output)),
        }
    }
}

fn commit(text: &str) -> Option<PushedCommit> {
    let mut lines = text.splitn(8, '\n');
    let id = lines.next()?.parse().ok()?;
    let tree = lines.next()?.to_owned();
    let mut signature =
        || Some(Signature { name: lines.next()?.to_owned(), email: lines.next()?.to_owned() });
    let (author, committer) = (signature()?, signature()?);
    let committed_at = lines.next()?.to_owned();
    let message = lines.next()?.trim_end().chars().take(MAX_MESSAGE).collect();
    Some(PushedCommit { id, tree, author, committer, committed_at, message })
}
