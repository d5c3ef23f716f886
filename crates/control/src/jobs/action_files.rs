//! Where the files of a step's action are: in the job's workspace, or beside it, out of the mirror.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deploy::boxes::Bind;
use workflow::language::Origin;

use crate::actions::beneath::Beneath;
use crate::actions::environment::Places;
use crate::actions::job::{JobDirectory, Root};
use crate::settings::Isolation;
use crate::steps::{Problem, Step};

/// Where a box has what comes out of the mirror, under `OWNER/REPO/COMMIT`.
const SHELF: &str = "/work/actions";

/// Of the action that a step is, or that it stands in.
#[derive(Debug, Clone)]
pub(super) struct ActionFiles {
    /// Relative to the root of the repository that has it.
    directory: String,
    /// Of another repository.
    mirrored: Option<Mirrored>,
}

#[derive(Debug, Clone)]
struct Mirrored {
    repository: String,
    reference: String,
    /// The repository's files, as the server and as the box has them.
    tree: PathBuf,
    seen: String,
}

impl ActionFiles {
    /// With `fetch` they are there afterwards, also where a step of long ago had used them last.
    pub(super) async fn of(step: &Arc<Step>, fetch: bool) -> Result<Option<Self>, Problem> {
        let Some((origin, directory)) = step.view().action_place() else { return Ok(None) };
        let mirrored = match origin {
            Origin::Run => None,
            Origin::Mirror { repository, reference, commit } => {
                let actions = &step.control.inner.actions;
                let missing = |why: String| {
                    let message = format!("{repository}@{reference} is not here any more: {why}");
                    Problem::failed("action_unavailable", message)
                };
                let tree = if fetch {
                    let kept = tokio::select! {
                        kept = actions.keep(repository, commit) => kept,
                        () = step.cancel.cancelled() => return Err(Problem::Cancelled),
                    };
                    kept.map_err(missing)?
                } else {
                    actions.tree(repository, commit).map_err(missing)?
                };
                let seen = match step.control.inner.settings.isolation {
                    Isolation::Boxed => format!("{SHELF}/{repository}/{commit}"),
                    Isolation::Bare => tree.to_string_lossy().into_owned(),
                };
                let (repository, reference) = (repository.clone(), reference.clone());
                Some(Mirrored { repository, reference, tree, seen })
            }
        };
        Ok(Some(Self { directory: directory.to_owned(), mirrored }))
    }

    /// The action's folder, in the box.
    pub(super) fn path(&self, places: &Places) -> String {
        let root = match &self.mirrored {
            Some(mirrored) => &mirrored.seen,
            None => &places.workspace,
        };
        match self.directory.as_str() {
            "" | "." => root.clone(),
            directory => format!("{root}/{directory}"),
        }
    }

    /// What the box has to see of it besides the job's directories. Nobody writes there: all runs share it.
    pub(super) fn bind(&self) -> Option<Bind> {
        let Mirrored { tree, seen, .. } = self.mirrored.as_ref()?;
        Some(Bind { source: tree.clone(), target: seen.into(), writable: false })
    }

    /// Of another repository: its name, and what was asked for.
    pub(super) fn repository(&self) -> Option<(&str, &str)> {
        let mirrored = self.mirrored.as_ref()?;
        Some((&mirrored.repository, &mirrored.reference))
    }

    /// Fails where the action does not have the script. Blocks.
    pub(super) fn check(&self, script: &str, job: &JobDirectory) -> Result<(), Problem> {
        let file = Path::new(&self.directory).join(script);
        let there = |root: io::Result<Beneath>| {
            root.and_then(|root| root.entry(&file)).map_err(super::launch::unwritten)
        };
        let Some(mirrored) = &self.mirrored else {
            if there(job.open(Root::Workspace))?.is_some() {
                return Ok(());
            }
            let message = format!("the workspace has no {}, which the action runs", file.display());
            return Err(Problem::failed("action_missing", message).hint(
                "an action of this repository is run from the workspace: use actions/checkout before it",
            ));
        };
        if there(Beneath::open(&mirrored.tree, None))?.is_some() {
            return Ok(());
        }
        let Mirrored { repository, reference, .. } = mirrored;
        let message =
            format!("{repository}@{reference} has no {}, which the action runs", file.display());
        Err(Problem::failed("action_missing", message).hint(
            "an action's repository has to hold what it runs, built: use a version that does",
        ))
    }
}
