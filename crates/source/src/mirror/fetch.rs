//! Asking a mirror: what a reference is, and for a commit.

use std::path::Path;

use rustix::process::Resource;
use types::CommitId;

use super::{ActionRepository, Mirror, MirrorBase, MirrorError};
use crate::Error;
use crate::checkout::{Budget, CheckoutError, Part, links, outgrown};
use crate::git::{Invocation, Output};
use crate::repositories::blocking;

/// Where a fetched commit is, in a repository of its own.
const FETCHED: &str = "refs/solum/action";
/// The fewest digits that somebody may have meant as a commit.
const SHORT_COMMIT: usize = 7;

impl Mirror {
    /// The full name of a reference, and its commit. A tag goes before a branch of its name, as on GitHub:
    /// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_iduses>
    pub(super) async fn look_up(
        &self,
        repository: &ActionRepository,
        reference: &str,
    ) -> Result<(String, CommitId), MirrorError> {
        let full = ["refs/tags/", "refs/heads/"].iter().any(|it| reference.starts_with(it));
        let names = match full {
            true => vec![reference.to_owned()],
            false => vec![format!("refs/tags/{reference}"), format!("refs/heads/{reference}")],
        };
        // An annotated tag is listed a second time, as what it is about.
        let all: Vec<String> =
            names.iter().flat_map(|name| [format!("{name}^{{}}"), name.clone()]).collect();
        let said = self.ask(repository, &all).await?;
        let object = |wanted: &str| {
            let mut lines = said.lines().filter_map(|line| line.split_once('\t'));
            lines.find(|(_, name)| *name == wanted)?.0.parse::<CommitId>().ok()
        };
        for name in names {
            if let Some(commit) = object(&format!("{name}^{{}}")).or_else(|| object(&name)) {
                return Ok((name, commit));
            }
        }
        let is_short = reference.len() >= SHORT_COMMIT
            && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
        let hint = if is_short { "; a commit is written in full, with 40 digits" } else { "" };
        let (repository, reference) = (repository.clone(), reference.to_owned());
        Err(MirrorError::NoReference { repository, reference, hint })
    }

    /// Whether the mirror answers, and has the repository.
    pub(super) async fn look_for(&self, repository: &ActionRepository) -> Result<(), MirrorError> {
        self.ask(repository, &["HEAD".to_owned()]).await.map(drop)
    }

    async fn ask(
        &self,
        repository: &ActionRepository,
        names: &[String],
    ) -> Result<String, MirrorError> {
        if let Some(error) = self.resting() {
            return Err(error);
        }
        let base = self.base()?;
        if let MirrorBase::Directory(path) = base
            && !path.is_dir()
        {
            return Err(MirrorError::Unreachable("its directory is not there".to_owned()));
        }
        let from = base.address(repository);
        let after = self.inner.config.answer_timeout;
        let asked = self
            .git(base, "ls-remote")
            .within(after)
            .args(["ls-remote", "--quiet", "--", &from])
            .args(names)
            .output()
            .await;
        match asked {
            Ok(output) if output.status.success() => {
                Ok(String::from_utf8_lossy(&output.stdout).into_owned())
            }
            Ok(output) => Err(unanswered(repository, &from, &output)),
            Err(Error::GitTimedOut { .. }) => Err(MirrorError::Silent(after)),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts a commit onto the shelf, by its own name or that of a reference, which may be another by now.
    pub(super) async fn fetch(
        &self,
        repository: &ActionRepository,
        name: &str,
        wanted: &CommitId,
    ) -> Result<CommitId, MirrorError> {
        let (room, config) = (self.room(), &self.inner.config);
        if room.is_used_up() {
            return Err(MirrorError::Full { bytes: room.bytes, max_bytes: room.max_bytes });
        }
        if self.inner.repositories.room()? == 0 {
            return Err(MirrorError::DiskFull);
        }
        let work = async {
            let _place = self.inner.fetches.acquire().await;
            // Somebody else may have brought it meanwhile.
            if self.inner.shelf.take(repository, wanted)?.is_some() {
                return Ok(wanted.clone());
            }
            let shelf = std::sync::Arc::clone(&self.inner.shelf);
            let work = blocking(move || shelf.begin()).await?;
            let git_dir = work.path().join("git");
            let init = ["init", "--quiet", "--bare", "--template="];
            self.inner.repositories.invoke("init").args(init).arg(&git_dir).text().await?;
            let commit = self.fetch_into(&git_dir, repository, name, wanted).await?;
            self.lay_out(work.path(), repository, &commit).await?;
            let (shelf, repository) = (self.inner.shelf.clone(), repository.clone());
            blocking(move || shelf.put(work, &repository, &commit).map(|()| commit)).await
        };
        match tokio::time::timeout(config.fetch_timeout, work).await {
            Ok(fetched) => fetched,
            Err(_) => Err(MirrorError::Slow(repository.clone(), config.fetch_timeout)),
        }
    }

    /// As little as the mirror can hand over. Not every server does without history, and some give only what a
    /// reference points at.
    async fn fetch_into(
        &self,
        git_dir: &Path,
        repository: &ActionRepository,
        name: &str,
        wanted: &CommitId,
    ) -> Result<CommitId, MirrorError> {
        let base = self.base()?;
        let from = base.address(repository);
        let one = format!("+{name}:{FETCHED}");
        let all = ["+refs/heads/*:refs/remotes/mirror/*", "+refs/tags/*:refs/tags/*"];
        let mut attempts = vec![vec!["--depth=1", &from, &one], vec![&from, &one]];
        let by_itself = name == wanted.as_str();
        if by_itself {
            attempts.push(vec![&from, all[0], all[1]]);
        }
        let mut refused = None;
        for arguments in attempts {
            let output = self.get(base, git_dir).args(arguments).output().await;
            let output = output.map_err(|error| self.not_fetched(repository, error))?;
            let limit = self.inner.config.max_pack_bytes;
            if outgrown(git_dir, limit).map_err(Error::io("looking at a fetch", git_dir))? {
                return Err(MirrorError::TooLarge(repository.clone(), limit));
            }
            if output.status.success() {
                refused = None;
                break;
            }
            refused = Some(said(repository, &from, &output));
        }
        if let Some(said) = refused {
            return Err(MirrorError::Refused { repository: repository.clone(), said });
        }
        let object = if by_itself { wanted.as_str() } else { FETCHED };
        let found = self
            .inner
            .repositories
            .invoke("rev-parse")
            .env("GIT_DIR", git_dir)
            .args(["rev-parse", "--verify", "--quiet", "--end-of-options"])
            .arg(format!("{object}^{{commit}}"))
            .output()
            .await?;
        match String::from_utf8_lossy(&found.stdout).trim().parse() {
            Ok(commit) if found.status.success() => Ok(commit),
            _ if by_itself => {
                let (repository, commit) = (repository.clone(), wanted.clone());
                Err(MirrorError::NoCommit { repository, commit })
            }
            _ => {
                let said = format!("{name} is no commit");
                Err(MirrorError::Refused { repository: repository.clone(), said })
            }
        }
    }

    /// Without its submodules, which GitHub does not bring with an action either.
    async fn lay_out(
        &self,
        work: &Path,
        repository: &ActionRepository,
        commit: &CommitId,
    ) -> Result<(), MirrorError> {
        let tree = work.join("tree");
        let part = Part::whole(work.join("git"), commit.clone());
        let mut budget = Budget::new(self.inner.config.max_tree_bytes);
        let laid_out = async {
            std::fs::create_dir(&tree).map_err(Error::io("making a directory", &tree))?;
            let index = work.join("index");
            let listing =
                self.inner.repositories.materialise(&part, &tree, &index, &mut budget).await?;
            blocking(move || links::check(&tree, &listing.links)).await
        };
        laid_out.await.map_err(|problem| match problem {
            CheckoutError::Git(error) => error.into(),
            problem => {
                let problem = std::sync::Arc::new(problem);
                MirrorError::Files { repository: repository.clone(), problem }
            }
        })
    }

    fn base(&self) -> Result<&MirrorBase, MirrorError> {
        self.inner.config.base.as_ref().ok_or(MirrorError::NoMirror)
    }

    /// Git, which speaks to the mirror and to nothing else.
    fn git(&self, base: &MirrorBase, what: &'static str) -> Invocation {
        let repositories = &self.inner.repositories;
        let mut git = repositories.invoke(what).env("GIT_ALLOW_PROTOCOL", base.protocols());
        for (name, value) in &repositories.git().config().network_environment {
            git = git.env(name, value);
        }
        git.args(["-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=30"])
    }

    fn get(&self, base: &MirrorBase, git_dir: &Path) -> Invocation {
        let config = &self.inner.config;
        self.git(base, "fetch")
            .limit(Resource::Fsize, config.max_pack_bytes)
            .within(config.fetch_timeout)
            .env("GIT_DIR", git_dir)
            .args(["fetch", "--quiet", "--no-tags"])
            .args(["--no-auto-maintenance", "--no-write-fetch-head", "--no-recurse-submodules"])
            .arg("--")
    }

    fn not_fetched(&self, repository: &ActionRepository, error: Error) -> MirrorError {
        match error {
            Error::GitTimedOut { after, .. } => MirrorError::Slow(repository.clone(), after),
            error => error.into(),
        }
    }
}

/// Git has one exit status for all of this, and words.
fn unanswered(repository: &ActionRepository, from: &str, output: &Output) -> MirrorError {
    let no_repository = [
        "does not appear to be a git repository",
        "not found",
        // Some hosts ask for credentials rather than say that there is nothing.
        "could not read Username",
    ];
    if no_repository.iter().any(|words| output.stderr.contains(words)) {
        return MirrorError::NoRepository(repository.clone());
    }
    MirrorError::Unreachable(said(repository, from, output))
}

/// What git said, on one line, without the mirror's address: that is the administrator's.
fn said(repository: &ActionRepository, from: &str, output: &Output) -> String {
    let lines = output.stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let said = lines.collect::<Vec<_>>().join("; ");
    let said = said.replace(from, &repository.to_string());
    if said.is_empty() { format!("git ended with {}", output.status) } else { said }
}
