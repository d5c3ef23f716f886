//! Actions of other repositories, as those see them who read workflows and who carry out their steps.
//!
//! What a tag or a branch stands for is asked when workflows are read, and never again: from then on their runs name the
//! commit. `source::Mirror` fetches and keeps commits; here it is known which of them runs still need.
//!
//! A mirror that is away refuses what is read meanwhile, in words for people, and what depends on a whole reading (schedules,
//! events from outside) is told by [`Lookups::trouble`] that this passes.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use source::{ActionRepository, Mirror, MirrorError};
use store::Store;
use tokio::time::Instant;
use types::CommitId;
use workflow::language::Found;

use crate::Error;
use crate::error::chain;

/// What all actions of one reading may take together.
const PATIENCE: Duration = Duration::from_secs(180);
/// The longest file that describes an action, which is the language's own bound.
const MAX_FILE_BYTES: u64 = 256 << 10;
/// What was asked for more lately than this may belong to a run that is about to be recorded.
const YOUNG: Duration = Duration::from_secs(60 * 60);
/// What no run needs is kept for this long after it was last asked for.
const UNUSED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

#[derive(Debug, Clone)]
pub(crate) struct Actions {
    mirror: Mirror,
    store: Store,
}

impl Actions {
    pub(crate) fn new(mirror: Mirror, store: Store) -> Self {
        Self { mirror, store }
    }

    /// For one reading of workflows.
    pub(crate) fn lookups(&self) -> Lookups<'_> {
        let until = Instant::now() + PATIENCE;
        Lookups { actions: self, until, seen: BTreeMap::new(), trouble: None }
    }

    /// The files of a commit that a run names, there for as long as the run has not ended.
    pub(crate) async fn keep(&self, repository: &str, commit: &str) -> Result<PathBuf, String> {
        let (repository, commit) = parse(repository, commit)?;
        self.make_room().await.map_err(|error| chain(&error))?;
        self.mirror.keep(&repository, &commit).await.map_err(|error| chain(&error))
    }

    /// Where [`keep`](Self::keep) has them.
    pub(crate) fn tree(&self, repository: &str, commit: &str) -> Result<PathBuf, String> {
        let (repository, commit) = parse(repository, commit)?;
        Ok(self.mirror.tree(&repository, &commit))
    }

    /// Throws away what was not used for long, and what is too much.
    pub(crate) async fn sweep(&self) -> Result<(), Error> {
        self.mirror.sweep(YOUNG).await?;
        self.evict(self.mirror.room().max_bytes).await
    }

    /// Where nothing more could be fetched: for some commits at once, so that the next one does not come here again.
    async fn make_room(&self) -> Result<(), Error> {
        let room = self.mirror.room();
        if room.is_used_up() { self.evict(room.max_bytes / 4 * 3).await } else { Ok(()) }
    }

    async fn evict(&self, bytes: u64) -> Result<(), Error> {
        // Before it is asked what is needed: what becomes needed afterwards was used lately.
        if self.mirror.unused(YOUNG).await?.is_empty() {
            return Ok(());
        }
        let needed = self.store.mirrored_actions().await?;
        let needed: HashSet<_> = needed
            .iter()
            .filter_map(|(repository, commit)| parse(repository, commit).ok())
            .collect();
        let evicted = self.mirror.evict(needed, UNUSED, YOUNG, bytes).await?;
        if evicted.commits > 0 {
            tracing::info!(?evicted, "actions that no run needs were thrown away");
        }
        Ok(())
    }
}

fn parse(repository: &str, commit: &str) -> Result<(ActionRepository, CommitId), String> {
    let repository = repository.parse().map_err(|error: MirrorError| error.to_string())?;
    let commit = commit.parse().map_err(|error: types::InvalidCommitId| error.to_string())?;
    Ok((repository, commit))
}

/// What one reading has asked the mirror: a tag that moves meanwhile is the same commit in all of its files.
pub(crate) struct Lookups<'a> {
    actions: &'a Actions,
    until: Instant,
    seen: BTreeMap<(String, String), Result<(ActionRepository, CommitId), MirrorError>>,
    trouble: Option<String>,
}

impl Lookups<'_> {
    /// A file of `repository` at what `reference` is.
    pub(crate) async fn open(
        &mut self,
        repository: &str,
        reference: &str,
        path: &str,
    ) -> Result<Found, Error> {
        match self.look(repository, reference, path).await {
            Ok(found) => Ok(found),
            Err(MirrorError::Git(error)) => {
                if let source::Error::FileTooLarge { .. } = &*error {
                    return Ok(Found::Unavailable(error.to_string()));
                }
                Err(Error::Io {
                    doing: "keep an action",
                    source: std::io::Error::other(MirrorError::Git(error)),
                })
            }
            Err(error) => {
                let words = chain(&error);
                if error.is_passing() {
                    self.trouble.get_or_insert_with(|| words.clone());
                }
                Ok(Found::Unavailable(words))
            }
        }
    }

    /// Why something that was looked for may be there a while later.
    pub(crate) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    async fn look(
        &mut self,
        repository: &str,
        reference: &str,
        path: &str,
    ) -> Result<Found, MirrorError> {
        let (repository, commit) = self.resolve(repository, reference).await?;
        let mirror = &self.actions.mirror;
        let file = mirror.read_file(&repository, &commit, path, MAX_FILE_BYTES).await?;
        Ok(match file.map(String::from_utf8) {
            None => Found::Missing,
            Some(Ok(text)) => Found::File { text, commit: Some(commit.to_string()) },
            Some(Err(_)) => Found::Unavailable(format!("{path} is not text in UTF-8")),
        })
    }

    async fn resolve(
        &mut self,
        repository: &str,
        reference: &str,
    ) -> Result<(ActionRepository, CommitId), MirrorError> {
        let key = (repository.to_owned(), reference.to_owned());
        if let Some(seen) = self.seen.get(&key) {
            return seen.clone();
        }
        let resolve = async {
            let repository: ActionRepository = repository.parse()?;
            if let Err(error) = self.actions.make_room().await {
                tracing::warn!(error = %chain(&error), "no room was made for actions");
            }
            let commit = self.actions.mirror.resolve(&repository, reference).await?;
            Ok((repository, commit))
        };
        let resolved = match tokio::time::timeout_at(self.until, resolve).await {
            Ok(resolved) => resolved,
            Err(_) => Err(MirrorError::Silent(PATIENCE)),
        };
        self.seen.insert(key, resolved.clone());
        resolved
    }
}

#[cfg(test)]
mod tests;
