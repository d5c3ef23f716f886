//! The files of the repository that the command was given in, by their paths from its root.
//!
//! A server may ask for more of them. It is given files of this tree and no others, wherever links lead.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use super::checkout::Checkout;
use super::failure::Failure;

/// The most that is sent of one file: what is longer is no workflow.
const MAX_BYTES: u64 = 256 << 10;
/// How often a server may ask for more.
const MAX_ROUNDS: usize = 32;
/// Where workflows are unless `solum.yaml` names another folder.
pub(crate) const WORKFLOW_FOLDER: &str = ".solum/workflows";

#[derive(Debug)]
pub(crate) struct Tree {
    /// As the system names it, without links.
    root: PathBuf,
}

/// By their paths from the root; none for a path without a file.
pub(crate) type Files = BTreeMap<String, Option<String>>;

impl Tree {
    /// The repository around the current directory; the directory itself where there is none.
    pub(crate) fn here() -> Result<Self, Failure> {
        let directory = std::env::current_dir()
            .map_err(|error| Failure::because("cannot tell which directory this is", &error))?;
        let root = Checkout::here().and_then(|checkout| checkout.root()).unwrap_or(directory);
        let root = fs::canonicalize(&root)
            .map_err(|error| Failure::because(format!("cannot open {}", root.display()), &error))?;
        Ok(Self { root })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The path of a file that a person named, from the root.
    pub(crate) fn path_of(&self, named: &Path) -> Result<String, Failure> {
        let whole = fs::canonicalize(named).map_err(|error| {
            Failure::because(format!("cannot open {}", named.display()), &error)
        })?;
        let Ok(inside) = whole.strip_prefix(&self.root) else {
            return Err(Failure::usage(format!(
                "{} is outside of {}",
                named.display(),
                self.root.display()
            ))
            .hint("go to the repository that it belongs to"));
        };
        let parts = inside.iter().map(|part| part.to_str());
        let parts: Option<Vec<&str>> = parts.collect();
        parts.map(|parts| parts.join("/")).ok_or_else(|| {
            Failure::failed(format!("the name of {} is not UTF-8 text", named.display()))
        })
    }

    /// The text of a file; none if there is no such file in the tree.
    pub(crate) fn read(&self, path: &str) -> Result<Option<String>, Failure> {
        let failed = |error: &io::Error| Failure::because(format!("cannot read {path}"), error);
        if !Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) {
            return Ok(None);
        }
        let whole = match fs::canonicalize(self.root.join(path)) {
            Ok(whole) if whole.starts_with(&self.root) && whole.is_file() => whole,
            Ok(_) => return Ok(None),
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(failed(&error)),
        };
        let file = fs::File::open(whole).map_err(|error| failed(&error))?;
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(Failure::failed(format!("{path} is larger than {} KiB", MAX_BYTES >> 10)));
        }
        let text = String::from_utf8(bytes);
        text.map(Some).map_err(|_| Failure::failed(format!("{path} is not UTF-8 text")))
    }

    /// Asks with these files, and again with those that the answer wants, until it wants no more.
    pub(crate) fn ask<T>(
        &self,
        first: &[&str],
        mut ask: impl FnMut(&Files) -> Result<(Vec<String>, T), Failure>,
    ) -> Result<T, Failure> {
        let mut files = Files::new();
        for path in first {
            files.insert((*path).to_owned(), self.read(path)?);
        }
        for _ in 0..MAX_ROUNDS {
            let (wanted, answer) = ask(&files)?;
            if wanted.is_empty() {
                return Ok(answer);
            }
            for path in wanted {
                let text = self.read(&path)?;
                files.insert(path, text);
            }
        }
        Err(Failure::failed("the server asks for files without an end"))
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_of_the_tree_is_given_away() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap().join("tree");
        fs::create_dir_all(root.join("folder")).unwrap();
        fs::write(root.join("w.yml"), "on: push").unwrap();
        fs::write(directory.path().join("secret"), "hunter2").unwrap();
        std::os::unix::fs::symlink("../secret", root.join("link")).unwrap();
        let tree = Tree { root: root.clone() };
        assert_eq!(tree.read("w.yml").unwrap().as_deref(), Some("on: push"));
        let secret = directory.path().join("secret");
        for path in [
            "../secret",
            "folder/../../secret",
            secret.to_str().unwrap(),
            "link",
            "folder",
            "none",
            "w.yml/x",
        ] {
            assert_eq!(tree.read(path).unwrap(), None, "{path}");
        }
        assert_eq!(tree.path_of(&root.join("folder/../w.yml")).unwrap(), "w.yml");
        assert!(matches!(tree.path_of(&secret), Err(Failure::Usage(_))));
    }

    #[test]
    fn a_file_that_is_too_large_or_no_text_is_not_sent() {
        let directory = tempfile::tempdir().unwrap();
        let tree = Tree { root: directory.path().canonicalize().unwrap() };
        fs::write(directory.path().join("large"), vec![b'x'; 257 << 10]).unwrap();
        fs::write(directory.path().join("binary"), [0xff, 0xfe]).unwrap();
        assert!(matches!(tree.read("large"), Err(Failure::Failed(_))));
        assert!(matches!(tree.read("binary"), Err(Failure::Failed(_))));
    }

    #[test]
    fn a_server_cannot_ask_without_an_end() {
        let directory = tempfile::tempdir().unwrap();
        let tree = Tree { root: directory.path().canonicalize().unwrap() };
        let mut asked = 0;
        let endless = tree.ask(&["a"], |_| {
            asked += 1;
            Ok((vec![format!("{asked}")], ()))
        });
        assert!(endless.is_err());
        assert_eq!(asked, MAX_ROUNDS);
        let answer = tree.ask(&["a"], |files| Ok((Vec::new(), files.len())));
        assert_eq!(answer.unwrap(), 1);
    }
}
