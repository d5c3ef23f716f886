//! A job's directories on the machine, and what of them its steps and actions mean by a path.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown};
use std::path::{Component, Path, PathBuf};

use deploy::boxes::Bind;

use super::beneath::{Beneath, Entry, Kind};
use super::environment::Places;

/// The most that one set of patterns may find.
pub const MOST_FILES: usize = 500_000;

/// Where a path of a job begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Root {
    Workspace,
    Home,
    Temp,
    Tools,
}

impl Root {
    pub const ALL: [Self; 4] = [Self::Workspace, Self::Home, Self::Temp, Self::Tools];

    /// Of the directory, below the job's.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Workspace => "source",
            Self::Home => "home",
            Self::Temp => "temp",
            Self::Tools => "tools",
        }
    }
}

/// A path that an action cannot have.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    #[error(
        "`{0}` lies outside of the job's directories; use a path in the workspace, in the home directory (~) or in $RUNNER_TEMP"
    )]
    Outside(String),
    #[error("`{0}` is no pattern: {1}")]
    Pattern(String, glob::PatternError),
    #[error("the patterns find more than {MOST_FILES} files")]
    TooMany,
    #[error("the job's directories cannot be read")]
    Io(#[from] io::Error),
}

/// The directories of one job.
#[derive(Debug, Clone)]
pub struct JobDirectory {
    path: PathBuf,
    owner: u32,
    places: Places,
}

impl JobDirectory {
    /// Makes what is missing of them, below a path of the server's own. `owner` is the app's user.
    pub fn make(path: PathBuf, owner: u32, places: Places) -> io::Result<Self> {
        make(&path, 0o711)?;
        for root in Root::ALL {
            let directory = path.join(root.name());
            make(&directory, 0o755)?;
            if rustix::process::geteuid().is_root() {
                chown(&directory, Some(owner), Some(owner))?;
            }
        }
        Ok(Self { path, owner, places })
    }

    /// Where the server puts together what goes to the job whole. No box sees it.
    #[must_use]
    pub fn staging(&self, name: &str) -> PathBuf {
        self.path.join(format!(".{name}-{:016x}", rand::random::<u64>()))
    }

    /// What the job's boxes see of it.
    #[must_use]
    pub fn binds(&self) -> Vec<Bind> {
        let bind = |root: Root| Bind {
            source: self.path.join(root.name()),
            target: self.place(root).into(),
            writable: true,
        };
        Root::ALL.into_iter().map(bind).collect()
    }

    #[must_use]
    pub fn owner(&self) -> u32 {
        self.owner
    }

    #[must_use]
    pub fn places(&self) -> &Places {
        &self.places
    }

    pub fn open(&self, root: Root) -> io::Result<Beneath> {
        Beneath::open(&self.path.join(root.name()), Some(self.owner))
    }

    fn place(&self, root: Root) -> &str {
        match root {
            Root::Workspace => &self.places.workspace,
            Root::Home => &self.places.home,
            Root::Temp => &self.places.temp,
            Root::Tools => &self.places.tools,
        }
    }

    /// What a path in the box means: `~`, absolute, or relative to the workspace.
    pub fn locate(&self, text: &str) -> Result<(Root, PathBuf), PathError> {
        let outside = || PathError::Outside(text.to_owned());
        let (root, rest) = if text == "~" || text.starts_with("~/") {
            (Root::Home, Path::new(text.trim_start_matches('~').trim_start_matches('/')))
        } else if text.starts_with('/') {
            let path = Path::new(text);
            let found = Root::ALL
                .into_iter()
                .find_map(|root| Some((root, path.strip_prefix(self.place(root)).ok()?)));
            found.ok_or_else(outside)?
        } else {
            (Root::Workspace, Path::new(text))
        };
        let mut plain = PathBuf::new();
        for component in rest.components() {
            match component {
                Component::Normal(name) => plain.push(name),
                Component::CurDir => {}
                Component::ParentDir if plain.pop() => {}
                _ => return Err(outside()),
            }
        }
        Ok((root, plain))
    }

    /// What a list of patterns finds, in order: a pattern with `!` takes out again what one before has found. What matches a
    /// directory finds all that is in it. No link is followed.
    pub fn find(&self, patterns: &[&str]) -> Result<Found, PathError> {
        let patterns: Vec<Pattern> =
            patterns.iter().map(|text| self.pattern(text)).collect::<Result<_, _>>()?;
        let mut found = Found::default();
        for root in Root::ALL {
            let own: Vec<&Pattern> = patterns.iter().filter(|it| it.root == root).collect();
            let mut entries = std::collections::BTreeMap::new();
            for pattern in own.iter().filter(|pattern| !pattern.negative) {
                found.bases.push((root, pattern.base.clone()));
                self.open(root)?.walk(&pattern.base, &mut |entry| {
                    if matches(&own, &entry.path) {
                        entries.insert(entry.path.clone(), entry.clone());
                    }
                    Ok(entries.len() <= MOST_FILES)
                })?;
                if entries.len() > MOST_FILES {
                    return Err(PathError::TooMany);
                }
            }
            found.entries.extend(entries.into_values().map(|entry| (root, entry)));
        }
        Ok(found)
    }

    fn pattern(&self, text: &str) -> Result<Pattern, PathError> {
        let (negative, text) = match text.strip_prefix('!') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, text),
        };
        let (root, path) = self.locate(text)?;
        let is_plain = |name: &&std::ffi::OsStr| !name.to_string_lossy().contains(['*', '?', '[']);
        let names: Vec<&std::ffi::OsStr> = path.iter().collect();
        let base: PathBuf = names.iter().copied().take_while(is_plain).collect();
        let glob = (base != path).then(|| glob::Pattern::new(&path.to_string_lossy())).transpose();
        let glob = glob.map_err(|error| PathError::Pattern(text.to_owned(), error))?;
        Ok(Pattern { negative, root, base, glob })
    }
}

/// What patterns have found.
#[derive(Debug, Default)]
pub struct Found {
    pub entries: Vec<(Root, Entry)>,
    /// Where each pattern that finds begins: its part without wildcards.
    pub bases: Vec<(Root, PathBuf)>,
}

impl Found {
    /// Of files and links: directories come with what is in them.
    #[must_use]
    pub fn files(&self) -> usize {
        self.entries.iter().filter(|(_, entry)| is_content(&entry.kind)).count()
    }
}

pub(super) fn is_content(kind: &Kind) -> bool {
    matches!(kind, Kind::File | Kind::Link(_))
}

struct Pattern {
    negative: bool,
    root: Root,
    base: PathBuf,
    glob: Option<glob::Pattern>,
}

impl Pattern {
    fn matches(&self, path: &Path) -> bool {
        let Some(glob) = &self.glob else { return path.starts_with(&self.base) };
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: false,
        };
        path.ancestors()
            .any(|path| !path.as_os_str().is_empty() && glob.matches_path_with(path, options))
    }
}

fn matches(patterns: &[&Pattern], path: &Path) -> bool {
    patterns.iter().rev().find(|pattern| pattern.matches(path)).is_some_and(|last| !last.negative)
}

fn make(path: &Path, mode: u32) -> io::Result<()> {
    match fs::DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    // Of the server's own, so nothing stands in the way; a job's own directory is no link that a job made.
    if fs::symlink_metadata(path)?.is_dir() {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    } else {
        Err(io::ErrorKind::NotADirectory.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> (tempfile::TempDir, JobDirectory) {
        let directory = tempfile::tempdir().unwrap();
        let job = JobDirectory::make(directory.path().join("job"), 23_457, Places::default());
        (directory, job.unwrap())
    }

    #[test]
    fn a_path_is_one_of_the_jobs_or_refused() {
        let (_directory, job) = job();
        for (text, root, path) in [
            ("a/./b/../c", Root::Workspace, "a/c"),
            ("~/.cargo", Root::Home, ".cargo"),
            ("~", Root::Home, ""),
            ("/work/temp/x", Root::Temp, "x"),
            ("/work/source", Root::Workspace, ""),
        ] {
            assert_eq!(job.locate(text).unwrap(), (root, PathBuf::from(path)), "{text}");
        }
        for text in ["../x", "a/../../x", "/etc/passwd", "~/../x", "~root/x/../../..", "/work"] {
            assert!(job.locate(text).is_err() || text.starts_with("~root"), "{text}");
        }
    }

    #[test]
    fn patterns_find_files_and_take_them_out_again() {
        let (_directory, job) = job();
        let workspace = job.open(Root::Workspace).unwrap();
        for path in ["a/one.txt", "a/two.log", "a/b/three.txt", "c/four.txt", "node_modules/x/y"] {
            workspace.write(Path::new(path), b"", 0o644).unwrap();
        }
        let find = |patterns: &[&str]| -> Vec<String> {
            let found = job.find(patterns).unwrap().entries.into_iter();
            let files = found.filter(|(_, entry)| entry.kind == Kind::File);
            files.map(|(_, entry)| entry.path.to_string_lossy().into_owned()).collect()
        };
        assert_eq!(find(&["a"]), ["a/b/three.txt", "a/one.txt", "a/two.log"]);
        assert_eq!(find(&["a/*.txt"]), ["a/one.txt"]);
        assert_eq!(find(&["**/*.txt"]), ["a/b/three.txt", "a/one.txt", "c/four.txt"]);
        assert_eq!(find(&["a", "!a/*.log", "!a/b"]), ["a/one.txt"]);
        assert_eq!(find(&["**/node_modules"]), ["node_modules/x/y"]);
        assert!(find(&["nothing/*"]).is_empty());
    }
}
