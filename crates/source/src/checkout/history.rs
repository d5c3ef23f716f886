//! A `.git` for a tree that was laid out: real, of its own, with as much of the history as is asked for.

use std::path::Path;

use types::{AppName, CommitId};

use crate::{Error, Repositories};

/// What a job's git is to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Where the commit stands: `refs/heads/main`. Of a branch, that branch is checked out; otherwise the commit is.
    pub reference: String,
    /// Commits of history; `None` for all of it, with every branch and tag.
    pub depth: Option<u32>,
    /// Also tags, where there is not all of the history.
    pub tags: bool,
    /// What `origin` stands for.
    pub remote: String,
}

impl Repositories {
    /// Makes `tree`, which [`checkout`](Self::checkout) has laid out and nobody has changed since, a git repository whose
    /// working tree is clean. It shares no file with the hosted repository.
    pub async fn attach_history(
        &self,
        app: &AppName,
        commit: &CommitId,
        history: &History,
        tree: &Path,
    ) -> Result<(), Error> {
        if !self.exists(app).await? {
            return Err(Error::NoRepository(app.clone()));
        }
        let git_dir = tree.join(".git");
        let invoke = |what: &'static str| {
            self.invoke(what)
                .within(self.git().config().long_timeout)
                .env("GIT_DIR", &git_dir)
                .env("GIT_WORK_TREE", tree)
        };
        invoke("init").args(["init", "--quiet", "--template="]).text().await?;
        let remote = ["config", "remote.origin.url", history.remote.as_str()];
        invoke("config").args(remote).text().await?;
        let fetch = ["config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"];
        invoke("config").args(fetch).text().await?;

        let from = format!("file://{}", self.path(app).display());
        let mut fetch = invoke("fetch")
            // From nowhere else, and from here alone.
            .env("GIT_ALLOW_PROTOCOL", "file")
            // The commit may be a change that no branch has yet.
            .args(["fetch", "--quiet", "--no-write-fetch-head", "--no-recurse-submodules"])
            .arg("--upload-pack=git -c uploadpack.allowAnySHA1InWant=true upload-pack")
            .arg(if history.depth.is_none() || history.tags { "--tags" } else { "--no-tags" });
        if let Some(depth) = history.depth {
            fetch = fetch.arg(format!("--depth={}", depth.max(1)));
        }
        fetch = fetch.arg(from).arg(commit.as_str());
        if history.depth.is_none() {
            fetch = fetch.arg("+refs/heads/*:refs/remotes/origin/*");
        }
        fetch.text().await?;

        let branch = history.reference.strip_prefix("refs/heads/");
        match branch {
            Some(branch) => {
                let (local, remote) =
                    (history.reference.clone(), format!("refs/remotes/origin/{branch}"));
                for name in [local.as_str(), remote.as_str()] {
                    let update = ["update-ref", name, commit.as_str()];
                    invoke("update-ref").args(update).text().await?;
                }
                invoke("symbolic-ref").args(["symbolic-ref", "HEAD", &local]).text().await?;
            }
            None => {
                if history.reference.starts_with("refs/tags/") {
                    let update = ["update-ref", history.reference.as_str(), commit.as_str()];
                    invoke("update-ref").args(update).text().await?;
                }
                let detach = ["update-ref", "--no-deref", "HEAD", commit.as_str()];
                invoke("update-ref").args(detach).text().await?;
            }
        }
        // The index follows the commit, and the files are there already.
        invoke("reset").args(["reset", "--quiet", "--mixed"]).text().await?;
        Ok(())
    }
}

impl Repositories {
    /// What a branch or a tag stands for: its full name and its commit. Names of anything else are not looked at.
    pub async fn find_reference(
        &self,
        app: &AppName,
        name: &str,
    ) -> Result<Option<(String, CommitId)>, Error> {
        let is_full = name.starts_with("refs/heads/") || name.starts_with("refs/tags/");
        let candidates = match is_full {
            true => vec![name.to_owned()],
            false => vec![format!("refs/heads/{name}"), format!("refs/tags/{name}")],
        };
        for reference in candidates {
            // The name of a commit, and no expression that leads anywhere else.
            if reference.contains(['^', '~', ':', '@', ' ', '\\', '*', '?', '[']) {
                continue;
            }
            let arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options"];
            let found = self.invoke_in(app, "rev-parse").await?.args(arguments);
            let found = found.arg(format!("{reference}^{{commit}}")).output().await?;
            if found.status.success()
                && let Ok(commit) = String::from_utf8_lossy(&found.stdout).trim().parse()
            {
                return Ok(Some((reference, commit)));
            }
        }
        Ok(None)
    }
}
