//! The workflow files of a commit: found, read and checked, with every file that they lead to.
//!
//! All of it comes from that one commit: what was checked is what runs. Nothing is started here.
//!
//! What people wrote wrong is part of the answer, with its place. An error means that the repository could not be asked.

pub(crate) mod checks;
mod reading;

use types::{AppName, CommitId};
use workflow::language::{Event, Mistake, Refused, Workflow, matches};

use crate::{Control, Error};

/// Where workflow files are unless `solum.yaml` names another folder.
pub const WORKFLOW_FOLDER: &str = ".solum/workflows";
/// The longest `solum.yaml` that is read.
const MAX_MANIFEST_BYTES: u64 = 1 << 20;

/// What a commit says that is to happen.
#[derive(Debug)]
pub struct CommitWorkflows {
    /// Relative to the root, without slashes at its ends.
    pub folder: String,
    /// What else its `solum.yaml` says beforehand.
    pub outline: build::Outline,
    /// Of the commit's `solum.yaml`, which says where the folder is. With such a mistake no file is read.
    pub manifest_mistakes: Vec<Mistake>,
    /// Of the folder itself.
    pub folder_mistakes: Vec<Mistake>,
    /// In the order of their names.
    pub files: Vec<WorkflowFile>,
    /// Why some of them may be readable a while later: the mirror of actions could not be asked.
    pub mirror_trouble: Option<String>,
}

/// One file of the folder.
#[derive(Debug)]
pub struct WorkflowFile {
    /// Relative to the root: `.solum/workflows/deliver.yml`.
    pub path: String,
    pub reading: Result<Workflow, Refused>,
}

impl WorkflowFile {
    /// The path without its folders: `deliver.yml`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

impl CommitWorkflows {
    /// A line for each thing that is wrong with the workflows: `FILE:LINE:COLUMN: words`.
    #[must_use]
    pub fn mistakes(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.folder_mistakes.iter().map(ToString::to_string).collect();
        for file in &self.files {
            let Err(refused) = &file.reading else { continue };
            lines.extend(refused.mistakes.iter().map(ToString::to_string));
            if refused.more_mistakes > 0 {
                lines.push(format!("{}: and {} more", file.path, refused.more_mistakes));
            }
        }
        lines
    }

    /// A line for each thing that runs, and surely not as it was meant.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let of = |file: &WorkflowFile| match &file.reading {
            Ok(workflow) => workflow.warnings.iter().map(ToString::to_string).collect(),
            Err(refused) => refused.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        };
        self.files.iter().flat_map(of).collect()
    }

    /// Whether any file names the event under `on`, whatever its filters say: the built-in workflow for it is replaced then.
    #[must_use]
    pub fn replace(&self, event: &str) -> bool {
        let mut read = self.files.iter().filter_map(|file| file.reading.as_ref().ok());
        read.any(|workflow| workflow.triggers.get(event).is_some())
    }

    /// The workflows that the event starts.
    #[must_use]
    pub fn started_by(&self, event: &Event) -> Vec<&Workflow> {
        let read = self.files.iter().filter_map(|file| file.reading.as_ref().ok());
        read.filter(|workflow| matches(&workflow.triggers, event).runs).collect()
    }
}

impl Control {
    /// Reads the workflow files of a commit: those that end in `.yml` or `.yaml` and stand directly in the folder.
    pub async fn read_workflows(
        &self,
        app: &AppName,
        commit: &CommitId,
    ) -> Result<CommitWorkflows, Error> {
        let (outline, manifest_mistakes) = self.outline(app, commit).await?;
        let folder = outline.workflows.clone().unwrap_or_else(|| WORKFLOW_FOLDER.to_owned());
        let mut read = reading::Folder::default();
        if manifest_mistakes.is_empty() {
            let (repositories, actions) = (&self.inner.repositories, &self.inner.actions);
            read = reading::folder(repositories, actions, app, commit, &folder).await?;
            checks::check(self, Some(app), &mut read.files).await?;
        }
        let reading::Folder { mistakes: folder_mistakes, files, mirror_trouble } = read;
        Ok(CommitWorkflows {
            folder,
            outline,
            manifest_mistakes,
            folder_mistakes,
            files,
            mirror_trouble,
        })
    }

    pub(crate) async fn outline(
        &self,
        app: &AppName,
        commit: &CommitId,
    ) -> Result<(build::Outline, Vec<Mistake>), Error> {
        let name = build::MANIFEST_FILE;
        let repositories = &self.inner.repositories;
        let mistake = |message: String| vec![Mistake { file: name.to_owned(), at: None, message }];
        let file = match repositories.read_file(app, commit, name, MAX_MANIFEST_BYTES).await {
            Ok(None) => return Ok(Default::default()),
            Ok(Some(file)) => file,
            Err(source::Error::FileTooLarge { bytes, max_bytes, .. }) => {
                let words = format!("it is {bytes} bytes long; {max_bytes} are the most");
                return Ok((build::Outline::default(), mistake(words)));
            }
            Err(error) => return Err(error.into()),
        };
        let read = match String::from_utf8(file) {
            Ok(text) => build::outline(&text),
            Err(_) => Err(mistake("it is not text in UTF-8".to_owned())),
        };
        Ok(match read {
            Ok(outline) => (outline, Vec::new()),
            Err(mistakes) => (build::Outline::default(), mistakes),
        })
    }
}
