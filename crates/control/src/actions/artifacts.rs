//! `actions/upload-artifact` and `actions/download-artifact`: files that jobs of a run hand to each other, by name.
//!
//! Each artifact is an archive and a description of it, below a directory of its run. It appears by a rename once it is whole.
//! All of this blocks.

mod asked;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use types::{RunId, Timestamp};

use super::archive::{Packer, unpack};
use super::beneath::Beneath;
use super::inputs::InputError;
use super::job::{Found, JobDirectory, PathError, Root, is_content};
pub use asked::{Download, IfNoFiles, Upload, Which};

/// How long an artifact may be asked to be kept, in days.
pub const MOST_DAYS: u32 = 90;

/// The most artifacts of one run, as on GitHub.
pub const MOST_ARTIFACTS: usize = 500;

/// Where artifacts are kept.
#[derive(Debug)]
pub struct Artifacts {
    directory: PathBuf,
    /// What all artifacts of a run may take, packed; each of them unpacked, too.
    most_bytes: u64,
    writing: Mutex<()>,
}

/// What is known of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    pub name: String,
    pub files: u64,
    /// Unpacked.
    pub bytes: u64,
    /// In the store.
    pub packed_bytes: u64,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// The step that uploaded it, which may do so again: a server may have been killed before it knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uploaded_by: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    Path(#[from] PathError),
    #[error("no files were found under {0}")]
    NoFiles(String),
    #[error(
        "the run has an artifact `{0}` already; give this one another name (in a matrix, with `${{{{ matrix.… }}}}` in it), or set `overwrite: true`"
    )]
    Exists(String),
    #[error("the run has no artifact `{name}`; it has {}", known(.has))]
    Absent { name: String, has: Vec<String> },
    #[error("a run may have {MOST_ARTIFACTS} artifacts")]
    TooMany,
    #[error("the artifacts of a run may take {0} bytes")]
    TooLarge(u64),
    #[error("artifacts cannot be kept or read")]
    Io(#[from] io::Error),
}

fn known(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl Artifacts {
    pub fn new(directory: PathBuf, most_bytes: u64) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        Ok(Self { directory, most_bytes, writing: Mutex::new(()) })
    }

    /// Keeps what the patterns find; `None` when they find nothing and that is no error. `step` names the step in its run.
    pub fn upload(
        &self,
        run: RunId,
        upload: &Upload,
        step: &str,
        job: &JobDirectory,
        now: Timestamp,
    ) -> Result<Option<Artifact>, ArtifactError> {
        let patterns: Vec<&str> = upload.paths.iter().map(String::as_str).collect();
        let mut found = job.find(&patterns)?;
        if !upload.hidden {
            found.entries.retain(|(_, entry)| !is_hidden(&entry.path));
        }
        found.entries.retain(|(_, entry)| is_content(&entry.kind));
        if found.files() == 0 {
            return match upload.if_no_files {
                IfNoFiles::Error => Err(ArtifactError::NoFiles(upload.paths.join(", "))),
                IfNoFiles::Warn | IfNoFiles::Ignore => Ok(None),
            };
        }
        let run_directory = self.directory.join(run.to_string());
        fs::create_dir_all(&run_directory)?;
        let _writing = self.writing.lock();
        let others = self.list(run)?;
        let in_the_way = |other: &Artifact| {
            other.name == upload.name && other.uploaded_by.as_deref() != Some(step)
        };
        if others.iter().any(in_the_way) && !upload.overwrite {
            return Err(ArtifactError::Exists(upload.name.clone()));
        }
        if others.len() >= MOST_ARTIFACTS {
            return Err(ArtifactError::TooMany);
        }
        let unfinished = run_directory.join(format!(".unfinished-{:016x}", rand::random::<u64>()));
        let kept = self.keep(&unfinished, &found, job, upload, &others, now).and_then(|artifact| {
            let artifact = Artifact { uploaded_by: Some(step.to_owned()), ..artifact };
            fs::rename(&unfinished, archive(&run_directory, &upload.name))?;
            let text = serde_json::to_vec(&artifact).map_err(io::Error::from)?;
            fs::write(&unfinished, text)?;
            fs::rename(&unfinished, description(&run_directory, &upload.name))?;
            Ok(artifact)
        });
        if kept.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        kept.map(Some)
    }

    fn keep(
        &self,
        into: &Path,
        found: &Found,
        job: &JobDirectory,
        upload: &Upload,
        others: &[Artifact],
        now: Timestamp,
    ) -> Result<Artifact, ArtifactError> {
        let mut packer = Packer::new(File::create_new(into)?, self.most_bytes);
        let top = top(found);
        let roots = open_all(job)?;
        for (root, entry) in &found.entries {
            let name = match &top {
                Some(top) => entry.path.strip_prefix(top).unwrap_or(&entry.path).to_owned(),
                None => Path::new(root.name()).join(&entry.path),
            };
            packer.add(of(&roots, *root), entry, &name)?;
        }
        let packed = packer.finish()?;
        let packed_bytes = fs::metadata(into)?.len();
        let others = others.iter().filter(|other| other.name != upload.name);
        if others.map(|other| other.packed_bytes).sum::<u64>() + packed_bytes > self.most_bytes {
            return Err(ArtifactError::TooLarge(self.most_bytes));
        }
        let lapse = jiff::SignedDuration::from_hours(i64::from(upload.days) * 24);
        Ok(Artifact {
            name: upload.name.clone(),
            files: packed.files,
            bytes: packed.bytes,
            packed_bytes,
            created_at: now,
            expires_at: now.checked_add(lapse).unwrap_or(Timestamp::MAX),
            uploaded_by: None,
        })
    }

    /// Lays artifacts out in a job's directories, and says which.
    pub fn download(
        &self,
        run: RunId,
        download: &Download,
        job: &JobDirectory,
    ) -> Result<Vec<Artifact>, ArtifactError> {
        let all = self.list(run)?;
        let (wanted, several): (Vec<Artifact>, bool) = match &download.which {
            Which::Named(name) => match all.iter().find(|artifact| artifact.name == *name) {
                Some(artifact) => (vec![artifact.clone()], false),
                None => {
                    let has = all.into_iter().map(|artifact| artifact.name).collect();
                    return Err(ArtifactError::Absent { name: name.clone(), has });
                }
            },
            Which::Matching(pattern) => {
                let pattern = pattern.as_deref().and_then(|text| glob::Pattern::new(text).ok());
                let matches = |it: &Artifact| pattern.as_ref().is_none_or(|p| p.matches(&it.name));
                (all.into_iter().filter(matches).collect(), true)
            }
        };
        let (root, path) = job.locate(&download.path)?;
        let beneath = job.open(root)?;
        for artifact in &wanted {
            let into = match several && !download.merge {
                true => path.join(&artifact.name),
                false => path.clone(),
            };
            let file = File::open(archive(&self.directory.join(run.to_string()), &artifact.name))?;
            unpack(file, self.most_bytes, |name| Some((&beneath, into.join(name))))?;
        }
        Ok(wanted)
    }

    /// An artifact's archive, and how long it is.
    pub fn open(&self, run: RunId, name: &str) -> Result<(File, u64), ArtifactError> {
        let has: Vec<String> = self.list(run)?.into_iter().map(|it| it.name).collect();
        if !has.iter().any(|known| known == name) {
            return Err(ArtifactError::Absent { name: name.to_owned(), has });
        }
        let file = File::open(archive(&self.directory.join(run.to_string()), name))?;
        let length = file.metadata()?.len();
        Ok((file, length))
    }

    /// The artifacts of a run, by name.
    pub fn list(&self, run: RunId) -> io::Result<Vec<Artifact>> {
        let entries = match fs::read_dir(self.directory.join(run.to_string())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|it| it == "json") {
                all.extend(fs::read(&path).ok().and_then(|it| serde_json::from_slice(&it).ok()));
            }
        }
        all.sort_by(|one: &Artifact, other| one.name.cmp(&other.name));
        Ok(all)
    }

    /// SHA-256 of an artifact's archive, in hexadecimal.
    pub fn digest(&self, run: RunId, name: &str) -> io::Result<String> {
        let mut file = File::open(archive(&self.directory.join(run.to_string()), name))?;
        let mut hash = Sha256::new();
        io::copy(&mut file, &mut hash)?;
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The runs that have artifacts.
    pub fn runs(&self) -> io::Result<Vec<RunId>> {
        let entries = fs::read_dir(&self.directory)?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        Ok(names.filter_map(|name| name.parse().ok()).collect())
    }

    /// Removes what has expired. Absent is fine.
    pub fn expire(&self, run: RunId, now: Timestamp) -> io::Result<()> {
        let directory = self.directory.join(run.to_string());
        for artifact in self.list(run)?.into_iter().filter(|it| it.expires_at <= now) {
            fs::remove_file(description(&directory, &artifact.name))?;
            fs::remove_file(archive(&directory, &artifact.name))?;
        }
        Ok(())
    }

    /// Removes all artifacts of a run. Absent is fine.
    pub fn remove(&self, run: RunId) -> io::Result<()> {
        match fs::remove_dir_all(self.directory.join(run.to_string())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn archive(run: &Path, name: &str) -> PathBuf {
    run.join(format!("_{name}.tar.gz"))
}

fn description(run: &Path, name: &str) -> PathBuf {
    run.join(format!("_{name}.json"))
}

fn is_hidden(path: &Path) -> bool {
    path.iter().any(|name| name.to_string_lossy().starts_with('.'))
}

/// What all that was asked for has in common: names in an artifact begin below. A single file begins at itself. `None` where it
/// comes from several of the job's directories.
fn top(found: &Found) -> Option<PathBuf> {
    let (root, _) = found.bases.first()?;
    if found.bases.iter().any(|(other, _)| other != root) {
        return None;
    }
    let is_file = |base: &PathBuf| found.entries.iter().any(|(_, entry)| entry.path == *base);
    let mut bases = found.bases.iter().map(|(_, base)| match is_file(base) {
        true => base.parent().unwrap_or(Path::new("")).to_owned(),
        false => base.clone(),
    });
    let first = bases.next()?;
    let common = |one: PathBuf, other: PathBuf| -> PathBuf {
        one.iter().zip(other.iter()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
    };
    Some(bases.fold(first, common))
}

pub(super) fn open_all(job: &JobDirectory) -> io::Result<Vec<(Root, Beneath)>> {
    Root::ALL.into_iter().map(|root| Ok((root, job.open(root)?))).collect()
}

pub(super) fn of(roots: &[(Root, Beneath)], root: Root) -> &Beneath {
    let found = roots.iter().find(|(known, _)| *known == root);
    &found.expect("all of them were opened").1
}

#[cfg(test)]
mod tests;
