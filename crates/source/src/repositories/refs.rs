//! Moving refs. Every move is a compare-and-swap of git's own and on the disk when it returns.

use types::{AppName, ChangeId, CommitId};

use super::Repositories;
use crate::Error;
use crate::git::{Output, failed};

const BRANCHES: &str = "refs/heads/";
const PINS: &str = "refs/solum/pins/";

/// What became of an attempt to move a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advance {
    Moved,
    /// It pointed at the new commit before.
    AlreadyThere,
    /// It points elsewhere than was expected; `None` if there is no such branch.
    Conflict {
        actual: Option<CommitId>,
    },
}

impl Repositories {
    /// The commit that a branch points at; `None` if there is no such branch.
    pub async fn tip(&self, app: &AppName, branch: &str) -> Result<Option<CommitId>, Error> {
        self.resolve(app, &branch_ref(branch)?).await
    }

    /// The commit that a tag leads to; `None` if there is no such tag, or if it leads to something else.
    pub async fn tag(&self, app: &AppName, tag: &str) -> Result<Option<CommitId>, Error> {
        // A tag is named by the rules of branches.
        branch_ref(tag)?;
        self.resolve(app, &format!("refs/tags/{tag}^{{commit}}")).await
    }

    /// Moves a branch from `old` (`None`: there is no such branch) to `new`.
    pub async fn advance(
        &self,
        app: &AppName,
        branch: &str,
        new: &CommitId,
        old: Option<&CommitId>,
    ) -> Result<Advance, Error> {
        let name = branch_ref(branch)?;
        if old == Some(new) {
            let actual = self.resolve(app, &name).await?;
            let there = actual.as_ref() == Some(new);
            return Ok(if there { Advance::AlreadyThere } else { Advance::Conflict { actual } });
        }
        let output = self.swap(app, &name, new, old).await?;
        if output.status.success() {
            return Ok(Advance::Moved);
        }
        match self.resolve(app, &name).await? {
            Some(actual) if actual == *new => Ok(Advance::AlreadyThere),
            actual if actual.as_ref() != old => Ok(Advance::Conflict { actual }),
            _ => Err(self.explain(app, new, &output).await),
        }
    }

    /// Keeps a commit from being collected as garbage while `change` is under way.
    pub async fn pin(
        &self,
        app: &AppName,
        change: ChangeId,
        commit: &CommitId,
    ) -> Result<(), Error> {
        self.set(app, &format!("{PINS}{change}"), commit).await
    }

    /// Takes the pin of `change` away; one that is not there is no error.
    pub async fn unpin(&self, app: &AppName, change: ChangeId) -> Result<(), Error> {
        let name = format!("{PINS}{change}");
        self.invoke_in(app, "update-ref -d")
            .await?
            .args(["update-ref", "-d", &name])
            .text()
            .await?;
        Ok(())
    }

    /// All pins of an app.
    pub async fn pins(&self, app: &AppName) -> Result<Vec<(ChangeId, CommitId)>, Error> {
        let text = self
            .invoke_in(app, "for-each-ref")
            .await?
            .args(["for-each-ref", "--format=%(objectname) %(refname)", PINS])
            .text()
            .await?;
        let read = |line: &str| {
            let (commit, name) = line.split_once(' ')?;
            Some((name.strip_prefix(PINS)?.parse().ok()?, commit.parse().ok()?))
        };
        Ok(text.lines().filter_map(read).collect())
    }

    /// Lets `refs/changes/NUMBER/head` point at a commit, from where people can fetch it.
    pub async fn set_change_ref(
        &self,
        app: &AppName,
        number: u64,
        commit: &CommitId,
    ) -> Result<(), Error> {
        self.set(app, &change_ref(number), commit).await
    }

    async fn set(&self, app: &AppName, name: &str, commit: &CommitId) -> Result<(), Error> {
        let output = self
            .invoke_in(app, "update-ref")
            .await?
            .args(["update-ref", name, commit.as_str()])
            .output()
            .await?;
        if output.status.success() { Ok(()) } else { Err(self.explain(app, commit, &output).await) }
    }

    async fn swap(
        &self,
        app: &AppName,
        name: &str,
        new: &CommitId,
        old: Option<&CommitId>,
    ) -> Result<Output, Error> {
        let nothing = "0".repeat(new.as_str().len());
        let old = old.map_or(nothing.as_str(), CommitId::as_str);
        let invocation = self.invoke_in(app, "update-ref").await?;
        invocation.args(["update-ref", name, new.as_str(), old]).output().await
    }

    async fn resolve(&self, app: &AppName, name: &str) -> Result<Option<CommitId>, Error> {
        let output = self
            .invoke_in(app, "rev-parse")
            .await?
            .args(["rev-parse", "--verify", "--quiet", name])
            .output()
            .await?;
        let text = String::from_utf8_lossy(&output.stdout);
        match text.trim_end().parse() {
            Ok(commit) if output.status.success() => Ok(Some(commit)),
            // `--quiet` exits with 1 and says nothing if there is no such ref.
            _ if output.status.code() == Some(1) && output.stderr.is_empty() => Ok(None),
            _ => Err(failed("rev-parse", &output)),
        }
    }

    /// Why a ref could not be set: because of the commit, or for a reason of git's.
    async fn explain(&self, app: &AppName, commit: &CommitId, output: &Output) -> Error {
        match self.has_commit(app, commit).await {
            Ok(false) => Error::NoCommit { app: app.clone(), commit: commit.clone() },
            _ => failed("update-ref", output),
        }
    }
}

/// The name under which people can fetch the head of a change.
#[must_use]
pub fn change_ref(number: u64) -> String {
    format!("refs/changes/{number}/head")
}

/// Whether a branch can have this name.
pub fn check_branch(branch: &str) -> Result<(), Error> {
    branch_ref(branch).map(drop)
}

/// The full name of a branch, checked as git-check-ref-format(1) says.
pub(super) fn branch_ref(branch: &str) -> Result<String, Error> {
    let forbidden = |c: char| c.is_ascii_control() || " ~^:?*[\\".contains(c);
    let part = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock") && part != "@"
    };
    let valid = branch.len() <= 200
        && !branch.starts_with('-')
        && !branch.ends_with('.')
        && !branch.contains("..")
        && !branch.contains("@{")
        && !branch.contains(forbidden)
        && branch.split('/').all(part)
        && branch != "HEAD";
    if valid {
        Ok(format!("{BRANCHES}{branch}"))
    } else {
        Err(Error::InvalidBranch(branch.chars().take(80).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_are_named_as_git_allows() {
        for good in ["main", "feature/login", "v1.2", "ä", "a@b"] {
            assert_eq!(branch_ref(good).unwrap(), format!("refs/heads/{good}"));
        }
        let long = "a".repeat(201);
        for bad in [
            "", "-d", "a..b", "a b", "a//b", "/a", "a/", ".a", "a/.b", "a.lock", "a.lock/b", "a.",
            "@", "a@{1}", "a^", "a:b", "a\nb", "HEAD", &long,
        ] {
            assert!(branch_ref(bad).is_err(), "{bad:?}");
        }
    }
}
