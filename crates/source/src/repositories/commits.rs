use std::path::Path;

use types::{AppName, CommitId, Timestamp};

use super::Repositories;
use crate::Error;
use crate::git::failed;

/// What a commit says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    pub author: String,
    pub author_email: String,
    /// The first paragraph of its message, on one line.
    pub subject: String,
    pub committed_at: Timestamp,
}

impl Repositories {
    /// Whether `descendant` is `ancestor` or comes after it.
    pub async fn is_ancestor(
        &self,
        app: &AppName,
        ancestor: &CommitId,
        descendant: &CommitId,
    ) -> Result<bool, Error> {
        if ancestor == descendant {
            return Ok(true);
        }
        let output = self
            .invoke_in(app, "merge-base")
            .await?
            .args(["merge-base", "--is-ancestor", ancestor.as_str(), descendant.as_str()])
            .output()
            .await?;
        match output.status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => {
                for commit in [ancestor, descendant] {
                    if !self.has_commit(app, commit).await? {
                        return Err(Error::NoCommit { app: app.clone(), commit: commit.clone() });
                    }
                }
                Err(failed("merge-base", &output))
            }
        }
    }

    /// The same of a push that waits in quarantine. What is not a commit is never a fast-forward.
    pub(crate) async fn is_fast_forward(
        &self,
        app: &AppName,
        old: &CommitId,
        new: &CommitId,
        quarantine: Option<&Path>,
    ) -> Result<bool, Error> {
        let mut invocation = self.invoke_in(app, "merge-base").await?;
        if let Some(quarantine) = quarantine {
            invocation = invocation
                .env("GIT_OBJECT_DIRECTORY", quarantine)
                .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", self.path(app).join("objects"))
                .env("GIT_QUARANTINE_PATH", quarantine);
        }
        let output = invocation
            .args(["merge-base", "--is-ancestor", old.as_str(), new.as_str()])
            .output()
            .await?;
        Ok(output.status.success())
    }

    pub async fn commit(&self, app: &AppName, commit: &CommitId) -> Result<CommitInfo, Error> {
        let output = self
            .invoke_in(app, "show")
            .await?
            .args(["log", "-1", "--no-show-signature", "--no-mailmap", "--encoding=UTF-8"])
            .args(["--format=%an%x00%ae%x00%ct%x00%s", commit.as_str()])
            .output()
            .await?;
        if !output.status.success() {
            return Err(if self.has_commit(app, commit).await? {
                failed("log", &output)
            } else {
                Error::NoCommit { app: app.clone(), commit: commit.clone() }
            });
        }
        read(&String::from_utf8_lossy(&output.stdout)).ok_or_else(|| failed("log", &output))
    }

    pub(crate) async fn has_commit(&self, app: &AppName, commit: &CommitId) -> Result<bool, Error> {
        let output = self
            .invoke_in(app, "cat-file")
            .await?
            .args(["cat-file", "-e", &format!("{commit}^{{commit}}")])
            .output()
            .await?;
        match output.status.code() {
            Some(0) => Ok(true),
            Some(1 | 128) => Ok(false),
            _ => Err(failed("cat-file", &output)),
        }
    }
}

fn read(text: &str) -> Option<CommitInfo> {
    let mut fields = text.trim_end_matches('\n').splitn(4, '\0');
    Some(CommitInfo {
        author: fields.next()?.to_owned(),
        author_email: fields.next()?.to_owned(),
        committed_at: Timestamp::from_second(fields.next()?.parse().ok()?).ok()?,
        subject: fields.next()?.chars().take(500).collect(),
    })
}
