//! Where the steps of a job run: its directories, which they share, and the files through which each of them speaks.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use deploy::steps::StepKey;
use sha2::{Digest as _, Sha256};
use types::RunId;

use crate::Control;
use crate::actions::beneath::Beneath;
use crate::actions::env_files::EnvFile;
use crate::actions::environment::Places;
use crate::actions::job::{JobDirectory, Root};
use crate::settings::Isolation;

/// In the job's temporary directory.
const OURS: &str = "_solum";

/// The directories of a run's job, made where they are not there. They stay until the run has ended: what takes a step back
/// may need them. Blocks.
pub(super) fn job_directory(
    control: &Control,
    run: RunId,
    leg: &str,
    owner: u32,
) -> io::Result<JobDirectory> {
    let run = crate::steps::workspace_directory(control, run);
    let jobs = run.join("jobs");
    for directory in [&run, &jobs] {
        open_to_walk(directory)?;
    }
    let path = jobs.join(name(leg));
    let places = match control.inner.settings.isolation {
        Isolation::Boxed => Places::default(),
        Isolation::Bare => {
            let place = |root: Root| path.join(root.name()).to_string_lossy().into_owned();
            Places {
                workspace: place(Root::Workspace),
                home: place(Root::Home),
                temp: place(Root::Temp),
                tools: place(Root::Tools),
            }
        }
    };
    JobDirectory::make(path, owner, places)
}

/// In the directory of the run's jobs.
fn name(leg: &str) -> String {
    Sha256::digest(leg).iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

/// Removes the files of a step's attempt, whose result is recorded by now: what they say may be secret. Blocks.
pub(super) fn forget_files(control: &Control, key: &StepKey) -> io::Result<()> {
    let run = crate::steps::workspace_directory(control, key.run);
    let temp = run.join("jobs").join(name(&key.leg)).join(Root::Temp.name());
    match Beneath::open(&temp, None) {
        // With everything else of the run.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        temp => StepFiles::of(key).remove(&temp?),
    }
}

/// Without a box, the app's user walks through it to the job's own.
fn open_to_walk(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o711).create(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o711))
}

/// The files of one attempt of a step.
#[derive(Debug, Clone)]
pub(crate) struct StepFiles {
    name: String,
}

impl StepFiles {
    pub(super) fn of(key: &StepKey) -> Self {
        Self { name: key.file_name() }
    }

    /// In the job's temporary directory.
    pub(super) fn path(&self, file: EnvFile) -> PathBuf {
        let kind = match file {
            EnvFile::Output => "output",
            EnvFile::Env => "env",
            EnvFile::State => "state",
            EnvFile::Path => "path",
            EnvFile::Summary => "summary",
        };
        Path::new(OURS).join(format!("{}-{kind}", self.name))
    }

    pub(super) fn script(&self, suffix: &str) -> PathBuf {
        Path::new(OURS).join(format!("{}{suffix}", self.name))
    }

    pub(super) fn in_box(&self, places: &Places, file: EnvFile) -> String {
        format!("{}/{}", places.temp, self.path(file).display())
    }

    /// Makes them, empty. Blocks.
    pub(super) fn make(&self, job: &JobDirectory) -> io::Result<()> {
        let temp = job.open(Root::Temp)?;
        for file in EnvFile::ALL {
            temp.write(&self.path(file), b"", 0o644)?;
        }
        Ok(())
    }

    fn remove(&self, temp: &Beneath) -> io::Result<()> {
        let ours = Path::new(OURS);
        let mut mine = Vec::new();
        temp.walk(ours, &mut |entry| {
            let name = entry.path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with(&self.name) {
                mine.push(entry.path.clone());
            }
            Ok(entry.path == ours)
        })?;
        mine.iter().try_for_each(|path| temp.remove(path))
    }
}
